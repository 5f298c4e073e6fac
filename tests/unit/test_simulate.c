/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world_simulate() tells what a removal then does: every policy, for every kind of session, for every cause, is
 * first asked about and then pulled. It also checks the words for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bus/bus_would.h"
#include "lib/macro.h"
#include "policy/trace.h"
#include "policy/world.h"

#define CARD	"name=R0 slot=0 usb=1:5 "
#define ATR	" atr=3B02AABB"
#define RECORD	"user=card " CARD "card=present counter=1" ATR " path=1-1 id=08e6:4433"
#define PULLED	10000ULL /* ms: when the removal is heard */
#define SETTLE	1000ULL
#define CONFIRM 500ULL
#define AFTER	60000ULL

struct policy {
	const char *action, *then, *kind;
	enum cause cause;
	bool settle, logout_where_no_lock, pcsc_lost, provable, probe;
};

/* ---- one session, one removal ---------------------------------------------------------------------------- */

#define EVENTS 16

struct stage {
	struct world *world;
	struct trace_event events[EVENTS]; /* the world borrows settings from them */
	size_t event_count;
	enum step steps[8];
	size_t step_count;
};

static void on_verdict(void *userdata, const struct verdict *verdict)
{
	struct stage *stage = userdata;

	if (verdict->type != VERDICT_ACT)
		return;
	assert_true(stage->step_count < ELEMENTS(stage->steps));
	stage->steps[stage->step_count++] = verdict->step;
}

static void tell(struct stage *stage, uint64_t ms, const char *format, ...) _printf_(3, 4);
static void tell(struct stage *stage, uint64_t ms, const char *format, ...)
{
	struct trace_error error = {0};
	char line[TRACE_LINE_MAX];
	const char *wrong;
	va_list arguments;
	int used;

	used = snprintf(line, sizeof(line), "%llums ", (unsigned long long)ms);
	va_start(arguments, format);
	vsnprintf(line + used, sizeof(line) - (size_t)used, format, arguments);
	va_end(arguments);
	assert_true(stage->event_count < EVENTS);
	if (trace_parse(line, &stage->events[stage->event_count], &error) < 0)
		fail_msg("%s: %s", line, error.text);
	assert_int_equal(world_event(stage->world, &stage->events[stage->event_count++].event), 0);
	wrong = world_check(stage->world);
	if (wrong)
		fail_msg("%s: %s", line, wrong);
}

static void set(struct stage *stage, const struct policy *policy)
{
	*stage = (struct stage){.event_count = 0};
	assert_int_equal(world_new(on_verdict, stage, &stage->world), 0);
	tell(stage, 0, "startup device-add usb=1:5 path=1-1 id=08e6:4433");
	tell(stage, 0, "startup devices-listed");
	tell(stage, 0, "pcsc pcsc-up");
	tell(stage, 0, "pcsc reader " CARD "card=present counter=1" ATR);
	tell(stage, 0, "pcsc pcsc-listed");
	if (policy->probe)
		tell(stage, 1, "daemon probe");
	tell(stage, 1,
	     "record record session=3 action=%s then=%s after=%llums settle=%llums confirm=%llums lock-timeout=1000s "
	     "when-cannot-lock=%s pcsc-lost=%s " RECORD,
	     policy->action, policy->then, AFTER, policy->settle ? SETTLE : 0, CONFIRM,
	     policy->logout_where_no_lock ? "logout" : "warn", policy->pcsc_lost ? "lock" : "ignore");
	tell(stage, 2, "logind session-kind session=3 kind=%s", policy->kind);
	if (policy->provable) {
		tell(stage, 3, "logind session-locked session=3");
		tell(stage, 4, "logind session-unlocked session=3");
	}
}

static void pull(struct stage *stage, const struct policy *policy)
{
	switch (policy->cause) {
	case CAUSE_CARD:
		if (policy->probe)
			tell(stage, PULLED, "probe slot-change usb=1:5 slots=02");
		else
			tell(stage, PULLED, "pcsc reader " CARD "card=empty counter=2");
		break;
	case CAUSE_READER:
		tell(stage, PULLED, "%s device-remove usb=1:5", policy->probe ? "probe" : "uevent");
		break;
	case CAUSE_ABSENT:
		tell(stage, PULLED, "probe lost");
		tell(stage, PULLED, "pcsc reader " CARD "card=empty counter=2");
		break;
	case CAUSE_PCSC_LOST:
		tell(stage, PULLED - 5000, "pcsc pcsc-down");
		tell(stage, PULLED, "daemon time");
		break;
	case CAUSE_CLIENT:
	case CAUSE_NO_CARD:
		/* A session whose card is in a reader here cannot have these; test_remote.c makes them happen. */
	case CAUSE_COUNT:
		break;
	}
}

static void describe(const struct policy *policy, char *text, size_t size)
{
	snprintf(text, size, "%s then %s, %s, cause %s%s%s%s%s%s", policy->action, policy->then, policy->kind,
		 cause_name(policy->cause), policy->settle ? ", settle" : "",
		 policy->logout_where_no_lock ? ", when-cannot-lock=logout" : "",
		 policy->pcsc_lost ? ", pcsc-lost=lock" : "", policy->provable ? ", provable" : "",
		 policy->probe ? ", probe" : "");
}

static void expect_steps(const struct stage *stage, const struct simulation *simulation, unsigned count,
			 const char *name, const char *when)
{
	bool same = stage->step_count == count;

	for (unsigned i = 0; same && i < count; i++)
		same = stage->steps[i] == simulation->steps[i];
	if (!same)
		fail_msg("%s: %s %zu steps were taken, %u of %u were announced", name, when,
			 stage->step_count, count, simulation->count);
}

