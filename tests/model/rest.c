/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state when all is quiet: who lost the card and was not acted on, who was and did not lose it, who is
 * guarded, who should be.
 */
#include "judge.h"

#include <string.h>

/* How long after the last thing that may delay it a removal has to be dealt with: doubt, grace, and some. */
#define IN_TIME (PCSC_DOUBT + RESUME_GRACE + SEC)
/* ---- removals ---------------------------------------------------------------------------------------------
 */

static uint64_t later_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* By when it has to be done. */
static uint64_t latest(const struct machine *machine, const struct judged *judged,
		       const struct settings *settings)
{
	const struct judge *judge = machine->judge;
	uint64_t from = later_of(judged->first_true, judge->daemon_at);

	from = later_of(from, later_of(judge->up_at, judge->down_at));
	/* pcscd could not say it, and the kernel said something later. */
	if (!judge->up && judge->down_at < judged->first_true + 2 * PCSC_DOUBT)
		from = later_of(from, judged->kernel_word_at);
	from = later_of(from, later_of(judge->resume_at, machine->pcscd.hung_until));
	return from + IN_TIME + settings->confirm + settings->settle;
}

static void judge_action(struct machine *machine, unsigned session, const struct settings *settings)
{
	struct judged *judged = &machine->judge->sessions[session];
	const struct login *login = &machine->logins[session];
	bool losing = settings->action == ACTION_LOGOUT ||
		      (settings->action == ACTION_DISCONNECT && login->kind & (KIND_XRDP | KIND_SSH));

	if (judged->reloaded || judged->kind_unknown || settings->action == ACTION_NONE ||
	    judged->contradicted || judged->settled || judged->cancelled || judged->daemon_away ||
	    judged->slept || machine->judge->resume_at)
		return;
	if (losing ? !judged->losing : !judged->locks)
		judge_fault(machine, FAULT_MISSED, session, "a removal, and no %s",
			    action_name(settings->action));
	/* Which of the two interfaces it was nobody could know, and that was reported. */
	else if (judged->composite && (judged->comm_errors || !judged->at_hand))
		return;
	else if (judged->words && judged->first_act > latest(machine, judged, settings) &&
		 !judge_excepted(machine, judged, UNKNOWABLE_REMOVAL))
		judge_fault(machine, FAULT_MISSED, session, "acted on too late");
}

/* What has to follow a lock: the second stage, another lock, a log-out. */
static void judge_what_follows(struct machine *machine, unsigned session, const struct settings *settings)
{
	struct judged *judged = &machine->judge->sessions[session];
	bool plain = judged->removals == 1 && judged->departures == 1 && !judged->reloaded &&
		     !judged->contradicted && !judged->settled && !judged->lost_pcsc &&
		     !judged->daemon_away && !judged->slept && !judged->false_words && !judged->failures &&
		     machine->judge->daemon_starts == 0 && !machine->judge->resume_at;

	if (!plain || !judged->locks || settings->action != ACTION_LOCK)
		return;
	if (judged->hint_died_after && judged->locks < 2)
		judge_fault(machine, FAULT_MISSED, session, "its locker died, and it was not locked again");
	else if (judged->hint_died_after > 1 && !judged->in_place &&
		 settings->when_lock_fails == FALLBACK_LOGOUT && !judged->losing &&
		 !judge_excepted(machine, judged, UNKNOWABLE_REMOVAL))
		judge_fault(machine, FAULT_MISSED, session,
			    "its locker died twice, and it was not logged out");
	else if (settings->then == ACTION_LOGOUT && judged->hint_told &&
		 judged->hint_told_at >= judged->first_act &&
		 judged->hint_told_at < judged->first_act + SEC && !judged->deaths && !judged->cancelled &&
		 !judged->losing)
		judge_fault(machine, FAULT_MISSED, session, "no second stage");
}

