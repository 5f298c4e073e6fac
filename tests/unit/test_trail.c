/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an entry of the journal has: its words, its fields, and what is no entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <syslog.h>

#include "actions/trail.h"

static const struct login_record login = {.session = "3", .user = "anna", .card = {.name = "R0"}};
static const struct trail_times times;

static void test_unguarded(void **state _unused_)
{
	const struct verdict verdict = {
		.type = VERDICT_UNGUARDED, .login = &login, .detail = "no address of its reader is known"};
	struct trail_entry entry;

	assert_true(trail_verdict(&verdict, &times, &entry));
	assert_string_equal(entry.text[TRAIL_EVENT], "unguarded");
	assert_string_equal(entry.message_id, "9d2c61b7f0e34c58a7b3d16e82f4a905");
	assert_string_equal(entry.message,
			    "Session 3 of user anna is not guarded: no address of its reader is known");
	assert_int_equal(entry.priority, LOG_WARNING);
	assert_string_equal(entry.text[TRAIL_SESSION], "3");
	assert_string_equal(entry.text[TRAIL_READER], "R0");
	/* Nothing was removed. */
	assert_null(entry.text[TRAIL_CAUSE]);
	assert_null(entry.text[TRAIL_ACTION]);
	assert_int_equal(entry.numbers, 0);
}

/* What only prepares something is no entry; what is one says something. */
static void test_all(void **state _unused_)
{
	static const struct settings settings = SETTINGS_DEFAULT;

	for (enum verdict_type type = 0; type < VERDICT_TYPE_COUNT; type++) {
		const struct verdict verdict = {.type = type, .login = &login, .settings = &settings};
		struct trail_entry entry = {.message = ""};
		bool told = type >= VERDICT_REMOVAL;

		assert_int_equal(trail_verdict(&verdict, &times, &entry), told);
		assert_int_equal(entry.message[0] != '\0', told);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unguarded),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests_name("trail", tests, NULL, NULL);
}
