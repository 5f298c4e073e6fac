/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Limits of the program that loaded the module, pam_limits(8)'s for one, may be too low to start a helper in: its libraries
 * do not fit the address space, its pipes are descriptors too many. They are raised while it is started, which takes nothing
 * from the program, and are as before afterwards.
 */
#include <stdbool.h>
#include <sys/resource.h>

#define LIFTED_LIMITS 5

struct lifted_limits {
	bool lifted[LIFTED_LIMITS];
	struct rlimit before[LIFTED_LIMITS];
};

__attribute__((visibility("hidden"))) struct lifted_limits lift_limits(void);
__attribute__((visibility("hidden"))) void lift_limits_undo(const struct lifted_limits *limits);
