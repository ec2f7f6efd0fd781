#include "regen_linux.h"

#include <linux/sched.h>
#include <string.h>
#include <sys/syscall.h>

// clone3 and its flags are older than this file; close_range came with Linux 5.9.
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

struct frame {
    const struct regen_spawn_plan *what;
    int step;
    int error;
    int output_error;
    uint64_t ignored;
};

// Between clone and exec only raw system calls run: glibc's setresuid and setgroups would
// synchronise the threads of the daemon, whose memory this still is.
static void fail(struct frame *frame, int step) {
    frame->error = errno;
    frame->step = step;
    for (;;) syscall(SYS_exit_group, 127);
}

static int open_output(const char *path) {
    // O_NONBLOCK: a FIFO without a reader must not hang the daemon, which waits for us.
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
                  0640);
    if (fd >= 0) fcntl(fd, F_SETFL, O_APPEND);
    return fd;
}

static void set_output(struct frame *frame, int fd) {
    if (fd < 0) {
        frame->output_error = errno;
        fd = frame->what->null_fd;
    }
    if (dup2(fd, 1) < 0 || dup2(fd, 2) < 0) fail(frame, REGEN_STEP_OUTPUT);
    if (fd == 1) fcntl(1, F_SETFD, 0); // dup2 onto itself leaves O_CLOEXEC
}

static void keep_descriptors(struct frame *frame) {
    const struct regen_spawn_plan *what = frame->what;
    // It may be number 3 itself.
    int secret = what->secret_fd;
    if (secret >= 0 && (secret = fcntl(secret, F_DUPFD_CLOEXEC, 5)) < 0)
        fail(frame, REGEN_STEP_OUTPUT);
    if (what->keep_fd >= 0 && dup2(what->keep_fd, 3) < 0) fail(frame, REGEN_STEP_OUTPUT);
    if (secret >= 0 && dup2(secret, 4) < 0) fail(frame, REGEN_STEP_OUTPUT);
}

// What rt_sigaction(2) itself reads: glibc's sigaction refuses the signals that it keeps for its
// threads, but a parent may have left even those ignored.
struct disposition {
    void (*handler)(int);
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

// The signals that this process ignores, bit n - 1 for signal n. CLONE_CLEAR_SIGHAND resets handlers
// in the child, but not these. Found out once: a daemon sets its dispositions before it spawns.
static uint64_t ignored_signals(void) {
    static uint64_t ignored;
    static int is_known;
    if (!is_known) {
        for (int signal = 1; signal < 65; signal++) {
            struct disposition now;
            if (!syscall(SYS_rt_sigaction, signal, NULL, &now, sizeof now.mask)
                && now.handler == SIG_IGN)
                ignored |= (uint64_t)1 << (signal - 1);
        }
        is_known = 1;
    }
    return ignored;
}

static void reset_signals(uint64_t ignored) {
    struct disposition standard;
    memset(&standard, 0, sizeof standard); // SIG_DFL
    for (int signal = 1; ignored; signal++, ignored >>= 1)
        if (ignored & 1)
            syscall(SYS_rt_sigaction, signal, &standard, NULL, sizeof standard.mask);
    uint64_t none = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

static void set_oom_score(struct frame *frame, int score) {
    char text[8];
    int length = 0, rest = score < 0 ? -score : score, digits = 1;
    if (score < 0) text[length++] = '-';
    for (int power = rest; power >= 10; power /= 10) digits++;
    for (int i = digits - 1; i >= 0; i--, rest /= 10) text[length + i] = (char)('0' + rest % 10);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, length + digits) < 0) fail(frame, REGEN_STEP_OOM_SCORE);
    close(fd);
}

// Not the caller's real-time or idle class, nor its nice value, nor its class of input and output. What
// may not be had is kept: better run late than never.
static void schedule_as_usual(void) {
    struct { int priority; } none = { 0 };
    syscall(SYS_sched_setscheduler, 0, 0 /* SCHED_OTHER */, &none);
    syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, 0 /* IOPRIO_CLASS_NONE */);
    setpriority(PRIO_PROCESS, 0, 0);
}

