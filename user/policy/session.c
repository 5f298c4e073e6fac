/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session: is its card in, and what follows when it is not. A session is GUARDed ON until something
 * proves a removal; that opens a case and makes it AWAY, where later signals only annotate the case, until
 * the same kind of card is back in the same place.
 */
#include "tables.h"

#define LIST_ADD(head, session, link)    DL_APPEND2(head, session, link.prev, link.next)
#define LIST_DELETE(head, session, link) DL_DELETE2(head, session, link.prev, link.next)

void world_tell(struct world *world, const struct session *session, struct verdict verdict)
{
	if (session)
		verdict.login = &session->login;
	world->handler(world->userdata, &verdict);
}

static uint64_t since(uint64_t start, uint64_t stamp)
{
	return stamp > start ? stamp - start : 0;
}

/* Tells something about the session's case. */
static void tell_case(struct world *world, const struct session *session, enum verdict_type type, uint64_t stamp,
		      const char *detail)
{
	world_tell(world, session,
		   (struct verdict){
			   .type = type,
			   .source = session->source,
			   .cause = session->cause,
			   .action = session->settings.action,
			   .stamp = session->opened,
			   .later = since(session->opened, stamp),
			   .detail = detail,
		   });
}

static void tell_outcome(struct world *world, struct session *session, enum outcome outcome, uint64_t stamp,
			 const char *detail)
{
	session->outcome_due = false;
	session->verify_until = 0;
	world_tell(world, session,
		   (struct verdict){
			   .type = VERDICT_OUTCOME,
			   .source = session->source,
			   .cause = session->cause,
			   .action = session->settings.action,
			   .outcome = outcome,
			   .stamp = session->opened,
			   .later = since(session->opened, stamp),
			   .detail = detail,
		   });
}

uint64_t session_deadline(const struct session *session)
{
	const uint64_t deadlines[] = {session->doubt_until, session->confirm_until, session->verify_until};
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < ELEMENTS(deadlines); i++) {
		if (deadlines[i] && deadlines[i] < next)
			next = deadlines[i];
	}
	return next;
}

void session_busy_update(struct world *world, struct session *session)
{
	bool busy = session_deadline(session) != UINT64_MAX;

	if (busy == session->busy)
		return;
	if (busy)
		LIST_ADD(world->busy, session, on_busy);
	else
		LIST_DELETE(world->busy, session, on_busy);
	session->busy = busy;
}

static void set_guard(struct world *world, struct session *session, enum guard guard)
{
	if (session->guard == guard)
		return;
	if (guard == GUARD_AWAY)
		LIST_ADD(world->away, session, on_away);
	else
		LIST_DELETE(world->away, session, on_away);
	session->guard = guard;
}

void session_bind_device(struct world *world, struct session *session, struct device *device)
{
	struct device *old = session->device;

	if (old == device)
		return;
	if (old)
		LIST_DELETE(old->sessions, session, on_device);
	session->device = device;
	if (device) {
		LIST_ADD(device->sessions, session, on_device);
		session->login.card.usb = device->usb;
		device_watch(world, device);
	}
	if (old)
		device_release(world, old);
}

/* ---- a removal ------------------------------------------------------------------------------------------ */

static void session_heard(struct world *world, struct session *session, enum cause cause, enum event_source source,
			  uint64_t stamp)
{
	uint32_t bit = HEARD_BIT(source, cause);

	if (session->heard & bit)
		return;
	session->heard |= bit;
	world_tell(world, session,
		   (struct verdict){
			   .type = VERDICT_HEARD,
			   .source = source,
			   .cause = cause,
			   .stamp = stamp,
			   .later = since(session->opened, stamp),
		   });
}

/* The hot path: nothing here may allocate or wait. What is only told waits for world_event()'s end. */
void session_remove(struct world *world, struct session *session, enum cause cause, enum event_source source,
		    uint64_t stamp)
{
	if (session->guard == GUARD_AWAY) {
		session_heard(world, session, cause, source, stamp);
		return;
	}
	session->opened = stamp;
	session->cause = cause;
	session->source = source;
	if (session->settings.action != ACTION_NONE) {
		tell_case(world, session, VERDICT_ACT, stamp, NULL);
		session->outcome_due = true;
		session->verify_until = stamp + session->settings.lock_timeout;
	}
	set_guard(world, session, GUARD_AWAY);
	session->heard = HEARD_BIT(source, cause);
	session->card_back = false;
	session->comm_error = false;
	session->doubt_until = 0;
	session->confirm_until = 0;
	if (source == SOURCE_PROBE && cause == CAUSE_CARD)
		session->confirm_until = stamp + session->settings.confirm;
	session_busy_update(world, session);
	if (!session->to_report)
		LIST_ADD(world->report, session, on_report);
	session->to_report = true;
}

