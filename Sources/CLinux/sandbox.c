#include "regen_linux.h"
#include "regen_sandbox.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the list of system calls is known for x86_64 and aarch64"
#endif

// What libcurl, OpenSSL, glibc's resolver and its threads need, with any arguments.
static const int allowed[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_close, SYS_lseek, SYS_fcntl,
    SYS_fstat, SYS_newfstatat, SYS_statx, SYS_faccessat, SYS_readlinkat, SYS_getdents64, SYS_getcwd,
    SYS_dup, SYS_dup3, SYS_pipe2, SYS_eventfd2, SYS_timerfd_create, SYS_timerfd_settime,
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_ppoll, SYS_pselect6,
    SYS_socketpair, SYS_connect, SYS_bind, SYS_getsockname, SYS_getpeername, SYS_setsockopt,
    SYS_getsockopt, SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg,
    SYS_recvmmsg, SYS_shutdown,
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk,
    SYS_futex, SYS_set_robust_list, SYS_set_tid_address, SYS_sched_yield, SYS_sched_getaffinity,
    SYS_membarrier, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack,
    SYS_restart_syscall, SYS_exit, SYS_exit_group,
    SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    SYS_getrandom, SYS_uname, SYS_sysinfo, SYS_getrusage,
#ifdef SYS_rseq
    SYS_rseq,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef SYS_epoll_pwait2
    SYS_epoll_pwait2,
#endif
#ifdef __x86_64__ // calls that aarch64 never had
    SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_poll, SYS_select, SYS_epoll_wait, SYS_time,
    SYS_dup2, SYS_getrlimit,
#endif
};

// What nobody asks for but an attacker. The process is killed.
static const int deadly[] = {
    SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns,
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid,
    SYS_setfsuid, SYS_setfsgid, SYS_setgroups, SYS_capset,
    SYS_keyctl, SYS_add_key, SYS_request_key, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
    SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_seccomp, SYS_personality, SYS_kcmp,
    SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_settimeofday,
    SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname, SYS_setdomainname,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_io_uring_setup
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
#endif
#ifdef SYS_pidfd_getfd
    SYS_pidfd_getfd,
#endif
#ifdef SYS_open_tree
    SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick,
#endif
#ifdef SYS_mount_setattr
    SYS_mount_setattr,
#endif
#ifdef __x86_64__
    SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
};

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
// Both machines are little-endian: the low half of an argument comes first.
#define LOAD_HIGH(n) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]) + 4)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define ERROR(code) (SECCOMP_RET_ERRNO | (code))
#define IF(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1)           // else skip one
#define IF_ELSE_SKIP(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n)
#define IF_ANY(bits) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1)
#define X32_BIT 0x40000000
#define NEW_NAMESPACES                                                                            \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS      \
     | CLONE_NEWCGROUP)

