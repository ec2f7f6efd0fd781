#include "regen_look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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

int regen_change_owner(int descriptor, uid_t owner, gid_t group) {
    return fchownat(descriptor, "", owner, group, AT_EMPTY_PATH);
}
