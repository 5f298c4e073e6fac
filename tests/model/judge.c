/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nobody can know, as one table with its reasons. */
#include "judge.h"

#include <string.h>

/* ---- what cannot be known ---------------------------------------------------------------------------------
 */

static bool is_unseen(const struct machine *machine _unused_, const struct judged *judged)
{
	return judged->departures > 0 &&
	       (judged->words == 0 ||
		((judged->removals > 0 || judged->settled > 0) && judged->fresh_words == 0));
}

static bool daemon_was_away(const struct machine *machine _unused_, const struct judged *judged)
{
	return judged->daemon_away && judged->in_place;
}

unsigned judge_like_readers(const struct machine *machine, const struct judged *judged)
{
	unsigned count = 0;

	for (unsigned i = 0; i < machine->device_count; i++)
		count += machine->devices[i].model == judged->model ? machine->devices[i].units : 0;
	return count;
}

/* PC/SC does not tell where one of the readers of this model is. */
static bool is_unlocated(const struct machine *machine, const struct judged *judged)
{
	const struct observed *seen = machine->worker.seen;

	for (unsigned i = 0; i < READERS_MOST; i++) {
		if (seen[i].used && seen[i].model == judged->model && !usb_address_is_set(seen[i].usb))
			return true;
	}
	return false;
}

/*
 * Recorded with a pcscd that was gone when the record was read, in one of two interfaces that now have equal cards: PC/SC tells where
 * the device is, and not which interface is which.
 */
static bool is_one_of_two(const struct machine *machine, const struct judged *judged)
{
	const struct login *login = &machine->logins[judged - machine->judge->sessions];
	const struct device *device = &machine->devices[judged->device];
	int other = device->card[1 - judged->unit];

	return judged->composite && login->pcscd != machine->pcscd.life &&
	       judged->recorded_at >= machine->judge->up_at && other >= 0 &&
	       machine_atr(machine, other) == judged->atr;
}

static bool names_passed_on(const struct machine *machine, const struct judged *judged)
{
	return is_one_of_two(machine, judged) || (judged->names_moved && is_unlocated(machine, judged) &&
						  judge_like_readers(machine, judged) > 1);
}

/* The reader alone is known, by its name: in another port it has the same. */
static bool has_no_place(const struct machine *machine, const struct judged *judged)
{
	int port = machine->devices[judged->device].last_port;

	return (!judged->place_known || judged->placed_late) && judged->names_moved &&
	       (port != judged->port || judge_like_readers(machine, judged) > 1);
}

static bool pcscd_is_deaf(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < machine->device_count; i++) {
		if (machine->judge->deaf[i] && machine->devices[i].port == judged->port)
			return true;
	}
	return judged->by_deaf || machine->judge->deaf[judged->device];
}

/* pcscd did not look between a card's leaving and another one's coming. */
static bool swap_was_unseen(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct pcsc_reader *reader = &machine->pcscd.readers[i];
		const struct device *device = &machine->devices[reader->device];

		if (reader->used && reader->device == judged->device && reader->unit == judged->unit &&
		    reader->plug == device->plug && reader->card >= 0 &&
		    device->card[reader->unit] != reader->card)
			return true;
	}
	return false;
}

/* It was plugged in again while pcscd hung, and the machine slept before pcscd could say so. */
static bool was_told_after_sleep(const struct machine *machine, const struct judged *judged)
{
	return !judged->place_known && judged->in_place && judged->reader_left_at &&
	       machine->resumed_at >= judged->reader_left_at &&
	       machine->pcscd.hung_until > judged->reader_left_at &&
	       machine->pcscd.hung_until > machine->slept_at;
}

/* Its reader left while the machine slept, or just after, and is back within the time that devices have for
 * that. */
static bool came_back_from_sleep(const struct machine *machine, const struct judged *judged)
{
	/* What is heard while asleep may have happened before. */
	return judged->found_again || judge_found_again(machine, judged) ||
	       was_told_after_sleep(machine, judged);
}

