/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings put through the core again: it says what it said. Those that say "Should:" at their head were written by hand,
 * each for a fault that the core had; the others come from (virtual) machines. To run from the top directory, as
 * scripts/check does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/macro.h"
#include "policy/replay.h"

#define RECORDINGS "tests/unit/recordings/*.trace"

static glob_t recordings;

/* Whoever listens hears of each event and of each verdict. */
struct heard {
	size_t events, verdicts;
};

static void hear_event(void *userdata, const struct event *event _unused_, const char *line)
{
	struct heard *heard = userdata;

	assert_true(line[0] != '=' && line[0] != '#');
	heard->events++;
}

static void hear_verdict(void *userdata, const struct verdict *verdict _unused_, const char *line)
{
	struct heard *heard = userdata;

	assert_true(line[0]);
	heard->verdicts++;
}

static int replay(FILE *recording, struct replay_result *ret)
{
	struct heard heard = {0};
	const struct replay_handler handler = {hear_event, hear_verdict, &heard};
	_cleanup_(replay_free_p) struct replay *replay = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int r = 0;

	assert_int_equal(replay_new(&handler, &replay), 0);
	while (r >= 0 && getline(&line, &size, recording) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		r = replay_line(replay, line);
	}
	if (r >= 0)
		r = replay_end(replay);
	*ret = *replay_result(replay);
	assert_int_equal(heard.events, ret->events);
	assert_int_equal(heard.verdicts, ret->verdicts);
	return r;
}

/* Recordings of earlier versions lack these, so that their absence is no difference. */
static bool may_be_left_out(const char *verdict)
{
	return strncmp(verdict, "dealt ", 6) == 0 || strncmp(verdict, "unguarded ", 10) == 0;
}

/* Whatever verdict is left out of a recording, or changed, is noticed, and the line named. */
static void check_changed(const char *path)
{
	_cleanup_fclose_ FILE *recording = fopen(path, "re");
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	unsigned verdicts = 0;

	assert_non_null(recording);
	assert_true(getdelim(&text, &size, '\0', recording) > 0);
	for (char *verdict = strstr(text, "\n= "); verdict; verdict = strstr(verdict + 1, "\n= ")) {
		_cleanup_fclose_ FILE *without = NULL, *otherwise = NULL;
		struct replay_result result;
		char first = verdict[3];

		verdict[1] = '#';
		without = fmemopen(text, strlen(text), "r");
		assert_non_null(without);
		assert_int_equal(replay(without, &result), may_be_left_out(verdict + 3) ? 0 : -EREMOTEIO);
		if (!may_be_left_out(verdict + 3))
			assert_ptr_equal(strstr(result.error, "line "), result.error);
		verdict[1] = '=';

		verdict[3] = '!';
		otherwise = fmemopen(text, strlen(text), "r");
		assert_non_null(otherwise);
		assert_int_equal(replay(otherwise, &result), -EREMOTEIO);
		verdict[3] = first;
		verdicts++;
	}
	assert_true(verdicts > 0);
}

static void test_recording(void **state)
{
	const char *path = *state;
	_cleanup_fclose_ FILE *recording = fopen(path, "re");
	struct replay_result result;

	assert_non_null(recording);
	if (replay(recording, &result) < 0)
		fail_msg("%s: %s", path, result.error);
	assert_true(result.events > 0);
	assert_true(result.verdicts > 0);
	check_changed(path);
}

/* A line that differs is named by its beginning, both what was recorded and what the core says now. */
static void test_long_lines(void **state _unused_)
{
	static const char unit[] = "0123456789012345678901234567890123456789012345678901234567890123456789"
				   "01234567890123456789@.service";
	_cleanup_fclose_ FILE *recording = NULL;
	struct replay_result result;
	char text[2048], expected[256];

	snprintf(text, sizeof(text),
		 "0ms startup device-add usb=1:5\n"
		 "1ms record record session=3 user=a name=R0 slot=0 usb=1:5 action=none unit=%s\n"
		 "= watch usb=1:5\n= arm 3\n2ms probe device-remove usb=1:5\n= removal 3 reader probe\n"
		 "= unit 4 %s\n",
		 unit, unit);
	recording = fmemopen(text, strlen(text), "r");
	assert_non_null(recording);
	assert_int_equal(replay(recording, &result), -EREMOTEIO);
	snprintf(expected, sizeof(expected), "line 7: recorded \"= unit 4 %.71s\", now \"= unit 3 %.71s\"",
		 unit, unit);
	assert_string_equal(result.error, expected);
}

int main(void)
{
	struct CMUnitTest tests[256] = {cmocka_unit_test(test_long_lines)};
	size_t count = 1;

	if (glob(RECORDINGS, 0, NULL, &recordings) != 0 || recordings.gl_pathc > ELEMENTS(tests) - 1) {
		fprintf(stderr, "no recordings, or too many: " RECORDINGS "\n");
		return 1;
	}
	for (size_t i = 0; i < recordings.gl_pathc; i++) {
		char *path = recordings.gl_pathv[i];

		tests[count++] =
			(struct CMUnitTest){.name = path, .test_func = test_recording, .initial_state = path};
	}
	return _cmocka_run_group_tests("replay", tests, count, NULL, NULL);
}
