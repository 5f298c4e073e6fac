/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core against every order in which the words of one removal, or of none, can reach it. A scenario has a
 * lane for each source; the words of one lane keep their order, lanes interleave freely, each step takes a
 * short or a long time, and each word of the kernel or of udevd may be lost, which ends in a full re-check,
 * as a full ring buffer or ENOBUFS does. At the end time passes, and everything is looked at once more.
 *
 * Whatever the order:
 *  - a real removal is acted on exactly once, and anything else never;
 *  - nothing that loses work is done before the evidence agrees or Confirm= passed in silence;
 *  - a session that no record ties to the reader is never touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/macro.h"
#include "policy/trace.h"
#include "policy/world.h"

#define R0  "name=R0 slot=0 usb=1:5 "
#define R1  "name=R1 slot=0 usb=1:6 "
#define ATR " atr=3B02AABB"

#define LANES	   5
#define LANE_MOST  4
#define WORDS_MOST 8
#define T0	   (10 * NSEC_PER_MSEC)
#define CONFIRM	   (500 * NSEC_PER_MSEC)

/* What the report means to somebody who knows the truth. */
enum says {
	SAYS_NOTHING,
	SAYS_DEVICE,
	SAYS_SLOT,
	SAYS_PCSC,
};

struct word {
	const char *line; /* without its stamp */
	enum says says;
};

/* Of one lane everything is kernel's or udevd's, and can be lost; or PC/SC's or logind's, and cannot. */
struct lane {
	bool kernel;
	struct word words[LANE_MOST];
};

struct scenario {
	const char *name;
	bool probe;	       /* the probe listens */
	bool removal;	       /* session 3's card, or its reader, really goes */
	bool lock_allowed;     /* a lock may be sent though nothing went: the reader itself said "out" */
	bool device_goes;      /* at the end its device is gone */
	const char *pcsc_last; /* what PC/SC says of R0 at the end; NULL: it does not name it */
	struct lane lanes[LANES];
};