bool judge_found_again(const struct machine *machine, const struct judged *judged)
{
	const struct device *device = &machine->devices[judged->device];
	/* Or the card alone, and its reader was enumerated again: pcscd counts from the start. */
	uint64_t left_at = judged->reader_left_at		? judged->reader_left_at
			   : device->renumbered == device->plug ? judged->departed_at
								: 0;

	uint64_t resumed = machine->resumed_at > machine->judge->resume_at ? machine->resumed_at
									   : machine->judge->resume_at,
		 awake = resumed + RESUME_GRACE, read = judged->read_at > awake ? judged->read_at : awake;

	return machine->resumed_at && left_at && judged->in_place &&
	       left_at + 2 * SEC > machine->restless_at && left_at <= awake &&
	       judged->returned_at <= read + PCSC_DOUBT;
}

/* A daemon that starts now does not learn that the machine has just slept. */
static bool sleep_was_unheard(const struct machine *machine, const struct judged *judged)
{
	const struct login *login = &machine->logins[judged - machine->judge->sessions];
	const struct login_record *record = login->has_bound ? &login->bound : &login->record;
	uint64_t daemon = machine->judge->daemon_at;

	if (!machine->slept_at || daemon < machine->slept_at)
		return false;
	return daemon < machine->resumed_at + RESUME_GRACE ||
	       !usb_address_equal(record->card.usb, machine->devices[judged->device].usb);
}

/* PC/SC, asked after the reader's notice, denied it, or said so later than the notice's stamp; and has not been heard since. */
static bool was_denied(const struct machine *machine, const struct judged *judged)
{
	return (judged->contradicted || judged->old_notice) && !machine->judge->up;
}

/* What pcscd has for the session's reader; NULL: nothing. */
static const struct pcsc_reader *reader_of(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct pcsc_reader *reader = &machine->pcscd.readers[i];

		if (reader->used && reader->device == judged->device && reader->unit == judged->unit)
			return reader;
	}
	return NULL;
}

/* A new daemon cannot tell this pcscd from the one that the record's count is of; this one has counted an error. */
static bool was_recounted(const struct machine *machine, const struct judged *judged)
{
	const struct login *login = &machine->logins[judged - machine->judge->sessions];
	const struct pcsc_reader *reader = reader_of(machine, judged);

	if (!reader || login->pcscd == machine->pcscd.life)
		return false;
	/* Nor can a new worker. */
	return (reader->errors && machine->judge->daemon_starts > 0 && judged->cause_now == CAUSE_ABSENT) ||
	       (reader->old_errors && (judged->cause_now == CAUSE_CARD || judged->cause_now == CAUSE_ABSENT));
}

/* How much a count has grown; what counts may have begun again. */
static unsigned grown(unsigned from, unsigned to)
{
	return to < from ? to : to - from;
}

/* While the machine sleeps nothing is bound. One error may pass unseen; two count as much as a card that was out and in again. */
static bool errors_were_unheard(const struct machine *machine, const struct judged *judged)
{
	const struct login *login = &machine->logins[judged - machine->judge->sessions];
	const struct pcsc_reader *reader = reader_of(machine, judged);

	return reader && login->pcscd == machine->pcscd.life &&
	       grown(login->errors, reader->errors) >= 2 + grown(login->heard_errors, reader->heard_errors) &&
	       (judged->cause_now == CAUSE_ABSENT || judged->cause_now == CAUSE_CARD);
}

/* pcscd has a name for the reader that is in its place. */
static bool names(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct pcsc_reader *reader = &machine->pcscd.readers[i];

		if (reader->used && reader->device == judged->device && reader->unit == judged->unit &&
		    reader->plug == machine->devices[judged->device].plug)
			return true;
	}
	return false;
}

static bool settles_long(const struct machine *machine, const struct judged *judged)
{
	return judged->settles && machine->now >= judged->pcsc_empty_at + PCSC_DOUBT;
}

/* What the worker has read of the session's reader. */
static uint16_t seen_counter(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct observed *seen = &machine->worker.seen[i];
		const struct pcsc_reader *reader = seen->used ? worker_reader(machine, seen) : NULL;

		if (reader && reader->device == judged->device && reader->unit == judged->unit)
			return seen->counter;
	}
	return UINT16_MAX;
}

