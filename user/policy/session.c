/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session: is its card in? It is GUARDed ON until something proves a removal; that opens a case (case.c)
 * and makes it AWAY, where later signals only add to the case, until the same kind of card is back in the
 * same place.
 */
#include "tables.h"

void session_bind_device(struct world *world, struct session *session, struct device *device)
{
	struct device *old = session->device;
	struct session **from = old ? &old->sessions : &world->placeless;
	struct session **to = device ? &device->sessions : &world->placeless;

	if (old == device)
		return;
	LIST_DELETE(*from, session, on_device);
	LIST_ADD(*to, session, on_device);
	session->device = device;
	session->login.card.usb = device ? device->usb : (struct usb_address){0};
	if (device)
		device_watch(world, device);
	if (old)
		device_release(world, old);
}

/*
 * A session without a device is bound to its reader's once PC/SC tells which that is: until then the name alone
 * ties the two, and neither the probe nor uevents can speak for it.
 */
void session_place(struct world *world, struct session *session)
{
	const struct reader *reader = reader_find(world, session->login.card.name);

	if (session->device || session->guard != GUARD_ON || !reader || !reader->device)
		return;
	/* The name may have passed to a reader in another place. */
	if (device_is_elsewhere(reader->device, session)) {
		session_remove(world, session, CAUSE_ABSENT, SOURCE_STARTUP, EVIDENCE_PCSC, world->now);
		return;
	}
	session_bind_device(world, session, reader->device);
	case_bound(world, session);
}

/* ---- what PC/SC says ------------------------------------------------------------------------------------ */

enum card_is {
	CARD_IS_SAME,	/* the recorded insertion */
	CARD_IS_REREAD, /* the recorded insertion, but the counter moved for another reason: adopt it */
	CARD_IS_OTHER,	/* out and in again, or another card */
};

/*
 * pcscd counts 1 for a card that goes and 1 for one that comes, so an insertion that is still the recorded
 * one has the recorded count. An odd difference with a card in is a read that failed and worked again (1 for
 * the recovery alone). A smaller count means that pcscd, or the reader within it, was started anew; there 0
 * is a card that was in from the start and 1 one that was first read while it settled.
 */
static enum card_is card_compare(const struct reader_state *bound, const struct reader_state *now)
{
	uint16_t moved = (uint16_t)(now->event_counter - bound->event_counter);

	if (bound->atr.size && now->atr.size &&
	    (bound->atr.size != now->atr.size || memcmp(bound->atr.bytes, now->atr.bytes, now->atr.size) != 0))
		return CARD_IS_OTHER;
	if (moved == 0)
		return CARD_IS_SAME;
	if (moved >= 0x8000)
		return now->event_counter <= 1 ? CARD_IS_REREAD : CARD_IS_OTHER;
	return moved % 2 ? CARD_IS_REREAD : CARD_IS_OTHER;
}