static const struct scenario scenarios[] = {
	{
		.name = "the card is pulled",
		.probe = true,
		.removal = true,
		.pcsc_last = "pcsc reader " R0 "card=empty counter=2",
		.lanes =
			{
				{true, {{"probe slot-change usb=1:5 slots=02", SAYS_SLOT}}},
				{false,
				 {{"pcsc reader " R0 "card=unavailable counter=1", SAYS_NOTHING},
				  {"pcsc reader " R0 "card=empty counter=2", SAYS_PCSC}}},
				{true, {{"probe slot-change usb=1:6 slots=02", SAYS_NOTHING}}},
				{false,
				 {{"logind session-locked session=3", SAYS_NOTHING},
				  {"pcsc reader " R1 "card=empty counter=2", SAYS_NOTHING}}},
			},
	},
	{
		.name = "the reader is pulled",
		.probe = true,
		.removal = true,
		.device_goes = true,
		.lanes =
			{
				{true,
				 {{"probe slot-change usb=1:5 slots=02", SAYS_SLOT},
				  {"probe device-remove usb=1:5", SAYS_DEVICE}}},
				{true, {{"uevent device-remove usb=1:5", SAYS_DEVICE}}},
				{true, {{"udev device-remove usb=1:5", SAYS_DEVICE}}},
				{false,
				 {{"pcsc reader " R0 "card=unavailable counter=1", SAYS_NOTHING},
				  {"pcsc reader-gone name=R0", SAYS_NOTHING}}},
			},
	},
	{
		.name = "the reader is pulled, no probe",
		.removal = true,
		.device_goes = true,
		.lanes =
			{
				{true,
				 {{"uevent device-remove usb=1:5", SAYS_DEVICE},
				  {"uevent device-remove usb=1:5", SAYS_DEVICE}}},
				{true, {{"udev device-remove usb=1:5", SAYS_DEVICE}}},
				{false,
				 {{"pcsc reader " R0 "card=unavailable counter=1", SAYS_NOTHING},
				  {"pcsc reader-gone name=R0", SAYS_NOTHING}}},
				{false, {{"logind session-locked session=3", SAYS_NOTHING}}},
			},
	},
	{
		.name = "the card is pulled and inserted again",
		.probe = true,
		.removal = true,
		.pcsc_last = "pcsc reader " R0 "card=present counter=3" ATR,
		.lanes =
			{
				{true,
				 {{"probe slot-change usb=1:5 slots=02", SAYS_SLOT},
				  {"probe slot-change usb=1:5 slots=03", SAYS_NOTHING}}},
				{false,
				 {{"pcsc reader " R0 "card=empty counter=2", SAYS_PCSC},
				  {"pcsc reader " R0 "card=present counter=3" ATR, SAYS_PCSC}}},
				{true, {{"probe device-remove usb=1:6", SAYS_NOTHING}}},
				{false, {{"pcsc reader-gone name=R1", SAYS_NOTHING}}},
			},
	},
	{
		.name = "the reader cannot be read for a while",
		.probe = true,
		.pcsc_last = "pcsc reader " R0 "card=present counter=3" ATR,
		.lanes =
			{
				{false,
				 {{"pcsc reader " R0 "card=unavailable counter=0", SAYS_NOTHING},
				  {"pcsc reader " R0 "card=present counter=2" ATR, SAYS_NOTHING},
				  {"pcsc reader " R0 "card=unavailable counter=0", SAYS_NOTHING},
				  {"pcsc reader " R0 "card=present counter=3" ATR, SAYS_NOTHING}}},
				{true,
				 {{"probe slot-change usb=1:6 slots=02", SAYS_NOTHING},
				  {"uevent device-add usb=1:7 path=1-7", SAYS_NOTHING}}},
			},
	},
	{
		.name = "pcscd is restarted",
		.probe = true,
		.pcsc_last = "pcsc reader " R0 "card=present counter=0" ATR,
		.lanes =
			{
				{false,
				 {{"pcsc pcsc-down", SAYS_NOTHING},
				  {"pcsc pcsc-up", SAYS_NOTHING},
				  {"pcsc pcsc-listed", SAYS_NOTHING},
				  {"pcsc reader " R0 "card=present counter=0" ATR, SAYS_NOTHING}}},
				{true, {{"uevent device-add usb=1:5 path=1-1", SAYS_NOTHING}}},
				{true, {{"probe slot-change usb=1:5 slots=03", SAYS_NOTHING}}},
			},
	},
	{
		.name = "another reader is pulled",
		.probe = true,
		.pcsc_last = "pcsc reader " R0 "card=present counter=1" ATR,
		.lanes =
			{
				{true,
				 {{"probe slot-change usb=1:6 slots=02", SAYS_NOTHING},
				  {"probe device-remove usb=1:6", SAYS_NOTHING}}},
				{true, {{"uevent device-remove usb=1:6", SAYS_NOTHING}}},
				{true, {{"udev device-remove usb=1:6", SAYS_NOTHING}}},
				{false,
				 {{"pcsc reader " R1 "card=unavailable counter=1", SAYS_NOTHING},
				  {"pcsc reader-gone name=R1", SAYS_NOTHING}}},
			},
	},
	{
		.name = "the reader says \"out\" and PC/SC contradicts",
		.probe = true,
		.lock_allowed = true,
		.pcsc_last = "pcsc reader " R0 "card=present counter=1" ATR,
		.lanes =
			{
				{true, {{"probe slot-change usb=1:5 slots=02", SAYS_SLOT}}},
				{false,
				 {{"pcsc reader " R0 "card=present counter=1" ATR, SAYS_NOTHING},
				  {"pcsc reader " R0 "card=present counter=1" ATR, SAYS_NOTHING}}},
				{true, {{"udev device-remove usb=1:6", SAYS_NOTHING}}},
				{false, {{"pcsc reader-gone name=R1", SAYS_NOTHING}}},
			},
	},
};