static void judge_departed(struct machine *machine, unsigned session)
{
	struct judged *judged = &machine->judge->sessions[session];
	struct settings settings;
	unsigned most;

	policy_settings(machine->policy, &settings);
	if (!judged->departures)
		return;
	if (judged->guarded && judged->removals == judged->lost_pcsc && !judged->settled &&
	    !(judged->contradicted && judged->in_place)) {
		if (!judge_excepted(machine, judged, UNKNOWABLE_REMOVAL))
			judge_fault(machine, FAULT_MISSED, session, "its card left, and no removal");
		return;
	}
	most = judged->departures + judged->contradicted + judged->false_words + judged->backs +
	       judged->rebound + machine->judge->daemon_starts + judged->lost_pcsc +
	       (machine->judge->resume_at ? 1 : 0);
	if (judged->removals > most && !judge_excepted(machine, judged, UNKNOWABLE_PLACE))
		judge_fault(machine, FAULT_FALSE, session, "%u removals, and its card left %u times",
			    judged->removals, judged->departures);
	if (judged->guarded && !judged->lost_pcsc)
		judge_action(machine, session, &settings);
	if (judged->guarded)
		judge_what_follows(machine, session, &settings);
	/* The policy that it had before may have had a second stage. */
	most = settings.then == ACTION_NONE && !judged->reloaded ? 2 : 4;
	if (judged->locks > most * judged->removals + 1)
		judge_fault(machine, FAULT_FALSE, session, "%u locks for %u removals", judged->locks,
			    judged->removals);
}

/* ---- who is guarded ---------------------------------------------------------------------------------------
 */

static bool pcsc_sees_it(struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < machine->device_count; i++) {
		const struct pcsc_reader *reader;

		if (machine->devices[i].port != judged->port)
			continue;
		reader = pcscd_find(machine, i, judged->unit);
		return machine->pcscd.up && !machine->pcscd.hung && reader && !reader->stuck &&
		       !reader->unreadable && !reader->settling &&
		       reader->card == machine->devices[i].card[judged->unit] &&
		       reader->insertion == machine->devices[i].insertion[judged->unit];
	}
	return false;
}

static const struct observed *observed_as(const struct machine *machine, const char *name)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct observed *seen = &machine->worker.seen[i];
		char its[READER_NAME_SIZE];

		if (!seen->used)
			continue;
		reader_name(seen->model, seen->index, seen->unit, its);
		if (strcmp(its, name) == 0)
			return seen;
	}
	return NULL;
}

/* It is guarded: by the right insertion, in the right place? */
static void judge_binding(struct machine *machine, unsigned session, const struct session_view *view)
{
	const struct judged *judged = &machine->judge->sessions[session];
	const struct pcsc_reader *reader = pcscd_find(machine, judged->device, judged->unit);
	const struct observed *seen = view->reader ? observed_as(machine, view->reader) : NULL;
	const struct pcsc_reader *by_name = view->reader ? pcscd_named(machine, view->reader) : NULL;
	struct usb_address usb = view->login->card.usb;

	if (usb_address_is_set(usb) && !usb_address_equal(usb, machine->devices[judged->device].usb))
		judge_fault(machine, FAULT_UNGUARDED, session, "bound to %u:%u, and its reader is %u:%u",
			    usb.bus, usb.device, 1U, machine->devices[judged->device].usb.device);
	else if (!usb_address_is_set(usb) && seen && usb_address_is_set(seen->usb))
		judge_fault(machine, FAULT_UNGUARDED, session, "bound to no address, and PC/SC knows it");
	/* An unlock bound it to another reader's card like its own, and that reader's place is not known: follow it. */
	else if (judged->was_rebound && !usb_address_is_set(usb) && by_name &&
		 machine_atr(machine, by_name->card) == judged->atr &&
		 view->login->card.event_counter == by_name->counter)
		judge_bind(machine, session, by_name->device, by_name->unit, by_name->counter);
	else if (reader && view->login->card.event_counter != reader->counter)
		judge_fault(machine, FAULT_UNGUARDED, session, "bound to insertion %u, and it is %u",
			    view->login->card.event_counter, reader->counter);
	/* It may have been out and in again while that was on its way. */
	else if (reader && judged->in_place)
		judge_bind(machine, session, judged->device, judged->unit, reader->counter);
}

