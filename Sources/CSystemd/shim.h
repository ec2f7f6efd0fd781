// No shims for sd-bus: each variadic call that we would need has a plain one beside it.
#pragma once
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-journal.h>

// Frees what sd-journal hands over to its caller. Here because only the room Linux imports the C library.
static inline void regen_journal_free(char *text) { free(text); }
