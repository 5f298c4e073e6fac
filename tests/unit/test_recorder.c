/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording that the daemon writes: whole, however many verdicts an event has, or ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/recorder.h"
#include "lib/cleanup.h"

static const struct event passed = {.type = EVENT_TIME, .source = SOURCE_DAEMON, .stamp = NSEC_PER_SEC};
static const struct login_record login = {.session = "3"};
static const struct verdict lock = {.type = VERDICT_ACT, .login = &login, .step = STEP_LOCK};

static void test_all_verdicts(void **state _unused_)
{
	enum { COUNT = 20000 };
	char path[] = "/tmp/scpolicyd-recording-XXXXXX", line[64];
	_cleanup_close_ int fd = mkstemp(path);
	_cleanup_fclose_ FILE *file = NULL;
	struct recorder *recorder;
	size_t verdicts = 0;

	assert_true(fd >= 0);
	assert_int_equal(recorder_new(path, &recorder), 0);
	recorder_event(recorder, &passed);
	for (size_t i = 0; i < COUNT; i++)
		recorder_verdict(recorder, &lock);
	recorder_event(recorder, &passed);
	recorder_event(recorder, &passed);
	recorder_free(recorder);

	file = fopen(path, "re");
	assert_non_null(file);
	for (size_t number = 0; fgets(line, sizeof(line), file); number++) {
		bool is_verdict = number >= 2 && number < COUNT + 2;

		assert_string_equal(line, is_verdict ? "= act 3 lock\n" : "1000000000ns daemon time\n");
		verdicts += is_verdict;
	}
	assert_int_equal(verdicts, COUNT);
	unlink(path);
}

/* It is over, with one line in the log: the daemon goes on, and keeps nothing. */
static void test_full(void **state _unused_)
{
	struct recorder *recorder;

	assert_int_equal(recorder_new("/dev/full", &recorder), 0);
	for (size_t i = 0; i < 3; i++) {
		recorder_verdict(recorder, &lock);
		recorder_event(recorder, &passed);
	}
	recorder_free(recorder);
	assert_int_equal(recorder_new("/nowhere/recording", &recorder), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_verdicts),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
