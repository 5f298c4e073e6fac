/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's wiring round the core, as user/daemon has it: the order of its start, what it does
 * about each verdict, what it keeps for a daemon that starts later.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "policy/trace.h"

/* ---- policies ---------------------------------------------------------------------------------------------
 */

/* No history has as many, unless the core has each answer asked for again. */
#define EVENTS_MOST 5000

#define OF(a, ...) {.action = (a), .confirm = 500 * MS, .lock_timeout = 3 * SEC, __VA_ARGS__}

static const struct settings policies[] = {
	OF(ACTION_LOCK),
	OF(ACTION_LOGOUT),
	OF(ACTION_LOCK, .then = ACTION_LOGOUT, .after = 3 * SEC),
	OF(ACTION_DISCONNECT),
	OF(ACTION_LOCK, .settle = 2 * SEC),
	OF(ACTION_LOGOUT, .settle = 300 * MS),
	OF(ACTION_LOCK, .when_lock_fails = FALLBACK_LOGOUT),
	OF(ACTION_LOCK, .when_cannot_lock = FALLBACK_LOGOUT),
	OF(ACTION_LOCK, .lock_when_pcsc_lost = true),
	{.action = ACTION_LOGOUT, .confirm = 2 * SEC, .lock_timeout = 3 * SEC, .lock_when_pcsc_lost = true},
	OF(ACTION_DISCONNECT, .then = ACTION_LOGOUT, .after = 2 * SEC),
	OF(ACTION_LOCK, .then = ACTION_LOGOUT, .after = 1 * SEC, .settle = 300 * MS),
	OF(ACTION_NONE),
	OF(ACTION_LOCK, .when_lock_fails = FALLBACK_LOGOUT, .when_cannot_lock = FALLBACK_LOGOUT),
	OF(ACTION_LOCK, .then = ACTION_DISCONNECT, .after = 2 * SEC, .when_lock_fails = FALLBACK_LOGOUT),
	{.action = ACTION_LOGOUT, .lock_timeout = 3 * SEC},
};

void policy_settings(uint8_t policy, struct settings *ret)
{
	*ret = policies[policy % ELEMENTS(policies)];
}

static struct governance governance(const struct machine *machine)
{
	struct governance governance;

	for (unsigned i = 0; i < CAUSE_COUNT; i++)
		governance.by_cause[i] = machine->daemon.settings;
	return governance;
}

/* ---- the recording ----------------------------------------------------------------------------------------
 */

static void trace_line(struct machine *machine, const char *mark, const char *line)
{
	size_t length = strlen(mark) + strlen(line) + 1;

	if (machine->trace_used + length >= machine->trace_size)
		return;
	machine->trace_used += (size_t)sprintf(machine->trace + machine->trace_used, "%s%s\n", mark, line);
}

static void trace_event_line(struct machine *machine, const struct event *event)
{
	char line[TRACE_LINE_MAX];

	if (machine->trace)
		trace_line(machine, "", trace_format(event, line));
}

/* ---- verdicts ---------------------------------------------------------------------------------------------
 */

static bool ends_with_lock(const struct verdict *verdict)
{
	return verdict->cause != CAUSE_PCSC_LOST && verdict->settings->then == ACTION_NONE &&
	       verdict->settings->action <= ACTION_LOCK;
}

static bool failure_only_warns(const struct settings *settings)
{
	return settings->when_lock_fails == FALLBACK_WARN && settings->when_cannot_lock == FALLBACK_WARN;
}

/* A core that emits no DEALT: note_away() of the daemon keeps what a later one has to know. */
static void note_away(struct machine *machine, struct login *login, const struct verdict *verdict)
{
	struct session_view view;
	bool is_away = world_session(machine->daemon.world, verdict->login->session, &view) &&
		       view.state == SESSION_AWAY;

	if (verdict->type == VERDICT_REMOVAL)
		login->away = ends_with_lock(verdict) && failure_only_warns(verdict->settings);
	else if (verdict->type == VERDICT_OUTCOME && verdict->outcome == OUTCOME_VERIFIED &&
		 ends_with_lock(verdict) && is_away)
		login->away = true;
	else if (verdict->type == VERDICT_CANCELLED && is_away)
		login->away = true;
	else if (verdict->type == VERDICT_RESTORED || verdict->type == VERDICT_CONTRADICTED)
		login->away = false;
}

