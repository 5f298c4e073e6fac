/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/lift_limits.h"

#include "lib/macro.h"

/* The helper sets its own (inherited.c); these are what it takes to get there. */
static const struct {
	__rlimit_resource_t which;
	rlim_t needed;
} needs[] = {
	{RLIMIT_AS, RLIM_INFINITY}, {RLIMIT_DATA, RLIM_INFINITY},
	{RLIMIT_STACK, 1 << 20},    {RLIMIT_NOFILE, 1024},
	{RLIMIT_CPU, 60},
};
ASSERT_ROWS(needs, LIFTED_LIMITS);

static rlim_t larger(rlim_t a, rlim_t b)
{
	return a > b ? a : b; /* RLIM_INFINITY is the largest */
}

struct lifted_limits lift_limits(void)
{
	struct lifted_limits limits = {0};

	for (int i = 0; i < LIFTED_LIMITS; i++) {
		struct rlimit *before = &limits.before[i], raised;

		if (getrlimit(needs[i].which, before) < 0 || before->rlim_cur >= needs[i].needed)
			continue;
		raised.rlim_cur = needs[i].needed;
		raised.rlim_max = larger(before->rlim_max, needs[i].needed);
		limits.lifted[i] = setrlimit(needs[i].which, &raised) == 0;
	}
	return limits;
}

void lift_limits_undo(const struct lifted_limits *limits)
{
	for (int i = 0; i < LIFTED_LIMITS; i++)
		if (limits->lifted[i])
			setrlimit(needs[i].which, &limits->before[i]);
}
