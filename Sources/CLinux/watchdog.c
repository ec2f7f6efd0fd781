#include "regen_watchdog.h"

#include <linux/watchdog.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

int regen_watchdog_support(int device, uint32_t *options, char identity[33]) {
    struct watchdog_info info = {0};
    _Static_assert(sizeof info.identity == 32, "the identity has room");
    if (ioctl(device, WDIOC_GETSUPPORT, &info) < 0) return -1;
    *options = info.options;
    memcpy(identity, info.identity, sizeof info.identity);
    identity[sizeof info.identity] = 0;
    return 0;
}

int regen_watchdog_enable(int device) {
    int flags = WDIOS_ENABLECARD;
    return ioctl(device, WDIOC_SETOPTIONS, &flags);
}

int regen_watchdog_set_timeout(int device, int *value) {
    return ioctl(device, WDIOC_SETTIMEOUT, value);
}

int regen_watchdog_set_pretimeout(int device, int *value) {
    return ioctl(device, WDIOC_SETPRETIMEOUT, value);
}

int regen_watchdog_timeout(int device, int *value) {
    return ioctl(device, WDIOC_GETTIMEOUT, value);
}

int regen_watchdog_pretimeout(int device, int *value) {
    return ioctl(device, WDIOC_GETPRETIMEOUT, value);
}

int regen_watchdog_boot_status(int device, int *value) {
    return ioctl(device, WDIOC_GETBOOTSTATUS, value);
}

unsigned regen_device_major(uint64_t device) { return major(device); }

unsigned regen_device_minor(uint64_t device) { return minor(device); }