/* Another reader of the model, with a card like its own, is in its place: that guards it. */
static void follow_place(struct machine *machine, unsigned session, const struct session_view *view,
			 bool anywhere)
{
	const struct judged *judged = &machine->judge->sessions[session];

	for (unsigned i = 0; i < machine->device_count; i++) {
		const struct device *device = &machine->devices[i];
		const struct pcsc_reader *reader = pcscd_find(machine, i, judged->unit);

		if (i != judged->device && (anywhere || device->port == judged->port) &&
		    device->model == judged->model && reader &&
		    usb_address_equal(device->usb, view->login->card.usb)) {
			judge_bind(machine, session, i, judged->unit, reader->counter);
			return;
		}
	}
}

static void judge_in_place(struct machine *machine, unsigned session, const struct session_view *view,
			   bool repaired)
{
	struct judged *judged = &machine->judge->sessions[session];
	bool seen = pcsc_sees_it(machine, judged);
	unsigned which = UNKNOWABLE_PLACE & ~(repaired ? 1U << EXCEPTION_PCSCD_DEAF : 0);

	if (view->state == SESSION_GUARDED) {
		follow_place(machine, session, view, false);
		if (!seen)
			return;
		if (judge_excepted(machine, judged, UNKNOWABLE_PLACE))
			follow_place(machine, session, view, true);
		else
			judge_binding(machine, session, view);
		return;
	}
	if (!seen && (judged->departures || judged->false_words || judged->lost_pcsc || !judged->guarded))
		return;
	if (!judge_excepted(machine, judged, which))
		judge_fault(machine, FAULT_UNGUARDED, session, "its card is in, and it is not guarded");
}

static bool is_still_there(const struct machine *machine, uint32_t insertion)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct pcsc_reader *reader = &machine->pcscd.readers[i];

		if (reader->used && reader->insertion == insertion && reader->card >= 0 &&
		    machine->devices[reader->device].insertion[reader->unit] == insertion)
			return true;
	}
	return false;
}

static void judge_reporting(struct machine *machine, unsigned session)
{
	const struct judged *judged = &machine->judge->sessions[session];

	if (judged->guarded && !judged->removals && !judged->comm_errors && !judged->unguarded)
		judge_fault(machine, FAULT_UNGUARDED, session, "not guarded, and nothing reports it");
	else if (judged->must_be_reported && !judged->unguarded)
		judge_fault(machine, FAULT_UNGUARDED, session,
			    "unlocked without its card, and nothing reports it");
	else if (judged->must_be_reported && judged->candidate && is_still_there(machine, judged->candidate))
		judge_fault(machine, FAULT_UNGUARDED, session,
			    "unlocked, and not bound to the only card like its own");
}

static void judge_session(struct machine *machine, unsigned session, bool repaired)
{
	struct judged *judged = &machine->judge->sessions[session];
	const struct login *login = &machine->logins[session];
	struct session_view view;

	if (!judged->known || !login->told)
		return;
	if (!world_session(machine->daemon.world, people_id(login), &view)) {
		judge_fault(machine, FAULT_UNGUARDED, session, "it is not known any more");
		return;
	}
	judge_departed(machine, session);
	if (judged->in_place)
		judge_in_place(machine, session, &view, repaired);
	else if (view.state == SESSION_GUARDED && !judge_excepted(machine, judged, UNKNOWABLE_REMOVAL))
		judge_fault(machine, FAULT_MISSED, session, "its card is out, and it counts as guarded");
	if (view.state != SESSION_GUARDED)
		judge_reporting(machine, session);
	if (view.state == SESSION_PENDING)
		judge_fault(machine, FAULT_BROKEN, session, "something is still pending");
}

/* ---- at rest ----------------------------------------------------------------------------------------------
 */

/* The address of the session's own reader, as PC/SC gave it to this daemon. */
static bool is_located(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct observed *seen = &machine->worker.seen[i];

		if (seen->used && seen->announced && seen->model == judged->model &&
		    seen->index == judged->index &&
		    usb_address_equal(seen->usb, machine->devices[judged->device].usb))
			return true;
	}
	return false;
}

