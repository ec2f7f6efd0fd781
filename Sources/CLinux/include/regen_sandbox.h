// Gives up, for ever, what a process that talks to strangers does not need. No policy but the list
// of system calls lives here.
#pragma once

#include <stdint.h>

// The steps at which it can fail.
enum regen_sandbox_step {
    REGEN_SANDBOX_LIMITS = 1,
    REGEN_SANDBOX_DUMPABLE,
    REGEN_SANDBOX_CAPABILITIES,
    REGEN_SANDBOX_PRIVILEGES,
    REGEN_SANDBOX_FILTER,
};

// Limits memory and descriptors, forbids core dumps, ignores SIGPIPE, becomes undumpable, drops every
// capability, sets no_new_privs, and from then on lets through only the system calls of an
// unprivileged client, which opens no file for writing. Threads get a stack of stack_bytes. Returns
// 0, or a step with errno.
int regen_enter_sandbox(uint64_t memory_bytes, uint64_t descriptors, uint64_t stack_bytes);

