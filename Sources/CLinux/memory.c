#include <sys/mman.h>

#include "regen_linux.h"

int regen_memory_file(const char *name) {
    return memfd_create(name, MFD_ALLOW_SEALING);
}

int regen_seal(int file) {
    return fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}
