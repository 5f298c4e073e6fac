/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What waits until a call had its rest, and in which order it is written then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/trail_queue.h"
#include "lib/loop.h"

static char told[256];

static void on_told(void *userdata _unused_, const struct trail_entry *entry)
{
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%.20s(%s,%s,%u) ", entry->message,
		 entry->text[TRAIL_SESSION] ? entry->text[TRAIL_SESSION] : "-",
		 entry->text[TRAIL_RULE] ? entry->text[TRAIL_RULE] : "-",
		 entry->login ? entry->login->uid : 0);
}

struct stage {
	sd_event *event;
	struct trail_queue *queue;
};

static int set_stage(void **state)
{
	static struct stage stage;

	told[0] = '\0';
	assert_true(sd_event_new(&stage.event) >= 0);
	assert_int_equal(trail_queue_new(stage.event, on_told, NULL, &stage.queue), 0);
	*state = &stage;
	return 0;
}

static int clear_stage(void **state)
{
	struct stage *stage = *state;

	trail_queue_free(stage->queue);
	stage->event = sd_event_unref(stage->event);
	return 0;
}

/* An entry whose every part is gone when this returns. */
static void add(struct stage *stage, const char *message, uint64_t sent)
{
	struct login_record login = {.uid = 1000, .session = "7"};
	char rule[] = "office";
	struct trail_entry entry = {.login = &login,
				    .text = {[TRAIL_SESSION] = login.session, [TRAIL_RULE] = rule}};

	snprintf(entry.message, sizeof(entry.message), "%s", message);
	trail_queue_add(stage->queue, &entry, sent);
	memset(rule, '#', sizeof(rule) - 1);
	memset(&login, '#', sizeof(login));
	memset(&entry, '#', sizeof(entry));
}

static void test_at_once(void **state)
{
	add(*state, "no call", 0);
	assert_string_equal(told, "no call(7,office,1000) ");
	add(*state, "an old call", monotonic_now() - TRAIL_REST);
	assert_string_equal(told, "no call(7,office,1000) an old call(7,office,1000) ");
}

static void test_waits_in_order(void **state)
{
	struct stage *stage = *state;
	uint64_t sent = monotonic_now() + 1000 * TRAIL_REST; /* however slow this runs */

	add(stage, "a", sent);
	add(stage, "b", 0);
	add(stage, "c", sent + TRAIL_REST);
	sd_event_run(stage->event, 0);
	assert_string_equal(told, "");
	stage->queue = trail_queue_free(stage->queue);
	assert_string_equal(told, "a(7,office,1000) b(7,office,1000) c(7,office,1000) ");
}

static void test_rest_ends(void **state)
{
	struct stage *stage = *state;
	uint64_t sent = monotonic_now() + 20 * NSEC_PER_MSEC;

	add(stage, "a", sent);
	assert_string_equal(told, "");
	while (!*told)
		assert_true(sd_event_run(stage->event, UINT64_MAX) >= 0);
	assert_string_equal(told, "a(7,office,1000) ");
	assert_true(monotonic_now() >= sent + TRAIL_REST);
	add(stage, "b", sent);
	assert_string_equal(told, "a(7,office,1000) b(7,office,1000) ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_at_once, set_stage, clear_stage),
		cmocka_unit_test_setup_teardown(test_waits_in_order, set_stage, clear_stage),
		cmocka_unit_test_setup_teardown(test_rest_ends, set_stage, clear_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
