/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was reported of each session's card: the words that a removal has, and what speaks against it. */
#include "judge.h"

#include <string.h>

/* ---- what reaches the daemon -------------------------------------------------------------------------------
 */

static void word(struct machine *machine, struct judged *judged)
{
	if (judged->fresh_words++ == 0)
		judged->fresh_true = machine->now;
	if (judged->words++ == 0)
		judged->first_true = machine->now;
	if (!judged->first_word)
		judged->first_word = machine->now;
}

static bool is_its_device(const struct judged *judged, const struct report *report)
{
	return report->device == judged->device && report->plug == judged->plug;
}

/* It is there again, for another stay. */
static bool is_at_its_port(const struct machine *machine, const struct judged *judged,
			   const struct report *report)
{
	const struct device *device = &machine->devices[report->device];

	return device->port == judged->port && device->model == judged->model && device->plug == report->plug;
}

static bool has_its_name(const struct machine *machine, const struct judged *judged,
			 const struct report *report)
{
	return report->model == judged->model && report->index == judged->index &&
	       report->slots == (machine->devices[judged->device].composite ? 0 : judged->unit);
}

/* PC/SC says that it is where the session's reader was, and the kernel has not said that that one left. */
static bool has_its_address(const struct judged *judged, const struct report *report)
{
	return !judged->device_gone_at && usb_address_is_set(report->usb) &&
	       usb_address_equal(report->usb, judged->usb);
}

/* Names were given again, and this is another reader of the model: its name says nothing. */
static bool is_named_like_it(const struct machine *machine, const struct judged *judged,
			     const struct report *report)
{
	return judged->names_moved && judge_like_readers(machine, judged) > 1 &&
	       report->device != judged->device;
}

/* A reader whose place is not known is known by its name alone. */
static bool is_its_reader(const struct machine *machine, const struct judged *judged,
			  const struct report *report)
{
	if (judged->place_known)
		return report->unit == judged->unit &&
		       (is_its_device(judged, report) || is_at_its_port(machine, judged, report) ||
			has_its_address(judged, report));
	return has_its_name(machine, judged, report) && !is_named_like_it(machine, judged, report);
}

/* Somewhat less than the second that DESIGN gives them: stamps and hearing differ. */
#define TOGETHER (800 * MS)

/* Devices come and go for no reason of ours. */
static bool round_sleep(const struct machine *machine)
{
	const struct judge *judge = machine->judge;

	return judge->asleep || (judge->resume_at && machine->now < judge->resume_at + RESUME_GRACE);
}

/* A device and a reader gone within a second of each other are one. */
static void gone_together(struct machine *machine, struct judged *judged)
{
	uint64_t first = judged->device_gone_at, second = judged->reader_gone_at;

	if (!first || !second || judged->device_word)
		return;
	judged->device_word = true;
	/* Round sleep they may both be found again. */
	if (round_sleep(machine))
		return;
	/* Of a pcscd that has not read its card the name alone is known. */
	if (judged->pcsc_life != machine->judge->life)
		return;
	if ((first < second ? second - first : first - second) < TOGETHER)
		word(machine, judged);
}

static void device_removed(struct machine *machine, struct judged *judged, const struct report *report)
{
	bool later_stay = report->port == judged->port && report->model == judged->model &&
			  report->plug == machine->devices[report->device].plug;
	/* At its address nobody can tell its stays apart: PC/SC may have said first that it is back, or a word was lost. */
	bool another_stay = report->device == judged->device && report->plug != judged->plug &&
			    usb_address_equal(report->usb, judged->usb);
	bool back = report->plug != machine->devices[report->device].plug;

	judged->any_gone_at = machine->now;
	if (!is_its_device(judged, report) && !later_stay && !another_stay)
		return;
	if (!judged->device_gone_at)
		judged->device_gone_at = machine->now;
	/* It is back, and may have been believed. */
	judged->backs += back;
	judged->false_words += back && !judged->departures;
	/* After sleep it is found again: nobody's card left. */
	if (report->uncertain)
		return;
	if (!judged->place_known) {
		gone_together(machine, judged);
		return;
	}
	judged->device_word = true;
	judged->kernel_word |= !round_sleep(machine);
	word(machine, judged);
}

