// What Swift cannot import of sockets: declarations under _GNU_SOURCE. No policy lives here.
#pragma once

#include <stddef.h>
#include <stdint.h>

// accept4(2) with SOCK_CLOEXEC and SOCK_NONBLOCK.
int regen_accept(int listener);

// Who connected to, or made, the other end of a Unix socket: SO_PEERCRED fills a struct ucred.
int regen_peer(int socket, uint32_t *uid, uint32_t *gid, int32_t *pid);
// An unbound Unix datagram socket that tells who sent (SO_PASSCRED, unix(7)), or -1.
int regen_datagram_listener(void);

// The next datagram's length and its sender, whose pid is 0 where the kernel does not know it in our
// pid namespace; -1 and EAGAIN when there is none, EMSGSIZE when it had more than `size` bytes (it
// is gone then). Descriptors that came with it are closed.
long regen_receive_datagram(int socket, void *buffer, size_t size, int32_t *pid, uint32_t *uid);

