/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core says of its belief, as a table: what is reported, and the words for a moment after it. Each reason of
 * core.h has a row; so has what a case waits for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/macro.h"
#include "policy/player.h"
#include "policy/trace.h"

#define R0    "name=R0 slot=0 usb=1:5 "
#define ATR   " atr=3B02AABB"
#define AT    " path=1-1 id=08e6:4433\n"
#define PROBE "1ms daemon probe\n"
#define SLEPT "10s logind sleep\n20s logind resume\n"

static const char start[] = "0ms startup device-add usb=1:5" AT "0ms startup devices-listed\n"
			    "0ms pcsc pcsc-up\n"
			    "0ms pcsc reader " R0 "card=present counter=7" ATR "\n"
			    "0ms pcsc pcsc-listed\n"
			    "1ms record record session=3 user=card " R0 "card=present counter=7" ATR AT;

struct row {
	const char *name, *told;
	uint64_t at; /* ms */
	const char *kind, *text;
};

static const struct row rows[] = {
	/* ---- a row for each reason ---- */
	{"READ", PROBE, 720001, "in",
	 "card in: the reader reports it present; insertion 7, as recorded; no word from the probe for 12 min"},
	{"PLUGGED_IN",
	 PROBE
	 "10s record record session=3 user=card name=Key slot=0 usb=1:5 card=present counter=0 usb-token=yes" AT
	 "11s probe slot-change usb=1:5 slots=02\n12s pcsc reader-gone name=R0",
	 15000, "in", "token in: its USB device is plugged in; no word from the probe for 5.0 s"},
	{"NOTHING", PROBE "10s pcsc pcsc-down\n11s pcsc pcsc-up", 12000, "in",
	 "card in: pcscd has not listed its readers yet, and nothing speaks against it; insertion 7 is recorded; no word from "
	 "the probe for 11 s"},
	{"ASLEEP", "10s logind sleep", 11000, "unknown",
	 "card unknown: the machine sleeps; insertion 7, as recorded; the probe does not listen"},
	{"COMES_BACK", PROBE SLEPT "21s probe device-remove usb=1:5", 22000, "doubt",
	 "card in doubt for another 3.0 s: its reader left around sleep and may still come back; insertion 7 is recorded; no "
	 "word from the probe for 21 s"},
	{"DEVICE_GONE", PROBE "10s probe device-remove usb=1:5", 11500, "out",
	 "card out: its USB device is gone; insertion 7 is recorded; no word from the probe for 11 s; away for 1.5 s, "
	 "first reported by probe; evidence: the USB device left; the lock has 1.5 s left to show"},
	{"SLOT",
	 PROBE "10s probe slot-change usb=1:5 slots=02\n10010ms pcsc reader " R0 "card=empty counter=8",
	 10500, "out",
	 "card out: the reader reported it removed; PC/SC counts 8, insertion 7 is recorded; the probe reported it removed "
	 "0.5 s ago; away for 0.5 s, first reported by probe; evidence: the reader's notice, PC/SC; the lock has 2.5 s left to "
	 "show"},
	{"EMPTY", "10s pcsc reader " R0 "card=empty counter=8\n13s daemon time", 200000, "out",
	 "card out: PC/SC reported it removed; PC/SC counts 8, insertion 7 is recorded; the probe does not listen; away "
	 "for 3 min, first reported by pcsc; evidence: PC/SC"},
	{"OTHER_CARD", "10s pcsc reader " R0 "card=present counter=9 atr=3B03\n13s daemon time", 20000, "out",
	 "card out: PC/SC reports another card, or another insertion; PC/SC counts 9, insertion 7 is recorded; the probe does "
	 "not listen; away for 10 s, first reported by pcsc; evidence: PC/SC"},
	{"NO_PCSCD", PROBE "10s pcsc pcsc-down", 11000, "unknown",
	 "card unknown: pcscd cannot be reached; insertion 7 is recorded; no word from the probe for 10 s"},
	{"NO_READER", PROBE "10s pcsc reader-gone name=R0", 11000, "doubt",
	 "card in doubt for another 1.0 s: PC/SC does not name its reader; insertion 7 is recorded; no word from the probe for "
	 "10 s"},
	{"NO_READER, for longer", PROBE "10s pcsc reader-gone name=R0\n12s daemon time", 13000, "unknown",
	 "card unknown: PC/SC does not name its reader; insertion 7 is recorded; no word from the probe for 12 s"},
	{"UNREADABLE", PROBE "10s pcsc reader " R0 "card=unavailable counter=7", 10800, "doubt",
	 "card in doubt for another 1.2 s: PC/SC cannot read its reader; insertion 7, as recorded; no word from the probe for "
	 "10 s"},
	{"UNREADABLE, for longer", "10s pcsc reader " R0 "card=unavailable counter=7\n12s daemon time", 12000,
	 "unknown",
	 "card unknown: PC/SC cannot read its reader; insertion 7, as recorded; the probe does not listen"},
	{"SETTLING",
	 PROBE "10s pcsc pcsc-down\n11s pcsc pcsc-up\n11s pcsc reader " R0 "card=empty counter=0\n"
	       "11s pcsc pcsc-listed",
	 12000, "doubt",
	 "card in doubt for another 1.0 s: PC/SC reports the reader empty, and may not have looked at it yet; PC/SC counts 0, "
	 "insertion 7 is recorded; no word from the probe for 11 s"},
	{"OLDER", "10s record record session=3 user=card " R0 "card=present counter=9" ATR AT, 10500, "doubt",
	 "card in doubt for another 1.5 s: what PC/SC reports is older than the login record; PC/SC counts 7, insertion 9 is "
	 "recorded; the probe does not listen"},

	/* ---- the probe ---- */
	{"inserted again: another insertion",
	 PROBE "10s probe slot-change usb=1:5 slots=02\n10010ms pcsc reader " R0 "card=empty counter=8\n"
	       "20s probe slot-change usb=1:5 slots=03\n20010ms pcsc reader " R0 "card=present counter=9" ATR,
	 25000, "in",
	 "card in: the reader reports it present; insertion 9, as recorded; no word from the probe for 5.0 s; "
	 "the lock has 0.0 s left to show"},
	{"the probe's notice without a removal", PROBE "10s probe slot-change usb=1:5 slots=03", 15000, "in",
	 "card in: the reader reports it present; insertion 7, as recorded; the probe reported it inserted 5.0 s ago"},
	{"two interfaces with a slot 0", PROBE "10s pcsc reader name=R2 slot=0 usb=1:5 card=empty counter=0",
	 15000, "in",
	 "card in: the reader reports it present; insertion 7, as recorded; the probe cannot tell its slot from another one of "
	 "this device"},
	{"no address",
	 PROBE "10s pcsc reader name=R5 slot=0 card=present counter=1" ATR "\n"
	       "10s record record session=3 user=card name=R5 slot=0 card=present counter=1" ATR,
	 15000, "in",
	 "card in: the reader reports it present; insertion 1, as recorded; the probe does not listen: the reader's USB address "
	 "is not known"},

	/* ---- what a case waits for ---- */
	{"agreement",
	 PROBE
	 "2ms record settings session=3 action=logout confirm=5s\n10s probe slot-change usb=1:5 slots=02",
	 11000, "out",
	 "card out: the reader reported it removed; insertion 7, as recorded; the probe reported it removed 1.0 s ago; away for "
	 "1.0 s, first reported by probe; evidence: the reader's notice; logout waits for a second source, 4.0 s at most"},
	{"Settle=", "2ms record settings session=3 settle=10s\n10s uevent device-remove usb=1:5", 11000,
	 "out",
	 "card out: its USB device is gone; insertion 7 is recorded; the probe does not listen; away for 1.0 s, first "
	 "reported by uevent; evidence: the USB device left; nothing is done if it is back within 9.0 s"},
	{"Then=, with the card back",
	 "2ms record settings session=3 then=logout after=600s\n5ms logind session-kind session=3 kind=local,graphical\n"
	 "10s pcsc reader " R0 "card=empty counter=8\n11s logind session-locked session=3\n"
	 "20s pcsc reader " R0 "card=present counter=9" ATR,
	 30000, "in",
	 "card in: the reader reports it present; insertion 9, as recorded; the probe does not listen; logout in 9 min unless it "
	 "is unlocked"},
	{"silence counts",
	 PROBE "2ms record settings session=3 action=logout\n10s probe slot-change usb=1:5 slots=02\n"
	       "10500ms daemon time",
	 11000, "out",
	 "card out: the reader reported it removed; insertion 7, as recorded; the probe reported it removed 1.0 s ago; away for "
	 "1.0 s, first reported by probe; evidence: the reader's notice, no contradiction; the session has 9.5 s left to end"},
	{"PcscLost=", "2ms record settings session=3 pcsc-lost=lock\n10s pcsc pcsc-down", 12000, "unknown",
	 "card unknown: pcscd cannot be reached; insertion 7 is recorded; the probe does not listen; locked unless pcscd is back "
	 "within 3.0 s"},
	{"PcscLost=, locked",
	 "2ms record settings session=3 pcsc-lost=lock\n10s pcsc pcsc-down\n15s daemon time\n"
	 "18s daemon time",
	 20000, "unknown",
	 "card unknown: pcscd cannot be reached; insertion 7 is recorded; the probe does not listen; acted on 5.0 s ago, because "
	 "pcscd stayed away"},

	/* ---- away ---- */
	{"away, and pcscd was started again",
	 "10s pcsc reader " R0 "card=empty counter=8\n13s daemon time\n"
	 "20s pcsc pcsc-down\n21s pcsc pcsc-up",
	 22000, "out",
	 "card out: PC/SC reported it removed; insertion 7 is recorded; the probe does not listen; away for 12 s, first reported "
	 "by pcsc; evidence: PC/SC"},
	{"away before the daemon started, and pcscd has not listed its readers",
	 "10s pcsc pcsc-down\n"
	 "20s record record away=yes session=3 user=card " R0 "card=present counter=7" ATR AT
	 "21s pcsc pcsc-up",
	 22000, "out",
	 "card out: nothing shows yet that it is back; insertion 7 is recorded; the probe does not listen; away since before the "
	 "daemon started, 2.0 s ago"},
	{"away before the daemon started",
	 "10s pcsc reader " R0 "card=empty counter=8\n13s daemon time\n"
	 "20s record record away=yes session=3 user=card " R0 "card=present counter=7" ATR AT,
	 7220000, "out",
	 "card out: PC/SC reported it removed; PC/SC counts 8, insertion 7 is recorded; the probe does not listen; away "
	 "since before the daemon started, 2 h ago"},
	{"… and PC/SC cannot read its reader",
	 "10s pcsc reader " R0 "card=unavailable counter=7\n"
	 "20s record record away=yes session=3 user=card " R0 "card=present counter=7" ATR AT,
	 21000, "out",
	 "card out: PC/SC cannot read its reader; insertion 7, as recorded; the probe does not listen; away since before the "
	 "daemon started, 1.0 s ago"},
	{"unlocked without its card",
	 "10s pcsc reader " R0 "card=empty counter=8\n11s logind session-locked session=3\n"
	 "20s logind session-unlocked session=3",
	 30000, "out",
	 "card out: PC/SC reported it removed; PC/SC counts 8, insertion 7 is recorded; the probe does not listen; away for "
	 "20 s, first reported by pcsc; evidence: PC/SC; unlocked without its card, and not guarded"},

	/* ---- a clock that is behind the facts ---- */
	{"now lies before every fact", PROBE "10s probe slot-change usb=1:5 slots=02", 0, "out",
	 "card out: the reader reported it removed; insertion 7, as recorded; the probe reported it removed 0.0 s ago; away for "
	 "0.0 s, first reported by probe; evidence: the reader's notice; the lock has 13 s left to show"},
};

