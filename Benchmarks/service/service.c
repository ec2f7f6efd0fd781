// The service that the benchmark kills: `service FIFO INDEX`.
//
// Reads CLOCK_MONOTONIC as the first thing it does, writes one report to FIFO and sleeps until it
// is killed. It has no C library and no dynamic loader, so the time from kill(2) to that first
// reading is the supervisor's and the kernel's alone.
#include <asm/unistd.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

// harness/reports.py reads the same layout. Shorter than PIPE_BUF, so that writes never interleave.
struct report {
    uint64_t nanoseconds;
    uint32_t pid;
    uint32_t index;
};

static long call(long number, long a, long b, long c, long d) {
#if defined(__x86_64__)
    long result;
    register long fourth __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#else
#error "write this machine's system call instruction here"
#endif
}

static uint32_t decimal(const char *text) {
    uint32_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (uint32_t)(*text - '0');
    return value;
}

// `stack` is what the kernel leaves a new program: argc, then argv.
__attribute__((noreturn, used)) static void begin(long *stack) {
    struct timespec now;
    call(__NR_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0);
    char **argv = (char **)(stack + 1);
    if (stack[0] != 3) call(__NR_exit_group, 2, 0, 0, 0);

    struct report report = {
        .nanoseconds = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
        .pid = (uint32_t)call(__NR_getpid, 0, 0, 0, 0),
        .index = decimal(argv[2]),
    };
    long fifo = call(__NR_openat, AT_FDCWD, (long)argv[1], O_WRONLY | O_CLOEXEC, 0);
    if (fifo < 0) call(__NR_exit_group, 3, 0, 0, 0);
    if (call(__NR_write, fifo, (long)&report, sizeof report, 0) != sizeof report)
        call(__NR_exit_group, 4, 0, 0, 0);
    call(__NR_close, fifo, 0, 0, 0);
    for (;;) call(__NR_ppoll, 0, 0, 0, 0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n"
        "_start: xor %ebp, %ebp\n"
        "        mov %rsp, %rdi\n"
        "        and $-16, %rsp\n"
        "        call begin\n");
#else
__asm__(".globl _start\n"
        "_start: mov x29, #0\n"
        "        mov x0, sp\n"
        "        bl begin\n");
#endif