static void become_user(struct frame *frame) {
    const struct regen_spawn_plan *what = frame->what;
    if (!what->has_user) return;
    if (syscall(SYS_setgroups, what->group_count, what->groups) < 0) fail(frame, REGEN_STEP_GROUPS);
    if (syscall(SYS_setresgid, what->gid, what->gid, what->gid) < 0) fail(frame, REGEN_STEP_GROUP);
    if (syscall(SYS_setresuid, what->uid, what->uid, what->uid) < 0) fail(frame, REGEN_STEP_USER);
}

static void execute(struct frame *frame) {
    const struct regen_spawn_plan *what = frame->what;
    int worst = ENOENT;
    for (char *const *path = what->candidates; *path; path++) {
        syscall(SYS_execve, *path, what->argv, what->envp);
        if (errno != ENOENT && errno != ENOTDIR) worst = errno;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
    }
    errno = worst;
    fail(frame, REGEN_STEP_EXECUTE);
}

__attribute__((noinline, noreturn)) static void child(struct frame *frame) {
    const struct regen_spawn_plan *what = frame->what;
    if (what->join_group ? syscall(SYS_setpgid, 0, what->join_group) < 0 : syscall(SYS_setsid) < 0)
        fail(frame, REGEN_STEP_SESSION);
    if (dup2(what->null_fd, 0) < 0) fail(frame, REGEN_STEP_OUTPUT);
    switch (what->output) {
    case REGEN_OUTPUT_INHERIT: break;
    case REGEN_OUTPUT_FILE: set_output(frame, open_output(what->output_path)); break;
    case REGEN_OUTPUT_DESCRIPTOR: set_output(frame, what->output_fd); break;
    default: set_output(frame, what->null_fd); break;
    }
    if (what->is_ordinary) schedule_as_usual();
    if (what->nice != INT_MIN && setpriority(PRIO_PROCESS, 0, what->nice) < 0)
        fail(frame, REGEN_STEP_NICE);
    if (what->oom_score != INT_MIN) set_oom_score(frame, what->oom_score);
    // From here on a low limit of open files, with the daemon's own still open, leaves no new number.
    for (int i = 0; i < what->limit_count; i++) {
        struct rlimit limit = { what->limits[i].soft, what->limits[i].hard };
        if (setrlimit(what->limits[i].resource, &limit) < 0) fail(frame, REGEN_STEP_LIMITS);
    }
    become_user(frame);
    if (what->umask >= 0) umask((mode_t)what->umask);
    if (what->output == REGEN_OUTPUT_USER_FILE) {
        close(1); // so that there is a number below any limit
        set_output(frame, open_output(what->output_path));
    }
    if (what->directory && chdir(what->directory) < 0) fail(frame, REGEN_STEP_DIRECTORY);
    keep_descriptors(frame);
    // Closed by exec and not before: as long as this may be taken for the daemon itself, it holds
    // the daemon's locks, and the next daemon waits. Linux before 5.11 cannot.
    unsigned first = 3 + (what->keep_fd >= 0) + (what->secret_fd >= 0);
    if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        syscall(SYS_close_range, first, ~0U, 0);
    reset_signals(frame->ignored);
    execute(frame);
    __builtin_unreachable();
}

// The system call stands inline: after a vfork the child must not return from the function that
// made it, or the parent would find its stack overwritten.
static inline __attribute__((always_inline)) long clone3_here(struct clone_args *args) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"((long)SYS_clone3), "D"(args), "S"(sizeof *args)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
    return x0;
#else
#error "clone3_here: write the system call for this architecture"
#endif
}

__attribute__((noinline)) int regen_spawn(
    const struct regen_spawn_plan *what, int *pidfd, int *step, int *output_error
) {
    struct frame frame = { .what = what, .ignored = ignored_signals() };
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    if (what->cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)what->cgroup_fd;
    }
    // No handler may run in the child while it still uses our memory.
    uint64_t all = ~(uint64_t)0, before;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
    // The child writes to the frame behind the compiler's back: let its address be known before.
    __asm__ volatile("" : : "r"(&frame) : "memory");
    long pid = clone3_here(&args);
    if (pid == 0) child(&frame);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);

    *output_error = frame.output_error;
    if (pid < 0) {
        *step = REGEN_STEP_CLONE;
        return (int)pid;
    }
    if (frame.step) {
        siginfo_t info;
        while (waitid(P_PIDFD, (id_t)*pidfd, &info, WEXITED) < 0 && errno == EINTR) {}
        close(*pidfd);
        *pidfd = -1;
        *step = frame.step;
        return -frame.error;
    }
    return (int)pid;
}
