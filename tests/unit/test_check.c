/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each rule of core.h's page that world_check() enforces, broken on purpose: the check says which one it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/macro.h"
#include "policy/core.h"
#include "policy/trace.h"
#include "policy/world.h"

/* Two readers, each with its person; a third whose card nobody signed in with, and a device that no reader claims. */
static const char *const start[] = {
	"0ms startup device-add usb=1:5 path=1-1 id=08e6:4433",
	"0ms startup device-add usb=1:6 path=1-2 id=08e6:4433",
	"0ms startup device-add usb=1:7 path=1-3 id=08e6:4433",
	"0ms startup device-add usb=1:8 path=1-4 id=08e6:4433",
	"0ms startup devices-listed",
	"0ms daemon probe",
	"0ms pcsc pcsc-up",
	"0ms pcsc reader name=R0 slot=0 usb=1:5 card=present counter=1 atr=3B02",
	"0ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=1 atr=3B02",
	"0ms pcsc reader name=R2 slot=0 usb=1:7 card=present counter=1 atr=3B02",
	"0ms pcsc pcsc-listed",
	"1ms record record session=3 user=anna name=R0 slot=0 usb=1:5 card=present counter=1 atr=3B02 path=1-1",
	"1ms record record session=4 user=bert name=R1 slot=0 usb=1:6 card=present counter=1 atr=3B02 path=1-2",
};

#define LATER (9 * NSEC_PER_SEC)

static struct device *device_at(struct world *world, uint16_t number)
{
	return device_find(world, (struct usb_address){1, number});
}

/* ---- deadlines ------------------------------------------------------------------------------------------ */

static void forget_heap(struct world *world _unused_, struct session *session)
{
	session->deadlines[DEADLINE_PCSC_LOST] = LATER;
}

static void keep_heap(struct world *world, struct session *session)
{
	deadline_set(world, session, DEADLINE_PCSC_LOST, LATER);
	session->deadlines[DEADLINE_PCSC_LOST] = 0;
}

static void give_place_away(struct world *world, struct session *session)
{
	deadline_set(world, session, DEADLINE_PCSC_LOST, LATER);
	world->heap[0].session = session_find(world, "4");
}

static void put_off(struct world *world, struct session *session)
{
	deadline_set(world, session, DEADLINE_PCSC_LOST, LATER);
	world->heap[0].moment++;
}

static void turn_heap_over(struct world *world, struct session *session)
{
	deadline_set(world, session, DEADLINE_PCSC_LOST, LATER);
	deadline_set(world, session_find(world, "4"), DEADLINE_PCSC_LOST, LATER + 1);
	world->heap[1].moment = 1;
}

/* ---- the case ------------------------------------------------------------------------------------------- */

static void foresee(struct world *world _unused_, struct session *session)
{
	session->removal.insertion = session->insertion + 1;
}

static void settle(struct world *world, struct session *session)
{
	deadline_set(world, session, DEADLINE_SETTLE, LATER);
}

static void pend(struct world *world _unused_, struct session *session)
{
	session->removal.pending = ACTION_LOGOUT;
}

static void confirm(struct world *world, struct session *session)
{
	deadline_set(world, session, DEADLINE_CONFIRM, LATER);
}

static void await_sign(struct world *world _unused_, struct session *session)
{
	session->removal.awaited = AWAIT_LOCK;
}

static void time_sign(struct world *world, struct session *session)
{
	deadline_set(world, session, DEADLINE_SIGN, LATER);
}

static void count_down(struct world *world, struct session *session)
{
	deadline_set(world, session, DEADLINE_COUNTDOWN, LATER);
}

static void turn_away(struct world *world _unused_, struct session *session)
{
	session->removal.insertion = session->insertion;
}

static void turn_away_and_wait(struct world *world, struct session *session)
{
	turn_away(world, session);
	deadline_set(world, session, DEADLINE_PCSC_LOST, LATER);
}

