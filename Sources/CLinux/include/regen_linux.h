// What Swift cannot import from Linux's headers: variadic calls, macros with casts, new system calls.
// No policy lives here.
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <sys/types.h>
