/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the bound insertion of the card in? A pure function of the binding, the facts and the time. It changes nothing,
 * and asking twice gives the same answer.
 */
#include "policy/core.h"

/* ---- what PC/SC says ------------------------------------------------------------------------------------ */

/*
 * pcscd counts 1 for a card that is removed and 1 for a card that is inserted. So the bound insertion still
 * has the bound count, plus 1 for each time that its reader could be read again (`recovered`). A smaller
 * count means that pcscd, or the reader within it, started again. Then 0 is a card that was in from the
 * start, and 1 is a card that was first read while it settled.
 */
static enum hearing compare(const struct reader_state *bound, const struct reader_state *now,
			    unsigned recovered)
{
	uint16_t moved = (uint16_t)(now->event_counter - bound->event_counter);

	if (bound->atr.size && now->atr.size && !atr_equal(&bound->atr, &now->atr))
		return HEARING_OTHER;
	if (moved == 0)
		return HEARING_SAME;
	if (moved >= 0x8000)
		return now->event_counter <= 1 ? HEARING_REREAD : HEARING_OTHER;
	return reader_count_shows_card(bound->event_counter, now->event_counter, recovered) ? HEARING_OTHER
											    : HEARING_REREAD;
}

/* How far PC/SC's count is behind the bound count; 0: not at all. */
static unsigned behind(const struct session *session, const struct reader_state *now)
{
	uint16_t by = (uint16_t)(session->login.card.event_counter - now->event_counter);

	return by < 0x8000 ? by : 0;
}

/* PC/SC's count has moved since the session was bound: it counted a removed card. */
static bool has_counted(const struct session *session, const struct reader_state *now)
{
	uint16_t moved = (uint16_t)(now->event_counter - session->login.card.event_counter);

	return moved > 0 && moved < 0x8000;
}

/*
 * Until when "empty" may not mean that the card is out; 0: it does mean that. A new pcscd, or a new reader,
 * calls a slot empty until it has powered the card. So does a reader that came back unnoticed under the same
 * name: it counts from 0.
 */
static uint64_t settles_until(const struct world *world, const struct session *session,
			      const struct reader *reader)
{
	uint64_t settled = later(reader->card_since, DOUBT_NSEC);

	/* The reader itself has reported "out" and "in"; PC/SC still shows the "out". */
	if (world->probe && world->now < session->lag_until)
		return session->lag_until;
	if (session_pcscd_is_new(world, session))
		return settled;
	if (session->stay && session->stay != reader->stay)
		return settled;
	return has_counted(session, &reader->state) ? 0 : settled;
}

/* Said before the sign-in, perhaps of another stay of the reader, and not what the sign-in read. */
static bool is_outdated(const struct session *session, const struct reader *reader)
{
	const struct reader_state *bound = &session->login.card, *state = &reader->state;

	return reader->stay != session->stay && reader->said.stamp < session->login.seen &&
	       (state->card != CARD_PRESENT || state->event_counter != bound->event_counter ||
		!atr_equal(&state->atr, &bound->atr));
}

/*
 * The sign-in's own PC/SC client was ahead of ours, or ours still reports the reader that was there before.
 */
static uint64_t older_until(const struct world *world, const struct session *session,
			    const struct reader *reader)
{
	const struct reader_state *state = &reader->state;
	uint64_t until = session->recorded ? later(session->recorded, DOUBT_NSEC) : 0;

	if (session_pcscd_is_new(world, session))
		return 0;
	if (is_outdated(session, reader))
		return until;
	if (!behind(session, state) && !reader_is_older(reader, reader->device))
		return 0;
	/* A pcscd that is not known to be the record's may count from 0 again. */
	if (session->stay != reader->stay && state->card == CARD_PRESENT && state->event_counter <= 1 &&
	    session->login.seen < world->pcsc_since)
		return 0;
	return until;
}

/*
 * Whether a count from 0 means a card that was in from the start. Such a card has 0, or 1 if it was first
 * read while it settled, plus 1 for each time that its reader could be read again until then.
 */
static bool may_be_first(const struct reader_state *bound, const struct reader *reader)
{
	const struct atr *now = &reader->state.atr;

	return reader->first_count <= 1 + reader->first_recovered &&
	       (!bound->atr.size || !now->size || atr_equal(&bound->atr, now));
}