static const char *const policies[] = {
	"action=lock",
	"action=logout",
	"action=lock then=logout after=1s",
	"action=lock settle=200ms",
	"action=disconnect when-cannot-lock=logout",
};

/* ---- one run -------------------------------------------------------------------------------------------- */

struct turn {
	const struct word *word;
	struct trace_event *event;
	bool kernel, lost, slow;
};

struct run {
	const struct scenario *scenario;
	struct world *world;
	uint64_t now;
	bool device_gone;      /* as sysfs has it by now */
	const char *pcsc_says; /* of R0, by now; NULL: does not name it */
	bool pcsc_up;
	/* Reports that support a removal, since when, and those that contradict it. */
	bool device, slot, pcsc, contradicted, back;
	uint64_t first_word;
	/* What came of it. */
	unsigned removals, settled, contradictions, acts;
	const char *broken;
};

static void on_verdict(void *userdata, const struct verdict *verdict)
{
	struct run *run = userdata;

	if (verdict->type == VERDICT_REMOVAL && strcmp(verdict->login->session, "3") == 0)
		run->removals++;
	run->settled += verdict->type == VERDICT_SETTLED;
	if (verdict->type == VERDICT_CONTRADICTED)
		run->contradictions++;
	if (verdict->type != VERDICT_ACT)
		return;
	if (strcmp(verdict->login->session, "3") != 0)
		run->broken = "a session of no such reader was touched";
	run->acts++;
	if (verdict->step == STEP_LOCK || run->device)
		return;
	if (run->pcsc && (run->slot || !run->scenario->probe))
		return;
	if (!run->first_word || run->now < run->first_word + CONFIRM)
		run->broken = "work was lost before the evidence agreed";
	else if (run->contradicted && !run->pcsc)
		run->broken = "work was lost against PC/SC's word";
}

static struct trace_event *parsed(const char *line)
{
	static struct {
		const char *line;
		struct trace_event event;
	} cache[128];
	char stamped[TRACE_LINE_MAX];
	struct trace_error error = {0};

	for (size_t i = 0; i < ELEMENTS(cache); i++) {
		if (cache[i].line == line)
			return &cache[i].event;
		if (cache[i].line)
			continue;
		cache[i].line = line;
		snprintf(stamped, sizeof(stamped), "0ms %s", line);
		if (trace_parse(stamped, &cache[i].event, &error) < 0)
			fail_msg("%s: %s", line, error.text);
		return &cache[i].event;
	}
	fail_msg("too many lines");
	return NULL;
}

static void feed(struct run *run, const char *line, uint64_t stamp)
{
	struct trace_event *trace = parsed(line);
	const char *wrong;

	trace->event.stamp = stamp;
	trace->event.now = run->now;
	assert_int_equal(world_event(run->world, &trace->event), 0);
	wrong = world_check(run->world);
	if (wrong && !run->broken)
		run->broken = wrong;
}

/* The loop's part: EVENT_TIME whenever the core asked for it. */
static void pass_time(struct run *run, uint64_t until)
{
	uint64_t deadline;

	while ((deadline = world_deadline(run->world)) <= until) {
		if (deadline > run->now)
			run->now = deadline;
		feed(run, "daemon time", run->now);
	}
	run->now = until;
}

/* Losses are found: every device and every reader is reported again, as it is by now. */
static void recheck(struct run *run, bool ask)
{
	if (ask)
		feed(run, "probe lost", run->now);
	if (!run->device_gone)
		feed(run, "startup device-add usb=1:5 path=1-1 id=08e6:4433", run->now);
	feed(run, "startup device-add usb=1:6 path=1-2 id=08e6:4433", run->now);
	feed(run, "startup devices-listed", run->now);
	if (!run->pcsc_up)
		return;
	if (run->pcsc_says)
		feed(run, run->pcsc_says, run->now);
	if (!run->scenario->device_goes)
		feed(run, "pcsc reader " R1 "card=present counter=1" ATR, run->now);
	feed(run, "pcsc pcsc-listed", run->now);
}

