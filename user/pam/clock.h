/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
#include <stdint.h>
#include <time.h>

#include "lib/macro.h"

/* CLOCK_MONOTONIC, as the kernel stamps what a reader reports. */
static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/* In milliseconds, for deadlines. */
static inline int64_t clock_ms(void)
{
	return (int64_t)(clock_ns() / NSEC_PER_MSEC);
}