static bool atr_equal(const struct atr *a, const struct atr *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* The reader has told of "out" and "in", PC/SC has not counted them yet; the reader would tell of another. */
static bool lags(const struct world *world, const struct session *session)
{
	return world->probe && world->now < session->lag_until;
}

/* False: it goes on already, or is over. */
static bool doubt_begin(struct world *world, struct session *session)
{
	if (session->doubt_until)
		return false;
	session->doubt_until = world->now + DOUBT_NSEC;
	if (lags(world, session))
		session->lag_until = session->doubt_until;
	session->doubt_at_look = world->looking_pcsc;
	session_busy_update(world, session);
	return true;
}

void session_comm_error(struct world *world, struct session *session, uint64_t stamp, const char *detail)
{
	if (session->comm_error)
		return;
	session->comm_error = true;
	world_tell(world, session,
		   (struct verdict){
			   .type = VERDICT_COMM_ERROR, .source = SOURCE_PCSC, .stamp = stamp, .detail = detail});
}

static void card_confirmed(struct world *world, struct session *session, const struct reader *reader)
{
	if (session->login.card.event_counter != reader->state.event_counter)
		case_bound(world, session);
	session->login.card.event_counter = reader->state.event_counter;
	session->pcsc_epoch = world->pcsc_epoch;
	session->doubt_until = session->unsure_until = 0;
	session->comm_error = session->unsure = session->suspect = session->doubt_over = false;
	session_busy_update(world, session);
}

/* While everything is looked at anew, or a record is new, a removal was found and not heard. */
static void found_missing(struct world *world, struct session *session, bool looking, enum cause cause,
			  enum event_source source, uint64_t stamp)
{
	enum evidence evidence = EVIDENCE_PCSC;

	if (session->device && session->device->presence == PRESENCE_GONE)
		evidence = EVIDENCE_DEVICE;
	if (looking || source == SOURCE_RECORD)
		session_remove(world, session, CAUSE_ABSENT, SOURCE_STARTUP, evidence, stamp);
	else
		session_remove(world, session, cause, source, evidence, stamp);
}

/*
 * What is known here may be older than the record: the sign-in saw the card before this PC/SC client was
 * told of it. Then pcscd's count is behind the recorded one, as after its restart, where it starts at 0.
 */
static bool older_than_record(const struct session *session, const struct reader_state *now)
{
	uint16_t behind = (uint16_t)(session->login.card.event_counter - now->event_counter);

	return !session->doubt_over && behind > 0 && behind < 0x8000 && (now->card == CARD_EMPTY || now->event_counter > 1);
}

static void look_at_card(struct world *world, struct session *session, const struct reader *reader,
			 enum event_source source, uint64_t stamp)
{
	const struct reader_state *now = &reader->state;

	if (older_than_record(session, now)) {
		if (doubt_begin(world, session))
			world_tell(world, NULL, (struct verdict){.type = VERDICT_REREAD, .stamp = stamp});
		return;
	}
	if (now->card == CARD_EMPTY) {
		/* Just after pcscd's return a card may still be on its way in: give it the same time. */
		if (session->pcsc_epoch != world->pcsc_epoch || lags(world, session))
			doubt_begin(world, session);
		else
			found_missing(world, session, world->looking_pcsc, CAUSE_CARD, source, stamp);
		return;
	}
	if (lags(world, session) && (uint16_t)(now->event_counter - session->login.card.event_counter) == 2 &&
	    atr_equal(&now->atr, &session->login.card.atr)) {
		card_confirmed(world, session, reader);
		return;
	}
	switch (card_compare(&session->login.card, now)) {
	case CARD_IS_REREAD:
		if (session->pcsc_epoch == world->pcsc_epoch)
			session_comm_error(world, session, stamp, "the reader could not be read for a moment");
		card_confirmed(world, session, reader);
		break;
	case CARD_IS_SAME:
		card_confirmed(world, session, reader);
		break;
	case CARD_IS_OTHER:
		found_missing(world, session, world->looking_pcsc, CAUSE_CARD, source, stamp);
		/* A card is in again already; whether it is to be guarded is found when PC/SC tells once more. */
		world_tell(world, NULL, (struct verdict){.type = VERDICT_REREAD, .stamp = stamp});
		break;
	}
}

/* The session's case is open: does PC/SC agree, and is the card back? */
static void look_while_away(struct world *world, struct session *session, const struct reader *reader,
			    uint64_t stamp)
{
	if (!reader || reader->state.card == CARD_UNAVAILABLE) {
		/* A reader that cannot be read is no second word for a card that went. */
		session_remove(world, session, CAUSE_READER, SOURCE_PCSC, 0, stamp);
		return;
	}
	if (reader->state.card == CARD_EMPTY) {
		session_remove(world, session, CAUSE_CARD, SOURCE_PCSC, EVIDENCE_PCSC, stamp);
		if (session->cause == CAUSE_PCSC_LOST)
			doubt_begin(world, session);
		return;
	}
	if (card_compare(&session->login.card, &reader->state) == CARD_IS_OTHER)
		session_remove(world, session, CAUSE_CARD, SOURCE_PCSC, EVIDENCE_PCSC, stamp);
	/* "Still in" may be said before pcscd has looked: it counts once Confirm= is over. */
	if (session->confirm_until && reader->state.event_counter == session->login.card.event_counter)
		return;
	session_restore(world, session, reader, stamp);
}

/* ---- the card is back ----------------------------------------------------------------------------------- */

/* The same place: this very device and slot, or the same port with the same product in it, or the same name. */
static bool same_place(const struct session *session, const struct reader *reader)
{
	const struct device *device = reader->device;

	if (reader->state.slot != session->login.card.slot)
		return false;
	if (device && device->presence == PRESENCE_GONE)
		return false;
	if (device && device == session->device)
		return true;
	if (device && device->path[0] && session->login.usb_path[0])
		return strcmp(device->path, session->login.usb_path) == 0 &&
		       (!session->login.usb_id[0] || !device->id[0] ||
			strcmp(device->id, session->login.usb_id) == 0);
	return strcmp(reader->state.name, session->login.card.name) == 0;
}

/* Of a loose plug: the card was out once at the most since. */
static bool same_insertion(const struct session *session, const struct reader *reader)
{
	uint16_t moved = (uint16_t)(reader->state.event_counter - session->login.card.event_counter);

	return reader->device != session->device || moved <= 2 || reader->state.event_counter <= 1;
}

static void arm(struct world *world, const struct session *session)
{
	world_tell(world, session, (struct verdict){.type = VERDICT_ARM, .steps = plan_steps(session)});
}

/* Binds the session to the card where it is now. */
static void rebind(struct world *world, struct session *session, const struct reader *reader)
{
	/* Its address may be unknown for a while: the name and the slot say that it is the one that was there. */
	struct device *device = reader->device || !session->device || session->device->presence != PRESENCE_HERE
					? reader->device
					: session->device;

	if (session->device != device || strcmp(session->login.card.name, reader->state.name) != 0)
		case_bound(world, session);
	session_bind_device(world, session, device);
	memcpy(session->login.card.name, reader->state.name, sizeof(session->login.card.name));
	card_confirmed(world, session, reader);
}

/* The card was not out: PC/SC, asked after the reader's notice, still counts the recorded insertion. */
static bool contradicts(const struct session *session, const struct reader *reader)
{
	return (session->evidence & ~EVIDENCE_SILENCE) == EVIDENCE_SLOT && !session->card_back && reader->told > session->opened_now &&
	       reader->state.event_counter == session->login.card.event_counter;
}

static void restored(struct world *world, struct session *session, const struct reader *reader, uint64_t stamp)
{
	bool contradicted = contradicts(session, reader), settled = session->settle_until != 0;

	session_set_guard(world, session, GUARD_ON);
	if (session->card_back && reader->device == session->device &&
	    reader->state.event_counter == session->login.card.event_counter)
		session->lag_until = world->now + LAG_NSEC;
	if (session->pending == ACTION_NONE)
		session->confirm_until = 0;
	session->settle_until = 0;
	rebind(world, session, reader);
	if (contradicted)
		case_contradicted(world, session, stamp);
	else
		case_tell(world, session, settled ? VERDICT_SETTLED : VERDICT_RESTORED, stamp, NULL);
	arm(world, session);
	session_busy_update(world, session);
}

/* Whether the session's card is in `reader` (again); if so, the session is guarded by it from now on. */
bool session_restore(struct world *world, struct session *session, const struct reader *reader, uint64_t stamp)
{
	if (reader->state.card != CARD_PRESENT || !atr_equal(&reader->state.atr, &session->login.card.atr) ||
	    !same_place(session, reader))
		return false;
	if (session->guard == GUARD_ON) {
		/* After sleep, at a new address. */
		if (session->unsure && reader->device != session->device)
			rebind(world, session, reader);
		return true;
	}
	if (session->settle_until && !same_insertion(session, reader))
		return false;
	/* Until Confirm= is over, the reader itself may yet say that the card came back, and so that it was out. */
	if (session->confirm_until && !session->settle_until && contradicts(session, reader))
		return false;
	restored(world, session, reader, stamp);
	return true;
}

/*
 * After sleep, until PC/SC has said something since: the card where it was, or in the same place of a reader
 * that came back with another address, is still in. An empty reader is a removal that happened during sleep.
 */
static void look_after_sleep(struct world *world, struct session *session, const struct reader *reader,
			     uint64_t stamp)
{
	if (!reader || world->asleep || session->device->presence != PRESENCE_HERE || reader->told < session->unsure_since)
		return;
	if (reader->state.card == CARD_PRESENT && card_compare(&session->login.card, &reader->state) != CARD_IS_OTHER)
		card_confirmed(world, session, reader);
	else if (reader->state.card != CARD_UNAVAILABLE)
		session_remove(world, session, CAUSE_ABSENT, SOURCE_STARTUP, EVIDENCE_PCSC, stamp);
}

void session_look(struct world *world, struct session *session, enum event_source source, uint64_t stamp)
{
	const struct reader *reader = world->pcsc_up ? reader_of_session(world, session) : NULL;
	bool gone = session->device && session->device->presence == PRESENCE_GONE;

	if (session->guard == GUARD_ON && session->unsure && session->device)
		look_after_sleep(world, session, reader, stamp);
	else if (gone && session->guard == GUARD_ON)
		found_missing(world, session, world->looking_devices, CAUSE_READER, source, stamp);
	else if (gone || !world->pcsc_up || (!reader && !world->pcsc_listed))
		return; /* nobody can tell more now */
	else if (session->guard == GUARD_AWAY)
		look_while_away(world, session, reader, stamp);
	else if (!reader || reader->state.card == CARD_UNAVAILABLE) {
		if (session->comm_error)
			return;
		doubt_begin(world, session);
		if (!reader)
			return;
		if (session->device && session->device->presence == PRESENCE_HERE)
			session_comm_error(world, session, stamp, "the reader cannot be read, its USB device is there");
	} else
		look_at_card(world, session, reader, source, stamp);
}

/*
 * The reader's own notice. "Out" is a removal at once. "In, changed" alone is none: a reader also sends it
 * when pcscd opens it anew; PC/SC's counter tells whether the card was out.
 */
void session_slot(struct world *world, struct session *session, bool present, uint64_t stamp)
{
	if (!present)
		session_remove(world, session, CAUSE_CARD, SOURCE_PROBE, EVIDENCE_SLOT, stamp);
	else if (session->guard == GUARD_AWAY)
		session->card_back = true;
}

/* ---- time ----------------------------------------------------------------------------------------------- */

static void doubt_over(struct world *world, struct session *session, uint64_t now)
{
	const struct reader *reader = reader_of_session(world, session);
	bool here = session->device && session->device->presence == PRESENCE_HERE;

	session->doubt_over = true;
	/* That pcscd stayed away was no removal; that the card is still out is one. */
	if (session->guard == GUARD_AWAY && reader && reader->state.card == CARD_EMPTY)
		session_set_guard(world, session, GUARD_ON);
	if (reader && reader->state.card == CARD_PRESENT)
		session_look(world, session, SOURCE_PCSC, now);
	else if (reader && reader->state.card == CARD_EMPTY)
		found_missing(world, session, session->doubt_at_look, CAUSE_CARD, SOURCE_PCSC, now);
	else if (here)
		session_comm_error(world, session, now, "PC/SC does not name the reader, its USB device is there");
	else
		found_missing(world, session, session->doubt_at_look, CAUSE_READER, SOURCE_PCSC, now);
}

/* What has not come back by now is gone. */
static void unsure_over(struct world *world, struct session *session, uint64_t now)
{
	session->unsure = false;
	if (session->device && session->device->presence == PRESENCE_GONE)
		session_remove(world, session, CAUSE_ABSENT, SOURCE_STARTUP, EVIDENCE_DEVICE, now);
	else
		session_look(world, session, SOURCE_STARTUP, now);
}

/* A card that PC/SC still has was not removed; else nobody has contradicted. */
static void confirm_over(struct world *world, struct session *session, uint64_t now)
{
	const struct reader *reader = world->pcsc_up ? reader_of_session(world, session) : NULL;

	if (session->guard == GUARD_AWAY && reader && reader->state.card == CARD_PRESENT &&
	    reader->told > session->opened_now && (session->card_back || contradicts(session, reader)) &&
	    session_restore(world, session, reader, now) && session->pending == ACTION_NONE)
		return;
	case_confirmed(world, session);
}

void session_time(struct world *world, struct session *session)
{
	uint64_t now = world->now;

	if (due(&session->doubt_until, now))
		doubt_over(world, session, now);
	if (due(&session->unsure_until, now))
		unsure_over(world, session, now);
	if (due(&session->pcsc_lost_until, now))
		session_remove(world, session, CAUSE_PCSC_LOST, SOURCE_PCSC, EVIDENCE_PCSC, now);
	if (due(&session->confirm_until, now))
		confirm_over(world, session, now);
	case_time(world, session);
	session_busy_update(world, session);
}

/* ---- sleep, and pcscd's absence ------------------------------------------------------------------------- */

void session_sleep(struct world *world, struct session *session)
{
	if (session->guard == GUARD_ON)
		session->unsure = true;
	session->unsure_until = session->doubt_until = 0;
	session_busy_update(world, session);
}

void session_resume(struct world *world, struct session *session)
{
	if (!session->unsure)
		return;
	session->unsure_since = world->now;
	session->unsure_until = world->now + RESUME_NSEC;
	session_busy_update(world, session);
}

void session_pcsc_down(struct world *world, struct session *session)
{
	session->doubt_until = 0;
	/* What comes after it is another pcscd's word. */
	session->comm_error = session->doubt_over = false;
	if (session->guard == GUARD_ON && !session->pcsc_lost_until && plan_heeds_pcsc(world, session))
		session->pcsc_lost_until = world->now + PCSC_LOST_NSEC;
	session_busy_update(world, session);
}

/* ---- records -------------------------------------------------------------------------------------------- */

/* What governs the session was resolved anew: a case that is open goes on under it. */
void session_govern(struct world *world, struct session *session, const struct governance *governance)
{
	session->governance = *governance;
	case_govern(world, session, governance->by_cause[session->cause]);
	arm(world, session);
}

void session_set_kind(struct world *world, struct session *session, unsigned kind)
{
	if (kind & ~session->kind & KIND_CONSOLE)
		session->console_locked = false;
	session->kind = kind;
	arm(world, session);
}

/* A record, new or written anew after an unlock with this or another card: it says what is bound from now on. */
void session_record(struct world *world, struct session *session, const struct event *event, struct device *device)
{
	session_set_guard(world, session, event->record.away ? GUARD_AWAY : GUARD_ON);
	case_person_proven(world, session, event->stamp, "the person signed in again");
	session->login = *event->record.login;
	session->opened = 0;
	session->pcsc_epoch = world->pcsc_epoch ? world->pcsc_epoch : 1;
	session->comm_error = session->unsure = session->suspect = session->doubt_over = false;
	session->doubt_until = session->confirm_until = session->settle_until = 0;
	session->unsure_until = session->pcsc_lost_until = 0;
	if (event->record.away) {
		session->opened = event->stamp;
		session->evidence = EVIDENCE_PCSC;
		session->heard = UINT32_MAX; /* it was told before the daemon was started anew */
	}
	session_bind_device(world, session, device);
	session_govern(world, session, &event->record.governance);
	if (world->pcsc_down)
		session_pcsc_down(world, session);
	session_busy_update(world, session);
}

void session_forget(struct world *world, struct session *session)
{
	session_set_guard(world, session, GUARD_ON);
	session->settle_until = session->confirm_until = session->verify_until = session->then_at = 0;
	session->announce_at = session->doubt_until = session->unsure_until = session->pcsc_lost_until = 0;
	session_busy_update(world, session);
	session_bind_device(world, session, NULL);
	LIST_DELETE(world->placeless, session, on_device);
	HASH_DELETE(hh, world->sessions, session);
	free(session);
}
