/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session whose card is in a reader at its client: is the bound insertion of the card in? Pure, as belief.c is.
 *
 * What the session's own PC/SC reports is all that is known: no device, no probe, no second source. The client may leave, and
 * that is no removal. Readers belong to the session: nobody else's reader of the same name is meant. A counter is compared
 * only within one life of the connection, because pcscd counts from 0 when it is started again.
 */
#include "policy/core.h"

/* All readers gone at once: a client that is shutting down, until it has had this time to close the connection. */
#define CLOSING_NSEC NSEC_PER_SEC

/* A rule names this cause and asks for something. Nobody sits before a locked session. */
static bool heeds(const struct session *session, enum cause cause)
{
	const struct settings *settings = session->governance.by_cause[cause];

	return (settings->action != ACTION_NONE || settings->then != ACTION_NONE || settings->unit[0]) &&
	       !(cause == CAUSE_CLIENT && session->locked);
}

/* ---- readers ------------------------------------------------------------------------------------------------ */

struct remote_reader *remote_named(struct remote_table *table, const char *name)
{
	for (unsigned i = 0; i < table->count; i++)
		if (strcmp(table->readers[i].state.name, name) == 0)
			return &table->readers[i];
	return NULL;
}

/* The reader in whose slot the session's card is, or was. NULL: it is not named. */
const struct remote_reader *remote_bound(const struct session *session)
{
	const struct login_record *login = &session->login;

	return login->awaiting ? NULL : remote_named(&session->remote->now, login->card.name);
}

bool remote_has_card_of(const struct remote_reader *reader, const struct session *session)
{
	return reader && reader->state.card == CARD_PRESENT &&
	       atr_equal(&reader->state.atr, &session->login.card.atr);
}

bool remote_is_here(const struct remote *remote)
{
	return remote->up && !remote->silent;
}

/* ---- belief ------------------------------------------------------------------------------------------------- */

static struct belief out(enum reason reason, enum cause cause, uint64_t stamp)
{
	return (struct belief){
		.kind = BELIEF_OUT,
		.reason = reason,
		.evidence = EVIDENCE_PCSC,
		.cause = cause,
		.source = cause == CAUSE_ABSENT ? SOURCE_STARTUP : SOURCE_PCSC,
		.stamp = stamp,
	};
}

static struct belief unknown(enum reason reason)
{
	return (struct belief){.kind = BELIEF_UNKNOWN, .reason = reason};
}

/* In doubt until that moment; then it is as `after` says. */
static struct belief doubt(const struct world *world, enum reason reason, uint64_t until, struct belief after)
{
	if (world->now >= until)
		return after;
	return (struct belief){.kind = BELIEF_DOUBT, .reason = reason, .until = until};
}

static struct belief belief_awaiting(const struct world *world, const struct session *session)
{
	uint64_t within = session->governance.by_cause[CAUSE_NO_CARD]->card_within;

	if (!within || !heeds(session, CAUSE_NO_CARD))
		return unknown(REASON_NO_CARD_YET);
	return doubt(world, REASON_NO_CARD_YET, later(session->remote->recorded, within),
		     out(REASON_NO_CARD_YET, CAUSE_NO_CARD, world->now));
}

static struct belief belief_client_away(const struct world *world, const struct session *session)
{
	const struct settings *settings = session->governance.by_cause[CAUSE_CLIENT];

	if (!heeds(session, CAUSE_CLIENT))
		return unknown(REASON_CLIENT_AWAY);
	return doubt(world, REASON_CLIENT_AWAY, later(session->remote->away_since, settings->client_grace),
		     out(REASON_CLIENT_AWAY, CAUSE_CLIENT, world->now));
}

/* The card was bound in an earlier life of the connection, and is not there: the client's card service may not be ready. */
static struct belief belief_back(const struct world *world, const struct session *session)
{
	const struct settings *settings = session->governance.by_cause[CAUSE_ABSENT];

	return doubt(world, REASON_COMES_BACK, later(session->remote->up_since, settings->grace),
		     out(REASON_EMPTY, CAUSE_ABSENT, world->now));
}

static struct belief belief_unnamed(const struct world *world, const struct remote *remote)
{
	struct belief gone = out(REASON_NO_READER, CAUSE_READER, remote->said.stamp);

	return remote->all_gone ? doubt(world, REASON_NO_READER, later(remote->all_gone, CLOSING_NSEC), gone)
				: gone;
}

/* Since the card was bound, this pcscd has counted a card that was removed. */
bool remote_was_out(const struct session *session, const struct remote_reader *reader)
{
	uint16_t bound = session->login.card.event_counter, now = reader->state.event_counter;

	return (uint16_t)(now - bound) >= 0x8000 || reader_count_shows_card(bound, now, reader->recovered);
}

struct belief remote_belief(const struct world *world, const struct session *session)
{
	const struct remote *remote = session->remote;
	const struct remote_reader *reader = remote_bound(session);
	bool same_life = remote->bound_life == remote->life;

	if (world->asleep)
		return unknown(REASON_ASLEEP);
	if (session->login.awaiting)
		return belief_awaiting(world, session);
	if (remote->out.order)
		return out(REASON_EMPTY, remote->out_cause, remote->out.stamp);
	if (!remote_is_here(remote))
		return belief_client_away(world, session);
	if (!remote->listed)
		return unknown(REASON_NOTHING);
	if (!same_life)
		return remote_has_card_of(reader, session)
			       ? (struct belief){.kind = BELIEF_IN, .reason = REASON_READ}
			       : belief_back(world, session);
	if (!reader)
		return belief_unnamed(world, remote);
	if (reader->state.card == CARD_UNAVAILABLE)
		return doubt(world, REASON_UNREADABLE, later(remote->unreadable, DOUBT_NSEC),
			     unknown(REASON_UNREADABLE));
	if (reader->state.card == CARD_EMPTY)
		return out(REASON_EMPTY, CAUSE_CARD, remote->said.stamp);
	if (!remote_has_card_of(reader, session) || remote_was_out(session, reader))
		return out(REASON_OTHER_CARD, CAUSE_CARD, remote->said.stamp);
	return (struct belief){.kind = BELIEF_IN, .reason = REASON_READ};
}
