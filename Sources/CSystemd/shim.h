// No shims: each variadic call of sd-bus that we would need has a plain one beside it.
#pragma once
#include <systemd/sd-bus.h>
