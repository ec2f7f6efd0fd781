// What Swift cannot import from Linux's headers: variadic calls, macros with casts, system calls
// without a wrapper in glibc, and code that runs between clone and exec. No policy lives here.
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

// One resource limit of a child. Why: struct rlimit lacks the resource.
struct regen_limit {
    int resource;
    uint64_t soft, hard;
};

// Where a child's standard output and error go.
enum regen_output {
    REGEN_OUTPUT_NULL = 0,    // /dev/null
    REGEN_OUTPUT_INHERIT = 1, // the daemon's own
    REGEN_OUTPUT_FILE = 2,    // opened before the child becomes its user: a directory of our own
    REGEN_OUTPUT_USER_FILE = 3, // opened as the child's user: a path that a configuration names
    REGEN_OUTPUT_DESCRIPTOR = 4, // output_fd
};

// Everything that a child is given. Prepared long before it is needed, so that regen_spawn only
// makes system calls. Pointers stay the caller's.
struct regen_spawn_plan {
    char *const *candidates; // paths to try in order, NULL-terminated; the first that exists
    char *const *argv;
    char *const *envp;
    const char *directory; // NULL: the daemon's own
    const char *output_path;
    int output;    // enum regen_output
    int output_fd; // for REGEN_OUTPUT_DESCRIPTOR
    int null_fd;   // an open /dev/null
    int cgroup_fd; // a cgroup v2 directory to be born in, or -1
    int has_user;  // whether uid, gid and groups are set
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    int group_count;
    int umask; // -1: leave
    const struct regen_limit *limits;
    int limit_count;
    int nice;      // INT_MIN: leave
    int is_ordinary; // the scheduling of whoever logs in, as far as it may be had
    int oom_score; // INT_MIN: leave
    int keep_fd;   // a descriptor that the child gets as number 3, or -1
    int secret_fd; // with keep_fd: one that it gets as number 4, or -1
    int join_group; // a process group of our session to join; 0: a session of its own
};

// Where a spawn failed; the numbers are those of Supervision's SpawnFailure.Step.
enum regen_spawn_step {
    REGEN_STEP_CLONE = 1,
    REGEN_STEP_SESSION,
    REGEN_STEP_OUTPUT,
    REGEN_STEP_LIMITS,
    REGEN_STEP_NICE,
    REGEN_STEP_OOM_SCORE,
    REGEN_STEP_GROUPS,
    REGEN_STEP_GROUP,
    REGEN_STEP_USER,
    REGEN_STEP_DIRECTORY,
    REGEN_STEP_EXECUTE,
};

// Makes a process. Returns its pid and sets *pidfd; on failure returns -errno and sets *step.
// *output_error is the errno with which the output file could not be opened, when the child went
// on with /dev/null instead (a full disk keeps no service down); else 0.
//
// clone3 with CLONE_VM | CLONE_VFORK: the caller is suspended until the child has its own image, so
// errors come back through shared memory, and nothing is copied.
int regen_spawn(const struct regen_spawn_plan *what, int *pidfd, int *step, int *output_error);

// pidfd_open(2), without a wrapper in glibc 2.35 and before.
int regen_pidfd_open(pid_t pid);

// pidfd_send_signal(2), the same.
int regen_pidfd_send_signal(int pidfd, int signal);

// The same for the process group that the process leads or led (Linux 6.9; before, EINVAL).
int regen_pidfd_signal_group(int pidfd, int signal);

// PIDFD_GET_INFO (Linux 6.15): the wait status of a process that is not our child, once its parent
// has reaped it. Returns 0 and sets *status, or -1 with errno.
int regen_pidfd_exit_status(int pidfd, int *status);

// waitid(2) by pidfd; the idtype constant is an enum that Swift imports differently by glibc version.
// Returns 0 and fills pid, code (CLD_*) and status; pid 0 when nothing has ended. -1 with errno.
int regen_wait_pidfd(int pidfd, pid_t *pid, int *code, int *status);

// The pid of a child that has ended, which stays as it is; 0 when there is none.
pid_t regen_ended_child(void);

// Reaps the child if it has ended.
void regen_reap(pid_t pid);

// open(2) and openat(2) are variadic.
int regen_open(const char *path, int flags, mode_t mode);
int regen_openat(int directory, const char *path, int flags, mode_t mode);

// setrlimit(2) and getrlimit(2): glibc types the resource as an enum in C and Swift sees neither.
int regen_getrlimit(int resource, uint64_t *soft, uint64_t *hard);
int regen_setrlimit(int resource, uint64_t soft, uint64_t hard);

// The RLIMIT_* number of "nofile", "core", … or -1.
int regen_limit_named(const char *name);

// prctl(2) is variadic. PR_SET_CHILD_SUBREAPER: orphans of our services come to us.
int regen_become_subreaper(void);

// mallopt(3) with M_MMAP_THRESHOLD: large blocks stay mappings of their own, and what a storm needed
// goes back to the kernel when it is freed. Without it glibc raises the threshold by itself.
void regen_return_large_blocks(void);

// madvise(2) with MADV_DONTNEED for the read-only segments of the program and its libraries: they
// are mapped again from the page cache where they are still used.
void regen_release_program(void);

// madvise(2) with MADV_DONTNEED, or MADV_DONTNEED_LOCKED where the pages are locked. Whole pages.
void regen_drop_pages(void *begin, size_t size);

// malloc_trim(3): gives back what reading a configuration used.
void regen_trim_heap(void);

// sigabbrev_np(3) of glibc 2.32: "TERM", or NULL.
const char *regen_signal_name(int signal);
// memmem(3), which glibc shows with _GNU_SOURCE only.
const void *regen_find(const void *bytes, size_t count, const void *part, size_t part_count);

// memfd_create(2) with sealing allowed, kept over execve. glibc shows it with _GNU_SOURCE only.
int regen_memory_file(const char *name);

// F_ADD_SEALS with all seals: nobody changes the file any more. The same reason.
int regen_seal(int file);
// Open file description locks: the constants need _GNU_SOURCE, and fcntl is variadic.
// Locks the whole file for its open file description alone, without waiting. 0, or -1 with errno.
int regen_lock_file(int descriptor);

// 1 if another open file description holds a lock on the file, 0 if none does, -1 with errno.
int regen_file_is_locked(int descriptor);
