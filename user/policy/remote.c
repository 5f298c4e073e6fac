/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session whose card is in a reader at its client: what follows from that client's reports. remote_belief.c says what is
 * believed of the card.
 */
#include "policy/core.h"

static void take_reader(struct remote_table *table, const struct reader_state *state)
{
	struct remote_reader *reader = remote_named(table, state->name);

	if (!reader && table->count == REMOTE_READERS_MAX)
		return;
	if (!reader) {
		reader = &table->readers[table->count++];
		*reader = (struct remote_reader){0};
	} else if (reader->state.card == CARD_UNAVAILABLE && state->card != CARD_UNAVAILABLE)
		reader->recovered++;
	reader->state = *state;
}

static void drop_reader(struct remote_table *table, const char *name)
{
	struct remote_reader *reader = remote_named(table, name);

	if (reader)
		*reader = table->readers[--table->count];
}

/* The only reader with a card, or with a card like the recorded one. NULL: there is none, or several. */
static const struct remote_reader *only_card(const struct session *session, bool any, unsigned *ret_count)
{
	const struct remote_table *table = &session->remote->now;
	const struct remote_reader *only = NULL;

	*ret_count = 0;
	for (unsigned i = 0; i < table->count; i++) {
		const struct remote_reader *reader = &table->readers[i];

		if (any ? reader->state.card != CARD_PRESENT : !remote_has_card_of(reader, session))
			continue;
		only = reader;
		++*ret_count;
	}
	return *ret_count == 1 ? only : NULL;
}

/* ---- binding ------------------------------------------------------------------------------------------------ */

/* PC/SC shows the bound insertion: its counter is comparable from now on. */
static void adopt(struct world *world, struct session *session, const struct remote_reader *reader)
{
	struct remote *remote = session->remote;
	struct remote_reader *now = remote_named(&remote->now, reader->state.name),
			     *next = remote_named(&remote->next, reader->state.name);

	if (session->login.card.event_counter != reader->state.event_counter)
		report_later(world, session, REPORT_BOUND);
	session->login.card.event_counter = reader->state.event_counter;
	remote->bound_life = remote->life;
	now->recovered = 0;
	if (next)
		next->recovered = 0;
}

/* A new insertion: the card in that reader. */
static void bind_to(struct world *world, struct session *session, const struct remote_reader *reader,
		    uint64_t stamp)
{
	bind_begin(world, session, stamp);
	session->remote->out = (struct moment){0};
	session->login.card = reader->state;
	session->login.awaiting = false;
	report_later(world, session, REPORT_BOUND);
	adopt(world, session, reader);
}

/* Not the insertion that opened the session, so this proves nothing: it lets nobody in, and cancels nothing. */
static void bind_first(struct world *world, struct session *session, uint64_t stamp)
{
	const struct settings *settings = session->governance.by_cause[CAUSE_CARD];
	struct remote *remote = session->remote;
	const struct remote_reader *reader;
	unsigned count;

	if (!session->login.awaiting || !settings->bind_first || !remote_is_here(remote) || !remote->listed)
		return;
	reader = only_card(session, true, &count);
	if (reader) {
		bind_to(world, session, reader, stamp);
		session->login.late = true;
		return;
	}
	if (count < 2 || session->said & SAID_UNGUARDED)
		return;
	session->said |= SAID_UNGUARDED;
	removal_tell(world, session, VERDICT_UNGUARDED, stamp,
		     "its client shows several cards, and nobody knows which one is meant");
}

/* ---- the card is back --------------------------------------------------------------------------------------- */

/* For an away session: the same card is in the same reader. */
static bool came_back(struct world *world, struct session *session, uint64_t stamp)
{
	const struct remote *remote = session->remote;
	const struct remote_reader *reader = remote_bound(session);
	bool settled = session->deadlines[DEADLINE_SETTLE];

	if (world->asleep || !remote_is_here(remote) || !remote->listed ||
	    !remote_has_card_of(reader, session))
		return false;
	/* The client was silent, not away, and the card was out meanwhile: that is a removal of its own. */
	if (session->removal.cause == CAUSE_CLIENT && remote->bound_life == remote->life &&
	    remote_was_out(session, reader))
		return false;
	/* A loose plug moves the count twice. More often, and it was taken out while it settled. */
	if (settled && remote->bound_life == remote->life &&
	    (uint16_t)(reader->state.event_counter - session->login.card.event_counter) >
		    2 + reader->recovered)
		return false;
	/* What was just done happened first, so it is reported first. */
	if (session->reports & (REPORT_REMOVAL | REPORT_ACTION)) {
		deadline_set(world, session, DEADLINE_BELIEF, later(world->now, 1));
		return true;
	}
	if (session->removal.pending == ACTION_NONE)
		deadline_set(world, session, DEADLINE_CONFIRM, 0);
	deadline_set(world, session, DEADLINE_SETTLE, 0);
	bind_to(world, session, reader, stamp);
	removal_tell(world, session, settled ? VERDICT_SETTLED : VERDICT_RESTORED, stamp, NULL);
	if (plan_cannot_lock(session) && session->removal.pending == ACTION_NONE)
		case_cancel(world, session, stamp, "the card is back");
	return true;
}

/* Its person unlocked, and has proven who they are: the card that is there now is theirs if only one can be. */
void remote_person(struct world *world, struct session *session, uint64_t stamp)
{
	bool awaiting = session->login.awaiting;
	const struct remote_reader *reader;
	unsigned count;

	reader = remote_is_here(session->remote) ? only_card(session, awaiting, &count) : NULL;
	if (reader) {
		deadline_set(world, session, DEADLINE_SETTLE, 0);
		deadline_set(world, session, DEADLINE_CONFIRM, 0);
		bind_to(world, session, reader, stamp);
		session->login.late |= awaiting;
		removal_tell(world, session, VERDICT_RESTORED, stamp, NULL);
		return;
	}
	if (session->said & SAID_UNGUARDED)
		return;
	session->said |= SAID_UNGUARDED;
	removal_tell(world, session, VERDICT_UNGUARDED, stamp,
		     "it was unlocked without its card at the client");
}

