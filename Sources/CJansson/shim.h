#pragma once
#include <jansson.h>

// json_decref is an inline function over atomic macros; the plain symbol is json_delete.
static inline void regen_json_decref(json_t *value) { json_decref(value); }
