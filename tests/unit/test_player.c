/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands around the core when its events come as lines, with a core whose answers the test gives: settings live as long
 * as they may be used and no longer, verdicts are compared, a broken core is reported.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/live.h"
#include "policy/player.h"
#include "policy/replay.h"

/* AddressSanitizer's, whose header not every gcc has: what is allocated now. */
size_t __sanitizer_get_current_allocated_bytes(void);

/* ---- a core ---------------------------------------------------------------------------------------------- */

/* One session: its newest settings, and the oldest that the core may still use, until EVENT_SETTINGS. */
struct world {
	verdict_handler handler;
	void *userdata;
	bool recorded;
	struct login_record login;
	struct governance governance;
	const struct settings *of_case;
};

static struct {
	const struct verdict *verdicts; /* said after EVENT_TIME */
	size_t count, settings_told;
	const char *broken;
	int error;
	uint64_t after; /* After= that the case goes on under, as last seen */
} script;

int world_new(verdict_handler handler, void *userdata, struct world **ret)
{
	*ret = calloc(1, sizeof(**ret));
	assert_non_null(*ret);
	(*ret)->handler = handler;
	(*ret)->userdata = userdata;
	return 0;
}

struct world *world_free(struct world *world)
{
	free(world);
	return NULL;
}

static void use_settings(const struct world *world)
{
	if (!world->recorded)
		return;
	script.after = world->of_case->after;
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		assert_true(world->governance.by_cause[cause]->action < ACTION_COUNT);
}

static void take_settings(struct world *world, const struct event *event)
{
	script.settings_told++;
	if (!world->recorded || strcmp(world->login.session, event->change.session) != 0)
		return;
	world->governance = event->change.governance;
	world->of_case = event->change.governance.by_cause[CAUSE_CARD];
}

static void take_record(struct world *world, const struct event *event)
{
	if (!world->recorded)
		world->of_case = event->record.governance.by_cause[CAUSE_CARD];
	world->recorded = true;
	world->login = *event->record.login;
	world->governance = event->record.governance;
}

int world_event(struct world *world, const struct event *event)
{
	if (script.error)
		return script.error;
	use_settings(world);
	if (event->type == EVENT_RECORD)
		take_record(world, event);
	else if (event->type == EVENT_SETTINGS)
		take_settings(world, event);
	else if (event->type == EVENT_SESSION_ENDED)
		world->recorded = false;
	else if (event->type == EVENT_TIME)
		for (size_t i = 0; i < script.count; i++)
			world->handler(world->userdata, &script.verdicts[i]);
	use_settings(world);
	return 0;
}

const char *world_check(const struct world *world)
{
	use_settings(world);
	return script.broken;
}

uint64_t world_deadline(const struct world *world)
{
	return world->recorded ? 7 * NSEC_PER_SEC : UINT64_MAX;
}

bool world_next_session(const struct world *world, const char *session, struct session_view *ret)
{
	if (!world->recorded || session)
		return false;
	*ret = (struct session_view){.login = &world->login,
				     .governance = &world->governance,
				     .state = SESSION_PENDING,
				     .locked = true,
				     .reader = world->login.card.name[0] ? world->login.card.name : NULL};
	return true;
}

bool world_session(const struct world *world, const char *session, struct session_view *ret)
{
	return strcmp(world->login.session, session) == 0 && world_next_session(world, NULL, ret);
}

/* The daemon, which is linked too, asks these. */
bool world_next_reader(const struct world *world _unused_, const char *reader _unused_,
		       struct reader_view *ret _unused_)
{
	return false;
}

bool world_remote_reader(const struct world *world _unused_, const char *session _unused_,
			 unsigned index _unused_, struct reader_view *ret _unused_)
{
	return false;
}

bool world_pcsc_up(const struct world *world _unused_)
{
	return false;
}

bool world_simulate(const struct world *world _unused_, const char *session _unused_,
		    enum cause cause _unused_, struct simulation *ret _unused_)
{
	return false;
}

static int reset(void **state _unused_)
{
	memset(&script, 0, sizeof(script));
	return 0;
}

/* ---- settings -------------------------------------------------------------------------------------------- */

/* The number stands for '#'. What the line points to is gone when this returns. */
static int play_line(struct player *player, const char *pattern, unsigned number)
{
	int place = (int)strcspn(pattern, "#");
	struct trace_event *trace = malloc(sizeof(*trace));
	struct trace_error error = {0};
	const char *broken = NULL;
	char line[256];
	int r;

	assert_non_null(trace);
	snprintf(line, sizeof(line), "%.*s%u%s", place, pattern, number, pattern + place + 1);
	if (trace_parse(line, trace, &error) < 0)
		fail_msg("%s: %s", line, error.text);
	r = player_event(player, &trace->event, &broken);
	memset(trace, '#', sizeof(*trace));
	free(trace);
	return r;
}