static int install_filter(void) {
    const struct sock_filter head[] = {
        LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCHITECTURE, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS), LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1), RETURN(SECCOMP_RET_KILL_PROCESS),
    };
    // What may be done with some arguments only. Everything else does not exist: glibc falls back
    // from clone3, whose flags no filter can see, to clone.
    const struct sock_filter tail[] = {
        IF_ELSE_SKIP(SYS_clone, 4),
        LOAD(args[0]), IF_ANY(NEW_NAMESPACES), RETURN(SECCOMP_RET_KILL_PROCESS),
        RETURN(SECCOMP_RET_ALLOW),

        IF_ELSE_SKIP(SYS_openat, 4),
        LOAD(args[2]), IF_ANY(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC), RETURN(ERROR(EACCES)),
        RETURN(SECCOMP_RET_ALLOW),

        IF_ELSE_SKIP(SYS_socket, 12),
        LOAD(args[0]), IF(AF_UNIX), RETURN(SECCOMP_RET_ALLOW), IF(AF_INET),
        RETURN(SECCOMP_RET_ALLOW), IF(AF_INET6), RETURN(SECCOMP_RET_ALLOW),
        IF_ELSE_SKIP(AF_NETLINK, 3), // getaddrinfo asks the kernel which addresses there are
        LOAD(args[2]), IF(0 /* NETLINK_ROUTE */), RETURN(SECCOMP_RET_ALLOW),
        RETURN(ERROR(EAFNOSUPPORT)),

        IF_ELSE_SKIP(SYS_ioctl, 6),
        LOAD(args[1]), IF(FIONREAD), RETURN(SECCOMP_RET_ALLOW), IF(FIONBIO),
        RETURN(SECCOMP_RET_ALLOW), RETURN(ERROR(ENOTTY)),

        IF_ELSE_SKIP(SYS_prctl, 4),
        LOAD(args[0]), IF(PR_SET_NAME), RETURN(SECCOMP_RET_ALLOW), RETURN(ERROR(EPERM)),

        IF_ELSE_SKIP(SYS_prlimit64, 6), // reading only
        LOAD(args[2]), IF_ELSE_SKIP(0, 3), LOAD_HIGH(2), IF(0), RETURN(SECCOMP_RET_ALLOW),
        RETURN(ERROR(EPERM)),

        IF_ELSE_SKIP(SYS_tgkill, 4), // abort(3)
        LOAD(args[0]), IF((uint32_t)getpid()), RETURN(SECCOMP_RET_ALLOW), RETURN(ERROR(EPERM)),

        RETURN(ERROR(ENOSYS)),
    };
    struct sock_filter filter[COUNT(head) + 2 * COUNT(allowed) + 2 * COUNT(deadly) + COUNT(tail)];
    size_t length = 0;
    for (size_t i = 0; i < COUNT(head); i++) filter[length++] = head[i];
    for (size_t i = 0; i < COUNT(allowed); i++) {
        filter[length++] = (struct sock_filter)IF((uint32_t)allowed[i]);
        filter[length++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    }
    for (size_t i = 0; i < COUNT(deadly); i++) {
        filter[length++] = (struct sock_filter)IF((uint32_t)deadly[i]);
        filter[length++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
    }
    for (size_t i = 0; i < COUNT(tail); i++) filter[length++] = tail[i];
    struct sock_fprog program = { (unsigned short)length, filter };
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

static int drop_capabilities(void) {
    // Only a process with CAP_SETPCAP can shrink its bounding set; the others gain nothing by it
    // any more once no_new_privs is set.
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
    memset(none, 0, sizeof none);
    return (int)syscall(SYS_capset, &header, none);
}

// At most `most`, and never more than the hard limit allows.
static int limit(int resource, uint64_t most) {
    uint64_t soft, hard;
    if (regen_getrlimit(resource, &soft, &hard) < 0) return -1;
    if (hard < most) most = hard;
    return regen_setrlimit(resource, most, most);
}

static int set_limits(uint64_t memory_bytes, uint64_t descriptors, uint64_t stack_bytes) {
    // An arena for each thread would take 64 MiB of address space each.
    mallopt(M_ARENA_MAX, 1);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    int error = pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    if (error) {
        errno = error;
        return -1;
    }
    return limit(RLIMIT_AS, memory_bytes) | limit(RLIMIT_NOFILE, descriptors)
        | limit(RLIMIT_CORE, 0);
}

int regen_enter_sandbox(uint64_t memory_bytes, uint64_t descriptors, uint64_t stack_bytes) {
    if (set_limits(memory_bytes, descriptors, stack_bytes)) return REGEN_SANDBOX_LIMITS;
    // A stranger that hangs up must not end us.
    signal(SIGPIPE, SIG_IGN);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) return REGEN_SANDBOX_DUMPABLE;
    if (drop_capabilities()) return REGEN_SANDBOX_CAPABILITIES;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return REGEN_SANDBOX_PRIVILEGES;
    return install_filter() ? REGEN_SANDBOX_FILTER : 0;
}
