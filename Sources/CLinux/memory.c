#include "regen_linux.h"

#include <string.h>
#include <sys/mman.h>

int regen_memory_file(const char *name) {
    return memfd_create(name, MFD_ALLOW_SEALING);
}

int regen_seal(int file) {
    return fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

const void *regen_find(const void *bytes, size_t count, const void *part, size_t part_count) {
    return memmem(bytes, count, part, part_count);
}