/* Several readers could be its own, and the record does not say at which port that is. */
static bool is_one_of_several(const struct machine *machine, const struct judged *judged)
{
	return !judged->place_known && judge_like_readers(machine, judged) > 1;
}

/*
 * Its card was out, and this daemon may yet learn it: PC/SC has not named the place of its reader, because a program
 * holds it, say; or it has, and may have named the readers again before that.
 */
static bool is_to_be_found(const struct machine *machine, const struct judged *judged)
{
	return (judged->daemon_away || judged->may_be_found || judged->departures) &&
	       judged->removals == judged->removals_before &&
	       (!is_located(machine, judged) || is_one_of_several(machine, judged));
}

/* What is remembered from one rest to the next: where its card is, what its locker has shown. */
static void begin_again(struct machine *machine, unsigned session)
{
	struct judged *judged = &machine->judge->sessions[session];
	struct judged next = {
		.known = judged->known,
		.port = judged->port,
		.device = judged->device,
		.unit = judged->unit,
		.model = judged->model,
		.index = judged->index,
		.atr = judged->atr,
		.composite = judged->composite,
		.plug = judged->plug,
		.insertion = judged->insertion,
		.pcsc_life = judged->pcsc_life,
		.counter = judged->counter,
		.said_state = judged->said_state,
		.read_state = judged->read_state,
		.read_counter = judged->read_counter,
		.said_counter = judged->said_counter,
		.recovered = judged->recovered,
		.kernel_word = judged->kernel_word,
		.recorded_at = judged->recorded_at,
		.told_at = judged->told_at,
		.usb = judged->usb,
		.place_known = judged->place_known,
		.in_place = judged->in_place,
		.reader_there = judged->reader_there,
		.hint_told = judged->hint_told,
		.ever_hint = judged->ever_hint,
		.hint_told_at = judged->hint_told_at,
		/* Names that were given again stay so. */
		.names_moved = judged->names_moved,
		.pcsc_was_present = judged->pcsc_was_present,
		.kind_told = judged->kind_told,
		.excused = judged->excused,
		.misbound = judged->misbound,
		.was_rebound = judged->was_rebound,
		.placed_late = judged->placed_late,
		.away_for_pcsc = judged->away_for_pcsc,
	};
	struct session_view view;
	bool guarded = machine->daemon.world &&
		       world_session(machine->daemon.world, people_id(&machine->logins[session]), &view) &&
		       view.state == SESSION_GUARDED;

	next.guarded = judged->in_place && guarded;
	next.at_hand =
		next.guarded && usb_address_equal(view.login->card.usb, machine->devices[judged->device].usb);
	/* Once is enough, until it is guarded again. */
	if (!next.guarded)
		next.unguarded = judged->unguarded;
	next.excused &= !next.guarded || judged->misbound;
	next.may_be_found = guarded && is_to_be_found(machine, judged);
	/* … and PC/SC has said so already, of a reader that nobody knew to be its own. */
	next.pcsc_moved = next.may_be_found && judged->pcsc_moved;
	next.agreed = next.may_be_found && judged->agreed;
	*judged = next;
}

void judge_rest(struct machine *machine, bool repaired)
{
	struct judge *judge = machine->judge;
	uint64_t deadline = world_deadline(machine->daemon.world);

	for (unsigned i = 0; i < SESSIONS_MOST; i++)
		judge_session(machine, i, repaired);
	if (deadline != UINT64_MAX && deadline > machine->now + LOCATE_MOST)
		judge_broken(machine, "a deadline far away");
	for (unsigned i = 0; i < SESSIONS_MOST; i++)
		begin_again(machine, i);
	judge->daemon_starts = 0;
	judge->resume_at = 0;
}

const char *fault_name(enum fault fault)
{
	static const char *const names[FAULT_COUNT] = {"none", "missed", "false", "unguarded", "broken"};

	return names[fault];
}