void session_report(struct world *world, struct session *session)
{
	LIST_DELETE(world->report, session, on_report);
	session->to_report = false;
	tell_case(world, session, VERDICT_REMOVAL, session->opened, NULL);
	if (session->settings.action != ACTION_NONE)
		tell_case(world, session, VERDICT_ACTION, session->opened, NULL);
}

/*
 * The reader's own notice. "Out" is a removal at once. "In, changed" alone is none: a reader also sends it
 * when pcscd opens it anew; PC/SC's counter tells whether the card was out.
 */
void session_slot(struct world *world, struct session *session, bool present, uint64_t stamp)
{
	bool was_on = session->guard == GUARD_ON;

	if (!present)
		session_remove(world, session, CAUSE_CARD, SOURCE_PROBE, stamp);
	else if (!was_on)
		session->card_back = true;
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

static void doubt_begin(struct world *world, struct session *session, uint64_t stamp)
{
	if (session->doubt_until || session->comm_error)
		return;
	session->doubt_until = stamp + DOUBT_NSEC;
	session->doubt_at_look = world->looking_pcsc;
	session_busy_update(world, session);
}

static void tell_comm_error(struct world *world, struct session *session, uint64_t stamp, const char *detail)
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
	session->login.card.event_counter = reader->state.event_counter;
	session->pcsc_epoch = world->pcsc_epoch;
	session->doubt_until = 0;
	session->doubt_over = session->comm_error = false;
	session_busy_update(world, session);
}

/* While everything is looked at anew, or a record is new, a removal was found and not heard. */
static void found_missing(struct world *world, struct session *session, bool looking, enum cause cause,
			  enum event_source source, uint64_t stamp)
{
	if (looking || source == SOURCE_RECORD)
		session_remove(world, session, CAUSE_ABSENT, SOURCE_STARTUP, stamp);
	else
		session_remove(world, session, cause, source, stamp);
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
		doubt_begin(world, session, stamp);
		world_tell(world, NULL, (struct verdict){.type = VERDICT_REREAD, .stamp = stamp});
		return;
	}
	if (now->card == CARD_EMPTY) {
		/* Just after pcscd's return a card may still be on its way in: give it the same time. */
		if (session->pcsc_epoch != world->pcsc_epoch)
			doubt_begin(world, session, stamp);
		else
			found_missing(world, session, world->looking_pcsc, CAUSE_CARD, source, stamp);
		return;
	}
	switch (card_compare(&session->login.card, now)) {
	case CARD_IS_REREAD:
		if (session->pcsc_epoch == world->pcsc_epoch)
			tell_comm_error(world, session, stamp, "the reader could not be read for a moment");
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
		session_heard(world, session, CAUSE_READER, SOURCE_PCSC, stamp);
		return;
	}
	if (reader->state.card == CARD_EMPTY) {
		session_heard(world, session, CAUSE_CARD, SOURCE_PCSC, stamp);
		session->confirm_until = 0;
		session_busy_update(world, session);
		return;
	}
	/* "Still in" may be said before pcscd has looked: it counts once Confirm= is over. */
	if (session->confirm_until && reader->state.event_counter == session->login.card.event_counter)
		return;
	session_restore(world, session, reader, stamp);
}

void session_look(struct world *world, struct session *session, enum event_source source, uint64_t stamp)
{
	const struct reader *reader;

	if (session->device && session->device->presence == PRESENCE_GONE) {
		if (session->guard == GUARD_ON)
			found_missing(world, session, world->looking_devices, CAUSE_READER, source, stamp);
		return;
	}
	if (!world->pcsc_up)
		return;
	reader = reader_of_session(world, session);
	if (!reader && !world->pcsc_listed)
		return;
	if (session->guard == GUARD_AWAY)
		look_while_away(world, session, reader, stamp);
	else if (!reader)
		doubt_begin(world, session, stamp);
	else if (reader->state.card == CARD_UNAVAILABLE) {
		doubt_begin(world, session, stamp);
		if (session->device && session->device->presence == PRESENCE_HERE)
			tell_comm_error(world, session, stamp, "the reader cannot be read, its USB device is there");
	} else
		look_at_card(world, session, reader, source, stamp);
}

/* ---- the card is back ----------------------------------------------------------------------------------- */

