/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of the daemon's start: each comes after those that it says must have been taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "daemon/setup.h"
#include "lib/macro.h"

static bool taken_before(const struct setup_step *step, const char *name)
{
	for (const struct setup_step *earlier = setup_steps; earlier != step; earlier++)
		if (strcmp(earlier->name, name) == 0)
			return true;
	return false;
}

static void test_each_step_follows_what_it_needs(void **state _unused_)
{
	for (const struct setup_step *step = setup_steps; step->name; step++)
		for (size_t i = 0; step->after[i]; i++)
			if (!taken_before(step, step->after[i]))
				fail_msg("\"%s\" is taken before \"%s\"", step->name, step->after[i]);
}

static void test_no_two_steps_have_one_name(void **state _unused_)
{
	for (const struct setup_step *step = setup_steps; step->name; step++)
		if (taken_before(step, step->name))
			fail_msg("two steps are \"%s\"", step->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_step_follows_what_it_needs),
		cmocka_unit_test(test_no_two_steps_have_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