/* The core has the report by now: at the first report of a removal its wait begins. */
static void note_told(struct run *run, enum says says)
{
	if (says == SAYS_NOTHING)
		return;
	if (!run->first_word)
		run->first_word = run->now;
	run->device |= says == SAYS_DEVICE;
	run->slot |= says == SAYS_SLOT;
	run->pcsc |= says == SAYS_PCSC;
}

/* PC/SC's last report after the reader's "out", unless the reader has reported "in" since. */
static void note_contradiction(struct run *run, const char *line)
{
	if (strstr(line, "probe slot-change usb=1:5 slots=03"))
		run->back = true;
	if (run->first_word && strstr(line, "pcsc reader " R0))
		run->contradicted = strstr(line, "card=present counter=1") && !run->back;
	if (run->back)
		run->contradicted = false;
}

/* The machine's state after this, reported or not. */
static void note_truth(struct run *run, const struct word *word)
{
	if (strstr(word->line, " reader " R0))
		run->pcsc_says = word->line;
	if (strstr(word->line, "reader-gone name=R0"))
		run->pcsc_says = NULL;
	if (strstr(word->line, "pcsc-down"))
		run->pcsc_up = false, run->pcsc_says = NULL;
	if (strstr(word->line, "pcsc-up"))
		run->pcsc_up = true;
	/* The kernel takes the device out of sysfs about when it sends the uevent; udevd reports later. */
	if (strstr(word->line, "device-remove usb=1:5") && strncmp(word->line, "probe", 5) != 0)
		run->device_gone = true;
}

static void take_turn(struct run *run, const struct turn *turn, uint64_t kernel_stamp)
{
	const char *line = turn->word->line;

	pass_time(run, run->now + (turn->slow ? 700 * NSEC_PER_MSEC : NSEC_PER_MSEC));
	note_truth(run, turn->word);
	if (turn->lost) {
		if (run->device_gone)
			note_told(run, SAYS_DEVICE);
		if (run->pcsc_says && strstr(run->pcsc_says, "card=empty"))
			note_told(run, SAYS_PCSC);
		if (run->pcsc_says)
			note_contradiction(run, run->pcsc_says);
		recheck(run, true);
		return;
	}
	note_told(run, turn->word->says);
	note_contradiction(run, line);
	feed(run, line, turn->kernel ? kernel_stamp : run->now);
}

static const char *judge(const struct run *run)
{
	const struct scenario *scenario = run->scenario;

	if (run->broken)
		return run->broken;
	/* A removal that PC/SC denied for longer than Confirm= is one more case once PC/SC says it too. */
	if (scenario->removal && run->removals + run->settled != 1 + run->contradictions)
		return run->removals ? "one removal, several cases" : "a removal was missed";
	if (run->settled && !strstr(scenario->name, "inserted again"))
		return "forgotten though the card did not come back";
	if (scenario->removal && !run->acts && !run->settled)
		return "a removal was not acted on";
	if (!scenario->removal && !scenario->lock_allowed && run->acts)
		return "acted though nothing went";
	return NULL;
}

static void setup(struct run *run, const char *policy)
{
	static const char *const lines[] = {
		"startup device-add usb=1:5 path=1-1 id=08e6:4433",
		"startup device-add usb=1:6 path=1-2 id=08e6:4433",
		"startup devices-listed",
		"pcsc pcsc-up",
		"pcsc reader " R0 "card=present counter=1" ATR,
		"pcsc reader " R1 "card=present counter=1" ATR,
		"pcsc pcsc-listed",
		"record record session=3 " R0 "card=present counter=1" ATR " path=1-1 id=08e6:4433",
	};

	run->pcsc_says = lines[4];
	run->pcsc_up = true;
	for (size_t i = 0; i < ELEMENTS(lines); i++)
		feed(run, lines[i], 0);
	if (run->scenario->probe)
		feed(run, "daemon probe", 0);
	feed(run, policy, 0);
}

