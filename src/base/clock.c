// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"

int64_t clock_skew_ns, clock_wall_ns;
uint64_t clock_frozen_ns;
