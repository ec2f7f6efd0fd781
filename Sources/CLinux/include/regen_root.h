// What Swift cannot import for directories below another root. No policy lives here.
#pragma once

// openat2(2), without a wrapper in glibc, with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS.
int regen_open_in_root(int root, const char *path, int flags);

// flock(2) with LOCK_EX and LOCK_NB. Why C: in Swift the function hides behind the struct.
int regen_flock(int descriptor);