static void ignore(void *userdata _unused_, const struct verdict *verdict _unused_)
{
}

static void tell(struct player *player, const char *lines)
{
	char copy[8192], *rest = NULL;

	assert_true(strlen(lines) < sizeof(copy));
	strcpy(copy, lines);
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct trace_error error = {0};
		struct trace_event event;
		const char *broken = NULL;

		if (trace_parse(line, &event, &error) < 0)
			fail_msg("%s: %s", line, error.text);
		if (player_event(player, &event.event, &broken) < 0)
			fail_msg("%s: %s", line, broken ? broken : "no memory");
	}
}

static void test_row(void **state)
{
	const struct row *row = *state;
	_cleanup_(player_free_p) struct player *player = NULL;
	struct explanation explanation;

	assert_int_equal(player_new(ignore, NULL, &player), 0);
	tell(player, start);
	tell(player, row->told);
	assert_true(world_explain(player_world(player), "3", row->at * NSEC_PER_MSEC, &explanation));
	assert_string_equal(explanation.text, row->text);
	assert_string_equal(explanation.kind, row->kind);
}

static void test_unknown_session(void **state _unused_)
{
	_cleanup_(player_free_p) struct player *player = NULL;
	struct explanation explanation = {.kind = "untouched"};

	assert_int_equal(player_new(ignore, NULL, &player), 0);
	tell(player, start);
	assert_false(world_explain(player_world(player), "4", 0, &explanation));
	assert_string_equal(explanation.kind, "untouched");
}

/* The longest of everything leaves room, whatever the moment. */
static void test_room(void **state _unused_)
{
	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		_cleanup_(player_free_p) struct player *player = NULL;
		struct explanation explanation;

		assert_int_equal(player_new(ignore, NULL, &player), 0);
		tell(player, start);
		tell(player, rows[i].told);
		assert_true(world_explain(player_world(player), "3", UINT64_MAX, &explanation));
		assert_true(strlen(explanation.text) < EXPLANATION_SIZE - 128);
		assert_ptr_equal(strstr(explanation.text, rows[i].text[0] == 't' ? "token " : "card "),
				 explanation.text);
	}
}

int main(void)
{
	struct CMUnitTest tests[ELEMENTS(rows) + 2] = {
		cmocka_unit_test(test_unknown_session),
		cmocka_unit_test(test_room),
	};

	for (size_t i = 0; i < ELEMENTS(rows); i++)
		tests[i + 2] = (struct CMUnitTest){.name = rows[i].name,
						   .test_func = test_row,
						   .initial_state = (void *)(uintptr_t)&rows[i]};
	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
