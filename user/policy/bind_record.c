/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A login record says what a session is bound to. */
#include "policy/core.h"

/* An earlier daemon has acted on the removal: there is a case, and nothing more is known about it. */
static void take_over_removal(struct world *world, struct session *session, uint64_t stamp)
{
	struct removal *removal = &session->removal;

	for (enum deadline deadline = 0; deadline < DEADLINE_COUNT; deadline++)
		deadline_set(world, session, deadline, 0);
	*removal = (struct removal){
		.insertion = session->insertion,
		.opened = {.stamp = stamp, .now = world->now},
		.cause = CAUSE_ABSENT,
		.source = SOURCE_STARTUP,
		.evidence = EVIDENCE_PCSC,
		.pending = ACTION_NONE,
		.taken = ACTION_NONE,
	};
	memset(removal->heard, 0xff, sizeof(removal->heard));
	session->said |= SAID_DEALT;
}

/*
 * Two records of one slot of one device name two readers: these are two interfaces, and nobody knows which is
 * whose.
 */
static void pair_interfaces(struct world *world, struct session *session)
{
	struct session *other;

	if (session->stay || !session->device || session->login.usb_token)
		return;
	DL_FOREACH2(session->device->sessions, other, on_device.next) {
		int order = strcmp(session->login.card.name, other->login.card.name);

		if (order == 0 || other->stay || other->login.usb_token ||
		    other->login.card.slot != session->login.card.slot || other->port != session->port)
			continue;
		session->interfaces = other->interfaces = 2;
		world->paired = true;
		session->interface = order > 0;
		other->interface = order < 0;
	}
}

/*
 * Since when the recorded insertion is known to be in. The record may be read long after that, by a daemon that
 * then reads what the probe reported meanwhile: what is older is about an insertion, or a device, before.
 */
static uint64_t seen_at(const struct event *event, struct device *device)
{
	uint64_t seen = event->record.login->seen;

	if (!seen || seen > event->stamp)
		return event->stamp;
	if (device && device->presence == PRESENCE_UNKNOWN && device->came.stamp < seen)
		device->came.stamp = seen;
	return seen;
}

/* Under the recorded name PC/SC still names the reader that was there before, or one that is elsewhere. */
static bool is_another(const struct reader *reader, const struct device *device)
{
	return reader_is_stale(reader) || (device && reader->device && reader->device != device);
}

/*
 * Where it is, or where the recorded one was, is not known, and another card is in it: a new pcscd may have given the
 * name to it. The sign-in spoke to the one before.
 */
static bool may_be_renamed(const struct reader *reader, const struct device *device, const struct atr *atr)
{
	const struct reader_state *state = &reader->state;

	return (!device || !reader->device) && state->card == CARD_PRESENT && atr->size &&
	       !atr_equal(&state->atr, atr);
}

/*
 * PC/SC has said since the sign-in what no pcscd says that the sign-in spoke to: it counts less, or a card has left
 * uncounted. It was another pcscd that gave the name to the sign-in's reader.
 */
static bool counts_again(const struct world *world, const struct reader *reader,
			 const struct login_record *login)
{
	uint16_t less = (uint16_t)(login->card.event_counter - reader->state.event_counter);

	if (!login->seen || reader->said.stamp <= login->seen)
		return false;
	return (less > 0 && less < 0x8000) ||
	       (less == 0 && reader->state.card == CARD_EMPTY && login->seen < world->pcsc_since);
}

/* Whatever was to come of an earlier record's card. */
static void begin_record(struct world *world, struct session *session, const struct event *event,
			 uint64_t seen)
{
	case_cancel(world, session, event->stamp, "the person signed in again");
	session->login = *event->record.login;
	bind_begin(world, session, seen);
	session->recorded = world->now;
	session->said &= ~(unsigned)SAID_DEALT;
	deadline_set(world, session, DEADLINE_CONFIRM, 0);
	deadline_set(world, session, DEADLINE_SETTLE, 0);
	deadline_set(world, session, DEADLINE_PCSC_LOST, 0);
}

/* A record, new or written again after an unlock with this or another card: it says what is bound from now on. */
void bind_record(struct world *world, struct session *session, const struct event *event,
		 struct device *device, struct port *port)
{
	const struct login_record *login = event->record.login;
	const struct reader *reader = login->usb_token ? NULL : reader_find(world, login->card.name);
	bool renamed = reader && (may_be_renamed(reader, device, &login->card.atr) ||
				  (!(device && reader->device) && counts_again(world, reader, login)));

	/* … or the reader has been plugged in again since PC/SC's last report: it counts from the start. */
	if (renamed || (reader && (is_another(reader, device) || reader_counted_more(reader, login))))
		reader = NULL;
	keep_bound(world, session, login);
	begin_record(world, session, event, seen_at(event, device));
	session->proven = true;
	session->pcsc_life = renamed ? 0 : world->pcsc_life;
	session->stay = reader ? reader->stay : 0;
	/* A reader that PC/SC has listed under another name is not the session's. */
	session->others = !renamed && (reader || world->pcsc_listed) ? world->stays : 0;
	session->recovered = reader ? reader->recovered : 0;
	session->interfaces = 0;
	bind_device(world, session, device);
	if (!login->usb_token)
		model_learn_name(world, login->usb_id, login->card.name);
	if (reader && reader->device == device)
		reader_learn_interface(world, session, reader);
	port_place(world, session, port);
	if (!port)
		bind_place(world, session, device);
	pair_interfaces(world, session);
	if (event->record.away)
		take_over_removal(world, session, event->stamp);
}

/* PC/SC had named the reader again before the sign-in, and says so only now: the sign-in read the new one. */
void bind_new_stay(struct session *session, const struct reader *reader)
{
	if (session->recorded && reader && reader->stay != session->stay &&
	    reader->said.stamp < session->login.seen)
		session->stay = 0;
}

/* … whose card is at its client. */
void bind_record_remote(struct world *world, struct session *session, const struct event *event)
{
	begin_record(world, session, event, event->stamp);
	session->proven = false;
	session->recorded = 0;
	if (event->record.away)
		take_over_removal(world, session, event->stamp);
}
