/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings put through the core while one allocation fails, each in turn. The event says so, the core is whole, and
 * the same event is taken in when it comes again: nobody is left unguarded, and nobody is acted on by mistake. Whoever
 * plays a recording, and whoever reads rules, says so too.
 * To run from the top directory, as scripts/check does.
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
#include "policy/live.h"
#include "policy/player.h"
#include "policy/replay.h"
#include "policy/rules.h"
#include "policy/trace.h"
#include "policy/world.h"

/* Counts down while it is set; the allocation that finds 1 fails. */
static unsigned until_failure;

static bool fails(void)
{
	return until_failure && --until_failure == 0;
}

/* The linker puts these before libc's own. */
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(old, count, size);
}

/* ---- a recording ---------------------------------------------------------------------------------------- */

#define EVENTS_MAX 256
#define CALLS_MAX  64 /* of at most 64 characters */

/* Events point into themselves, and the core borrows the settings: they stay where they are. */
static struct trace_event events[EVENTS_MAX];
static unsigned event_count;

static void read_events(FILE *recording)
{
	_cleanup_free_ char *line = NULL;
	struct trace_error error;
	size_t size = 0;

	assert_non_null(recording);
	event_count = 0;
	while (getline(&line, &size, recording) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!line[0] || line[0] == '#' || line[0] == '=')
			continue;
		assert_true(event_count < EVENTS_MAX);
		assert_int_equal(trace_parse(line, &events[event_count++], &error), 0);
	}
}

/* What was called for, one call a line. */
struct calls {
	char text[CALLS_MAX * 64];
	size_t used;
};

static void on_verdict(void *userdata, const struct verdict *verdict)
{
	struct calls *calls = userdata;
	char line[TRACE_LINE_MAX];

	if (verdict->type != VERDICT_ACT)
		return;
	calls->used += (size_t)snprintf(calls->text + calls->used, sizeof(calls->text) - calls->used, "%s\n",
					trace_format_verdict(verdict, line));
	assert_true(calls->used < sizeof(calls->text));
}

/* True: allocation `nth` of `failing` did fail. */
static bool play(unsigned failing, unsigned nth, struct calls *calls)
{
	struct world *world;
	bool failed = false;

	*calls = (struct calls){.used = 0};
	assert_int_equal(world_new(on_verdict, calls, &world), 0);
	for (unsigned i = 0; i < event_count; i++) {
		until_failure = i == failing ? nth : 0;
		if (world_event(world, &events[i].event) < 0) {
			assert_int_equal(i, failing);
			assert_int_equal(until_failure, 0);
			assert_null(world_check(world));
			failed = true;
			assert_int_equal(world_event(world, &events[i].event), 0);
		}
		failed |= i == failing && !until_failure;
		until_failure = 0;
		assert_null(world_check(world));
	}
	world_free(world);
	return failed;
}

static void check_recording(FILE *recording)
{
	struct calls all, some;
	unsigned failures = 0;

	read_events(recording);
	play(event_count, 0, &all);
	for (unsigned i = 0; i < event_count; i++) {
		for (unsigned nth = 1; play(i, nth, &some); nth++) {
			assert_string_equal(some.text, all.text);
			failures++;
		}
	}
	assert_true(failures > 0);
}

static void test_no_memory(void **state _unused_)
{
	glob_t recordings;

	assert_int_equal(glob("tests/unit/recordings/*.trace", 0, NULL, &recordings), 0);
	for (size_t i = 0; i < recordings.gl_pathc; i++) {
		_cleanup_fclose_ FILE *recording = fopen(recordings.gl_pathv[i], "re");

		print_message("%s\n", recordings.gl_pathv[i]);
		check_recording(recording);
	}
	globfree(&recordings);
}

/* PC/SC says where a reader is before the kernel does; a machine with many people. */
static void test_no_memory_for_many(void **state _unused_)
{
	char lines[8192] =
		"1ms pcsc pcsc-up\n1ms pcsc reader name=R0 slot=0 usb=1:5 card=present counter=1 atr=3B02\n"
		"1ms pcsc pcsc-listed\n";
	_cleanup_fclose_ FILE *recording = NULL;
	size_t used = strlen(lines);

	for (unsigned i = 0; i < 40; i++)
		used += (size_t)snprintf(
			lines + used, sizeof(lines) - used,
			"2ms record record session=%u user=a name=R0 slot=0 usb=1:5 card=present "
			"counter=1 atr=3B02 path=1-1 id=08e6:4433\n",
			i);
	used += (size_t)snprintf(lines + used, sizeof(lines) - used, "9s probe device-remove usb=1:5\n");
	assert_true(used < sizeof(lines));
	recording = fmemopen(lines, used, "r");
	check_recording(recording);
}

/* A session whose card is at its client, new or known. */
static void test_no_memory_for_a_client(void **state _unused_)
{
	static char lines[] =
		"1ms record record session=3 user=a source=ssh awaiting=yes name= slot=0 usb=0:0\n"
		"2ms record record session=4 user=a name=R0 slot=0 usb=1:5\n"
		"3ms record record session=4 user=a source=ssh awaiting=yes name= slot=0 usb=0:0\n";
	_cleanup_fclose_ FILE *recording = fmemopen(lines, strlen(lines), "r");

	check_recording(recording);
}