enum hearing hearing_of(const struct world *world, const struct session *session, const struct reader *reader,
			uint64_t *ret_until)
{
	const struct reader_state *bound = &session->login.card, *state = reader ? &reader->state : NULL;
	uint64_t until;

	*ret_until = 0;
	if (!world->pcsc_up || (!reader && !world->pcsc_listed) || session->login.usb_token)
		return HEARING_NONE;
	if (!reader)
		return HEARING_MISSING;
	if (state->card == CARD_UNAVAILABLE)
		return HEARING_UNREADABLE;
	until = older_until(world, session, reader);
	if (world->now < until) {
		*ret_until = until;
		return HEARING_OLDER;
	}
	if (state->card == CARD_EMPTY) {
		until = settles_until(world, session, reader);
		*ret_until = until;
		return world->now < until ? HEARING_SETTLING : HEARING_EMPTY;
	}
	if (world->probe && world->now < session->lag_until &&
	    (uint16_t)(state->event_counter - bound->event_counter) == 2 &&
	    atr_equal(&state->atr, &bound->atr))
		return HEARING_COUNTED;
	/* pcscd took the reader from its list and named one again: it was unplugged. */
	if (session->unnamed)
		return HEARING_OTHER;
	/* Recorded in this life of pcscd, and nothing was counted since. */
	if (session->recorded && session->recorded >= world->pcsc_since && !session->stay &&
	    state->event_counter == bound->event_counter)
		return compare(bound, state, 0);
	/*
	 * Since pcscd named the reader, either a card was removed from it, so the earlier card is out; or one
	 * was in from the start.
	 */
	if (session->stay != reader->stay && reader->outs)
		return HEARING_OTHER;
	/*
	 * A new life may only be a new worker. And pcscd 1.9.9 continues the count where the reader stopped
	 * (seen).
	 */
	if (session_pcscd_is_new(world, session) || (session->stay && session->stay != reader->stay)) {
		if (may_be_first(bound, reader))
			return HEARING_REREAD;
		/* … nor does it call a slot empty whose card is in. */
		if (reader->first_after_empty)
			return HEARING_OTHER;
	}
	return compare(bound, state,
		       (session->failing && !reader->came_failing) + reader->recovered -
			       (session->stay == reader->stay ? session->recovered : 0));
}

/* ---- beliefs -------------------------------------------------------------------------------------------- */

static struct belief in(enum reason reason)
{
	return (struct belief){.kind = BELIEF_IN, .reason = reason};
}

static struct belief unknown(enum reason reason)
{
	return (struct belief){.kind = BELIEF_UNKNOWN, .reason = reason};
}

static struct belief doubt(enum reason reason, uint64_t until)
{
	return (struct belief){.kind = BELIEF_DOUBT, .reason = reason, .until = until};
}

/* What was found by looking, and not reported while it happened, is `absent`. */
static struct belief out(enum reason reason, unsigned evidence, enum cause cause, enum event_source source,
			 uint64_t stamp)
{
	bool found = source == SOURCE_STARTUP;

	return (struct belief){
		.kind = BELIEF_OUT,
		.reason = reason,
		.evidence = evidence,
		.cause = found ? CAUSE_ABSENT : cause,
		.source = source,
		.stamp = stamp,
	};
}

/* After sleep: the device that is in the session's place again; NULL: none, or none yet. */
static const struct device *back_after_sleep(const struct world *world, const struct session *session)
{
	const struct device *there = session->port ? device_in_place(session) : NULL;

	return there && there->came.now < later(world->resumed, RESUME_NSEC) ? there : NULL;
}

/* What PC/SC reports about the reader that is back in the session's place. */
static struct belief belief_back(const struct world *world, const struct session *session,
				 const struct device *there)
{
	const struct reader *reader = reader_in_place(world, session);
	uint64_t until, from = there->came.now > world->pcsc_since ? there->came.now : world->pcsc_since;
	enum hearing hearing = hearing_of(world, session, reader, &until);

	if (hearing == HEARING_EMPTY || hearing == HEARING_OTHER)
		return out(REASON_EMPTY, EVIDENCE_PCSC, CAUSE_CARD, SOURCE_STARTUP, reader->said.stamp);
	if (world->now < until)
		return doubt(REASON_SETTLING, until);
	until = later(from, DOUBT_NSEC);
	if (until < world->certain_at)
		until = world->certain_at;
	if (world_just_resumed(world) && until < later(world->resumed, RESUME_NSEC))
		until = later(world->resumed, RESUME_NSEC);
	if (world->now < until)
		return doubt(REASON_COMES_BACK, until);
	return unknown(hearing == HEARING_NONE ? REASON_NO_PCSCD : REASON_NO_READER);
}

/*
 * Around sleep a reader may only have been enumerated again. But a removal of the card is certain if PC/SC
 * counted it, or if the reader reported it before the machine slept or since the reader is back.
 */
static struct belief belief_around_sleep(const struct world *world, const struct session *session)
{
	const struct device *there = back_after_sleep(world, session);
	uint64_t until = later(world->resumed, RESUME_NSEC);

	if (session->pcsc_out.order)
		return out(REASON_EMPTY, EVIDENCE_PCSC, CAUSE_CARD, SOURCE_STARTUP, session->pcsc_out.stamp);
	if (session->slot_out.order && (session->slot_out.stamp < world->slept ||
					(there && session->slot_out.order > there->came.order)))
		return out(REASON_SLOT, EVIDENCE_SLOT, CAUSE_CARD, SOURCE_PROBE, session->slot_out.stamp);
	if (there && session->login.usb_token)
		return in(REASON_PLUGGED_IN);
	if (there)
		return belief_back(world, session, there);
	if (world->now < until)
		return doubt(REASON_COMES_BACK, until);
	return out(REASON_DEVICE_GONE, EVIDENCE_DEVICE, CAUSE_READER, SOURCE_STARTUP, world->now);
}