/* Another one at its port: its own is gone. */
static void device_added(struct machine *machine, struct judged *judged, const struct report *report)
{
	const struct device *its = &machine->devices[judged->device];

	/* Another place has its address: it is gone from its own, unless it was only enumerated again after sleep. */
	if (judged->place_known && its->renumbered != its->plug && judged->departures &&
	    report->port != judged->port && usb_address_equal(report->usb, judged->usb)) {
		judged->device_word = true;
		word(machine, judged);
		return;
	}
	if (report->port != judged->port || !judged->departures ||
	    machine->devices[report->device].renumbered == report->plug)
		return;
	if (!judged->place_known) {
		if (!judged->device_gone_at && !usb_address_equal(report->usb, judged->usb)) {
			judged->device_gone_at = machine->now;
			gone_together(machine, judged);
		}
		return;
	}
	judged->device_word |=
		report->source != SOURCE_STARTUP || !usb_address_equal(report->usb, judged->usb);
	/* "add" and "bind" both say that it is there. */
	if (usb_address_equal(report->usb, judged->usb))
		return;
	word(machine, judged);
}

/* PC/SC has said by now that both interfaces are of one device. */
static bool interfaces_told(const struct machine *machine, const struct judged *judged)
{
	unsigned told = 0;

	for (unsigned i = 0; i < READERS_MOST; i++)
		told += usb_address_equal(machine->judge->told_usb[i], judged->usb);
	return machine->judge->up && told > 1 && machine->now >= machine->judge->up_at + SEC;
}

/* The other interface of its device says so, and nobody knows yet that there are two. */
static bool may_be_its_interface(const struct machine *machine, const struct judged *judged,
				 const struct report *report)
{
	return judged->composite && is_its_device(judged, report) && report->unit != judged->unit &&
	       !interfaces_told(machine, judged);
}

static void slot_changed(struct machine *machine, struct judged *judged, const struct report *report)
{
	if (may_be_its_interface(machine, judged, report) && !(report->truth & TRUTH_OUT))
		judged->back_word |= judged->slot_word;
	else if (may_be_its_interface(machine, judged, report)) {
		judged->false_words++;
		if (!judged->first_word)
			judged->first_word = machine->now;
	}
	if ((!is_its_device(judged, report) && !is_at_its_port(machine, judged, report)) ||
	    report->unit != judged->unit || !judged->place_known)
		return;
	/* Nobody has the probe listen to another one before PC/SC has named it, nor to its own before its place is known. */
	if (report->unheard && (!is_its_device(judged, report) || report->made < judged->placed_at))
		return;
	/* Read after PC/SC's first word of a reader that is back: it is about what was before that, but for a reader that
	 * sleep had enumerated again. */
	if (report->made < judged->bound_made && !machine->script->setup.stamps &&
	    machine->devices[report->device].renumbered != report->plug)
		return;
	if (!(report->truth & TRUTH_OUT)) {
		judged->back_word = judged->words > 0 || judged->false_words > 0 || judged->slot_word;
		/* Which card came, pcscd alone can say. */
		judged->kernel_word = false;
		judged->backs++;
		return;
	}
	judged->slot_word = true;
	judged->old_notice |= report->made <= judged->recorded_at || report->made <= judged->present_at;
	judged->kernel_word |= !judged->composite;
	judged->notice_made = report->made;
	judged->notice_pcscd = machine->pcscd.life;
	judged->pcsc_unmoved = false;
	/* Read after PC/SC's word of a later card, and that word's stamp may lie. */
	if (report->false_notice || (machine->script->setup.stamps && !judged->departures)) {
		judged->false_words++;
		if (!judged->first_word)
			judged->first_word = machine->now;
	} else if (!judged->composite) {
		word(machine, judged);
	} else if (!judged->first_word) {
		judged->first_word = machine->now;
	}
}