static const char *run_turns(const struct scenario *scenario, const char *policy, const struct turn *turns,
			     size_t count)
{
	struct run run = {.scenario = scenario, .now = T0};
	const char *wrong;

	assert_int_equal(world_new(on_verdict, &run, &run.world), 0);
	setup(&run, policy);
	for (size_t i = 0; i < count; i++)
		take_turn(&run, &turns[i], T0 + i);
	run.device_gone = scenario->device_goes;
	run.pcsc_says = scenario->pcsc_last;
	pass_time(&run, run.now + 20 * NSEC_PER_SEC);
	if (scenario->device_goes)
		note_told(&run, SAYS_DEVICE);
	else if (scenario->removal)
		note_told(&run, SAYS_PCSC);
	recheck(&run, true);
	pass_time(&run, run.now + 20 * NSEC_PER_SEC);
	wrong = judge(&run);
	world_free(run.world);
	return wrong;
}

/* ---- every run ------------------------------------------------------------------------------------------ */

struct search {
	const struct scenario *scenario;
	const char *policy;
	struct turn turns[WORDS_MOST];
	size_t total;
	unsigned long tried;
};

static void show(const struct search *search, const char *wrong)
{
	print_error("%s, %s: %s\n", search->scenario->name, search->policy, wrong);
	for (size_t i = 0; i < search->total; i++)
		print_error("  %s%s%s\n", search->turns[i].slow ? "+700ms " : "+1ms   ",
			    search->turns[i].lost ? "LOST " : "", search->turns[i].word->line);
	fail();
}

static void try_all_times(struct search *search)
{
	for (unsigned slow = 0; slow < 1U << search->total; slow++) {
		const char *wrong;

		for (size_t i = 0; i < search->total; i++)
			search->turns[i].slow = slow >> i & 1;
		wrong = run_turns(search->scenario, search->policy, search->turns, search->total);
		search->tried++;
		if (wrong)
			show(search, wrong);
	}
}

/* The next report of each lane in turn, delivered or lost. */
static void try_orders(struct search *search, size_t taken[static LANES], size_t depth)
{
	if (depth == search->total) {
		try_all_times(search);
		return;
	}
	for (size_t lane = 0; lane < LANES; lane++) {
		const struct lane *from = &search->scenario->lanes[lane];

		if (taken[lane] == LANE_MOST || !from->words[taken[lane]].line)
			continue;
		search->turns[depth] =
			(struct turn){.word = &from->words[taken[lane]], .kernel = from->kernel};
		taken[lane]++;
		try_orders(search, taken, depth + 1);
		if (from->kernel) {
			search->turns[depth].lost = true;
			try_orders(search, taken, depth + 1);
			search->turns[depth].lost = false;
		}
		taken[lane]--;
		search->turns[depth] =
			(struct turn){.word = &from->words[taken[lane]], .kernel = from->kernel};
	}
}

static void test_scenario(void **state)
{
	const struct scenario *scenario = *state;
	unsigned long tried = 0;

	for (size_t i = 0; i < ELEMENTS(policies); i++) {
		/* Kept: parsed() knows a line by its address. */
		static char lines[ELEMENTS(policies)][256];
		struct search search = {.scenario = scenario};
		size_t taken[LANES] = {0};

		snprintf(lines[i], sizeof(lines[i]), "record settings session=3 %s", policies[i]);
		search.policy = lines[i];
		for (size_t lane = 0; lane < LANES; lane++) {
			for (size_t word = 0; word < LANE_MOST && scenario->lanes[lane].words[word].line;
			     word++)
				search.total++;
		}
		try_orders(&search, taken, 0);
		tried += search.tried;
	}
	print_message("%s: %lu sequences\n", scenario->name, tried);
}

int main(void)
{
	struct CMUnitTest tests[ELEMENTS(scenarios)];

	for (size_t i = 0; i < ELEMENTS(scenarios); i++)
		tests[i] = (struct CMUnitTest){.name = scenarios[i].name,
					       .test_func = test_scenario,
					       .initial_state = (void *)(uintptr_t)&scenarios[i]};
	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
