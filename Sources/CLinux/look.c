#include "regen_look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

_Static_assert(REGEN_O_PATH == O_PATH, "regen_look.h has the number of O_PATH");

int regen_pipe(int *reading, int *writing) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    *reading = ends[0];
    *writing = ends[1];
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

__attribute__((noreturn)) static void guard(int lifeline) {
    setpgid(0, 0);
    if (dup2(lifeline, 0) == 0) {
        // No other descriptor stays open: a pipe would not end as long as we held it.
        syscall(SYS_close_range, 1, ~0U, 0);
        prctl(PR_SET_NAME, "regen-warden");
        char byte;
        while (read(0, &byte, 1) < 0 && errno == EINTR) {}
    }
    kill(0, SIGKILL);
    _exit(0);
}

pid_t regen_warden(int *lifeline) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    pid_t pid = fork();
    if (pid == 0) guard(ends[0]);
    int error = errno;
    close(ends[0]);
    if (pid < 0) {
        close(ends[1]);
        errno = error;
        return -1;
    }
    setpgid(pid, pid); // both do it: whoever comes first
    *lifeline = ends[1];
    return pid;
}

void regen_end_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

static int open_with(int directory, const char *path, int flags, mode_t mode, uint64_t resolve) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = (uint64_t)(flags | O_CLOEXEC);
    how.mode = flags & O_CREAT ? mode : 0;
    how.resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int regen_open_beneath(int directory, const char *path, int flags, mode_t mode) {
    return open_with(directory, path, flags, mode, RESOLVE_BENEATH);
}

int regen_open_without_links(const char *path, int flags) {
    return open_with(AT_FDCWD, path, flags, 0, 0);
}

int regen_settle(int directory) {
    uint64_t entries[128]; // room for at least one
    return (int)syscall(SYS_getdents64, directory, entries, sizeof entries);
}

int regen_change_owner(int descriptor, uid_t owner, gid_t group) {
    return fchownat(descriptor, "", owner, group, AT_EMPTY_PATH);
}

#define LISTEN_STATE 10 // TCP_LISTEN; netinet/tcp.h and linux/tcp.h exclude each other

// Asks for all that listen. The kernel has no filter by port without a byte code program.
static int ask_for_listeners(int netlink, int family) {
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
    } message;
    memset(&message, 0, sizeof message);
    message.header.nlmsg_len = sizeof message;
    message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message.request.sdiag_family = (uint8_t)family;
    message.request.sdiag_protocol = IPPROTO_TCP;
    message.request.idiag_states = 1U << LISTEN_STATE;
    return send(netlink, &message, sizeof message, 0) < 0 ? -1 : 0;
}

// Takes what one read gave. 1: that was all; 0: more follows; -1 with errno.
static int take_listeners(
    struct nlmsghdr *header, int length, uint16_t port, struct regen_listener *found, int most,
    int *count
) {
    for (; NLMSG_OK(header, (unsigned)length); header = NLMSG_NEXT(header, length)) {
        if (header->nlmsg_type == NLMSG_DONE) return 1;
        if (header->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *error = NLMSG_DATA(header);
            errno = error->error < 0 ? -error->error : EPROTO;
            return -1;
        }
        const struct inet_diag_msg *socket = NLMSG_DATA(header);
        if (header->nlmsg_len < NLMSG_LENGTH(sizeof *socket)) continue;
        if (ntohs(socket->id.idiag_sport) != port || *count >= most) continue;
        found[*count].inode = socket->idiag_inode;
        found[*count].user = socket->idiag_uid;
        ++*count;
    }
    return 0;
}

int regen_listeners(int family, uint16_t port, struct regen_listener *found, int most) {
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0) return -1;
    int count = 0;
    int done = ask_for_listeners(netlink, family);
    while (!done) {
        // As large as the kernel makes its messages, and aligned for them.
        struct nlmsghdr buffer[(32 << 10) / sizeof(struct nlmsghdr)];
        ssize_t length = recv(netlink, buffer, sizeof buffer, 0);
        if (length < 0 && errno == EINTR) continue;
        done = length <= 0 ? -1
                           : take_listeners(buffer, (int)length, port, found, most, &count);
    }
    int error = errno;
    close(netlink);
    errno = error;
    return done < 0 ? -1 : count;
}

long regen_clock_error(void) {
    struct timex now;
    memset(&now, 0, sizeof now);
    return adjtimex(&now) < 0 ? -1 : now.maxerror;
}