static void listed(struct machine *machine, struct judged *judged)
{
	judged->unlisted = false;
	for (unsigned i = 0; i < machine->device_count; i++) {
		const struct device *device = &machine->devices[i];

		if (device->port == judged->port && usb_address_equal(device->usb, judged->usb))
			return;
		/* Plugged in again so soon after sleep, it is found again for all that the kernel says. */
		if (device->port == judged->port && device->model == judged->model &&
		    machine->judge->resume_at &&
		    judged->reader_left_at <= machine->judge->resume_at + RESUME_GRACE &&
		    judged->reader_left_at + 2 * SEC > machine->restless_at)
			return;
		/* After sleep it may still be on its way back; of a sleep that is long over nobody expects that. */
		if (device->last_port == judged->port &&
		    (device->renumbering ||
		     (device->renumbered == device->plug && (device->port >= 0 || round_sleep(machine))))) {
			if (device->port < 0 && !judged->device_gone_at)
				judged->device_gone_at = machine->now;
			return;
		}
	}
	judged->device_gone_at = machine->now;
	if (!judged->departures && !judged->may_be_found)
		return;
	if (!judged->place_known) {
		judged->unlisted = true;
		gone_together(machine, judged);
		return;
	}
	judged->device_word = true;
	judged->kernel_word |= !round_sleep(machine);
	if (judged->in_place)
		return;
	word(machine, judged);
}

/* A communication error adds 1 when it is over: of those that were reported, how many? */
static void count_recoveries(struct judged *judged, const struct report *report)
{
	uint16_t moved = (uint16_t)(report->counter - judged->said_counter);

	/* Out and in between two of its words. */
	judged->jumped = !report->first && judged->said_state == CARD_PRESENT &&
			 report->state == CARD_PRESENT && moved > 1 && moved < 0x8000;
	/* A card does not leave or come uncounted, also where PC/SC could not read for a while. */
	judged->ran_back = !report->first &&
			   (report->counter < judged->said_counter ||
			    (report->counter == judged->read_counter && report->state != judged->read_state &&
			     report->state != CARD_UNAVAILABLE && judged->read_state != CARD_UNAVAILABLE));
	if (judged->said_state == CARD_UNAVAILABLE && !report->first)
		judged->recovered += report->state != CARD_UNAVAILABLE ? 1 : moved < 8 ? moved : 0;
	judged->said_state = report->state;
	judged->said_counter = report->counter;
	if (report->first || report->state != CARD_UNAVAILABLE) {
		judged->read_state = report->state;
		judged->read_counter = report->counter;
	}
}

/*
 * Whether the count shows another insertion. A communication error adds 1 by itself, whatever happened
 * meanwhile; one may pass unseen. Of a pcscd that may be another, or a reader that was enumerated again, only
 * what no card that was left alone can have: more than 1.
 */
static bool has_moved(const struct machine *machine, const struct judged *judged, const struct report *report)
{
	uint16_t moved = (uint16_t)(report->counter - judged->counter);
	bool stay = is_its_device(judged, report) || is_at_its_port(machine, judged, report) ||
		    !judged->place_known;
	bool same = judged->pcsc_life == machine->judge->life &&
		    (report->plug == judged->plug || !judged->place_known) &&
		    machine->devices[report->device].renumbered != report->plug;

	if (!(judged->departures || judged->may_be_found) || !stay)
		return false;
	/* Nobody can tell another worker's life from another pcscd's. */
	if (!same && report->counter < 2 + judged->recovered)
		return false;
	return moved > judged->recovered + 1;
}