/* pcscd missed while it hung that the reader was plugged in again: it names the one that left. */
static bool names_what_left(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; machine->pcscd.hung_until && i < READERS_MOST; i++) {
		const struct pcsc_reader *reader = &machine->pcscd.readers[i];

		if (reader->used && reader->stuck && reader->device == judged->device &&
		    reader->unit == judged->unit)
			return true;
	}
	return false;
}

/* pcscd hangs, and has not named the reader yet; or a card settles, and pcscd has said "empty" for too long. */
static bool pcscd_hangs(const struct machine *machine, const struct judged *judged)
{
	if (machine->pcscd.hung && judged->reader_there && !names(machine, judged))
		return true;
	/* … and finds the reader again after sleep, with a card that settles: where it is nobody knows. */
	if (!judged->place_known && machine->resumed_at &&
	    machine->pcscd.hung_until > machine->resumed_at + RESUME_GRACE &&
	    machine->now < machine->pcscd.hung_until + PCSC_DOUBT &&
	    machine->devices[judged->device].renumbered == machine->devices[judged->device].plug)
		return true;
	/* … or its last word is older than what the sign-in read of it. */
	if (machine->pcscd.hung && seen_counter(machine, judged) < judged->counter)
		return true;
	/* … and what it has said since then is on its way. */
	if (!machine->pcscd.hung && machine->pcscd.hung_until > judged->recorded_at &&
	    machine->now < machine->pcscd.hung_until + PCSC_DOUBT && judged->told_at < judged->recorded_at &&
	    !judged->departures)
		return true;
	return judged->settles_long || settles_long(machine, judged) || names_what_left(machine, judged);
}

/* PC/SC says that this device is at `usb`. */
static bool is_misplaced(const struct machine *machine, const struct judged *judged,
			 const struct device *device, struct usb_address usb)
{
	const struct device *its = &machine->devices[judged->device];

	if (!usb_address_is_set(usb) || usb_address_equal(usb, device->usb))
		return false;
	return device == its || usb_address_equal(usb, its->usb) || usb_address_equal(usb, judged->usb);
}

/* A program held a reader for itself: PC/SC goes on to say where it, or the one that had the name, was. */
bool judge_misplaced(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct observed *seen = &machine->worker.seen[i];
		const struct pcsc_reader *reader = seen->used ? worker_reader(machine, seen) : NULL;
		const struct device *device = reader ? &machine->devices[reader->device] : NULL;

		if (device && (is_misplaced(machine, judged, device, seen->usb) ||
			       is_misplaced(machine, judged, device, machine->judge->told_usb[i])))
			return true;
	}
	return false;
}

/*
 * pcscd went away before it had said so for the time that its word needs, and the kernel has not said it; and
 * now pcscd is not there to say so, or the card is back.
 */
static bool pcscd_is_away(const struct machine *machine, const struct judged *judged)
{
	const struct judge *judge = machine->judge;
	/* Devices have their time after sleep, and readers without an address have theirs. */
	uint64_t awake = judge->resume_at ? judge->resume_at + RESUME_GRACE : 0;
	uint64_t said = judged->fresh_true > judge->up_at ? judged->fresh_true : judge->up_at;
	uint64_t from = said > awake ? said : awake;
	uint64_t most = machine->script->setup.addresses == ADDRESS_PROMPT ? PCSC_DOUBT : 2 * PCSC_DOUBT;
	/* It has started again since, and counts from the start. */
	bool cut_off = judged->in_place && judged->fresh_down_at &&
		       judged->fresh_down_at < judged->fresh_true + most;
	bool could_say =
		!cut_off && judge->up_at && judged->fresh_words && judged->recorded_at < judge->down_at &&
		judge->down_at >= from + most &&
		(machine->pcscd.hung_until < from || judge->down_at >= machine->pcscd.hung_until + most);

	return (!judge->up || (judge->down_at && judged->in_place)) && !judged->kernel_word && !could_say &&
	       (judged->reader_there || !judged->place_known);
}

