// The least code that could do the ledger's work, with the same calls of libcrypto.
//   floor append FILE GROUPS SIZE    groups of SIZE lines, each one write and one fdatasync
//   floor verify FILE THREADS        every line's SHA-256 against the next line's prev
// Prints records per second.
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static EVP_MD *sha256;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void digest_text(EVP_MD_CTX *context, const char *line, size_t size, char text[64]) {
    unsigned char digest[32];
    EVP_DigestInit_ex2(context, sha256, NULL);
    EVP_DigestUpdate(context, line, size);
    EVP_DigestFinal_ex(context, digest, NULL);
    for (int i = 0; i < 32; i++) {
        text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
}

static int append(const char *path, long groups, long size) {
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return perror(path), 1;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    char *buffer = malloc((size_t)size * 512), head[65];
    memset(head, '0', 64);
    head[64] = 0;
    long sequence = 0;
    double start = now();
    for (long group = 0; group < groups; group++) {
        size_t used = 0;
        for (long i = 0; i < size; i++) {
            struct timespec t, bt;
            clock_gettime(CLOCK_REALTIME, &t);
            clock_gettime(CLOCK_BOOTTIME, &bt);
            int length = sprintf(
                buffer + used,
                "{\"prev\":\"%s\",\"seq\":%ld,\"t\":\"%ld%09ld\",\"bt\":\"%ld%09ld\",\"boot\":"
                "\"0123456789abcdef0123456789abcdef\",\"ev\":\"process.exit\",\"service\":\"web\","
                "\"pid\":%ld,\"signal\":9,\"ran\":\"1234567890\",\"incident\":\"4f2a\"}\n",
                head, sequence, t.tv_sec, t.tv_nsec, bt.tv_sec, bt.tv_nsec, sequence);
            digest_text(context, buffer + used, (size_t)length, head);
            used += (size_t)length;
            sequence++;
        }
        if (write(file, buffer, used) != (ssize_t)used || fdatasync(file)) return perror(path), 1;
    }
    printf("%.0f\n", sequence / (now() - start));
    return 0;
}

struct part {
    const char *from, *to, *end; // lines that begin in from..<to, of a file that ends at end
    long records;
    int broken;
};

static void *verify_part(void *argument) {
    struct part *part = argument;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    char text[64];
    int has_text = 0;
    const char *line = part->from;
    while (line < part->end) {
        if (has_text && memcmp(line + 9, text, 64) != 0) part->broken = 1;
        if (line >= part->to) break;
        const char *feed = memchr(line, '\n', (size_t)(part->end - line));
        if (!feed) break;
        digest_text(context, line, (size_t)(feed + 1 - line), text);
        has_text = 1;
        part->records++;
        line = feed + 1;
    }
    EVP_MD_CTX_free(context);
    return NULL;
}

static int verify(const char *path, int threads) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) || threads < 1 || threads > 64) return perror(path), 1;
    double start = now();
    size_t size = (size_t)status.st_size;
    const char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (bytes == MAP_FAILED) return perror(path), 1;
    struct part parts[64];
    pthread_t ids[64];
    const char *from = bytes;
    for (int i = 0; i < threads; i++) {
        const char *to = bytes + size / (size_t)threads * (size_t)(i + 1);
        if (i == threads - 1) {
            to = bytes + size;
        } else {
            to = (const char *)memchr(to, '\n', (size_t)(bytes + size - to)) + 1;
        }
        parts[i] = (struct part){.from = from, .to = to, .end = bytes + size};
        from = to;
        pthread_create(&ids[i], NULL, verify_part, &parts[i]);
    }
    long records = 0;
    int broken = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        records += parts[i].records;
        broken |= parts[i].broken;
    }
    printf("%.0f\n", records / (now() - start));
    return broken;
}

int main(int count, char **arguments) {
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (count == 5 && strcmp(arguments[1], "append") == 0)
        return append(arguments[2], atol(arguments[3]), atol(arguments[4]));
    if (count == 4 && strcmp(arguments[1], "verify") == 0)
        return verify(arguments[2], atoi(arguments[3]));
    fputs("usage: floor append FILE GROUPS SIZE | floor verify FILE THREADS\n", stderr);
    return 2;
}