static bool core_deals;

static void keep(struct machine *machine, const struct verdict *verdict)
{
	struct login *login = verdict->login ? people_find(machine, verdict->login->session) : NULL;
	const struct pcsc_reader *reader;

	if (!login)
		return;
	if (verdict->type == VERDICT_BOUND) {
		login->bound = *verdict->login;
		login->has_bound = true;
		login->pcscd = machine->pcscd.life;
		reader = pcscd_named(machine, verdict->login->card.name);
		people_note_errors(login, reader);
	} else if (verdict->type == VERDICT_DEALT) {
		login->away = verdict->dealt;
	} else if (!core_deals) {
		note_away(machine, login, verdict);
	}
}

static void on_verdict(void *userdata, const struct verdict *verdict)
{
	struct machine *machine = userdata;
	char line[TRACE_LINE_MAX];

	if (machine->trace)
		trace_line(machine, "= ", trace_format_verdict(verdict, line));
	if (verdict->type == VERDICT_WATCH || verdict->type == VERDICT_UNWATCH) {
		if (verdict->usb.device < ELEMENTS(machine->daemon.watched))
			machine->daemon.watched[verdict->usb.device] = verdict->type == VERDICT_WATCH;
		return;
	}
	machine->daemon.recheck |= verdict->type == VERDICT_RECHECK;
	machine->daemon.reread |= verdict->type == VERDICT_REREAD || verdict->type == VERDICT_LOCATE;
	machine->daemon.locate |= verdict->type == VERDICT_LOCATE;
	keep(machine, verdict);
	judge_verdict(machine, verdict);
}

/* ---- events -----------------------------------------------------------------------------------------------
 */

static void feed(struct machine *machine, const struct event *told)
{
	struct event event = *told;
	const char *wrong;

	if (++machine->events > EVENTS_MOST)
		judge_broken(machine, "the core asks again and again");
	event.now = machine->now;
	trace_event_line(machine, &event);
	if (world_event(machine->daemon.world, &event) < 0)
		judge_broken(machine, "out of memory");
	wrong = world_check(machine->daemon.world);
	if (wrong)
		judge_broken(machine, wrong);
}

void driver_event(struct machine *machine, const struct event *event)
{
	struct daemon *daemon = &machine->daemon;

	feed(machine, event);
	judge_event_done(machine);
	if (daemon->recheck) {
		daemon->recheck = daemon->reread = daemon->locate = false;
		reports_list_devices(machine);
		worker_request(machine, true);
	}
	if (daemon->reread)
		worker_request(machine, daemon->locate);
	daemon->reread = daemon->locate = false;
}

/* When the loop wakes for the core, as the daemon's timer does: rounded up to the next microsecond. NEVER:
 * not. */
uint64_t driver_deadline(const struct machine *machine)
{
	uint64_t deadline = machine->daemon.world ? world_deadline(machine->daemon.world) : UINT64_MAX;

	return deadline == UINT64_MAX ? NEVER : (deadline / NSEC_PER_USEC + 1) * NSEC_PER_USEC;
}

void driver_time(struct machine *machine, uint64_t now)
{
	if (now > machine->now)
		machine->now = now;
	driver_event(machine,
		     &(struct event){.type = EVENT_TIME, .source = SOURCE_DAEMON, .stamp = machine->now});
}

/* ---- records ----------------------------------------------------------------------------------------------
 */

static void tell_record(struct machine *machine, unsigned session, bool fresh, bool away)
{
	struct login *login = &machine->logins[session];
	struct event event = {.type = EVENT_RECORD, .source = SOURCE_RECORD, .stamp = machine->now};

	login->told = true;
	event.record.login = login->has_bound ? &login->bound : &login->record;
	event.record.governance = governance(machine);
	event.record.away = away;
	judge_recorded(machine, session, fresh, away);
	driver_event(machine, &event);
	people_tell(machine, session);
}

/* A new record: the notes that belong to an older one are dropped. */
void driver_record(struct machine *machine, unsigned session)
{
	struct login *login = &machine->logins[session];

	if (!login->used || !login->recorded || login->told)
		return;
	login->has_bound = login->away = false;
	tell_record(machine, session, true, false);
}

/* ---- its life ---------------------------------------------------------------------------------------------
 */

static struct settings *settings_new(uint8_t policy)
{
	struct settings *settings = malloc(sizeof(*settings));