static void reader_present(struct machine *machine, struct judged *judged, const struct report *report)
{
	bool same_life = judged->pcsc_life == machine->judge->life;
	const struct device *device = &machine->devices[report->device];
	bool first = judged->named_again;

	judged->named_again = false;
	judged->pcsc_empty = judged->empty_word = false;
	judged->pcsc_was_present = true;
	/* A stamp from the future counts as its arrival. */
	judged->present_at = machine->script->setup.stamps ? machine->now : report->made;
	/* It speaks of what was there before: who believes that hears of one more removal. */
	judged->backs += device->plug != report->plug || device->port < 0 ||
			 device->insertion[report->unit] != report->insertion;
	/* pcscd took the reader from its list, and names one again. */
	if (judged->ran_back)
		judged->pcsc_unmoved = false;
	if (first || judged->jumped) {
		judged->pcsc_moved = true;
		judged->pcsc_unmoved = false;
		if ((judged->jumped && judged->departures && is_its_device(judged, report)) ||
		    (first && !machine->resumed_at && is_at_its_port(machine, judged, report)))
			word(machine, judged);
	}
	judged->device_word |= judged->ran_back && !judged->place_known && judged->device_gone_at;
	if (machine_atr(machine, report->card) != judged->atr || has_moved(machine, judged, report)) {
		judged->pcsc_moved = true;
		judged->pcsc_unmoved = false;
		word(machine, judged);
		return;
	}
	/*
	 * It denies what it was asked about after it had been said; not what was said before the reader was back, or
	 * before pcscd was started.
	 */
	if (same_life && judged->notice_made && judged->notice_pcscd == machine->pcscd.life &&
	    judged->notice_made >= judged->bound_made && report->counter == judged->counter &&
	    !judged->pcsc_moved && report->made > judged->notice_made && !(report->truth & TRUTH_OUT) &&
	    (usb_address_is_set(report->usb) || !judged->names_moved))
		judged->pcsc_unmoved = true;
}

/* "empty" of a reader that has just come, or of a pcscd that has, may be a card that settles: not at once a
 * word. */
void judge_empty(struct machine *machine, struct judged *judged)
{
	uint64_t since = judged->read_at > machine->judge->up_at ? judged->read_at : machine->judge->up_at;

	/* While the machine sleeps nobody can say for how long. */
	if (!judged->empty_word ||
	    (!judged->pcsc_was_present && (machine->judge->asleep || machine->now < since + PCSC_DOUBT)))
		return;
	judged->empty_word = false;
	word(machine, judged);
}

/* Another stay of the reader: named again, at another address, or a count that runs back. */
static bool is_new_stay(const struct machine *machine, const struct judged *judged,
			const struct report *report)
{
	return report->first || judged->ran_back || machine->judge->address_moved;
}

static void reader_empty(struct machine *machine, struct judged *judged, const struct report *report)
{
	bool out = report->truth & TRUTH_OUT && !report->uncertain;

	judged->pcsc_unmoved = false;
	if (!judged->pcsc_empty)
		judged->pcsc_empty_at = machine->now;
	judged->pcsc_empty = true;
	judged->settles = report->uncertain;
	/* What settles has a count of 0. */
	judged->pcsc_moved |= (judged->pcsc_was_present || report->counter) && !report->uncertain;
	judged->device_word |= !judged->place_known && judged->device_gone_at &&
			       (judged->ran_back || report->counter < judged->counter);
	if (!judged->first_word && out)
		judged->first_word = machine->now;
	/* A reader whose device has left reads as empty, too; and a name may be another's by now. */
	judged->empty_word = out && (is_its_device(judged, report) ? !judged->device_gone_at
								   : is_at_its_port(machine, judged, report));
	judged->empty_index = report->index;
	if (is_new_stay(machine, judged, report))
		judged->read_at = machine->now;
	judge_empty(machine, judged);
}

static void reader_unreadable(const struct machine *machine, struct judged *judged)
{
	/* What settles until then does not stay empty. */
	judged->pcsc_unmoved = judged->empty_word = false;
	if (!judged->unread_at)
		judged->unread_at = machine->now;
	judged->device_word |= !judged->place_known && judged->device_gone_at;
}

/*
 * Once names were given again, an address says where a reader is, and not that it is the session's; nor does it of an empty
 * one in which this pcscd has not read its card.
 */
