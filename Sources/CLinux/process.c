#include "regen_linux.h"

#include <linux/ioctl.h>
#include <malloc.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

int regen_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int regen_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

#define REGEN_PIDFD_SIGNAL_PROCESS_GROUP (1U << 2) // <linux/pidfd.h> of Linux 6.9

int regen_pidfd_signal_group(int pidfd, int signal) {
    return (int)syscall(
        SYS_pidfd_send_signal, pidfd, signal, NULL, REGEN_PIDFD_SIGNAL_PROCESS_GROUP);
}

// <linux/pidfd.h> of Linux 6.15; older headers lack it, and older kernels answer ENOTTY.
struct regen_pidfd_info {
    uint64_t mask, cgroupid;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
};
#define REGEN_PIDFD_GET_INFO _IOWR(0xFF, 11, struct regen_pidfd_info)
#define REGEN_PIDFD_INFO_EXIT (1UL << 3)

int regen_pidfd_exit_status(int pidfd, int *status) {
    struct regen_pidfd_info info;
    memset(&info, 0, sizeof info);
    info.mask = REGEN_PIDFD_INFO_EXIT;
    if (ioctl(pidfd, REGEN_PIDFD_GET_INFO, &info) < 0) return -1;
    if (!(info.mask & REGEN_PIDFD_INFO_EXIT)) {
        errno = EAGAIN;
        return -1;
    }
    *status = info.exit_code;
    return 0;
}

static int wait_by(idtype_t type, id_t id, int flags, pid_t *pid, int *code, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid(type, id, &info, WEXITED | flags) < 0) return -1;
    *pid = info.si_pid;
    *code = info.si_code;
    *status = info.si_status;
    return 0;
}

int regen_wait_pidfd(int pidfd, pid_t *pid, int *code, int *status) {
    return wait_by(P_PIDFD, (id_t)pidfd, WNOHANG, pid, code, status);
}

pid_t regen_ended_child(void) {
    pid_t pid;
    int code, status;
    return wait_by(P_ALL, 0, WNOHANG | WNOWAIT, &pid, &code, &status) < 0 ? 0 : pid;
}

void regen_reap(pid_t pid) {
    int code, status;
    (void)wait_by(P_PID, (id_t)pid, WNOHANG, &pid, &code, &status);
}

int regen_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

int regen_openat(int directory, const char *path, int flags, mode_t mode) {
    return openat(directory, path, flags, mode);
}

int regen_getrlimit(int resource, uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) return -1;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}

int regen_setrlimit(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit limit = { soft, hard };
    return setrlimit(resource, &limit);
}

int regen_limit_named(const char *name) {
    static const struct { const char *name; int resource; } limits[] = {
        { "as", RLIMIT_AS }, { "core", RLIMIT_CORE }, { "cpu", RLIMIT_CPU }, { "data", RLIMIT_DATA },
        { "fsize", RLIMIT_FSIZE }, { "locks", RLIMIT_LOCKS }, { "memlock", RLIMIT_MEMLOCK },
        { "msgqueue", RLIMIT_MSGQUEUE }, { "nice", RLIMIT_NICE }, { "nofile", RLIMIT_NOFILE },
        { "nproc", RLIMIT_NPROC }, { "rss", RLIMIT_RSS }, { "rtprio", RLIMIT_RTPRIO },
        { "rttime", RLIMIT_RTTIME }, { "sigpending", RLIMIT_SIGPENDING }, { "stack", RLIMIT_STACK },
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (!strcmp(limits[i].name, name)) return limits[i].resource;
    return -1;
}

int regen_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

void regen_return_large_blocks(void) { mallopt(M_MMAP_THRESHOLD, 128 << 10); }

void regen_trim_heap(void) { malloc_trim(0); }

const char *regen_signal_name(int signal) { return sigabbrev_np(signal); }
