/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After each report: to what the session is bound by now, what its locker has shown, and whether the core was
 * prompt. */
#include "judge.h"

#include <string.h>

/*
 * Its card is in its place again, or still, and PC/SC has just said so: that is what the core is bound to
 * from now on.
 */
static void follow_binding(struct machine *machine, const struct report *report, bool new_stay)
{
	const struct device *device = &machine->devices[report->device];
	bool out;

	if (report->state != CARD_PRESENT || device->plug != report->plug ||
	    machine->judge->known_plug[report->device] != device->plug)
		return;
	out = device->insertion[report->unit] != report->insertion;
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		struct judged *judged = &machine->judge->sessions[i];

		if (!judged->known || !machine->logins[i].told || (new_stay && judged->plug == report->plug))
			continue;
		if (device->port != judged->port || report->unit != judged->unit ||
		    device->model != judged->model || machine_atr(machine, report->card) != judged->atr)
			continue;
		/* By the time that this was told, it had left again: bound to it, at that address. */
		if (out || !judged->in_place) {
			judged->usb = device->usb;
			continue;
		}
		if (judged->plug != report->plug)
			judged->bound_made = report->made;
		/* What its reader said before is about the insertion before. */
		if (judged->insertion != report->insertion)
			judged->notice_made = 0;
		judge_bind(machine, i, report->device, report->unit, report->counter);
	}
}

/* The daemon has found it again by its name, wherever that reader is now; and it is its own. */
static bool is_guarded_there(const struct machine *machine, unsigned session,
			     const struct pcsc_reader *reader)
{
	struct session_view view;

	return machine->judge->sessions[session].known && reader->card == machine->logins[session].person &&
	       world_session(machine->daemon.world, people_id(&machine->logins[session]), &view) &&
	       view.state == SESSION_GUARDED && view.reader &&
	       pcscd_last_named(machine, view.reader) == reader;
}

/* The readers that have a card like the session's, which is no other user's. */
static unsigned candidates(struct machine *machine, unsigned session, uint32_t *ret_last)
{
	const struct judged *judged = &machine->judge->sessions[session];
	unsigned found = 0;

	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct pcsc_reader *reader = &machine->pcscd.readers[i];
		bool others = false;

		if (!reader->used || reader->stuck || machine->devices[reader->device].port < 0 ||
		    machine->devices[reader->device].plug != reader->plug || reader->settling ||
		    reader->unreadable || reader->card < 0 ||
		    machine_atr(machine, reader->card) != judged->atr)
			continue;
		for (unsigned j = 0; j < SESSIONS_MOST; j++) {
			const struct judged *other = &machine->judge->sessions[j];

			if (j == session || machine->logins[j].person == machine->logins[session].person)
				continue;
			others |= (other->known && other->in_place && other->device == reader->device &&
				   other->unit == reader->unit) ||
				  is_guarded_there(machine, j, reader);
		}
		if (others)
			continue;
		found++;
		*ret_last = reader->insertion;
	}
	return found;
}

/* PC/SC has nothing new to say, and has said everything. */
static bool candidate_is_plain(const struct machine *machine)
{
	const struct judge *judge = machine->judge;

	for (unsigned i = 0; i < machine->device_count; i++) {
		/* A reader that was just pulled is listed for a while, its card in. */
		if (machine->devices[i].port < 0 && machine->devices[i].unplugged_at + 5 * SEC > machine->now)
			return false;
		for (unsigned unit = 0; unit < UNITS; unit++) {
			if (machine->devices[i].changed_at[unit] + 5 * SEC > machine->now)
				return false;
		}
	}
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		/* It has ended or begun, and the daemon has not read that: whose its card is, the daemon cannot know. */
		if (machine->logins[i].told != judge->sessions[i].known)
			return false;
	}
	return judge->up && !judge->asleep && !machine->asleep && machine->pcscd.up && !machine->pcscd.hung &&
	       judge->up_at + 5 * SEC < machine->now;
}

/*
 * Its card may be anybody's: the daemon does not believe that it is in. Or the daemon takes another one for it, by the name
 * of a reader whose place was never known.
 */
static bool is_in_doubt(const struct machine *machine, unsigned session)
{
	const struct judged *judged = &machine->judge->sessions[session];
	struct session_view view;

	if (!world_session(machine->daemon.world, people_id(&machine->logins[session]), &view))
		return false;
	if (!judged->in_place)
		return view.state == SESSION_GUARDED;
	return view.state != SESSION_GUARDED || judged->comm_errors || !judged->at_hand;
}

/* … so that the daemon must know which card is the only one: each can be read, and whose the others are is known. */
static bool candidate_is_certain(const struct machine *machine)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct pcsc_reader *reader = &machine->pcscd.readers[i];

		/* It cannot be read, or pcscd did not look while its card was swapped. */
		if (reader->used && (reader->unreadable || reader->stuck ||
				     (reader->card >= 0 &&
				      machine->devices[reader->device].card[reader->unit] != reader->card)))
			return false;
	}
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		if (machine->judge->sessions[i].known && is_in_doubt(machine, i))
			return false;
	}
	return candidate_is_plain(machine);
}

/* The session is bound to another reader's card by now: follow it there. */
static void follow_unlock(struct machine *machine, unsigned session, const struct session_view *view)
{
	struct judged *judged = &machine->judge->sessions[session];

	const struct pcsc_reader *reader = view->reader ? pcscd_last_named(machine, view->reader) : NULL;

	judged->rebound++;
	judged->was_rebound = true;
	if (reader)
		judge_bind(machine, session, reader->device, reader->unit, view->login->card.event_counter);
	/* pcscd has started again since, and it was unplugged. */
	for (unsigned i = 0; !reader && i < machine->device_count; i++) {
		if (usb_address_equal(machine->devices[i].usb, view->login->card.usb))
			judge_bind(machine, session, i, judged->unit, view->login->card.event_counter);
	}
	judge_place(machine, session, view->login->usb_path);
	/* It has left since PC/SC looked, and may be back. */
	judged->departures +=
		!judged->in_place || (reader && reader->plug != machine->devices[reader->device].plug);
	judged->place_known = usb_address_is_set(view->login->card.usb);
	judged->guarded = false;
}

