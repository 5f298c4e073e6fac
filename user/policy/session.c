/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One session: what is believed of its card after anything that concerns it, and what follows from that. */
#include "policy/core.h"

struct session *session_find(const struct world *world, const char *id)
{
	struct session *session;

	HASH_FIND_STR(world->sessions, id, session);
	return session;
}

struct session *session_get(struct world *world, const struct login_record *login)
{
	struct session *session = session_find(world, login->session);

	if (session)
		return session;
	if (deadline_reserve(world, HASH_COUNT(world->sessions) + 1) < 0)
		return NULL;
	session = alloc_lines(sizeof(*session));
	if (!session)
		return NULL;
	session->login = *login;
	HASH_ADD_STR(world->sessions, login.session, session);
	if (!session->hh.tbl) {
		free(session);
		return NULL;
	}
	LIST_ADD(world->placeless, session, on_device);
	return session;
}

void session_forget(struct world *world, struct session *session)
{
	for (enum deadline deadline = 0; deadline < DEADLINE_COUNT; deadline++)
		deadline_set(world, session, deadline, 0);
	if (session->reports)
		LIST_DELETE(world->report, session, on_report);
	port_place(world, session, NULL);
	bind_device(world, session, NULL);
	bind_remote(world, session, false);
	LIST_DELETE(world->placeless, session, on_device);
	free(session->remote);
	HASH_DELETE(hh, world->sessions, session);
	keep_forget(session);
	free(session);
}

/* ---- believing ------------------------------------------------------------------------------------------ */

static void take_place(struct world *world, struct session *session, struct device *device)
{
	bind_device(world, session, device);
	bind_place(world, session, device);
	report_later(world, session, REPORT_BOUND);
}

/* PC/SC last spoke of the recorded reader before its device left, and the session's card was in it: the name is still its own. */
static bool left_with_card_of(const struct world *world, const struct reader *reader,
			      const struct session *session)
{
	const struct device *device = reader->device;

	return session->pcsc_life == world->pcsc_life && device && device->presence == PRESENCE_GONE &&
	       reader->said.stamp < device->left.stamp && session->bound.stamp < device->left.stamp &&
	       reader_has_card_of(reader, session) &&
	       reader->state.event_counter == session->login.card.event_counter;
}

/*
 * A session without a device is bound to its reader's device once PC/SC reports which one that is. Until then
 * only the name connects session and reader, and neither the probe nor uevents can report about it.
 */
static void find_place(struct world *world, struct session *session)
{
	const struct reader *reader;

	if (session->device || session->login.usb_token)
		return;
	reader = reader_of_session(world, session);
	if (!reader) {
		reader = reader_find(world, session->login.card.name);
		if (reader && left_with_card_of(world, reader, session))
			take_place(world, session, reader->device);
		return;
	}
	/* Under its name PC/SC may have another reader by now. What has its card in it is its own. */
	if (!reader->device || (session->stay != reader->stay &&
				(session_is_away(session) || !reader_has_card_of(reader, session))))
		return;
	/* PC/SC may name a reader whose device is gone: until USB knows the device, it says nothing of it. */
	if (world->devices_listing.last && reader->device->presence != PRESENCE_HERE)
		return;
	take_place(world, session, reader->device);
}

/*
 * What PC/SC reports about the insertion: that it is out; since when no reader is read for it; that PC/SC is
 * about to count an absence that is over.
 */
static void note_hearing(const struct world *world, struct session *session, const struct reader *reader,
			 enum hearing hearing)
{
	/* A reader whose device has left reads as empty, too (seen: a reader pulled while the machine slept). */
	bool out = hearing == HEARING_OTHER || (hearing == HEARING_EMPTY && !session_device_left(session));

	if (out && !session->pcsc_out.order) {
		session->pcsc_out = moment_now(world, reader->said.stamp);
		session->pcsc_found = reader->found;
	}
	if (hearing == HEARING_SETTLING && world->now < session->lag_until)
		session->lag_until = later(reader->card_since, LAG_NSEC);
	if (hearing != HEARING_MISSING && hearing != HEARING_UNREADABLE)
		session->unheard = 0;
	else if (!session->unheard)
		session->unheard = world->now;
}

static void wait_in_doubt(struct world *world, struct session *session, const struct belief *belief,
			  uint64_t stamp)
{
	bool begins = !session->deadlines[DEADLINE_BELIEF];

	deadline_set(world, session, DEADLINE_BELIEF, belief->until);
	if (belief->reason == REASON_UNREADABLE && session->device &&
	    session->device->presence == PRESENCE_HERE && !world_just_resumed(world))
		report_comm_error(world, session, stamp,
				  "the reader cannot be read, its USB device is there");
	if (begins && belief->reason == REASON_OLDER)
		listing_ask(world, VERDICT_REREAD, SOURCE_DAEMON, stamp);
}

