/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of causes, and every list of them elsewhere: what a new cause has to be added to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/macro.h"
#include "policy/cause.h"

static void join(char *buffer, size_t size, const char *separator, const char *last)
{
	size_t used = 0;

	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s",
					 cause == 0		    ? ""
					 : cause == CAUSE_COUNT - 1 ? last
								    : separator,
					 cause_name(cause));
}

static void test_lists(void **state _unused_)
{
	char list[256];

	join(list, sizeof(list), ", ", " and ");
	assert_string_equal(CAUSES_AND, list);
	join(list, sizeof(list), ", ", " or ");
	assert_string_equal(CAUSES_OR, list);
	join(list, sizeof(list), " ", " ");
	assert_string_equal(CAUSES_WORDS, list);
}

static void test_found_by_name(void **state _unused_)
{
	enum cause found;

	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
		const char *name = cause_name(cause);

		assert_true(cause_find(name, strlen(name), &found));
		assert_int_equal(found, cause);
		assert_false(cause_find(name, strlen(name) - 1, &found));
	}
}

/* The journal's line goes on after "Session 3: ", the desktop's notice stands alone. */
static void test_words(void **state _unused_)
{
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
		assert_in_range(cause_message(cause)[0], 'a', 'z');
		assert_in_range(cause_notice(cause)[0], 'A', 'Z');
	}
}

/* What others conclude from a cause. */
static void test_properties(void **state _unused_)
{
	static const struct {
		enum cause cause;
		bool removal, remote;
	} rows[] = {
		{CAUSE_CARD, true, false},	 {CAUSE_READER, true, false}, {CAUSE_ABSENT, true, false},
		{CAUSE_PCSC_LOST, false, false}, {CAUSE_CLIENT, false, true}, {CAUSE_NO_CARD, false, true},
	};
	ASSERT_ROWS(rows, CAUSE_COUNT);

	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		assert_int_equal(cause_is_removal(rows[i].cause), rows[i].removal);
		assert_int_equal(cause_is_remote(rows[i].cause), rows[i].remote);
	}
}

/* Each name is in the file, between `before` and `after`. */
static void assert_names(const char *path, const char *before, const char *after)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char text[65536], word[64];

	if (!file)
		fail_msg("%s: %m", path);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	assert_true(feof(file));
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
		snprintf(word, sizeof(word), "%s%s%s", before, cause_name(cause), after);
		if (!strstr(text, word))
			fail_msg("%s lacks %s", path, word);
	}
}

static void test_written_down(void **state _unused_)
{
	assert_names("user/man/scpolicyd.conf.5.scd", "_", "_");
	assert_names("user/data/scpolicyd.catalog", "\"", "\",");
}

/* What the completion of bash reads. */
static void test_help(void **state _unused_)
{
	char line[64];

	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
		snprintf(line, sizeof(line), "\n  %s: ", cause_name(cause));
		assert_non_null(strstr(CAUSES_HELP, line));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),	     cmocka_unit_test(test_found_by_name),
		cmocka_unit_test(test_written_down), cmocka_unit_test(test_help),
		cmocka_unit_test(test_words),	     cmocka_unit_test(test_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