static void learn_place(const struct machine *machine, struct judged *judged, const struct report *report)
{
	if (!usb_address_is_set(report->usb) ||
	    !(is_its_device(judged, report) || is_at_its_port(machine, judged, report)) ||
	    (judged->names_moved && judge_like_readers(machine, judged) > 1) ||
	    (report->state != CARD_PRESENT && judged->pcsc_life != machine->judge->life) ||
	    judge_misplaced(machine, judged) || machine->judge->left_plug[report->device] == report->plug)
		return;
	if (!judged->place_known) {
		judged->placed_at = machine->now;
		judged->placed_late = machine->judge->gone_plug[report->device] == report->plug;
	}
	judged->place_known = true;
	judged->device_word |= judged->unlisted || (judged->device_gone_at && !round_sleep(machine));
}

/* An unlock bound it to this card, and PC/SC has only now counted what happened there before. */
static bool is_of_before(const struct judged *judged, const struct report *report)
{
	if (!judged->rebound || judged->departures)
		return false;
	if (report->state == CARD_EMPTY)
		return report->truth & TRUTH_OUT && !report->uncertain;
	return report->state == CARD_PRESENT && (uint16_t)(report->counter - judged->counter) > 1;
}

static void note_names(const struct machine *machine, struct judged *judged, const struct report *report)
{
	/* Its name has passed on. */
	if (has_its_name(machine, judged, report) && !is_its_device(judged, report))
		judged->names_moved = true;
	/* A card like its own, at the address that its place has for all that the kernel has said: it may be elsewhere by now. */
	if (report->state == CARD_PRESENT && machine_atr(machine, report->card) == judged->atr &&
	    machine->judge->known_plug[report->device] != report->plug && judged->port >= 0 &&
	    usb_address_equal(machine->known_usb[judged->port], report->usb)) {
		judged->backs++;
		judged->false_words += !judged->departures;
	}
	/* Another reader's card where PC/SC says that its own is, or its own by the address that it had. */
	judged->backs += report->state == CARD_PRESENT && usb_address_is_set(report->usb) &&
			 usb_address_equal(report->usb, judged->usb) &&
			 (report->device != judged->device ||
			  !usb_address_equal(report->usb, machine->devices[report->device].usb));
}

static void reader_told(struct machine *machine, struct judged *judged, const struct report *report)
{
	note_names(machine, judged, report);
	if (!is_its_reader(machine, judged, report))
		return;
	judged->told_at = machine->now;
	learn_place(machine, judged, report);
	count_recoveries(judged, report);
	judged->false_words += is_of_before(judged, report);
	/* pcscd ran on since it showed the card there, or since that was recorded. The card there may settle until it is read. */
	judged->named_again |= (report->first || judged->ran_back) && judged->departures &&
			       !judged->place_known && !round_sleep(machine) &&
			       (judged->pcsc_was_present || judged->pcsc_life == machine->judge->life);
	judged->reader_gone_at = judged->ran_back && !judged->place_known ? machine->now : 0;
	judged->settles_long |= judged->settles && machine->now >= judged->pcsc_empty_at + PCSC_DOUBT;
	judged->settles = false;
	/* What could not be read may settle again. */
	if (judged->unread_at && report->state == CARD_EMPTY && !judged->pcsc_was_present)
		judged->read_at = machine->now;
	if (report->state != CARD_UNAVAILABLE)
		judged->unread_at = 0;
	if (is_new_stay(machine, judged, report))
		judged->pcsc_was_present = false;
	if (report->state == CARD_PRESENT)
		reader_present(machine, judged, report);
	else if (report->state == CARD_EMPTY)
		reader_empty(machine, judged, report);
	else
		reader_unreadable(machine, judged);
}

/* pcscd says that it is empty: for long enough after its own start, and after the daemon's. */
bool judge_pcsc_out(const struct machine *machine, const struct judged *judged)
{
	const struct judge *judge = machine->judge;

	if (judged->pcsc_moved)
		return true;
	return judged->pcsc_empty && machine->now >= judge->up_at + PCSC_DOUBT;
}