static void cannot_say(struct world *world, struct session *session, const struct belief *belief,
		       uint64_t stamp)
{
	deadline_set(world, session, DEADLINE_BELIEF, 0);
	if (belief->reason == REASON_NO_READER)
		report_comm_error(world, session, stamp,
				  "PC/SC does not name the reader, its USB device is there");
	else if (belief->reason == REASON_UNREADABLE)
		report_comm_error(world, session, stamp, "the reader cannot be read");
}

static void believe_out(struct world *world, struct session *session, struct belief belief,
			enum event_source source)
{
	const struct reader *reader;

	/* No source reported what was true before the session was recorded. */
	if (source == SOURCE_RECORD) {
		belief.cause = CAUSE_ABSENT;
		belief.source = SOURCE_STARTUP;
	}
	if (session->kept && keep_instead(world, session, &belief))
		return;
	case_open(world, session, &belief);
	/* A token may be in its place again already; PC/SC may have denied a notice that sleep held up. */
	if (session->login.usb_token ||
	    (belief.evidence == EVIDENCE_SLOT && session->slot_out.order < world->order))
		bind_return(world, session, belief.stamp);
	/* A card is in again already. PC/SC's next report decides whether it guards the session. */
	reader = belief.evidence & EVIDENCE_SLOT ? NULL : reader_in_place(world, session);
	if (reader && reader->state.card == CARD_PRESENT)
		listing_ask(world, VERDICT_REREAD, SOURCE_DAEMON, belief.stamp);
}

static void believe(struct world *world, struct session *session, enum event_source source, uint64_t stamp)
{
	struct belief belief = belief_of(world, session);

	if (belief.kind != BELIEF_OUT && session_device_left(session) &&
	    bind_after_sleep(world, session, stamp))
		belief = belief_of(world, session);
	switch (belief.kind) {
	case BELIEF_IN:
		deadline_set(world, session, DEADLINE_BELIEF, 0);
		if (belief.reason == REASON_READ && !session_is_away(session))
			bind_confirm(world, session, reader_of_session(world, session), stamp);
		break;
	case BELIEF_OUT:
		believe_out(world, session, belief, source);
		break;
	case BELIEF_DOUBT:
		wait_in_doubt(world, session, &belief, stamp);
		break;
	case BELIEF_UNKNOWN:
		cannot_say(world, session, &belief, stamp);
		break;
	}
}

/* Whether PC/SC agrees while the session's case is open. */
static void hear_while_away(struct world *world, struct session *session, const struct reader *reader,
			    enum hearing hearing)
{
	uint64_t stamp = reader ? reader->said.stamp : world->now;

	/* The word that opened it is no second one. While the machine sleeps, nothing agrees. */
	if (session->removal.opened.order == world->order || (world->asleep && hearing != HEARING_SAME))
		return;
	switch (hearing) {
	case HEARING_MISSING:
	case HEARING_UNREADABLE:
		/* An unreadable reader is no second report of a removed card. */
		case_word(world, session, CAUSE_READER, SOURCE_PCSC, 0, stamp);
		break;
	case HEARING_SETTLING:
	case HEARING_OLDER:
		/* A pcscd that has not looked yet is no second report either. */
		case_word(world, session, CAUSE_CARD, SOURCE_PCSC, 0, stamp);
		break;
	case HEARING_EMPTY:
	case HEARING_OTHER:
		case_word(world, session, CAUSE_CARD, SOURCE_PCSC, EVIDENCE_PCSC, stamp);
		break;
	case HEARING_SAME:
		session->removal.denied |= session->removal.evidence == EVIDENCE_SLOT;
		break;
	case HEARING_NONE:
	case HEARING_REREAD:
	case HEARING_COUNTED:
		break;
	}
}

static bool was_removed_since(const struct world *world, const struct session *session)
{
	return session->removal.cause == CAUSE_PCSC_LOST && belief_of(world, session).kind == BELIEF_OUT;
}

/* `source` and `stamp` are those of the report at hand. */
void session_update(struct world *world, struct session *session, enum event_source source, uint64_t stamp)
{
	const struct reader *reader;
	enum hearing hearing;
	uint64_t until;

	if (session->is_remote) {
		remote_update(world, session, stamp);
		return;
	}
	find_place(world, session);
	/* While PC/SC lists the reader with a removed device, it may still report what it saw before. */
	if (!session_device_left(session))
		reader = reader_of_session(world, session);
	else
		reader = world->slept ? reader_of_stay(world, session) : NULL;
	bind_new_stay(session, reader);
	hearing = session_device_left(session) && !reader ? HEARING_NONE
							  : hearing_of(world, session, reader, &until);
	note_hearing(world, session, reader, hearing);
	if (session_is_away(session)) {
		if (!session_device_left(session))
			hear_while_away(world, session, reader, hearing);
		/* pcscd's absence was no removal. What pcscd or the kernel has reported since then is one. */
		if (!was_removed_since(world, session) &&
		    (bind_return(world, session, stamp) || session->removal.cause != CAUSE_PCSC_LOST))
			return;
	}
	believe(world, session, source, stamp);
}

/* ---- words ---------------------------------------------------------------------------------------------- */

