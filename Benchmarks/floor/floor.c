// The floor: the least code that keeps COUNT children running on Linux.
//
//     floor COUNT SERVICE FIFO [DELAY]
//
// A pidfd per child in one epoll set; when one turns readable, waitid and posix_spawn. No
// configuration, no record, no back-off. DELAY, in microseconds before each restart, makes it
// slower on purpose: the harness's self-test needs a supervisor that misses the bars.
#define _GNU_SOURCE
#include <err.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { events_at_once = 128 };

extern char **environ;
static char *service, *fifo;

static void start(int poller, uint32_t index) {
    char number[16];
    snprintf(number, sizeof number, "%u", index);
    char *arguments[] = {service, fifo, number, NULL};
    pid_t child;
    int failure = posix_spawn(&child, service, NULL, NULL, arguments, environ);
    if (failure != 0) errx(1, "%s: %s", service, strerror(failure));
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    if (pidfd < 0) err(1, "pidfd_open");
    struct epoll_event event = {
        .events = EPOLLIN,
        .data.u64 = (uint64_t)index << 32 | (uint32_t)pidfd,
    };
    if (epoll_ctl(poller, EPOLL_CTL_ADD, pidfd, &event) < 0) err(1, "epoll_ctl");
}

// Closing takes the pidfd out of the epoll set, because no child holds a copy of it: posix_spawn
// returns only after its child has executed the service.
static void reap(int pidfd) {
    siginfo_t status;
    if (waitid(P_PIDFD, (id_t)pidfd, &status, WEXITED) < 0) err(1, "waitid");
    close(pidfd);
}

static void allow_many_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) err(1, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) err(1, "setrlimit");
}

int main(int argc, char **argv) {
    if (argc < 4) errx(2, "usage: floor COUNT SERVICE FIFO [DELAY]");
    uint32_t count = (uint32_t)strtoul(argv[1], NULL, 10);
    service = argv[2];
    fifo = argv[3];
    useconds_t delay = argc > 4 ? (useconds_t)strtoul(argv[4], NULL, 10) : 0;
    allow_many_descriptors();
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) err(1, "epoll_create1");
    for (uint32_t index = 0; index < count; index++) start(poller, index);

    struct epoll_event ready[events_at_once];
    for (;;) {
        int found = epoll_wait(poller, ready, events_at_once, -1);
        for (int i = 0; i < found; i++) {
            reap((int)(uint32_t)ready[i].data.u64);
            if (delay != 0) usleep(delay);
            start(poller, (uint32_t)(ready[i].data.u64 >> 32));
        }
    }
}
