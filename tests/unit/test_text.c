/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What scpolicyctl shows of text from outside: always UTF-8, never a terminal's command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ctl/text.h"
#include "lib/macro.h"

static void test_clean(void **state _unused_)
{
	static const struct {
		const char *text, *people, *programs;
	} cases[] = {
		{"", "", ""},
		{"Reader 00 00", "Reader 00 00", "Reader 00 00"},
		{"M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x94\x92", "M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x94\x92",
		 "M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x94\x92"},
		{"a\x1b[31mb\nc\x7f", "a?[31mb?c?", "a\x1b[31mb\nc\x7f"},
		{"C1: \xc2\x9b\xc2\x85.", "C1: ????.", "C1: \xc2\x9b\xc2\x85."},
		{"\xc2\xa0", "\xc2\xa0", "\xc2\xa0"},
		{"lone \xff \x80 end \xc3", "lone ? ? end ?", "lone ? ? end ?"},
		{"cut \xe2\x82", "cut ??", "cut ??"},
		{"overlong \xc0\x9b \xe0\x80\x9b \xf0\x80\x80\x9b", "overlong ?? ??? ????",
		 "overlong ?? ??? ????"},
		{"surrogate \xed\xa0\x80", "surrogate ???", "surrogate ???"},
		{"beyond \xf4\x90\x80\x80 \xf8\x88\x80\x80\x80", "beyond ???? ?????", "beyond ???? ?????"},
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		char people[64], programs[64];

		strcpy(people, cases[i].text);
		strcpy(programs, cases[i].text);
		assert_string_equal(text_clean(people, false), cases[i].people);
		assert_string_equal(text_clean(programs, true), cases[i].programs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_clean)};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