/* Keep=any: a token for which there is no memory is not kept: the removal of the one used last counts. */
static void test_no_memory_to_keep_a_token(void **state _unused_)
{
	static char lines[] =
		"1ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n"
		"1ms startup device-add usb=1:6 path=1-2 id=1050:0407\n1ms startup devices-listed\n1ms pcsc pcsc-up\n"
		"1ms pcsc reader name=R0 slot=0 usb=1:5 card=present counter=1 atr=3B02\n1ms pcsc pcsc-listed\n"
		"2ms record record session=3 user=a name=R0 slot=0 usb=1:5 card=present counter=1 atr=3B02 keep=yes\n"
		"3ms record record session=3 user=a name=Key slot=0 usb=1:6 usb-token=yes keep=yes\n"
		"6ms uevent device-remove usb=1:6\n";
	_cleanup_fclose_ FILE *recording = fmemopen(lines, strlen(lines), "r");
	struct calls calls = {.used = 0};
	struct world *world;

	read_events(recording);
	assert_int_equal(world_new(on_verdict, &calls, &world), 0);
	for (unsigned i = 0; i < event_count; i++) {
		assert_string_equal(calls.text, "");
		/* The key's record: all else that it needs is there. */
		until_failure =
			events[i].event.type == EVENT_RECORD && events[i].event.record.login->usb_token;
		assert_int_equal(world_event(world, &events[i].event), 0);
		assert_int_equal(until_failure, 0);
		assert_null(world_check(world));
	}
	assert_string_equal(calls.text, "act 3 lock\n");
	world_free(world);
}

static void test_no_world(void **state _unused_)
{
	struct world *world;

	until_failure = 1;
	assert_int_equal(world_new(on_verdict, NULL, &world), -ENOMEM);
	assert_null(world_free(NULL));
}

/* ---- around the core ------------------------------------------------------------------------------------ */

static int replay_again(FILE *recording)
{
	static const struct replay_handler nobody = {NULL, NULL, NULL};
	_cleanup_(replay_free_p) struct replay *replay = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int r = replay_new(&nobody, &replay);

	while (r == 0 && getline(&line, &size, recording) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		r = replay_line(replay, line);
	}
	return r;
}

static void ignore_line(void *userdata _unused_, const char *line _unused_)
{
}

static int play_live(FILE *recording)
{
	static const struct live_output output = {ignore_line, NULL};
	_cleanup_(live_free_p) struct live *live = NULL;
	_cleanup_free_ char *line = NULL;
	struct trace_error error;
	size_t size = 0;
	int r = live_new(&output, &live);

	while (r == 0 && getline(&line, &size, recording) >= 0)
		r = live_line(live, line, strcspn(line, "\n"), &error) ?: live_line(live, "?", 1, &error);
	return r;
}

/* A session's settings are kept for as long as the core may use them: new ones too. */
static int play_settings(FILE *recording _unused_)
{
	static const char *const lines[] = {
		"1ms record record session=3 user=a name=R0 slot=0 usb=1:5",
		"2ms record settings session=3 action=logout",
	};
	static const struct live_output output = {ignore_line, NULL};
	_cleanup_(live_free_p) struct live *live = NULL;
	struct trace_error error;
	int r = live_new(&output, &live);

	for (size_t i = 0; r == 0 && i < ELEMENTS(lines); i++)
		r = live_line(live, lines[i], strlen(lines[i]), &error);
	return r;
}

static int make_rules(FILE *recording _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = NULL;
	struct rule rule = {.name = "night"};
	int r = rules_new(&rules);

	if (r == 0)
		r = patterns_add(&rule.user, "anna");
	if (r == 0)
		r = rules_file(rules, "/etc/a.conf") ? 0 : -ENOMEM;
	if (r == 0)
		r = rules_put(rules, &rule);
	rule_clear(&rule);
	return r;
}

static void test_no_memory_around_the_core(void **state _unused_)
{
	static int (*const users[])(FILE *recording) = {replay_again, play_live, play_settings, make_rules};
	_cleanup_fclose_ FILE *recording = fopen("tests/unit/recordings/card-pulled.trace", "re");

	assert_non_null(recording);
	for (size_t i = 0; i < ELEMENTS(users); i++) {
		unsigned nth = 0;
		int r;

		do {
			rewind(recording);
			until_failure = ++nth;
			r = users[i](recording);
			assert_int_equal(r, until_failure ? 0 : -ENOMEM);
		} while (r < 0);
		until_failure = 0;
		assert_true(nth > 3);
	}
	assert_null(replay_free(NULL));
	assert_null(live_free(NULL));
	assert_null(player_free(NULL));
	assert_null(rules_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_memory_for_many),
		cmocka_unit_test(test_no_memory_for_a_client),
		cmocka_unit_test(test_no_memory_to_keep_a_token),
		cmocka_unit_test(test_no_world),
		cmocka_unit_test(test_no_memory_around_the_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