	if (!settings)
		abort();
	policy_settings(policy, settings);
	return settings;
}

/* What still looks at them afterwards finds nonsense, or a sanitizer. */
static void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	memset(settings, 0xa5, sizeof(*settings));
	free(settings);
}

void driver_start(struct machine *machine)
{
	struct daemon *daemon = &machine->daemon;

	if (daemon->world)
		return;
	if (world_new(on_verdict, machine, &daemon->world) < 0)
		abort();
	daemon->life++;
	memset(daemon->watched, 0, sizeof(daemon->watched));
	daemon->recheck = daemon->reread = daemon->locate = false;
	daemon->settings = settings_new(machine->policy);
	memset(machine->lose, 0, sizeof(machine->lose));
	memset(machine->lost_pending, 0, sizeof(machine->lost_pending));
	memset(machine->lane_last, 0, sizeof(machine->lane_last));
	judge_daemon(machine, true);
	if (machine->script->setup.probe)
		driver_event(
			machine,
			&(struct event){.type = EVENT_PROBE, .source = SOURCE_DAEMON, .stamp = machine->now});
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		if (machine->logins[i].used && machine->logins[i].recorded)
			tell_record(machine, i, false, machine->logins[i].away);
	}
	reports_list_devices(machine);
	worker_start(machine);
	/* As user/sources/logind.c asks. */
	if (machine->asleep)
		reports_send(
			machine,
			(struct report){.lane = LANE_LOGIND, .type = EVENT_SLEEP, .source = SOURCE_LOGIND},
			MS);
}

void driver_stop(struct machine *machine)
{
	struct daemon *daemon = &machine->daemon;

	if (!daemon->world)
		return;
	worker_stop(machine);
	daemon->world = world_free(daemon->world);
	settings_free(daemon->settings);
	daemon->settings = NULL;
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		machine->logins[i].told = false;
	}
	judge_daemon(machine, false);
}

void driver_reload(struct machine *machine, uint8_t policy)
{
	struct settings *old = machine->daemon.settings;
	uint8_t old_policy = machine->policy;

	machine->policy = policy;
	if (!machine->daemon.world)
		return;
	machine->daemon.settings = settings_new(policy);
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		struct event event = {.type = EVENT_SETTINGS, .source = SOURCE_DAEMON, .stamp = machine->now};

		if (!machine->logins[i].used)
			continue;
		event.change.session = people_id(&machine->logins[i]);
		event.change.governance = governance(machine);
		driver_event(machine, &event);
	}
	judge_reloaded(machine, old_policy);
	settings_free(old);
}

/* ---- whether this core emits DEALT ------------------------------------------------------------------------
 */

static void note_deal(void *userdata, const struct verdict *verdict)
{
	if (verdict->type == VERDICT_DEALT)
		*(bool *)userdata = true;
}

/* Asked once, before any history: one card out, with Action=lock. */
void driver_ask_core(void)
{
	struct settings *settings = settings_new(0);
	struct login_record login = {
		.session = "1", .user = "ada", .card = {.name = "R 00 00", .card = CARD_PRESENT}};
	struct reader_state state = login.card;
	struct event events[] = {
		{.type = EVENT_DEVICES_LISTED, .source = SOURCE_STARTUP},
		{.type = EVENT_PCSC_UP, .source = SOURCE_PCSC},
		{.type = EVENT_READER, .source = SOURCE_PCSC, .reader = &login.card},
		{.type = EVENT_PCSC_LISTED, .source = SOURCE_PCSC},
		{.type = EVENT_RECORD, .source = SOURCE_RECORD, .record = {.login = &login}},
		{.type = EVENT_READER, .source = SOURCE_PCSC, .reader = &state},
		{.type = EVENT_TIME, .source = SOURCE_DAEMON},
	};
	struct world *world = NULL;

	for (unsigned i = 0; i < CAUSE_COUNT; i++)
		events[4].record.governance.by_cause[i] = settings;
	state.card = CARD_EMPTY;
	state.event_counter = 1;
	if (world_new(note_deal, &core_deals, &world) < 0)
		abort();
	for (unsigned i = 0; i < ELEMENTS(events); i++) {
		events[i].stamp = events[i].now = (i + 1) * 5 * SEC;
		if (world_event(world, &events[i]) < 0)
			abort();
	}
	world_free(world);
	settings_free(settings);
}