/* ---- updates ------------------------------------------------------------------------------------------------ */

static void note_unreadable(const struct world *world, struct session *session)
{
	const struct remote_reader *reader = remote_bound(session);

	if (!reader || reader->state.card != CARD_UNAVAILABLE)
		session->remote->unreadable = 0;
	else if (!session->remote->unreadable)
		session->remote->unreadable = world->now;
}

static void believe(struct world *world, struct session *session, const struct belief *belief)
{
	struct remote *remote = session->remote;

	switch (belief->kind) {
	case BELIEF_DOUBT:
		deadline_set(world, session, DEADLINE_BELIEF, belief->until);
		return;
	case BELIEF_IN:
		deadline_set(world, session, DEADLINE_BELIEF, 0);
		adopt(world, session, remote_bound(session));
		return;
	case BELIEF_UNKNOWN:
		deadline_set(world, session, DEADLINE_BELIEF, 0);
		return;
	case BELIEF_OUT:
		break;
	}
	/* What was seen stays seen: the same card in the same reader is another insertion. */
	if (cause_is_removal(belief->cause)) {
		remote->out = moment_now(world, belief->stamp);
		remote->out_cause = belief->cause;
	}
	case_open(world, session, belief);
	/* The card may be in again already, and nothing more may be reported of it. */
	came_back(world, session, belief->stamp);
}

void remote_update(struct world *world, struct session *session, uint64_t stamp)
{
	struct belief belief;

	note_unreadable(world, session);
	/* One that was acted on for want of a card gets none by its mere showing, unless its person has unlocked. */
	if (!session_is_away(session) || session->said & SAID_UNGUARDED)
		bind_first(world, session, stamp);
	if (session_is_away(session)) {
		/* An absence is no removal: what is found once the client is back, or a card shows, counts. */
		if (came_back(world, session, stamp) || cause_is_removal(session->removal.cause))
			return;
		belief = remote_belief(world, session);
		/* That was acted on, once. */
		if (belief.kind == BELIEF_OUT && !cause_is_removal(belief.cause))
			return;
	} else
		belief = remote_belief(world, session);
	believe(world, session, &belief);
}

/* ---- words of the client ------------------------------------------------------------------------------------ */

static void leave(struct world *world, struct remote *remote)
{
	if (remote_is_here(remote))
		remote->away_since = world->now;
}

static void come(struct world *world, struct remote *remote, bool known)
{
	/* An earlier daemon watched this connection, so the record's count is of this life. */
	if (known && !remote->life)
		remote->bound_life = 1;
	if (!known || !remote->life)
		remote->life++;
	if (!remote_is_here(remote) || !known)
		remote->up_since = world->now;
	remote->up = true;
	remote->silent = remote->listed = false;
	remote->now.count = remote->next.count = 0;
	remote->all_gone = remote->unreadable = 0;
}

static void list(const struct world *world, struct remote *remote, uint64_t stamp)
{
	if (remote->now.count > 1 && remote->next.count == 0)
		remote->all_gone = world->now;
	else if (remote->next.count > 0)
		remote->all_gone = 0;
	remote->now = remote->next;
	remote->listed = true;
	remote->said = moment_now(world, stamp);
}

void remote_event(struct world *world, struct session *session, const struct event *event)
{
	struct remote *remote = session->remote;

	/* Readers count only together with what comes until they are listed. */
	if (event->type == EVENT_REMOTE_READER)
		take_reader(&remote->next, event->remote.reader);
	else if (event->type == EVENT_REMOTE_READER_GONE)
		drop_reader(&remote->next, event->remote.reader->name);
	if (event->type == EVENT_REMOTE_READER || event->type == EVENT_REMOTE_READER_GONE)
		return;
	if (event->type == EVENT_REMOTE_UP)
		come(world, remote, event->remote.known);
	else if (event->type == EVENT_REMOTE_LISTED)
		list(world, remote, event->stamp);
	else {
		if (event->type != EVENT_REMOTE_HEARD)
			leave(world, remote);
		remote->silent = event->type == EVENT_REMOTE_SILENT;
		remote->up = remote->up && event->type != EVENT_REMOTE_DOWN;
	}
	remote_update(world, session, event->stamp);
}

/* ---- the record --------------------------------------------------------------------------------------------- */

int remote_reserve(struct session *session)
{
	if (!session->remote)
		session->remote = calloc(1, sizeof(*session->remote));
	return session->remote ? 0 : -ENOMEM;
}

/* A record of a session whose card is, or will be, at its client. */
void remote_record(struct world *world, struct session *session, const struct event *event)
{
	struct remote *remote = session->remote;

	remote->out = (struct moment){0};
	/* The time within which a card has to show does not begin again. */
	if (!remote->recorded)
		remote->recorded = world->now;
	if (!remote_is_here(remote) && !remote->away_since)
		remote->away_since = world->now;
	remote->bound_life = event->record.login->awaiting ? 0 : remote->bound_life;
}

/* ---- questions ---------------------------------------------------------------------------------------------- */

const struct reader_state *remote_reader_at(const struct session *session, unsigned index)
{
	return remote_is_here(session->remote) && index < session->remote->now.count
		       ? &session->remote->now.readers[index].state
		       : NULL;
}

const char *remote_reader_name(const struct session *session)
{
	const struct remote_reader *reader = remote_is_here(session->remote) ? remote_bound(session) : NULL;

	return reader ? reader->state.name : NULL;
}