static void on_verdict(void *userdata _unused_, const struct verdict *verdict _unused_)
{
}

/* The sanitizer sees what is used after it was freed; use_settings() looks each time. */
static void test_settings_live(void **state _unused_)
{
	struct player *player;

	assert_int_equal(player_new(on_verdict, NULL, &player), 0);
	assert_int_equal(play_line(player, "1ms record record session=3 after=#s", 1), 0);
	assert_int_equal(play_line(player, "2ms record record session=3 after=#s reader.action=none", 2), 0);
	assert_int_equal(play_line(player, "3ms daemon time now=#ms", 3), 0);
	assert_int_equal(script.after, 1 * NSEC_PER_SEC);
	assert_int_equal(play_line(player, "4ms daemon settings session=3 after=#s", 4), 0);
	assert_int_equal(play_line(player, "5ms daemon settings session=9 after=#s", 5), 0);
	assert_int_equal(play_line(player, "6ms daemon time now=#ms", 6), 0);
	assert_int_equal(script.after, 4 * NSEC_PER_SEC);
	assert_int_equal(play_line(player, "7ms logind session-ended session=#", 3), 0);
	assert_int_equal(play_line(player, "8ms record record session=3 after=#s", 8), 0);
	assert_int_equal(script.after, 8 * NSEC_PER_SEC);
	player_free(player);
}

/* Whatever comes, memory is bounded by the sessions. */
static void test_settings_bounded(void **state _unused_)
{
	static const char *const lines[] = {
		"1ms daemon settings session=#",	       /* of nobody */
		"1ms logind session-ended session=#",	       /* likewise */
		"1ms daemon settings session=3 after=#s",      /* each time other ones */
		"1ms record record session=3 reader.after=#s", /* likewise: no EVENT_SETTINGS ends them */
		"1ms record record session=3 now=#ms",	       /* each time the same */
	};
	struct player *player;

	assert_int_equal(player_new(on_verdict, NULL, &player), 0);
	for (size_t i = 0; i < ELEMENTS(lines); i++) {
		size_t bytes, settings = script.settings_told;

		assert_int_equal(play_line(player, "1ms record record session=3 after=#s", 0), 0);
		bytes = __sanitizer_get_current_allocated_bytes();
		for (unsigned n = 1; n <= 2000; n++)
			assert_int_equal(play_line(player, lines[i], n), 0);
		assert_true(__sanitizer_get_current_allocated_bytes() <
			    bytes + 66 * sizeof(struct settings) * 2);
		settings = script.settings_told - settings;
		/* Records that come as settings too: once for some dozens, and never for those that change nothing. */
		if (i == 3)
			assert_in_range(settings, 2000 / 65, 2000 / 62);
		if (i == 4)
			assert_int_equal(settings, 0);
	}
	player_free(player);
}

/* Settings are kept once, however often they come; whatever differs makes others of them. */
static void test_settings_once(void **state _unused_)
{
	static const char *const settings[] = {"action=logout",
					       "then=logout",
					       "after=1s",
					       "settle=1s",
					       "confirm=1s",
					       "lock-timeout=1s",
					       "when-lock-fails=logout",
					       "when-cannot-lock=logout",
					       "pcsc-lost=lock",
					       "unit=note@.service",
					       "rule=night"};
	struct player *player;
	char line[64];

	assert_int_equal(player_new(on_verdict, NULL, &player), 0);
	assert_int_equal(play_line(player, "1ms record record session=3 now=#ms", 1), 0);
	for (size_t i = 0; i < ELEMENTS(settings); i++) {
		size_t bytes = __sanitizer_get_current_allocated_bytes();

		snprintf(line, sizeof(line), "1ms record record session=3 now=#ms %s", settings[i]);
		assert_int_equal(play_line(player, line, 1), 0);
		assert_true(__sanitizer_get_current_allocated_bytes() >= bytes + sizeof(struct settings));
		bytes = __sanitizer_get_current_allocated_bytes();
		assert_int_equal(play_line(player, line, 2), 0);
		assert_int_equal(__sanitizer_get_current_allocated_bytes(), bytes);
	}
	player_free(player);
}

static void test_out_of_memory(void **state _unused_)
{
	struct player *player;

	assert_int_equal(player_new(on_verdict, NULL, &player), 0);
	script.error = -ENOMEM;
	assert_int_equal(play_line(player, "1ms record record session=3 after=#s", 1), -ENOMEM);
	assert_int_equal(play_line(player, "1ms daemon settings session=3 after=#s", 1), -ENOMEM);
	assert_int_equal(play_line(player, "1ms daemon time now=#ms", 1), -ENOMEM);
	player_free(player);
}