/* The same place: this very device and slot, or the same port with the same product in it, or the same name. */
static bool same_place(const struct session *session, const struct reader *reader)
{
	const struct device *device = reader->device;

	if (reader->state.slot != session->login.card.slot)
		return false;
	if (!device || !session->device)
		return strcmp(reader->state.name, session->login.card.name) == 0;
	if (device == session->device)
		return device->presence != PRESENCE_GONE;
	if (device->presence == PRESENCE_GONE)
		return false;
	if (device->path[0] && session->login.usb_path[0])
		return strcmp(device->path, session->login.usb_path) == 0 &&
		       (!session->login.usb_id[0] || !device->id[0] ||
			strcmp(device->id, session->login.usb_id) == 0);
	return strcmp(reader->state.name, session->login.card.name) == 0;
}

bool session_restore(struct world *world, struct session *session, const struct reader *reader, uint64_t stamp)
{
	bool contradicted;

	if (session->guard != GUARD_AWAY || reader->state.card != CARD_PRESENT ||
	    !atr_equal(&reader->state.atr, &session->login.card.atr) || !same_place(session, reader))
		return false;
	contradicted = session->source == SOURCE_PROBE && session->cause == CAUSE_CARD && !session->card_back &&
		       reader->state.event_counter == session->login.card.event_counter;
	set_guard(world, session, GUARD_ON);
	session->confirm_until = 0;
	session_bind_device(world, session, reader->device);
	card_confirmed(world, session, reader);
	memcpy(session->login.card.name, reader->state.name, sizeof(session->login.card.name));
	if (contradicted)
		tell_case(world, session, VERDICT_CONTRADICTED, stamp, "PC/SC still has the card, its counter unmoved");
	else
		tell_case(world, session, VERDICT_RESTORED, stamp, NULL);
	world_tell(world, session, (struct verdict){.type = VERDICT_ARM, .action = session->settings.action});
	return true;
}

/* ---- time, and what logind says ------------------------------------------------------------------------- */

static void doubt_over(struct world *world, struct session *session, uint64_t now)
{
	const struct reader *reader = reader_of_session(world, session);
	bool here = session->device && session->device->presence == PRESENCE_HERE;

	session->doubt_until = 0;
	session->doubt_over = true;
	if (reader && reader->state.card == CARD_PRESENT)
		session_look(world, session, SOURCE_PCSC, now);
	else if (reader && reader->state.card == CARD_EMPTY)
		found_missing(world, session, session->doubt_at_look, CAUSE_CARD, SOURCE_PCSC, now);
	else if (here)
		tell_comm_error(world, session, now, "PC/SC does not name the reader, its USB device is there");
	else
		found_missing(world, session, session->doubt_at_look, CAUSE_READER, SOURCE_PCSC, now);
}

void session_time(struct world *world, struct session *session, uint64_t now)
{
	if (session->doubt_until && now >= session->doubt_until)
		doubt_over(world, session, now);
	if (session->confirm_until && now >= session->confirm_until) {
		session->confirm_until = 0;
		session_look(world, session, SOURCE_PCSC, now);
	}
	if (session->verify_until && now >= session->verify_until) {
		if (session->locked)
			tell_outcome(world, session, OUTCOME_VERIFIED, now, "it was locked already");
		else if (session->provable)
			tell_outcome(world, session, OUTCOME_FAILED, now, "LockedHint did not show in time");
		else
			tell_outcome(world, session, OUTCOME_UNVERIFIED, now, "its locker never set LockedHint");
	}
	session_busy_update(world, session);
}

void session_locked(struct world *world, struct session *session, bool locked, uint64_t stamp)
{
	session->locked = locked;
	if (!locked)
		return;
	session->provable = true;
	if (session->outcome_due)
		tell_outcome(world, session, OUTCOME_VERIFIED, stamp, NULL);
	session_busy_update(world, session);
}

void session_action_failed(struct world *world, struct session *session, uint64_t stamp)
{
	if (session->outcome_due)
		tell_outcome(world, session, OUTCOME_FAILED, stamp, "logind refused");
	session_busy_update(world, session);
}

/* A record, new or written anew after an unlock with this or another card: it says what is bound from now on. */
void session_record(struct world *world, struct session *session, const struct login_record *login,
		    const struct settings *settings, struct device *device)
{
	set_guard(world, session, GUARD_ON);
	session->login = *login;
	session->settings = *settings;
	session->pcsc_epoch = world->pcsc_epoch ? world->pcsc_epoch : 1;
	session->comm_error = session->doubt_over = false;
	session->doubt_until = session->confirm_until = 0;
	session_busy_update(world, session);
	session_bind_device(world, session, device);
	world_tell(world, session, (struct verdict){.type = VERDICT_ARM, .action = settings->action});
}

void session_forget(struct world *world, struct session *session)
{
	set_guard(world, session, GUARD_ON);
	session->doubt_until = session->confirm_until = session->verify_until = 0;
	session_busy_update(world, session);
	session_bind_device(world, session, NULL);
	HASH_DELETE(hh, world->sessions, session);
	free(session);
}
