// What Swift cannot import of watchdog devices: ioctl(2), which is variadic, and its numbers, which are
// made by macros. No policy lives here.
#pragma once

#include <stdint.h>

// WDIOC_GETSUPPORT: what the driver can do (WDIOF_*) and what it calls itself, ended by NUL.
int regen_watchdog_support(int device, uint32_t *options, char identity[33]);

// WDIOC_SETOPTIONS with WDIOS_ENABLECARD.
int regen_watchdog_enable(int device);

// WDIOC_SETTIMEOUT and WDIOC_SETPRETIMEOUT, in seconds; *value is then what the driver took.
int regen_watchdog_set_timeout(int device, int *value);
int regen_watchdog_set_pretimeout(int device, int *value);

// WDIOC_GETTIMEOUT and WDIOC_GETPRETIMEOUT, in seconds; WDIOC_GETBOOTSTATUS, WDIOF_*.
int regen_watchdog_timeout(int device, int *value);
int regen_watchdog_pretimeout(int device, int *value);
int regen_watchdog_boot_status(int device, int *value);

// makedev(3)'s other direction: macros in C.
unsigned regen_device_major(uint64_t device);
unsigned regen_device_minor(uint64_t device);
