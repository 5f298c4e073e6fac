/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A person unlocked without the card: which card can be theirs? */
#include "policy/core.h"

/* The card in it guards another person's session, or did until its reader's last notice: PC/SC has not looked yet. */
static bool is_others(const struct world *world, const struct session *session, const struct reader *reader)
{
	const struct session *other;

	DL_FOREACH2(reader->device ? reader->device->sessions : world->placeless, other, on_device.next) {
		if (other != session &&
		    (!session_is_away(other) || reader->said.order < other->slot_out.order) &&
		    strcmp(other->login.user, session->login.user) != 0 &&
		    reader_of_session(world, other) == reader)
			return true;
	}
	return false;
}

/* The reader has reported "out" since: PC/SC has not looked yet. */
static bool is_outdated(const struct world *world, const struct session *session, const struct reader *reader)
{
	return reader == reader_in_place(world, session) && reader->said.order < session->slot_out.order;
}

/* It has a card like the recorded one, or had one when it could last be read. */
static bool has_one_like_it(const struct session *session, const struct reader *reader)
{
	bool unreadable = reader->state.card == CARD_UNAVAILABLE;
	const struct atr *atr = unreadable ? &reader->read_atr : &reader->state.atr;

	return (unreadable ? reader->read : reader->state.card) == CARD_PRESENT && atr->size &&
	       atr_equal(atr, &session->login.card.atr);
}

/* The only reader with a card like the recorded one; NULL: there is none, or several. */
static struct reader *only_reader(const struct world *world, const struct session *session)
{
	struct reader *reader, *next, *only = NULL;

	if (world_is_crowded(world))
		return NULL;
	HASH_ITER(hh, world->readers, reader, next) {
		if (!has_one_like_it(session, reader) || reader_is_lost(world, reader) ||
		    is_others(world, session, reader) || is_outdated(world, session, reader))
			continue;
		if (only)
			return NULL;
		only = reader;
	}
	return only && only->state.card == CARD_PRESENT ? only : NULL;
}

/*
 * A person who unlocks has proven who they are. Their card may be in another reader or port by now. If only
 * one card can be theirs, the session is bound to it. Otherwise nothing guards the session, and that must be
 * reported.
 */
void bind_person(struct world *world, struct session *session, uint64_t stamp)
{
	bool token = session->login.usb_token;
	struct reader *reader = world->pcsc_up && !token ? only_reader(world, session) : NULL;

	if (token && bind_token_person(world, session, stamp))
		return;
	if (reader) {
		deadline_set(world, session, DEADLINE_SETTLE, 0);
		deadline_set(world, session, DEADLINE_CONFIRM, 0);
		session->login.usb_path[0] = session->login.usb_id[0] = '\0';
		session->interfaces = 0;
		port_place(world, session, NULL);
		bind_device(world, session, reader->device);
		bind_reader(world, session, reader, stamp);
		session->proven = false;
		report_later(world, session, REPORT_BOUND);
		removal_tell(world, session, VERDICT_RESTORED, stamp,
			     "its person unlocked, and the card is in another place");
		bind_arm(world, session);
		return;
	}
	if (session->said & SAID_UNGUARDED)
		return;
	session->said |= SAID_UNGUARDED;
	removal_tell(
		world, session, VERDICT_UNGUARDED, stamp,
		token ? "it was unlocked without its token: no such USB device is plugged in, or several are"
		      : "it was unlocked without its card: no reader has that card, or several have one like it");
}
