/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The language of recordings: what is read, what is refused and where, what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "policy/trace.h"

static void parse(const char *line, struct trace_event *ret)
{
	struct trace_error error = {0};

	if (trace_parse(line, ret, &error) < 0)
		fail_msg("%s: column %u: %s", line, error.column, error.text);
}

/* ---- what is refused ------------------------------------------------------------------------------------- */

static void assert_refused(const char *line, size_t size, unsigned column, const char *text)
{
	struct trace_error error = {0};
	struct trace_event event;

	if (trace_parse_bytes(line, size, &event, &error) == 0)
		fail_msg("taken: %s", line);
	if (error.column != column || strcmp(error.text, text) != 0)
		fail_msg("%s: column %u: %s; expected %u: %s", line, error.column, error.text, column, text);
}

/* What a cause's settings leave out is not taken from those that are written for every cause. */
static void test_settings_of_a_cause(void **state _unused_)
{
	static const char line[] =
		"1ms record settings session=3 rule=one action=none bind=none grace=1s unit=a@.service reader.rule= "
		"reader.unit= reader.bind=first reader.grace=20s client.then=logout no-card.unit=b@.service";
	char again[TRACE_LINE_MAX], third[TRACE_LINE_MAX];
	struct trace_error error = {0};
	struct trace_event event;

	assert_int_equal(trace_parse(line, &event, &error), 0);
	trace_format(&event.event, again);
	assert_int_equal(trace_parse(again, &event, &error), 0);
	assert_string_equal(trace_format(&event.event, third), again);
	assert_string_equal(event.settings[CAUSE_CARD].unit, "a@.service");
	assert_string_equal(event.settings[CAUSE_READER].rule, "");
	assert_string_equal(event.settings[CAUSE_READER].unit, "");
	assert_true(event.settings[CAUSE_READER].bind_first);
	assert_int_equal(event.settings[CAUSE_READER].grace, 20 * NSEC_PER_SEC);
	assert_int_equal(event.settings[CAUSE_ABSENT].grace, NSEC_PER_SEC);
	assert_int_equal(event.settings[CAUSE_CLIENT].then, ACTION_LOGOUT);
	assert_string_equal(event.settings[CAUSE_NO_CARD].unit, "b@.service");
}