/* The same table stands in scpolicyd(8). */
static const struct {
	const char *name, *reason;
	bool (*applies)(const struct machine *machine, const struct judged *judged);
} exceptions[EXCEPTION_COUNT] = {
	[EXCEPTION_UNSEEN] = {"unseen",
			      "no source reported it, and the same card was back before anybody looked",
			      is_unseen},
	[EXCEPTION_DAEMON_AWAY] = {"daemon-away", "no daemon ran while the card was out, and it is back",
				   daemon_was_away},
	[EXCEPTION_LIKE_READERS] =
		{"like-readers",
		 "several readers are of one model, or of one device, pcscd named them again, and it does not say which is where",
		 names_passed_on},
	[EXCEPTION_NO_PLACE] =
		{"no-place",
		 "the daemon never knew the reader's USB address, and pcscd gave its name to a reader again",
		 has_no_place},
	[EXCEPTION_PCSCD_DEAF] =
		{"pcscd-deaf",
		 "pcscd has no name for the reader that is plugged in, or still names one that is gone",
		 pcscd_is_deaf},
	[EXCEPTION_SWAP_UNSEEN] =
		{"swap-unseen",
		 "pcscd did not look while the card was swapped, and still reports the old one",
		 swap_was_unseen},
	[EXCEPTION_RENUMBERED] =
		{"renumbered",
		 "reader or card was away and back shortly before, during or after sleep, or while pcscd hung until then, and the kernel enumerates readers again then, too",
		 came_back_from_sleep},
	[EXCEPTION_SLEEP_UNHEARD] = {"sleep-unheard",
				     "the daemon was started while the machine slept, or just after",
				     sleep_was_unheard},
	[EXCEPTION_DENIED] =
		{"denied",
		 "pcscd reported the card after its reader had reported it out, because it had not looked yet, and then went away",
		 was_denied},
	[EXCEPTION_HUNG] =
		{"hung",
		 "pcscd hung: for more than 2 s it reported an empty slot while it powered a card, or what was so before the sign-in, or a reader that had left",
		 pcscd_hangs},
	[EXCEPTION_HELD] =
		{"held", "a program holds a reader, and PC/SC gives it the address where another reader was",
		 judge_misplaced},
	[EXCEPTION_PCSCD_AWAY] = {"pcscd-away",
				  "pcscd went away before it could say, and the kernel said nothing",
				  pcscd_is_away},
	[EXCEPTION_RECOUNTED] =
		{"recounted",
		 "pcscd started again, then the daemon or its PC/SC worker did, and pcscd counts a read error as it counts a card",
		 was_recounted},
	[EXCEPTION_ERRORS_UNHEARD] =
		{"errors-unheard",
		 "nobody looked while the reader failed twice: pcscd counts that as a card out and in",
		 errors_were_unheard},
};

const char *exception_name(unsigned exception)
{
	return exceptions[exception].name;
}

bool judge_excepted(struct machine *machine, struct judged *judged, unsigned which)
{
	if (judged->excused)
		return true;
	for (unsigned i = 0; i < EXCEPTION_COUNT; i++) {
		if (!(which >> i & 1) || !exceptions[i].applies(machine, judged))
			continue;
		machine->judge->excepted[i]++;
		if (machine->show_exception == (int)i + 1)
			judge_fault(machine, FAULT_BROKEN, (unsigned)(judged - machine->judge->sessions),
				    "excepted: %s", exceptions[i].reason);
		judged->excused = true;
		return true;
	}
	return false;
}

/* With the probe at a known place, names do not matter. */
bool judge_excuses_removal(struct machine *machine, unsigned session)
{
	struct judged *judged = &machine->judge->sessions[session];
	bool probed = machine->script->setup.probe && judged->place_known && !judged->composite &&
		      !machine->devices[judged->device].no_notices;

	return judge_excepted(machine, judged,
			      (probed ? 0 : 1U << EXCEPTION_LIKE_READERS) | 1U << EXCEPTION_NO_PLACE |
				      1U << EXCEPTION_SLEEP_UNHEARD | 1U << EXCEPTION_HUNG |
				      1U << EXCEPTION_RECOUNTED | 1U << EXCEPTION_ERRORS_UNHEARD |
				      (judged->place_known ? 0 : 1U << EXCEPTION_PCSCD_DEAF));
}
