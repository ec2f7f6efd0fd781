#include "regen_linux.h"