/* The record says that its device is here, and that was reported otherwise: the listing that is to come decides. */
static bool may_be_back(const struct world *world, const struct session *session)
{
	return session->recorded && world->looking_devices &&
	       world->now < later(session->recorded, DOUBT_NSEC);
}

/* What left before the session was bound to it, or was never seen to leave, was not heard of by anybody. */
static struct belief belief_device_left(const struct world *world, const struct session *session)
{
	const struct device *device = session->device;
	bool heard = device->left.order > session->bound.order;

	if (!heard && may_be_back(world, session))
		return doubt(REASON_OLDER, later(session->recorded, DOUBT_NSEC));
	if (device->left_round_sleep)
		return belief_around_sleep(world, session);
	return out(REASON_DEVICE_GONE, EVIDENCE_DEVICE, CAUSE_READER,
		   heard ? device->left_by : SOURCE_STARTUP, heard ? device->left.stamp : world->now);
}

/* A reader without an address, and a device without a reader. */
static bool left_together(const struct world *world, const struct session *session, uint64_t unheard)
{
	return !session->device && session->pcsc_life == world->pcsc_life && session->stay &&
	       world->unplugged && unheard < later(world->unplugged, TOGETHER_NSEC) &&
	       world->unplugged < later(unheard, TOGETHER_NSEC);
}

/* After sleep: PC/SC names a reader some time after its device came back. 0: the machine has not slept. */
static uint64_t named_again_until(const struct world *world)
{
	uint64_t awake = world->resumed ? later(world->resumed, RESUME_NSEC) : 0;

	return world->replugged > world->slept ? later(awake, DOUBT_NSEC) : awake;
}

/* PC/SC cannot read the card: what proves a removal, what is temporary, and what stays unknown. */
static struct belief belief_unheard(const struct world *world, const struct session *session,
				    enum hearing hearing)
{
	bool missing = hearing == HEARING_MISSING;
	bool here = (session->device && session->device->presence == PRESENCE_HERE) ||
		    (missing && reader_is_ambiguous(world, session));
	enum reason reason = missing ? REASON_NO_READER : REASON_UNREADABLE;
	uint64_t unheard = session->unheard ? session->unheard : world->now,
		 until = later(unheard, DOUBT_NSEC);
	bool together =
		missing && left_together(world, session, session->unnamed ? session->unnamed : unheard);

	/* Devices get time to come back after sleep. When that time is over, two reports agree at once. */
	if (missing && !here && world->now < named_again_until(world) &&
	    (together || until < named_again_until(world)))
		until = named_again_until(world);
	else if (together)
		return out(REASON_NO_READER, EVIDENCE_PCSC, CAUSE_READER, SOURCE_PCSC, unheard);
	if (world->now < until)
		return doubt(reason, until);
	if (missing && !here)
		return out(reason, EVIDENCE_PCSC, CAUSE_READER, SOURCE_PCSC, world->now);
	return unknown(reason);
}

static struct belief belief_pcsc(const struct world *world, const struct session *session)
{
	const struct reader *reader = reader_of_session(world, session);
	enum event_source source = reader && reader->found ? SOURCE_STARTUP : SOURCE_PCSC;
	uint64_t until;
	enum hearing hearing = hearing_of(world, session, reader, &until);

	switch (hearing) {
	case HEARING_NONE:
		break;
	case HEARING_MISSING:
	case HEARING_UNREADABLE:
		return belief_unheard(world, session, hearing);
	case HEARING_OLDER:
		return doubt(REASON_OLDER, until);
	case HEARING_SETTLING:
		return doubt(REASON_SETTLING, until);
	case HEARING_EMPTY:
		return out(REASON_EMPTY, EVIDENCE_PCSC, CAUSE_CARD, source, reader->said.stamp);
	case HEARING_OTHER:
		return out(REASON_OTHER_CARD, EVIDENCE_PCSC, CAUSE_CARD, source, reader->said.stamp);
	case HEARING_SAME:
	case HEARING_REREAD:
	case HEARING_COUNTED:
		return in(REASON_READ);
	}
	return world->pcsc_up ? in(REASON_NOTHING) : unknown(REASON_NO_PCSCD);
}

struct belief belief_of(const struct world *world, const struct session *session)
{
	struct belief belief;

	if (session->is_remote)
		return remote_belief(world, session);
	if (world->asleep)
		return unknown(REASON_ASLEEP);
	if (session_device_left(session))
		return belief_device_left(world, session);
	if (session->login.usb_token)
		return in(REASON_PLUGGED_IN);
	belief = belief_pcsc(world, session);
	if (session->pcsc_out.order && belief.kind != BELIEF_OUT)
		belief = out(REASON_EMPTY, EVIDENCE_PCSC, CAUSE_CARD,
			     session->pcsc_found ? SOURCE_STARTUP : SOURCE_PCSC, session->pcsc_out.stamp);
	if (!session->slot_out.order)
		return belief;
	return out(REASON_SLOT, EVIDENCE_SLOT | belief.evidence, CAUSE_CARD, SOURCE_PROBE,
		   session->slot_out.stamp);
}