/*
 * The reader's own notice. "Out" is a removal at once. "In, changed" alone is none: a reader also sends it
 * when pcscd opens it again; PC/SC's counter tells whether the card was out.
 */
void session_slot(struct world *world, struct session *session, bool present, uint64_t stamp)
{
	bool away = session_is_away(session);

	/* The notice is about the insertion before this one. */
	if (stamp <= session->bound.stamp) {
		if (!present)
			case_heard(world, session, CAUSE_CARD, SOURCE_PROBE, stamp);
		return;
	}
	if (present) {
		session->slot_in = moment_now(world, stamp);
		return;
	}
	/* Two notices of "out" are one removal. */
	if (!session->slot_out.order || session->slot_in.order > session->slot_out.order) {
		session->slot_out = moment_now(world, stamp);
		session->outs++;
	}
	if (away && session->removal.cause != CAUSE_PCSC_LOST)
		case_word(world, session, CAUSE_CARD, SOURCE_PROBE, EVIDENCE_SLOT, stamp);
	else
		session_update(world, session, SOURCE_PROBE, stamp);
}

/* PcscLost=: pcscd is away, and nothing else watches the card. */
void session_heed_pcsc(struct world *world, struct session *session)
{
	bool heeds = world->pcsc_down && !session_is_away(session) && plan_heeds_pcsc(world, session);

	if (heeds && !session->deadlines[DEADLINE_PCSC_LOST])
		deadline_set(world, session, DEADLINE_PCSC_LOST, later(world->now, PCSC_LOST_NSEC));
	else if (!heeds && (world->pcsc_down || !plan_heeds_pcsc(world, session)))
		deadline_set(world, session, DEADLINE_PCSC_LOST, 0);
}

/* The session's settings were resolved again: an open case continues under them. */
void session_govern(struct world *world, struct session *session, const struct governance *governance)
{
	session->governance = *governance;
	case_govern(world, session);
	session_heed_pcsc(world, session);
	world_tell(world, session, &(struct verdict){.type = VERDICT_ARM, .steps = plan_steps(session)});
	/* How long its client may be away, or show no card, is a setting. */
	if (session->is_remote)
		remote_update(world, session, world->now);
}

/* While pcscd is away nobody knows whether the card is in, so this is no unlock without a card. */
static void unlocked(struct world *world, struct session *session, uint64_t stamp)
{
	if (!session_is_away(session) || session->removal.cause == CAUSE_PCSC_LOST)
		return;
	if (session->is_remote)
		remote_person(world, session, stamp);
	else
		bind_person(world, session, stamp);
}

void session_set_kind(struct world *world, struct session *session, unsigned kind, uint64_t stamp)
{
	bool back = kind & ~session->kind & KIND_CONSOLE && session->console_locked;

	session->kind = kind;
	world_tell(world, session, &(struct verdict){.type = VERDICT_ARM, .steps = plan_steps(session)});
	if (!back)
		return;
	/* physlock lets nobody return to the session's console without the password. */
	session->console_locked = false;
	case_cancel(world, session, stamp, "the console was unlocked");
	unlocked(world, session, stamp);
}

void session_hint(struct world *world, struct session *session, bool locked, uint64_t stamp)
{
	if (case_hint(world, session, locked, stamp))
		unlocked(world, session, stamp);
	/* A client that is away counts again. */
	if (session->is_remote)
		remote_update(world, session, stamp);
}

/*
 * The locker says so, and it runs as the person: anybody with that user's rights may say the same. So this binds as an
 * unlock does, to a card like the recorded one, and cancels nothing.
 */
void session_rebind(struct world *world, struct session *session, uint64_t stamp)
{
	unlocked(world, session, stamp);
}

/* ---- time ----------------------------------------------------------------------------------------------- */

static void pcsc_lost(struct world *world, struct session *session)
{
	const struct belief belief = {
		.kind = BELIEF_UNKNOWN,
		.reason = REASON_NO_PCSCD,
		.evidence = EVIDENCE_PCSC,
		.cause = CAUSE_PCSC_LOST,
		.source = SOURCE_PCSC,
		.stamp = world->now,
	};

	/* It is back already, and reads the card. */
	if (belief_of(world, session).reason == REASON_READ)
		return;
	case_open(world, session, &belief);
	/* … or reads it elsewhere, as far as is known by now. */
	if (world->pcsc_up)
		listing_ask(world, VERDICT_REREAD, SOURCE_DAEMON, world->now);
}

void session_time(struct world *world, struct session *session)
{
	if (deadline_due(world, session, DEADLINE_BELIEF))
		session_update(world, session, SOURCE_DAEMON, world->now);
	if (deadline_due(world, session, DEADLINE_PCSC_LOST))
		pcsc_lost(world, session);
	if (deadline_due(world, session, DEADLINE_CONFIRM))
		case_confirmed(world, session);
	case_time(world, session);
	if (!session_is_away(session))
		return;
	/* A card that is back may have been no loose plug: after Settle= it guards the session. */
	if (session->is_remote)
		remote_update(world, session, world->now);
	else
		bind_return(world, session, world->now);
}