static void unlocked(struct machine *machine, unsigned session)
{
	struct judged *judged = &machine->judge->sessions[session];
	bool plain = candidate_is_plain(machine);
	struct session_view view;
	uint32_t only = 0;

	if (judged->state_before == SESSION_GUARDED ||
	    !world_session(machine->daemon.world, people_id(&machine->logins[session]), &view))
		return;
	if (view.state == SESSION_GUARDED) {
		if (plain && !judged->in_place && candidates(machine, session, &only) > 1)
			judge_fault(machine, FAULT_FALSE, session,
				    "bound to one of several cards like its own");
		follow_unlock(machine, session, &view);
		return;
	}
	/* While pcscd is away nobody knows where the card is; that it is away was reported. */
	if (judged->in_place || judged->away_for_pcsc)
		return;
	judged->must_be_reported = true;
	if (candidate_is_certain(machine) && candidates(machine, session, &only) == 1)
		judged->candidate = only;
	else
		judged->candidate = 0;
}

static void hint_told(struct machine *machine, const struct report *report)
{
	struct judged *judged = &machine->judge->sessions[report->session];

	if (report->type == EVENT_SESSION_LOCKED) {
		if (!judged->hint_told)
			judged->hint_told_at = machine->now;
		judged->hint_told = judged->ever_hint = true;
		judged->must_be_reported = false;
		return;
	}
	if (!judged->hint_told)
		return;
	judged->hint_told = false;
	if (machine->now < judged->hint_told_at + SEC)
		return;
	judged->worked_since = true;
	unlocked(machine, report->session);
}

/*
 * An order that nobody may keep waiting: the kernel itself says it, and nothing is in doubt. Where PC/SC places another
 * reader at its device, a notice may be of that one's slot.
 */
static void judge_promptness(struct machine *machine, unsigned session, const struct report *report)
{
	const struct judged *judged = &machine->judge->sessions[session];
	const struct judge *judge = machine->judge;
	struct settings settings;

	policy_settings(machine->policy, &settings);
	if (!judged->known || !judged->at_hand || judged->departures != 1 || judged->words != 1 ||
	    judged->removals > 1 || judged->first_true != machine->now || judged->false_words ||
	    judged->daemon_away || judged->pcscd_away || judged->lost_pcsc || judged->comm_errors ||
	    judged->in_place || settings.settle || judge->resume_at || judge->asleep ||
	    !judged->place_known || report->device != judged->device || report->made <= judged->recorded_at ||
	    /* Nobody has said that its device is there again, at another address. */
	    judge->known_plug[report->device] != report->plug ||
	    (report->type == EVENT_SLOT_CHANGE && judge_misplaced(machine, judged)))
		return;
	if (settings.action == ACTION_LOCK && !judged->locks)
		judge_fault(machine, FAULT_MISSED, session, "not locked at the kernel's word");
	if (settings.action == ACTION_LOGOUT && report->type == EVENT_DEVICE_REMOVE && judged->device_word &&
	    !judged->losing)
		judge_fault(machine, FAULT_MISSED, session, "not logged out when its device was gone");
}

/* As it is now. */
static bool is_reported(const struct machine *machine, const struct pcsc_reader *reader)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct observed *seen = &machine->worker.seen[i];

		if (seen->used && worker_reader(machine, seen) == reader)
			return seen->announced && seen->state == CARD_PRESENT &&
			       seen->counter == reader->counter;
	}
	return false;
}

/* PC/SC named its readers before the kernel's word of their device was read. */
static void follow_device(struct machine *machine, const struct report *told)
{
	/* What is still on its way says it later. A new daemon lists the devices before PC/SC has named anything. */
	if (!machine->judge->up || machine->lane_last[LANE_PCSC] > machine->now)
		return;
	for (unsigned unit = 0; unit < machine->devices[told->device].units; unit++) {
		const struct pcsc_reader *reader = pcscd_find(machine, told->device, unit);

		if (reader && reader->card >= 0 && !reader->settling && !reader->unreadable &&
		    is_reported(machine, reader))
			follow_binding(machine,
				       &(struct report){.state = CARD_PRESENT,
							.device = told->device,
							.unit = (uint8_t)unit,
							.plug = reader->plug,
							.insertion = reader->insertion,
							.card = reader->card,
							.counter = reader->counter},
				       true);
	}
}

void judge_reported(struct machine *machine, const struct report *report)
{
	if (report->lane == LANE_LOGIND) {
		if (report->type == EVENT_SESSION_LOCKED || report->type == EVENT_SESSION_UNLOCKED)
			hint_told(machine, report);
		if (report->type == EVENT_SESSION_ENDED)
			machine->logins[report->session].told = machine->logins[report->session].recorded =
				false;
		return;
	}
	if (report->type == EVENT_READER)
		follow_binding(machine, report, false);
	else if (report->type == EVENT_DEVICE_ADD)
		follow_device(machine, report);
	if (report->source == SOURCE_PROBE ||
	    (report->lane == LANE_UEVENT && report->type == EVENT_DEVICE_REMOVE)) {
		for (unsigned i = 0; i < SESSIONS_MOST; i++)
			judge_promptness(machine, i, report);
	}
}