static void reader_gone(struct machine *machine, struct judged *judged, const struct report *report)
{
	/* Its reader may have another name by now. */
	if (report->model == judged->model && report->index == judged->empty_index)
		judged->empty_word = false;
	if (!has_its_name(machine, judged, report))
		return;
	judged->reader_gone_at = machine->now;
	/* Whether the card settled, it never said. */
	judged->pcsc_unmoved = judged->empty_word = false;
	judged->names_moved = true;
	if (!judged->place_known)
		gone_together(machine, judged);
}

/* What the worker has under the name of the session's reader; NULL: nothing. */
static const struct observed *observed_of(const struct machine *machine, const struct judged *judged)
{
	uint8_t slot = machine->devices[judged->device].composite ? 0 : judged->unit;

	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct observed *seen = &machine->worker.seen[i];

		if (seen->used && seen->announced && seen->model == judged->model &&
		    seen->index == judged->index && seen->unit == slot)
			return seen;
	}
	return NULL;
}

/* Another session's record says where its reader is, or one of a session that has ended since pcscd gave that name. */
static bool is_told_by_another(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		const struct judged *other = &machine->judge->sessions[i];

		if (other != judged && (other->known || other->pcsc_life == machine->judge->life) &&
		    other->place_known && other->plug == judged->plug && other->model == judged->model &&
		    other->index == judged->index && !other->names_moved && !round_sleep(machine))
			return true;
	}
	return false;
}

/* Where the worker has a slot of the session's reader; all its slots are at one place. */
static bool is_located(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct observed *seen = &machine->worker.seen[i];

		if (seen->used && seen->announced && seen->model == judged->model &&
		    seen->index == judged->index && usb_address_equal(seen->usb, judged->usb))
			return true;
	}
	return false;
}

/* PC/SC named every reader, and not this one. */
static void readers_listed(struct machine *machine, struct judged *judged)
{
	if (observed_of(machine, judged))
		return;
	/* Evidence, and no word: a pcscd that has just come back may name it later. */
	if (!judged->reader_gone_at)
		judged->reader_gone_at = machine->now;
	if (!judged->place_known && judged->device_gone_at)
		judged->device_word = true;
}

/* Where PC/SC's readers are, as it has reported: what is on its way does not count. */
static void note_address(struct machine *machine, const struct report *report)
{
	struct judge *judge = machine->judge;
	struct usb_address *told = NULL;

	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct observed *seen = &machine->worker.seen[i];

		if (!seen->used)
			judge->told_usb[i] = (struct usb_address){0};
		else if (seen->model == report->model && seen->index == report->index &&
			 seen->unit == report->slots)
			told = &judge->told_usb[i];
	}
	judge->address_moved = told && usb_address_is_set(*told) && usb_address_is_set(report->usb) &&
			       !usb_address_equal(*told, report->usb);
	if (told)
		*told = report->usb;
}

/* PC/SC has said where the other readers of the model are. */
static bool is_left_over(const struct machine *machine, unsigned number)
{
	unsigned others = 0;

	for (unsigned i = 0; i < machine->device_count; i++) {
		const struct device *device = &machine->devices[i];
		bool told = false;

		if (i == number || device->model != machine->devices[number].model || device->port < 0)
			continue;
		for (unsigned j = 0; j < READERS_MOST; j++)
			told |= usb_address_equal(machine->judge->told_usb[j], device->usb);
		if (!told)
			return false;
		others++;
	}
	return others > 0;
}

/* A reader that has not said where it is must be there, once nothing has come or left for a while. */
static void note_left_over(const struct machine *machine)
{
	struct judge *judge = machine->judge;

	if (!judge->up || machine->now < judge->named_at + PCSC_DOUBT ||
	    machine->now < judge->unplugged_at + 5 * SEC)
		return;
	for (unsigned i = 0; i < machine->device_count; i++) {
		if (judge->known_plug[i] == machine->devices[i].plug && is_left_over(machine, i))
			judge->left_over_plug[i] = judge->known_plug[i];
	}
}

