/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What scpolicyctl takes a word for, and how it says times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/words.h"
#include "lib/macro.h"

static void test_nearest(void **state _unused_)
{
	static const char *const words[] = {"status", "sessions", "readers", "replay", "reload"};
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{"status", "status"}, {"sesions", "sessions"},
		{"stauts", "status"}, {"rea", "readers"},
		{"relaod", "reload"}, {"", NULL},
		{"x", NULL},	      {"gpo", NULL},
		{"--help", NULL},     {"a-word-that-is-far-longer-than-any-verb-there-is", NULL},
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		const char *nearest = nearest_word(cases[i].word, words, ELEMENTS(words));

		if (cases[i].nearest)
			assert_string_equal(nearest, cases[i].nearest);
		else
			assert_null(nearest);
	}
}

static void test_times(void **state _unused_)
{
	static const struct {
		uint64_t usec;
		const char *span, *offset;
	} cases[] = {
		{0, "0 ms", "+0.0 ms"},
		{719, "0 ms", "+0.7 ms"},
		{350000, "350 ms", "+350.0 ms"},
		{20000000, "20 s", "+20.0 s"},
		{120000000, "2 min", "+120.0 s"},
		{125000000, "2 min 5 s", "+125.0 s"},
		{12000000000, "3 h 20 min", "+12000.0 s"},
		{187200000000, "2 d 4 h", "+187200.0 s"},
		{UINT64_MAX, "213503982 d 8 h", "+18446744073709.6 s"},
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		char span[SPAN_SIZE], offset[SPAN_SIZE];

		assert_string_equal(span_text(cases[i].usec, span), cases[i].span);
		assert_string_equal(offset_text(cases[i].usec, offset), cases[i].offset);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_nearest), cmocka_unit_test(test_times)};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