static void test_errors(void **state _unused_)
{
	static const struct {
		const char *line;
		unsigned column;
		const char *text;
	} bad[] = {
		{"", 1, "not a stamp"},
		{"   ", 4, "not a stamp"},
		{"10 probe time", 1, "not a stamp: 10"},
		{"  10 probe time", 3, "not a stamp: 10"},
		{"-1ms probe time", 1, "not a stamp: -1ms"},
		{"ms probe time", 1, "not a stamp: ms"},
		{"1.5ms probe time", 1, "not a stamp: 1.5ms"},
		{"1min probe time", 1, "not a stamp: 1min"},
		{"18446744073709551616ns probe time", 1, "not a stamp: 18446744073709551616ns"},
		{"18446744073709551615us probe time", 1, "not a stamp: 18446744073709551615us"},
		{"? ", 1, "not a stamp: ?"},
		{"\xff\xfe", 1, "not a stamp: \xff\xfe"},
		{"10ms", 5, "unknown source"},
		{"10ms  ", 7, "unknown source"},
		{"10ms nobody time", 6, "unknown source: nobody"},
		{"10ms\tnobody time", 6, "unknown source: nobody"},
		{"10ms probe", 11, "unknown event"},
		{"10ms probe nothing", 12, "unknown event: nothing"},
		{"10ms probe time\r", 12, "unknown event: time\r"},
		{"10ms probe device-remove usb", 26, "not KEY=VALUE: usb"},
		{"10ms probe device-remove usb=1:5 usb", 34, "not KEY=VALUE: usb"},
		{"10ms probe device-remove =1", 26, "unknown key or bad value"},
		{"10ms probe device-remove foo=1", 26, "unknown key or bad value: foo"},
		{"10ms probe device-remove usb=1", 26, "unknown key or bad value: usb"},
		{"10ms probe device-remove usb=1:", 26, "unknown key or bad value: usb"},
		{"10ms probe device-remove usb=:1", 26, "unknown key or bad value: usb"},
		{"10ms probe device-remove usb=1:65536", 26, "unknown key or bad value: usb"},
		{"10ms probe device-remove usb=-1:5", 26, "unknown key or bad value: usb"},
		{"10ms probe device-remove usb=1:5:6", 26, "unknown key or bad value: usb"},
		{"10ms probe device-remove usb=1:5  path=a%2", 35, "unknown key or bad value: path"},
		{"10ms probe device-remove usb=1:5 now=1", 34, "unknown key or bad value: now"},
		{"10ms probe slot-change usb=1:5 slots=0", 32, "unknown key or bad value: slots"},
		{"10ms probe slot-change usb=1:5 slots=0x", 32, "unknown key or bad value: slots"},
		{"10ms probe slot-change usb=1:5 slots=001122334455667788", 32,
		 "unknown key or bad value: slots"},
		{"10ms probe slot-change usb=1:5 endpoint=256", 32, "unknown key or bad value: endpoint"},
		{"10ms probe slot-change usb=1:5 endpoint=", 32, "unknown key or bad value: endpoint"},
		{"10ms pcsc reader name=a%2", 18, "unknown key or bad value: name"},
		{"10ms pcsc reader name=a%", 18, "unknown key or bad value: name"},
		{"10ms pcsc reader name=a%00", 18, "unknown key or bad value: name"},
		{"10ms pcsc reader name=R slot=32", 25, "unknown key or bad value: slot"},
		{"10ms pcsc reader name=R counter=65536", 25, "unknown key or bad value: counter"},
		{"10ms pcsc reader name=R counter=+1", 25, "unknown key or bad value: counter"},
		{"10ms pcsc reader name=R atr=3", 25, "unknown key or bad value: atr"},
		{"10ms pcsc reader name=R card=in", 25, "unknown key or bad value: card"},
		{"10ms daemon settings session=3 action=dance", 32, "unknown key or bad value: action"},
		{"10ms daemon settings session=3 nobody.action=lock", 32,
		 "unknown key or bad value: nobody.action"},
		{"10ms daemon settings session=3 reader.=lock", 32, "unknown key or bad value: reader."},
		{"10ms daemon settings session=3 reade.action=lock", 32,
		 "unknown key or bad value: reade.action"},
		{"10ms daemon settings session=3 pcsc-lost=yes", 32, "unknown key or bad value: pcsc-lost"},
		{"10ms daemon settings session=3 when-lock-fails=lock", 32,
		 "unknown key or bad value: when-lock-fails"},
		{"10ms daemon settings session=3 after=3", 32, "unknown key or bad value: after"},
		{"10ms logind session-kind session=3 kind=local,odd", 36, "unknown key or bad value: kind"},
		{"10ms record record session=3 leader=2147483648", 30, "unknown key or bad value: leader"},
		{"10ms pcsc reader counter=x", 18, "unknown key or bad value: counter"},
		{"10ms pcsc reader counter=/", 18, "unknown key or bad value: counter"},
		{"10ms pcsc reader counter=99999999999999999999", 18, "unknown key or bad value: counter"},
		{"10ms uevent device-add usb=1:5 id=08e6:44333", 32, "unknown key or bad value: id"},
		{"10ms record record session=3 away=1", 30, "unknown key or bad value: away"},
		{"10ms record record session=3 source=moon", 30, "unknown key or bad value: source"},
		/* What makes no sense without a key. */
		{"10ms record record name=R0 slot=0 usb=1:5", 13, "no session: record"},
		{"10ms  daemon settings action=lock", 14, "no session: settings"},
		{"10ms logind session-kind kind=tty", 13, "no session: session-kind"},
		{"10ms logind session-ended", 13, "no session: session-ended"},
		{"10ms logind session-locked session=", 13, "no session: session-locked"},
		{"10ms logind session-unlocked", 13, "no session: session-unlocked"},
		{"10ms daemon session-rebind", 13, "no session: session-rebind"},
		{"10ms logind action-done", 13, "no session: action-done"},
		{"10ms logind action-failed session=3 session=", 13, "no session: action-failed"},
		{"10ms pcsc reader usb=1:5", 11, "no name: reader"},
		{"10ms pcsc reader-gone", 11, "no name: reader-gone"},
		{"10ms probe device-add path=1-1", 12, "no usb: device-add"},
		{"10ms probe device-remove", 12, "no usb: device-remove"},
		{"10ms probe slot-change slots=02", 12, "no usb: slot-change"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(bad[i].line, strlen(bad[i].line), bad[i].column, bad[i].text);
}

/* Bytes that no text has, and more of them than anybody writes. */
static void test_odd_bytes(void **state _unused_)
{
	static const char behind[] = "10ms probe time\0", in_event[] = "10ms probe ti\0me",
			  in_value[] = "10ms pcsc reader name=R\0 x";
	static const char alone[] = "\0";
	enum { LONG = 1000000 };
	_cleanup_free_ char *line = malloc(LONG + 1);
	struct trace_error error = {0};
	struct trace_event event;

	assert_refused(alone, 1, 1, "a NUL byte");
	assert_refused(behind, sizeof(behind) - 1, 12, "a NUL byte");
	assert_refused(in_event, sizeof(in_event) - 1, 12, "a NUL byte");
	assert_refused(in_value, sizeof(in_value) - 1, 18, "a NUL byte");

	assert_non_null(line);
	memset(line, 'a', LONG);
	line[LONG] = '\0';
	assert_refused(line, LONG, 1, "too long a word");
	memcpy(line, "10ms pcsc reader name=R kind=", 29);
	assert_refused(line, LONG, 25, "too long a word");
	memset(line, ' ', LONG);
	assert_refused(line, LONG, LONG + 1, "not a stamp");
	memcpy(line + LONG - 15, "10ms probe time", 15);
	assert_int_equal(trace_parse_bytes(line, LONG, &event, &error), 0);
	/* Only the bytes that were given are looked at. */
	assert_int_equal(trace_parse_bytes("10ms probe timer", 15, &event, &error), 0);
}

/* ---- what is read ---------------------------------------------------------------------------------------- */

static void test_values(void **state _unused_)
{
	struct trace_event trace;
	const struct event *event = &trace.event;

	parse("\t10ms  probe slot-change\tslots=0aFF endpoint=131 usb=300:65535  now=2s ", &trace);
	assert_int_equal(event->type, EVENT_SLOT_CHANGE);
	assert_int_equal(event->source, SOURCE_PROBE);
	assert_int_equal(event->stamp, 10 * NSEC_PER_MSEC);
	assert_int_equal(event->now, 2 * NSEC_PER_SEC);
	assert_int_equal(event->slot_change.usb.bus, 300);
	assert_int_equal(event->slot_change.usb.device, 65535);
	assert_int_equal(event->slot_change.endpoint, 131);
	assert_int_equal(event->slot_change.bytes, 2);
	assert_memory_equal(event->slot_change.slots, "\x0a\xff", 2);

	parse("1us pcsc reader name=a%20%e2%82%ac\xc3\xa4 card=present slot=31 atr=3B00 counter=65535",
	      &trace);
	assert_string_equal(event->reader->name, "a \xe2\x82\xac\xc3\xa4");
	assert_int_equal(event->reader->card, CARD_PRESENT);
	assert_int_equal(event->reader->slot, 31);
	assert_int_equal(event->reader->atr.size, 2);
	assert_int_equal(event->reader->event_counter, 65535);

	parse("0ns record record session=3 action=none reader.action=logout reader.rule=x pcsc-lost.after=1s away=yes",
	      &trace);
	assert_int_equal(event->record.governance.by_cause[CAUSE_CARD]->action, ACTION_NONE);
	assert_int_equal(event->record.governance.by_cause[CAUSE_READER]->action, ACTION_LOGOUT);
	assert_string_equal(event->record.governance.by_cause[CAUSE_READER]->rule, "x");
	assert_int_equal(event->record.governance.by_cause[CAUSE_PCSC_LOST]->after, NSEC_PER_SEC);
	assert_int_equal(event->record.governance.by_cause[CAUSE_ABSENT]->confirm, 500 * NSEC_PER_MSEC);
	assert_true(event->record.away);

	parse("0ns logind session-kind session=3 kind=remote,ssh,tty", &trace);
	assert_int_equal(event->change.kind, KIND_REMOTE | KIND_SSH | KIND_TTY);
}

/* ---- what is written ------------------------------------------------------------------------------------- */

static void assert_written(const char *line, const char *expected)
{
	struct trace_event trace;
	char again[TRACE_LINE_MAX];

	parse(line, &trace);
	assert_string_equal(trace_format(&trace.event, again), expected);
}

/* The settings that nobody wrote. */
static void add_settings(char *line, const char *prefix)
{
	static const char *const words[] = {"action=lock",
					    "then=none",
					    "after=0ns",
					    "settle=0ns",
					    "confirm=500000000ns",
					    "lock-timeout=3000000000ns",
					    "when-lock-fails=warn",
					    "when-cannot-lock=warn",
					    "pcsc-lost=ignore"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sprintf(line + strlen(line), " %s%s", prefix, words[i]);
}

static void test_written(void **state _unused_)
{
	char expected[TRACE_LINE_MAX];

	assert_written("1us probe slot-change slots=02 usb=1:5", "1000ns probe slot-change usb=1:5 slots=02");
	assert_written("1us probe slot-change slots=02 endpoint=0 usb=1:5",
		       "1000ns probe slot-change usb=1:5 slots=02");
	assert_written("1us probe slot-change slots=02 endpoint=3 usb=1:5 now=2us",
		       "1000ns probe slot-change now=2000ns usb=1:5 endpoint=3 slots=02");
	assert_written("1us daemon time now=1us", "1000ns daemon time");
	assert_written("1us uevent device-add usb=1:5", "1000ns uevent device-add usb=1:5");
	assert_written("1us uevent device-add usb=1:5 id=08e6:4433 path=1-1",
		       "1000ns uevent device-add usb=1:5 path=1-1 id=08e6:4433");
	assert_written("1us pcsc reader-gone name=%25%7f",
		       "1000ns pcsc reader-gone name=%25%7F slot=0 usb=0:0 card=unavailable counter=0 atr=");
	assert_written("1us logind session-kind session=3", "1000ns logind session-kind session=3 kind=");
	assert_written("1us logind session-locked session=a%20b",
		       "1000ns logind session-locked session=a%20b");
	/* Settings that were read are those of each cause. */
	strcpy(expected, "1000ns daemon settings session=3");
	add_settings(expected, "");
	for (enum cause cause = 1; cause < CAUSE_COUNT; cause++) {
		char prefix[32];

		snprintf(prefix, sizeof(prefix), "%s.", cause_name(cause));
		if (cause_of_any_rule() & 1U << cause)
			add_settings(expected, prefix);
	}
	assert_written("1us daemon settings session=3", expected);
}

/* What a login record has that changes whose card it is, or whether it is one: a recording keeps it. */
static void test_record_is_kept(void **state _unused_)
{
	static const char *const words[] = {"usb-token=yes", "source=ssh", "late=yes",	 "awaiting=yes",
					    "away=yes",	     "seen=7ns",   "leader=4000"};

	for (size_t i = 0; i < ELEMENTS(words); i++) {
		char line[256], again[TRACE_LINE_MAX];
		struct trace_event trace;

		snprintf(line, sizeof(line),
			 "1us record record session=3 user=card name=R0 slot=0 card=present %s", words[i]);
		parse(line, &trace);
		if (!strstr(trace_format(&trace.event, again), words[i]))
			fail_msg("%s is lost: %s", words[i], again);
	}
}

/* Notices of more slots than a recording has room for are cut. */
static void test_many_slots(void **state _unused_)
{
	static const uint8_t slots[32] = {2, 0, 0, 0, 0, 0, 0, 3, 1};
	const struct event event = {
		.type = EVENT_SLOT_CHANGE,
		.source = SOURCE_PROBE,
		.slot_change = {.usb = {1, 5}, .slots = slots, .bytes = sizeof(slots)},
	};
	char line[TRACE_LINE_MAX];

	assert_string_equal(trace_format(&event, line),
			    "0ns probe slot-change usb=1:5 slots=0200000000000003");
}

static void test_names(void **state _unused_)
{
	assert_string_equal(action_name(ACTION_LOGOUT), "logout");
	assert_null(action_name(ACTION_COUNT));
	assert_string_equal(cause_name(CAUSE_READER), "reader");
	assert_null(cause_name(CAUSE_COUNT));
}

/* Settings of a cause that are the common ones are not written again; nor are any where there are none. */
static void test_common_settings(void **state _unused_)
{
	static const struct settings common = SETTINGS_DEFAULT, nothing = {.action = ACTION_NONE};
	struct event event = {.type = EVENT_SETTINGS, .source = SOURCE_STARTUP, .change.session = "3"};
	char line[TRACE_LINE_MAX], expected[TRACE_LINE_MAX] = "0ns startup settings session=3";

	assert_string_equal(trace_format(&event, line), expected);
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		event.change.governance.by_cause[cause] =
			cause_of_any_rule() & 1U << cause ? &common : &nothing;
	add_settings(expected, "");
	assert_string_equal(trace_format(&event, line), expected);
	/* A cause that needs a rule with its name has its own. */
	event.change.governance.by_cause[CAUSE_CLIENT] = &common;
	add_settings(expected, "client.");
	assert_string_equal(trace_format(&event, line), expected);
}

/* A yes or no of a cause is written where it differs from the common one, and only there, whatever comes after it. */
static void test_yes_or_no(void **state _unused_)
{
	static const struct settings common = {.keep_any = true, .unit = "a@.service"},
				     off = {.keep_any = false, .unit = "a@.service"},
				     on = {.keep_any = true, .unit = "b@.service"};
	struct event event = {.type = EVENT_SETTINGS, .source = SOURCE_STARTUP, .change.session = "3"};
	struct trace_event read;
	char line[TRACE_LINE_MAX];

	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		event.change.governance.by_cause[cause] = &common;
	event.change.governance.by_cause[CAUSE_READER] = &off;
	event.change.governance.by_cause[CAUSE_ABSENT] = &on;
	trace_format(&event, line);
	assert_non_null(strstr(line, " keep=yes"));
	assert_non_null(strstr(line, " reader.keep=no"));
	assert_null(strstr(line, "absent.keep="));
	parse(line, &read);
	assert_true(read.settings[CAUSE_CARD].keep_any);
	assert_false(read.settings[CAUSE_READER].keep_any);
	assert_true(read.settings[CAUSE_ABSENT].keep_any);
}

static void fill(char *text, size_t size)
{
	memset(text, 0xff, size - 1);
	text[size - 1] = '\0';
}

/* The longest line there can be is written whole, and read back. */
static void test_longest(void **state _unused_)
{
	struct settings settings[CAUSE_COUNT];
	struct login_record login = {.card = {.usb = {65535, 65535},
					      .slot = 31,
					      .card = CARD_UNAVAILABLE,
					      .atr = {.size = ATR_SIZE}}};
	struct event event = {.type = EVENT_RECORD,
			      .source = SOURCE_STARTUP,
			      .stamp = UINT64_MAX,
			      .now = UINT64_MAX - 1,
			      .record = {.login = &login, .away = true}};
	struct trace_event trace;
	char line[TRACE_LINE_MAX], again[TRACE_LINE_MAX];

	login.card.event_counter = UINT16_MAX;
	fill(login.session, sizeof(login.session));
	fill(login.user, sizeof(login.user));
	fill(login.card.name, sizeof(login.card.name));
	fill(login.usb_path, sizeof(login.usb_path));
	fill(login.usb_id, sizeof(login.usb_id));
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
		settings[cause] = (struct settings){.action = ACTION_DISCONNECT,
						    .then = ACTION_DISCONNECT,
						    .after = UINT64_MAX,
						    .settle = UINT64_MAX,
						    .confirm = UINT64_MAX,
						    .lock_timeout = UINT64_MAX,
						    .when_lock_fails = FALLBACK_LOGOUT,
						    .when_cannot_lock = FALLBACK_LOGOUT};
		fill(settings[cause].unit, UNIT_NAME_SIZE);
		fill(settings[cause].rule, RULE_NAME_SIZE);
		event.record.governance.by_cause[cause] = &settings[cause];
	}
	assert_true(strlen(trace_format(&event, line)) < TRACE_LINE_MAX - 64);
	parse(line, &trace);
	assert_string_equal(trace.event.record.governance.by_cause[CAUSE_PCSC_LOST]->rule, settings[0].rule);
	assert_string_equal(trace_format(&trace.event, again), line);
}

static void test_escape(void **state _unused_)
{
	char buffer[8];

	assert_string_equal(trace_escape("a b", buffer, sizeof(buffer)), "a%20b");
	assert_string_equal(trace_escape("a\n\xff", buffer, sizeof(buffer)), "a%0A%FF");
	assert_string_equal(trace_escape("ab\n\xff", buffer, sizeof(buffer)), "ab%0A");
	assert_string_equal(trace_escape("12345678", buffer, sizeof(buffer)), "1234567");
	assert_string_equal(trace_escape("%", buffer, 1), "");
}

/* What was recorded once, and what fuzzers start from: each line is an event, or something that is skipped. */
static void test_old_recordings(void **state _unused_)
{
	glob_t files;
	size_t events = 0;

	assert_int_equal(glob("tests/unit/recordings/*.trace", 0, NULL, &files), 0);
	assert_int_equal(glob("tests/fuzz/corpus/trace/*.trace", GLOB_APPEND, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		_cleanup_fclose_ FILE *file = fopen(files.gl_pathv[i], "re");
		_cleanup_free_ char *line = NULL;
		size_t size = 0;

		assert_non_null(file);
		while (getline(&line, &size, file) > 0) {
			struct trace_event trace;
			char again[TRACE_LINE_MAX];

			line[strcspn(line, "\n")] = '\0';
			if (!line[0] || line[0] == '#' || line[0] == '=')
				continue;
			parse(line, &trace);
			events++;
			/* Those that name each cause's settings are newer than those that do not. */
			if (trace.event.type != EVENT_RECORD && trace.event.type != EVENT_SETTINGS)
				assert_string_equal(trace_format(&trace.event, again), line);
		}
	}
	assert_true(events > 100);
	globfree(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_of_a_cause),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_odd_bytes),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_record_is_kept),
		cmocka_unit_test(test_common_settings),
		cmocka_unit_test(test_yes_or_no),
		cmocka_unit_test(test_many_slots),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_old_recordings),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