static void turn_away_and_settle(struct world *world, struct session *session)
{
	turn_away(world, session);
	settle(world, session);
}

static void turn_away_and_confirm(struct world *world, struct session *session)
{
	turn_away(world, session);
	confirm(world, session);
}

static void go_on(struct world *world, struct session *session)
{
	deadline_set(world, session, DEADLINE_THEN, LATER);
}

static void await_of_nobody(struct world *world, struct session *session)
{
	await_sign(world, session);
	time_sign(world, session);
}

/* ---- the belief ----------------------------------------------------------------------------------------- */

static void take_out(struct world *world _unused_, struct session *session)
{
	session->pcsc_out.order = 1;
}

static void blind(struct world *world, struct session *session _unused_)
{
	reader_find(world, "R0")->state.card = CARD_UNAVAILABLE;
}

static void doubt(struct world *world, struct session *session)
{
	deadline_set(world, session, DEADLINE_BELIEF, LATER);
}

/* ---- the rest ------------------------------------------------------------------------------------------- */

static void keep_silent(struct world *world, struct session *session)
{
	report_later(world, session, REPORT_BOUND);
}

static void cover_ears(struct world *world, struct session *session _unused_)
{
	device_at(world, 5)->watched = false;
}

static void cover_ears_to_nobody(struct world *world, struct session *session _unused_)
{
	device_at(world, 7)->watched = false;
}

static void lose(struct world *world, struct session *session _unused_)
{
	device_at(world, 8)->presence = PRESENCE_UNKNOWN;
}

static const char of_none[] = "something is to come of a case that is none of ours";

static const struct row {
	const char *wrong;
	void (*spoil)(struct world *world, struct session *session);
} rows[] = {
	{"a session with a deadline is not in the heap, or one without it is", forget_heap},
	{"a session with a deadline is not in the heap, or one without it is", keep_heap},
	{"the heap and the session do not agree", give_place_away},
	{"the first deadline is not the first", put_off},
	{"the heap is out of order", turn_heap_over},
	{"a case about an insertion that is yet to come", foresee},
	{"settling, and not away", settle},
	{"pending, and nothing will end it", pend},
	{"a second word is awaited for nothing", confirm},
	{"a sign is awaited for ever, or its time runs for nothing", await_sign},
	{"a sign is awaited for ever, or its time runs for nothing", time_sign},
	{"counting down to nothing", count_down},
	{"away, and waiting for pcscd to stay away", turn_away_and_wait},
	{of_none, turn_away_and_settle},
	{of_none, turn_away_and_confirm},
	{of_none, go_on},
	{of_none, await_of_nobody},
	{"the card is believed to be out, and there is no case", take_out},
	{"a doubt whose end is not the deadline", blind},
	{"the end of a doubt that there is not", doubt},
	{"something is still to be reported", keep_silent},
	{"the probe does not listen to a session's device", cover_ears},
	{"the probe does not listen to a reader", cover_ears_to_nobody},
	{"a device counts as claimed by a reader, and is not, or the other way round", lose},
};

static void ignore(void *userdata _unused_, const struct verdict *verdict _unused_)
{
}

static void test_check(void **state _unused_)
{
	static struct trace_event events[ELEMENTS(start)];

	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		struct world *world;
		const char *wrong;

		assert_int_equal(world_new(ignore, NULL, &world), 0);
		for (size_t line = 0; line < ELEMENTS(start); line++) {
			struct trace_error error = {0};

			if (trace_parse(start[line], &events[line], &error) < 0)
				fail_msg("%s: %s", start[line], error.text);
			assert_int_equal(world_event(world, &events[line].event), 0);
		}
		assert_null(world_check(world));
		rows[i].spoil(world, session_find(world, "3"));
		wrong = world_check(world);
		if (!wrong)
			fail_msg("not noticed: %s", rows[i].wrong);
		assert_string_equal(wrong, rows[i].wrong);
		world_free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_check)};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
