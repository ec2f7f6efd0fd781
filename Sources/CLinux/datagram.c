#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "regen_socket.h"

int regen_datagram_listener(void) {
    int yes = 1;
    int raw = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (raw < 0) return -1;
    if (setsockopt(raw, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0) {
        close(raw);
        return -1;
    }
    return raw;
}

static void close_received(const struct cmsghdr *header) {
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int raw;
        memcpy(&raw, CMSG_DATA(header) + i * sizeof raw, sizeof raw);
        close(raw);
    }
}

long regen_receive_datagram(int socket, void *buffer, size_t size, int32_t *pid, uint32_t *uid) {
    // Room for the sender and for the descriptors that sd_notify(3) may pass with FDSTORE=1.
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(253 * sizeof(int))];
    } control;
    struct iovec vector = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    long count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0) return -1;
    *pid = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET) continue;
        if (header->cmsg_type == SCM_RIGHTS) close_received(header);
        if (header->cmsg_type == SCM_CREDENTIALS) {
            struct ucred sender;
            memcpy(&sender, CMSG_DATA(header), sizeof sender);
            *pid = sender.pid;
            *uid = sender.uid;
        }
    }
    if (message.msg_flags & MSG_TRUNC) {
        errno = EMSGSIZE;
        return -1;
    }
    return count;
}