/* ---- verdicts compared ----------------------------------------------------------------------------------- */

static const struct login_record login = {.session = "3"};

static int replayed(const char *const *lines, struct replay_result *ret)
{
	static const struct replay_handler nobody = {NULL, NULL, NULL};
	struct replay *replay;
	int r;

	assert_int_equal(replay_new(&nobody, &replay), 0);
	do
		r = *lines ? replay_line(replay, *lines) : replay_end(replay);
	while (r == 0 && *lines++);
	*ret = *replay_result(replay);
	replay_free(replay);
	return r;
}

#define TIME "1ms daemon time"

static void test_young_verdicts(void **state _unused_)
{
	static const struct verdict verdicts[] = {
		{.type = VERDICT_UNGUARDED, .login = &login},
		{.type = VERDICT_ACT, .login = &login, .step = STEP_LOCK},
		{.type = VERDICT_DEALT, .login = &login, .dealt = true},
		{.type = VERDICT_ACTION, .login = &login, .action = ACTION_LOCK},
		{.type = VERDICT_DEALT, .login = &login},
	};
	static const struct {
		const char *lines[8];
		const char *error; /* NULL: as recorded */
	} rows[] = {
		{{TIME, "= unguarded 3", "= act 3 lock", "= dealt 3 yes", "= action 3 lock", "= dealt 3 no"},
		 NULL},
		{{TIME, "= act 3 lock", "= action 3 lock", TIME, "= act 3 lock", "= action 3 lock"}, NULL},
		{{TIME, "= act 3 lock", "= action 3 lock", "= dealt 3 no"}, NULL},
		{{TIME, "= unguarded 3", "= act 3 lock", "= dealt 3 no", "= action 3 lock"},
		 "line 4: recorded \"= dealt 3 no\", now \"= dealt 3 yes\""},
		{{TIME, "= dealt 3 yes", "= act 3 lock"},
		 "line 2: recorded \"= dealt 3 yes\", now \"= unguarded 3\""},
		{{TIME, "= act 3 lock", "= unguarded 3"},
		 "line 3: recorded \"= unguarded 3\", now \"= dealt 3 yes\""},
		{{TIME, "= act 3 lock", "= dealt 3 yes", "= dealt 3 no"},
		 "line 4: recorded \"= dealt 3 no\", now \"= action 3 lock\""},
		{{TIME, "= act 3 lock"}, "line 2: recorded \"nothing more\", now \"= action 3 lock\""},
		{{TIME, "= act 3 lock", TIME}, "line 3: recorded \"nothing more\", now \"= action 3 lock\""},
		{{TIME, "= act 3 lock", "= action 3 lock", "= act 3 lock"},
		 "line 4: recorded \"= act 3 lock\", now \"nothing\""},
		{{TIME, "= act 3 loc"}, "line 2: recorded \"= act 3 loc\", now \"= act 3 lock\""},
		{{TIME, "= act 3 lock "}, "line 2: recorded \"= act 3 lock \", now \"= act 3 lock\""},
		{{TIME, "="}, "line 2: recorded \"=\", now \"= act 3 lock\""},
	};

	script.verdicts = verdicts;
	script.count = ELEMENTS(verdicts);
	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		struct replay_result result;
		int r = replayed(rows[i].lines, &result);

		assert_string_equal(result.error, rows[i].error ? rows[i].error : "");
		assert_int_equal(r, rows[i].error ? -EREMOTEIO : 0);
	}
}

/* More than 64 KiB of them: none is left out. */
static void test_many_verdicts(void **state _unused_)
{
	enum { COUNT = 20000 };
	static const struct replay_handler nobody = {NULL, NULL, NULL};
	struct verdict *verdicts = calloc(COUNT, sizeof(*verdicts));
	struct replay *replay;

	assert_non_null(verdicts);
	for (size_t i = 0; i < COUNT; i++)
		verdicts[i] = (struct verdict){.type = VERDICT_ACT, .login = &login, .step = i % STEP_COUNT};
	script.verdicts = verdicts;
	script.count = COUNT;
	assert_int_equal(replay_new(&nobody, &replay), 0);
	assert_int_equal(replay_line(replay, TIME), 0);
	for (size_t i = 0; i < COUNT; i++) {
		char line[64];

		snprintf(line, sizeof(line), "= act 3 %s", step_name(i % STEP_COUNT));
		assert_int_equal(replay_line(replay, line), 0);
	}
	assert_int_equal(replay_end(replay), 0);
	assert_int_equal(replay_result(replay)->verdicts, COUNT);
	replay_free(replay);
	free(verdicts);
}

