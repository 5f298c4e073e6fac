/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What policy says for one session. Times in nanoseconds. */
#include <stdint.h>

#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC  1000000000ULL

enum action {
	ACTION_NONE,
	ACTION_LOCK,
};

struct settings {
	enum action action;
	uint64_t confirm;      /* how long a second source may take to agree or to contradict */
	uint64_t lock_timeout; /* how long until LockedHint must show where the locker is known to set it */
};

#define SETTINGS_DEFAULT                                                                                     \
	{                                                                                                    \
		.action = ACTION_LOCK,                                                                       \
		.confirm = 500 * NSEC_PER_MSEC,                                                              \
		.lock_timeout = 3 * NSEC_PER_SEC,                                                            \
	}

/* "none", "lock", … as the configuration and SCPOLICY_ACTION= say them. */
const char *action_name(enum action action);