static bool loses_work(const struct simulation *simulation)
{
	enum step last = simulation->count ? simulation->steps[simulation->count - 1] : STEP_LOCK;

	return last != STEP_LOCK && last != STEP_CONSOLE_LOCK;
}

static void check(const struct policy *policy)
{
	struct simulation simulation, again;
	struct stage stage;
	uint64_t at = PULLED + (policy->settle ? SETTLE : 0);
	char name[256];

	describe(policy, name, sizeof(name));
	set(&stage, policy);
	assert_true(world_simulate(stage.world, "3", policy->cause, &simulation));
	assert_true(world_simulate(stage.world, "3", policy->cause, &again));
	assert_memory_equal(&simulation, &again, sizeof(simulation));
	assert_int_equal(stage.step_count, 0);

	pull(&stage, policy);
	if (simulation.settle)
		expect_steps(&stage, &simulation, 0, name, "within Settle=");
	if (!simulation.settle && simulation.after_agreement)
		expect_steps(&stage, &simulation, simulation.count - 1, name, "before agreement");
	if (policy->settle)
		tell(&stage, at, "daemon time");
	if (!simulation.after_agreement)
		expect_steps(&stage, &simulation, simulation.count, name, "at once");
	tell(&stage, at + CONFIRM + 1, "daemon time");
	expect_steps(&stage, &simulation, simulation.count, name, "in all");

	/* A second stage for what still has its session. */
	tell(&stage, at + AFTER + CONFIRM + 2, "daemon time");
	if (!loses_work(&simulation)) {
		tell(&stage, at + AFTER + 2 * CONFIRM + 3, "daemon time");
		/* No LockedHint shows here. */
		if ((stage.step_count > simulation.count) !=
		    (simulation.then != ACTION_NONE && !simulation.then_if_seen))
			fail_msg("%s: a second stage was %s", name,
				 simulation.then == ACTION_NONE ? "not announced" : "announced");
	}
	world_free(stage.world);
}

static void test_all(void **state _unused_)
{
	static const char *const actions[] = {"none", "lock", "logout", "disconnect"};
	static const char *const then[] = {"none", "logout", "disconnect"};
	static const char *const kinds[] = {
		"local",	  "local,graphical",	   "local,tty", "local,tty,console",
		"remote,tty,ssh", "remote,graphical,xrdp", "remote",
	};

	for (size_t a = 0; a < ELEMENTS(actions); a++)
		for (size_t t = 0; t < ELEMENTS(then); t++)
			for (size_t k = 0; k < ELEMENTS(kinds); k++)
				for (unsigned bits = 0; bits < CAUSE_COUNT << 5; bits++)
					check(&(struct policy){
						.action = actions[a],
						.then = then[t],
						.kind = kinds[k],
						.settle = bits & 1,
						.logout_where_no_lock = bits & 2,
						.pcsc_lost = bits & 4,
						.provable = bits & 8,
						.probe = bits & 16,
						.cause = (enum cause)(bits >> 5),
					});
}

static void test_unknown_session(void **state _unused_)
{
	struct simulation simulation;
	struct stage stage;

	set(&stage, &(struct policy){.action = "lock", .then = "none", .kind = "local"});
	assert_false(world_simulate(stage.world, "4", CAUSE_CARD, &simulation));
	world_free(stage.world);
}

/* ---- in words -------------------------------------------------------------------------------------------- */

static void test_words(void **state _unused_)
{
	static const struct {
		struct policy policy;
		const char *would;
	} rows[] = {
		{{.action = "lock", .then = "none", .kind = "local"}, "locked at once"},
		{{.action = "none", .then = "none", .kind = "local"}, "nothing is done"},
		{{.action = "none", .then = "logout", .kind = "local"},
		 "nothing is done; logged out 1min later unless it is unlocked"},
		{{.action = "lock", .then = "logout", .kind = "local", .settle = true},
		 "if the card is not back within 1s: locked at once; logged out 1min later unless it is unlocked, and only if its locker reports the lock"},
		{{.action = "logout", .then = "none", .kind = "local", .probe = true},
		 "logged out once a second source agrees or 500ms passed"},
		{{.action = "logout", .then = "none", .kind = "local", .probe = true, .cause = CAUSE_READER},
		 "logged out at once"},
		{{.action = "disconnect", .then = "none", .kind = "remote,graphical,xrdp"},
		 "disconnected at once"},
		{{.action = "disconnect", .then = "none", .kind = "local"}, "locked at once"},
		{{.action = "lock", .then = "none", .kind = "local,tty,console"},
		 "locked and its console locked at once"},
		{{.action = "lock", .then = "none", .kind = "remote,tty,ssh"},
		 "locked at once, though nothing is known to lock it"},
		{{.action = "lock",
		  .then = "none",
		  .kind = "remote,tty,ssh",
		  .logout_where_no_lock = true,
		  .probe = true},
		 "locked at once and logged out once a second source agrees or 500ms passed, though nothing is known to lock it"},
		{{.action = "logout", .then = "none", .kind = "local", .cause = CAUSE_PCSC_LOST},
		 "nothing is done"},
		{{.action = "logout",
		  .then = "none",
		  .kind = "local",
		  .cause = CAUSE_PCSC_LOST,
		  .pcsc_lost = true},
		 "locked at once"},
	};

	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		struct simulation simulation;
		char would[WOULD_SIZE];
		struct stage stage;

		set(&stage, &rows[i].policy);
		assert_true(world_simulate(stage.world, "3", rows[i].policy.cause, &simulation));
		assert_string_equal(would_text(&simulation, would), rows[i].would);
		world_free(stage.world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_unknown_session),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
