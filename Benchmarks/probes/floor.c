// The least code that asks an HTTP server again and again: one libcurl handle, its connection kept.
// Usage: floor URL PROBES INTERVAL_MS ROUNDS. Each round asks PROBES times, evenly spread over the
// interval, and each answer is awaited. Ends when all rounds are over.
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static size_t drop(char *bytes, size_t size, size_t count, void *nothing) {
    (void)bytes, (void)nothing;
    return size * count;
}

static void sleep_until(struct timespec *instant, long nanoseconds) {
    instant->tv_nsec += nanoseconds;
    instant->tv_sec += instant->tv_nsec / 1000000000;
    instant->tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, instant, NULL);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    long probes = atol(argv[2]), pause = atol(argv[3]) * 1000000 / probes, rounds = atol(argv[4]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 1000L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    puts("ready");
    fflush(stdout);
    struct timespec instant;
    clock_gettime(CLOCK_MONOTONIC, &instant);
    for (long i = 0; i < probes * rounds; i++) {
        sleep_until(&instant, pause);
        long status = 0;
        if (curl_easy_perform(easy)) return 1;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) return 1;
    }
    puts("done");
    fflush(stdout);
    getchar(); // the harness reads how much processor time this took
    return 0;
}
