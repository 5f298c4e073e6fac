/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of PC/SC's readers is a session's.
 *
 * A reader gets the first free name of its driver. So a name may pass to another device whenever pcscd starts
 * or a reader is removed. An address outweighs a name. A name alone counts only if it can mean nothing else.
 */
#include "policy/core.h"

/* Known to be another port. */
static bool device_is_elsewhere(const struct device *device, const struct session *session)
{
	return device->port && session->port && device->port != session->port;
}

/* Nobody has reported the device, and another one is where it was: it left before anything here knew it. */
static bool device_is_displaced(const struct device *device, const struct session *session)
{
	return device->presence == PRESENCE_UNKNOWN && session->port && port_device(session->port);
}

/* Its device is gone, or another device has its address. */
bool session_device_left(const struct session *session)
{
	const struct device *device = session->device;

	return device && (device->presence == PRESENCE_GONE || device->life != session->life ||
			  device_is_elsewhere(device, session) || device_is_displaced(device, session));
}

/*
 * A reader without a known address can only be at this device, because all others of its model are claimed. A
 * device may be reported later than the reader that came with it.
 */
static bool must_be_at(const struct world *world, const struct device *device)
{
	/* Nobody lists USB devices here: the name is all there is. */
	if (!world->devices_listing.last)
		return true;
	return !world->certain_at && device->unclaimed && device->model->unclaimed == device &&
	       !device->model_next;
}

static bool could_be(const struct session *session, const struct reader *reader)
{
	return reader->state.slot == session->login.card.slot &&
	       reader_same_family(reader->state.name, session->login.card.name);
}

/*
 * It may have been at a device of the model that has left, and PC/SC may not have said so yet; nor has it said anything new
 * since that left and `device` came. A new PC/SC worker names what pcscd still lists, a while after that.
 */
static bool may_be_of_before(const struct reader *reader, const struct device *device)
{
	uint64_t left = device->model ? device->model->left : 0;

	return left && (reader->card_since < device->came.now || reader->card_since < left);
}

/* The reader without an address that must be at `device`; NULL: there is none, or nobody can know. */
static struct reader *unlocated_at(const struct world *world, const struct session *session,
				   const struct device *device)
{
	struct reader *reader, *found = NULL;

	if (world_is_crowded(world) || !must_be_at(world, device))
		return NULL;
	DL_FOREACH2(world->unlocated, reader, lost_next) {
		if (!could_be(session, reader))
			continue;
		if (found || may_be_of_before(reader, device))
			return NULL;
		found = reader;
	}
	return found;
}

/* PC/SC names another reader there, and this one may be at a device of the model that no reader claims. */
static bool is_taken(const struct world *world, const struct device *device)
{
	return device->readers && !reader_may_have_another(world, device->readers);
}

/*
 * It has been the session's reader since it was named: by its address, or because no other reader could be
 * meant.
 */
static bool is_same_stay(const struct world *world, const struct session *session,
			 const struct device *device, const struct reader *reader)
{
	return reader && session->stay == reader->stay && session->device == device &&
	       session->life == device->life &&
	       (reader->device ? reader->device == device && !reader_is_stale(reader)
			       : !is_taken(world, device));
}

/* PC/SC still says that a reader like it is where a device was that has left: that one may be here by now. */
static bool one_is_on_its_way(const struct world *world, const struct reader *reader)
{
	for (const struct reader *other = world->readers; other; other = other->hh.next) {
		if (reader_is_stale(other) && other->state.slot == reader->state.slot &&
		    reader_same_family(other->state.name, reader->state.name))
			return true;
	}
	return false;
}

/*
 * That the device has several interfaces was suggested by the names in the records, which may come from different lives
 * of pcscd, or was so for an earlier pcscd. PC/SC has named everything by now, and there is one interface.
 */
