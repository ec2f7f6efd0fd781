// What Swift cannot import of sockets: declarations under _GNU_SOURCE. No policy lives here.
#pragma once

#include <stdint.h>

// accept4(2) with SOCK_CLOEXEC and SOCK_NONBLOCK.
int regen_accept(int listener);

// Who connected to, or made, the other end of a Unix socket: SO_PEERCRED fills a struct ucred.
int regen_peer(int socket, uint32_t *uid, uint32_t *gid, int32_t *pid);
