// What Swift cannot import for looking at a machine and restoring files. No policy lives here.
#pragma once

#include <stdint.h>
#include <sys/types.h>

// O_PATH, which fcntl.h shows with _GNU_SOURCE only; the same on every architecture we build for.
#define REGEN_O_PATH 010000000

// A pipe that is closed on exec, whose reading end does not block. 0, or -1 with errno.
int regen_pipe(int *reading, int *writing);

// Starts a process that leads a process group of its own and does nothing but wait for our end, or
// that of *lifeline: then it kills its group. Why C: Swift has no fork(2), and the child must not
// run anything of ours. Returns its pid, or -1 with errno.
pid_t regen_warden(int *lifeline);

// prctl(2) is variadic. PR_SET_PDEATHSIG: SIGKILL when the thread that started us ends.
void regen_end_with_parent(void);

// openat2(2), without a wrapper in glibc, with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and
// RESOLVE_NO_MAGICLINKS.
int regen_open_beneath(int directory, const char *path, int flags, mode_t mode);

// openat2(2) from the root directory, with RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS.
int regen_open_without_links(const char *path, int flags);

// getdents64(2), once and for nothing but its waiting for the directory's lock.
int regen_settle(int directory);

// fchownat(2) with AT_EMPTY_PATH; declared under _GNU_SOURCE.
int regen_change_owner(int descriptor, uid_t owner, gid_t group);

// A TCP socket that listens.
struct regen_listener {
    uint32_t inode;
    uint32_t user;
};

// The sockets of this network namespace that listen at a port, of one family (AF_INET, AF_INET6), at
// most so many. Their number, or -1 with errno. By sock_diag(7): to read /proc/net/tcp, the kernel
// walks the table of all connections, which takes 10 ms however few there are.
int regen_listeners(int family, uint16_t port, struct regen_listener *found, int most);

// adjtimex(2), which only reads: how far the clock may be off, in microseconds. -1 with errno.
long regen_clock_error(void);