bool session_interfaces_disproved(const struct world *world, const struct session *session,
				  const struct device *device)
{
	return (!session->stay || session_pcscd_is_new(world, session)) && session->interfaces > 1 &&
	       world->pcsc_listed && device->readers->came < world->readers_listing.last &&
	       world->now >= world->dropped_at &&
	       reader_count_interfaces(device, session->login.card.slot, NULL) == 1 &&
	       !reader_may_have_another(world, device->readers) && !one_is_on_its_way(world, device->readers);
}

/*
 * PC/SC may name two readers for a device with one such interface: the removed one and the new one. NULL: it
 * does not.
 */
static struct reader *newer_at(const struct session *session, const struct device *device,
			       const struct reader *older)
{
	struct reader *reader, *found = NULL;

	if (session->interfaces != 1 || !reader_is_older(older, device) || device_is_crowded(device))
		return NULL;
	DL_FOREACH(device->readers, reader) {
		if (reader == older || reader->state.slot != session->login.card.slot ||
		    reader_is_older(reader, device))
			continue;
		if (found)
			return NULL;
		found = reader;
	}
	return found;
}

/*
 * The reader in the session's slot of a device; NULL also while that may be another interface's slot of the
 * same number.
 */
static struct reader *reader_at(const struct world *world, const struct session *session,
				const struct device *device)
{
	struct reader *reader, *by_name;
	uint8_t slot = session->login.card.slot;
	unsigned interfaces = session->interfaces > 1 ? session->interfaces : 1;
	bool disproved;

	for (reader = device->readers; reader && !device_is_crowded(device); reader = reader->next) {
		if (is_same_stay(world, session, device, reader))
			return reader;
	}
	by_name = reader_find(world, session->login.card.name);
	if (is_same_stay(world, session, device, by_name))
		return by_name;
	if (by_name && by_name->device == device && !reader_is_stale(by_name) &&
	    by_name->state.slot == slot && interfaces == 1) {
		reader = newer_at(session, device, by_name);
		return reader ? reader : by_name;
	}
	/* pcscd has never dropped the name, and the other interface's place is not known yet. */
	if (by_name && by_name->device == device && session->stay == by_name->stay)
		return by_name;
	disproved = device->readers && session_interfaces_disproved(world, session, device);
	if (disproved)
		interfaces = 1;
	/* With two interfaces, nobody would know which one it is. */
	if (!device->readers)
		return interfaces > 1 ? NULL : unlocated_at(world, session, device);
	/* The reader of that name may be at another interface, and that is not reported yet. */
	if (!session->interfaces && by_name && !by_name->device &&
	    reader_may_have_another(world, device->readers))
		return NULL;
	if (!world->pcsc_listed || device_is_crowded(device) ||
	    (interfaces == 1 && !disproved && slot_is_shared(device, slot)))
		return NULL;
	/* The one of its name may be yet to come: it may be another interface's. */
	if (!session->interfaces && device_is_naming(world, device))
		return NULL;
	DL_FOREACH(device->readers, reader) {
		if (reader->state.slot == slot && !reader_is_stale(reader) &&
		    reader_count_interfaces(device, slot, reader) ==
			    (interfaces > 1 ? session->interface : 0))
			break;
	}
	return reader_count_interfaces(device, slot, NULL) == interfaces ? reader : NULL;
}

/* ---- whose reader, where no address is known ------------------------------------------------------------ */

/* Its address is known, and is not where the session's reader was. */
static bool is_elsewhere(const struct session *session, const struct reader *reader)
{
	return reader->device && device_is_elsewhere(reader->device, session);
}

bool reader_has_card_of(const struct reader *reader, const struct session *session)
{
	return reader->state.card == CARD_PRESENT && session->login.card.atr.size &&
	       atr_equal(&reader->state.atr, &session->login.card.atr);
}

/*
 * How many readers could be the session's, how many of them have a card like its own, and the last of those.
 */
struct candidates {
	unsigned readers, cards;
	struct reader *reader, *card;
	bool settles; /* one may show a card yet: it cannot be read, or pcscd may not have looked */
	bool naming;  /* PC/SC may have more to name */
};

static struct candidates find_candidates(const struct world *world, const struct session *session)
{
	struct candidates found = {0};

