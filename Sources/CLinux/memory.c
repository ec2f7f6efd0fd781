#include "regen_linux.h"

#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int regen_memory_file(const char *name) {
    return memfd_create(name, MFD_ALLOW_SEALING);
}

int regen_seal(int file) {
    return fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

// Linux 5.18; before, locked pages are not dropped.
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

void regen_drop_pages(void *begin, size_t size) {
    if (madvise(begin, size, MADV_DONTNEED) < 0 && errno == EINVAL)
        madvise(begin, size, MADV_DONTNEED_LOCKED);
}

static int release_object(struct dl_phdr_info *object, size_t size, void *data) {
    (void)size;
    uintptr_t page = *(uintptr_t *)data;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        // What the loader relocates lies in writable segments, RELRO included (elf(5)).
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        regen_drop_pages((void *)begin, (end - begin + page - 1) & ~(page - 1));
    }
    return 0;
}

void regen_release_program(void) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(release_object, &page);
}

const void *regen_find(const void *bytes, size_t count, const void *part, size_t part_count) {
    return memmem(bytes, count, part, part_count);
}