static void told(struct machine *machine, const struct report *report)
{
	struct judge *judge = machine->judge;

	if (report->type == EVENT_READER) {
		note_address(machine, report);
		if (report->first)
			judge->named_at = machine->now;
	} else if (report->type == EVENT_PCSC_UP || report->type == EVENT_PCSC_DOWN) {
		memset(judge->told_usb, 0, sizeof(judge->told_usb));
		memset(judge->left_over_plug, 0, sizeof(judge->left_over_plug));
	}
	if (report->type == EVENT_PCSC_UP) {
		judge->up_at = machine->now;
		judge->life++;
		judge->up = true;
	} else if (report->type == EVENT_PCSC_DOWN) {
		/* A new worker says so again; a new daemon may hear it first. */
		if (judge->up || (!judge->up_at && !judge->down_at))
			judge->down_at = machine->now;
		judge->up = false;
	} else if (report->type == EVENT_RESUME) {
		judge->resume_at = machine->now;
		judge->asleep = false;
	} else if (report->type == EVENT_SLEEP) {
		judge->asleep = true;
	}
}

/* A hint that vanishes within a second of its coming is a locker that died. */
static void note_death(const struct machine *machine, struct judged *judged)
{
	if (!judged->hint_told || machine->now >= judged->hint_told_at + SEC)
		return;
	judged->deaths++;
	judged->hint_died_after += judged->first_act && judged->hint_told_at >= judged->first_act;
}

static void note_state(struct machine *machine, unsigned session)
{
	struct session_view view;

	if (world_session(machine->daemon.world, people_id(&machine->logins[session]), &view))
		machine->judge->sessions[session].state_before = view.state;
}

/* pcscd has come or gone, or its observer has: names, counts and what was asked for are another's from now on. */
static void pcscd_changed(const struct machine *machine, struct judged *judged)
{
	if (judged->fresh_true && !judged->fresh_down_at)
		judged->fresh_down_at = machine->now;
	judged->names_moved = judged->pcscd_away = true;
	judged->reader_gone_at = 0;
	judged->recovered = 0;
	judged->pcsc_empty = judged->pcsc_unmoved = judged->pcsc_was_present = judged->empty_word =
		judged->named_again = false;
}

void judge_report(struct machine *machine, const struct report *report)
{
	note_left_over(machine);
	told(machine, report);
	if (report->type == EVENT_DEVICE_ADD)
		machine->judge->known_plug[report->device] = report->plug;
	if (report->type == EVENT_DEVICE_REMOVE)
		machine->judge->unplugged_at = machine->now;
	if (report->type == EVENT_DEVICE_REMOVE && report->uncertain)
		machine->judge->left_plug[report->device] = report->plug;
	if (report->type == EVENT_DEVICE_REMOVE && !report->uncertain)
		machine->judge->gone_plug[report->device] = report->plug;
	if (report->type == EVENT_ACTION_FAILED)
		machine->judge->sessions[report->session].failures++;
	if (report->type == EVENT_SESSION_KIND)
		machine->judge->sessions[report->session].kind_told = true;
	if (report->type == EVENT_SESSION_UNLOCKED) {
		note_state(machine, report->session);
		note_death(machine, &machine->judge->sessions[report->session]);
	}
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		struct judged *judged = &machine->judge->sessions[i];

		/* Nobody has the probe listen to a reader whose place is not known. */
		if (!judged->known || !machine->logins[i].told || (report->unheard && !judged->place_known))
			continue;
		if (report->type == EVENT_DEVICE_ADD)
			device_added(machine, judged, report);
		else if (report->type == EVENT_DEVICE_REMOVE)
			device_removed(machine, judged, report);
		else if (report->type == EVENT_SLOT_CHANGE)
			slot_changed(machine, judged, report);
		else if (report->type == EVENT_READER)
			reader_told(machine, judged, report);
		else if (report->type == EVENT_READER_GONE)
			reader_gone(machine, judged, report);
		else if (report->type == EVENT_DEVICES_LISTED)
			listed(machine, judged);
		else if (report->type == EVENT_PCSC_LISTED)
			readers_listed(machine, judged);
		else if (report->type == EVENT_PCSC_UP || report->type == EVENT_PCSC_DOWN)
			pcscd_changed(machine, judged);
	}
}