	for (struct reader *reader = world->readers; reader; reader = reader->hh.next) {
		/* Readers that were there beside the session's own reader are not the session's. */
		if ((reader->stay <= session->others && reader->stay != session->stay) ||
		    !could_be(session, reader) || is_elsewhere(session, reader) || reader_is_stale(reader))
			continue;
		found.readers++;
		found.reader = reader;
		found.naming |= reader_is_naming(world, reader);
		found.settles |= reader->state.card == CARD_UNAVAILABLE ||
				 (reader->state.card == CARD_EMPTY && world->certain_at);
		if (!reader_has_card_of(reader, session))
			continue;
		found.cards++;
		found.card = reader;
	}
	return found;
}

/*
 * pcscd was started again, and may have given the name to another reader of the model. Then the card decides,
 * if only one of these readers has a card like it. If none has, the card is out of all of them. If several
 * have, nobody can know.
 */
static struct reader *reader_by_name(const struct world *world, const struct session *session)
{
	struct reader *by_name = reader_find(world, session->login.card.name);
	struct candidates found;

	if (by_name && (is_elsewhere(session, by_name) || reader_is_stale(by_name)))
		by_name = NULL;
	if (by_name && session->stay == by_name->stay)
		return by_name;
	/* It was recorded in this life of pcscd, before the reader was reported to us. */
	if (by_name && !session->stay && session->pcsc_life && session->pcsc_life == world->pcsc_life)
		return by_name;
	/* Until all readers are named, a single candidate may not stay the only one. */
	if (!world->pcsc_listed || world_is_crowded(world))
		return NULL;
	found = find_candidates(world, session);
	if (found.cards == 1)
		return found.card == by_name || !(found.settles || found.naming) ? found.card : NULL;
	/* Another name is another reader, unless pcscd is known to have named them again. */
	if (found.readers == 1)
		return found.reader == by_name || (session_pcscd_is_new(world, session) && !found.naming)
			       ? found.reader
			       : NULL;
	if (found.cards > 1 && by_name && !session->pcsc_life &&
	    by_name->state.event_counter == session->login.card.event_counter &&
	    reader_has_card_of(by_name, session))
		return by_name;
	/* The one of its name has another card, and another one may yet show its own. */
	if (found.settles && by_name && by_name->state.card == CARD_PRESENT)
		return NULL;
	return found.cards ? NULL : by_name;
}

/*
 * Several readers could be the session's, and nothing shows which one is: pcscd has named them again since.
 */
bool reader_is_ambiguous(const struct world *world, const struct session *session)
{
	return !session->device && session->pcsc_life != world->pcsc_life &&
	       (world_is_crowded(world) || find_candidates(world, session).readers > 1);
}

/* The PC/SC reader in whose slot the session's card is, or was. */
struct reader *reader_of_session(const struct world *world, const struct session *session)
{
	if (session->login.usb_token)
		return NULL;
	if (!session->device)
		return reader_by_name(world, session);
	return session_device_left(session) ? NULL : reader_at(world, session, session->device);
}

/*
 * The device that is now in the place of the session's: the same one, or the same product at the same port.
 */
struct device *device_in_place(const struct session *session)
{
	const char *id = session->login.usb_id;
	struct device *device = session->device;

	if (!device || !session_device_left(session))
		return device;
	if (session->port)
		device = port_device(session->port);
	else if (device->presence == PRESENCE_GONE)
		device = NULL;
	return device && *id && device->id[0] && strcmp(device->id, id) != 0 ? NULL : device;
}

/* … and the reader in the session's slot there. */
struct reader *reader_in_place(const struct world *world, const struct session *session)
{
	const struct device *device = device_in_place(session);

	if (!session->device || session->login.usb_token)
		return reader_of_session(world, session);
	/* Where its device was nobody ever said, and it is gone: the name is all there is. */
	if (session_device_left(session) && !session->port)
		return reader_by_name(world, session);
	return device ? reader_at(world, session, device) : NULL;
}