static void test_broken(void **state _unused_)
{
	static const char *const lines[] = {"# a comment", TIME, NULL}, *const wrong[] = {
										"", "1ms daemon tme", NULL};
	struct replay_result result;

	assert_int_equal(replayed(wrong, &result), -EBADMSG);
	assert_string_equal(result.error, "line 2, column 12: unknown event: tme");
	script.broken = "a deadline of nobody";
	assert_int_equal(replayed(lines, &result), -ENOTRECOVERABLE);
	assert_string_equal(result.error, "line 2: the core's state is broken: a deadline of nobody");
	script.broken = NULL;
	script.error = -ENOMEM;
	assert_int_equal(replayed(lines, &result), -ENOMEM);
}

/* ---- live ------------------------------------------------------------------------------------------------ */

static void add_line(void *userdata, const char *line)
{
	strcat(strcat(userdata, line), "\n");
}

static const char *answer(struct live *live, char *said, const char *line, int expected)
{
	struct trace_error error = {0};

	said[0] = '\0';
	assert_int_equal(live_line(live, line, strlen(line), &error), expected);
	return expected == 0 ? said : error.text[0] ? strcpy(said, error.text) : "";
}

static void test_live(void **state _unused_)
{
	static const struct login_record odd = {.session = "a b\n",
						.card = {.usb = {1, 5}, .event_counter = 4}};
	static const struct settings settings = {.unit = "note@.service"};
	static const struct verdict verdicts[] = {
		{.type = VERDICT_DEALT, .login = &odd, .dealt = true},
		{.type = VERDICT_UNGUARDED, .login = &odd},
		{.type = VERDICT_BOUND, .login = &odd},
		{.type = VERDICT_UNIT, .login = &odd, .settings = &settings},
		{.type = VERDICT_ARM, .login = &odd, .steps = 1U << STEP_LOCK | 1U << STEP_TERMINATE},
		{.type = VERDICT_RECHECKED},
	};
	char said[4096];
	const struct live_output output = {add_line, said};
	struct live *live;

	assert_int_equal(live_new(&output, &live), 0);
	assert_string_equal(answer(live, said, "", 0), "");
	assert_string_equal(answer(live, said, "# 1ms daemon time", 0), "");
	assert_string_equal(answer(live, said, "= act 3 lock", 0), "");
	assert_string_equal(answer(live, said, "?", 0), ". end\n");
	assert_string_equal(answer(live, said, TIME, 0), ". deadline=none\n");
	answer(live, said, "? ", -EBADMSG);
	answer(live, said, "!", -EBADMSG);
	answer(live, said, "1ms daemon", -EBADMSG);
	assert_string_equal(answer(live, said, "?", 0), ". end\n");
	assert_string_equal(answer(live, said, "1ms record record session=a%20b%25 usb=1:5 counter=7", 0),
			    ". deadline=7000000000\n");
	assert_string_equal(
		answer(live, said, "?", 0),
		". session=a%20b%25 state=pending locked=yes counter=7 usb=1:5 reader=-\n. end\n");
	answer(live, said, "1ms record record session=3 name=-", 0);
	assert_string_equal(answer(live, said, "?", 0),
			    ". session=3 state=pending locked=yes counter=0 usb=0:0 reader=%2D\n. end\n");
	answer(live, said, "1ms record record session=3 name=R%2000", 0);
	assert_string_equal(answer(live, said, "?", 0),
			    ". session=3 state=pending locked=yes counter=0 usb=0:0 reader=R%2000\n. end\n");
	script.verdicts = verdicts;
	script.count = ELEMENTS(verdicts);
	assert_string_equal(answer(live, said, TIME, 0),
			    "= dealt a%20b%0A yes\n= unguarded a%20b%0A\n= bound a%20b%0A usb=1:5 counter=4\n"
			    "= unit a%20b%0A note@.service\n= arm a%20b%0A lock terminate\n= rechecked\n"
			    ". deadline=7000000000\n");
	script.count = 0;
	script.broken = "a deadline of nobody";
	assert_string_equal(answer(live, said, TIME, -ENOTRECOVERABLE),
			    "the core's state is broken: a deadline of nobody");
	script.error = -ENOMEM;
	assert_string_equal(answer(live, said, TIME, -ENOMEM), "");
	live_free(live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_settings_live, reset),
		cmocka_unit_test_setup(test_settings_bounded, reset),
		cmocka_unit_test_setup(test_settings_once, reset),
		cmocka_unit_test_setup(test_out_of_memory, reset),
		cmocka_unit_test_setup(test_young_verdicts, reset),
		cmocka_unit_test_setup(test_many_verdicts, reset),
		cmocka_unit_test_setup(test_broken, reset),
		cmocka_unit_test_setup(test_live, reset),
	};

	return cmocka_run_group_tests_name("player", tests, NULL, NULL);
}