/* The report that its device left came before there was a record; and not yet that it is back. */
static bool was_told_gone(const struct machine *machine, const struct judged *judged)
{
	const struct judge *judge = machine->judge;

	return judged->departures && !round_sleep(machine) &&
	       judge->gone_plug[judged->device] == judged->plug &&
	       judge->known_plug[judged->device] == judged->plug;
}

void judge_recorded(struct machine *machine, unsigned session, bool fresh, bool away)
{
	struct judged *judged = &machine->judge->sessions[session];
	const struct login *login = &machine->logins[session];
	const struct login_record *record = login->has_bound ? &login->bound : &login->record;
	const struct observed *seen;
	bool located;

	judged->hint_told = judged->ever_hint = judged->kind_told = false;
	judged->recorded_at = machine->now;
	if (!judged->known)
		return;
	judged->may_be_found =
		!fresh && !away &&
		(judged->may_be_found || !(judged->in_place && judged->guarded && !judged->removals));
	judged->removals_before = judged->removals;
	judged->counter = record->card.event_counter;
	judged->place_known = usb_address_is_set(record->card.usb);
	/* The card's return to its place may have bound it again there. */
	if (judged->place_known)
		judged->usb = record->card.usb;
	seen = observed_of(machine, judged);
	located = machine->judge->up && seen &&
		  (is_located(machine, judged) || is_told_by_another(machine, judged) ||
		   machine->judge->left_over_plug[judged->device] == judged->plug) &&
		  machine->judge->left_plug[judged->device] != judged->plug;
	judged->place_known |= located && machine->devices[judged->device].port >= 0;
	if (machine->judge->up && !seen)
		judged->reader_gone_at = machine->now;
	judged->pcsc_empty = seen && seen->state == CARD_EMPTY && (!judged->in_place || judged->departures);
	if ((judged->place_known || located) && was_told_gone(machine, judged)) {
		judged->device_gone_at = machine->now;
		judged->device_word = judged->kernel_word = true;
		word(machine, judged);
	} else {
		listed(machine, judged);
	}
	/* The card left between the sign-in and the record's reading. */
	if (seen && seen->state != CARD_EMPTY && judged->departures &&
	    (uint16_t)(seen->counter - judged->counter) > 1)
		judged->pcsc_moved = true;
	/* … and it is empty: the sign-in read a smaller count from this pcscd. */
	if (fresh && seen && seen->state == CARD_EMPTY && judged->departures &&
	    seen->counter > judged->counter)
		judged->pcsc_moved = true;
	if (judged->pcsc_empty || judged->pcsc_moved)
		word(machine, judged);
}

void judge_reloaded(struct machine *machine, uint8_t old_policy)
{
	struct settings old;

	policy_settings(old_policy, &old);
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		struct judged *judged = &machine->judge->sessions[i];

		if (!judged->reloaded || old.confirm < judged->old_confirm)
			judged->old_confirm = old.confirm;
		judged->reloaded = true;
	}
}

void judge_daemon(struct machine *machine, bool runs)
{
	struct judge *judge = machine->judge;

	judge->daemon_starts += runs;
	judge->daemon_at = machine->now;
	judge->up_at = judge->down_at = judge->resume_at = 0;
	judge->up = judge->asleep = false;
	memset(judge->gone_plug, 0, sizeof(judge->gone_plug));
	memset(judge->left_plug, 0, sizeof(judge->left_plug));
	memset(judge->left_over_plug, 0, sizeof(judge->left_over_plug));
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		struct judged *judged = &judge->sessions[i];

		judged->daemon_away |= !runs && judged->departures > 0;
		judged->notice_made = 0;
		judged->pcsc_empty = judged->pcsc_unmoved = judged->pcsc_moved = judged->pcsc_was_present =
			judged->empty_word = judged->kernel_word = judged->unlisted = judged->named_again =
				false;
	}
}
