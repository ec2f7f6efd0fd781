// What Swift cannot import from Linux's headers: variadic calls, macros with casts, new system calls.
// No policy lives here.
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <sys/types.h>

// accept4(2) with SOCK_CLOEXEC and SOCK_NONBLOCK: it is declared under _GNU_SOURCE only.
int regen_accept(int listener);

// Who connected to, or made, the other end of a Unix socket (SO_PEERCRED: struct ucred is GNU's).
int regen_peer(int socket, uint32_t *uid, uint32_t *gid, int32_t *pid);
