/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <time.h>

/* Not 0: all clocks stand there, so that a replay is the same each time. */
extern uint64_t clock_frozen_ns;

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	if (__builtin_expect(clock_frozen_ns != 0, 0))
		return clock_frozen_ns;
	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* Added to all of them: 0 but in simulations, which let time pass at will; the second one to the time of day
 * alone. */
extern int64_t clock_skew_ns, clock_wall_ns;

static inline uint64_t mono_ns(void) /* since boot, without sleep */
{
	return clock_ns(CLOCK_MONOTONIC) + (uint64_t)clock_skew_ns;
}

static inline uint64_t boot_ms(void) /* since boot, with sleep: what set element timeouts run on */
{
	return (clock_ns(CLOCK_BOOTTIME) + (uint64_t)clock_skew_ns) / 1000000ull;
}

static inline double wall_s(void) /* since 1970 */
{
	return (double)(clock_ns(CLOCK_REALTIME) + (uint64_t)clock_skew_ns + (uint64_t)clock_wall_ns) / 1e9;
}
