/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports of the kernel and udevd: about USB devices, and about slots in a reader's own notices. */
#include "policy/core.h"

/* One more report of a removal, for the sessions whose case is open. */
static void device_word(struct world *world, struct device *device, const struct event *event, bool earlier)
{
	struct session *session, *next;

	DL_FOREACH_SAFE2(device->sessions, session, next, on_device.next) {
		const struct removal *removal = &session->removal;

		if (!session_is_away(session) || removal->opened.order == world->order ||
		    removal->cause == CAUSE_PCSC_LOST)
			continue;
		if (earlier)
			case_heard(world, session, CAUSE_READER, event->source, event->stamp);
		else
			case_word(world, session, CAUSE_READER, event->source, EVIDENCE_DEVICE, event->stamp);
	}
}

/* True: some of its sessions were away already. */
static bool device_left(struct world *world, struct device *device, const struct event *event)
{
	bool away;

	if (!device->readers)
		world->unplugged = world->now;
	away = update_place(world, device, event);
	locate_begin(world, device);
	return away;
}

/*
 * A device without a known reader was removed. A session whose reader's device is not known may have lost its
 * reader.
 */
static void update_unplugged(struct world *world, const struct event *event)
{
	update_list(world, &world->placeless, event);
	update_unlocated(world, event);
}

/*
 * A full queue is reported before its contents are read. So a removal, or another device in the place of this one, may
 * be older than the listing that replaced the lost messages, and one of those may have reported what is there by now.
 * Another listing decides.
 */
static void doubt_removal(struct world *world, const struct device *device, const struct event *event)
{
	bool older = event->source == SOURCE_PROBE && event->stamp < world->lost.now;

	if (!world->lost.order || device->listed < world->lost.order ||
	    (device->heard > world->lost.order && !older) ||
	    world->now >= later(world->lost.now, STALE_NSEC) || world->relist_at)
		return;
	world->relist_at = later(world->now, STALE_NSEC);
}

int usb_removed(struct world *world, const struct event *event)
{
	struct device *device = device_find(world, event->device.usb);
	bool gone, away = true;

	if (!device) {
		world->unplugged = world->now;
		update_unplugged(world, event);
		return 0;
	}
	gone = device_leave(world, device, event->source, event->stamp);
	if (gone) {
		doubt_removal(world, device, event);
		away = device_left(world, device, event);
	}
	if (away)
		device_word(world, device, event, device->presence != PRESENCE_GONE);
	device_release(world, device);
	if (gone)
		update_unplugged(world, event);
	return 0;
}

/* Nobody reported the end of this life: another device is there now. */
static void device_missing(struct world *world, struct device *device, const struct event *event)
{
	device_leave(world, device, SOURCE_STARTUP, event->stamp);
	if (event->source != SOURCE_STARTUP)
		doubt_removal(world, device, event);
	device_left(world, device, event);
}

static bool is_another_device(const struct device *device, const struct device_facts *facts)
{
	return (facts->path && device->path[0] && strcmp(device->path, facts->path) != 0) ||
	       (facts->id && device->id[0] && strcmp(device->id, facts->id) != 0);
}

/* True: something did. */
static bool leave_port(struct world *world, struct device *device, const struct event *event)
{
	struct device *other, *next;
	bool gone = false;

	if (!device->port)
		return false;
	DL_FOREACH_SAFE(device->port->devices, other, next) {
		if (other == device || other->presence != PRESENCE_HERE)
			continue;
		device_missing(world, other, event);
		device_release(world, other);
		gone = true;
	}
	return gone;
}

/* Recorded when the last life at this address had ended: as it turns out, in this one. */
static void take_recorded(struct device *device)
{
	struct session *session;

	DL_FOREACH2(device->sessions, session, on_device.next) {
		if (session->recorded && !session_is_away(session) &&
		    session->bound.order > device->left.order)
			session->life = device->life;
	}
}

/* After sleep a session's reader is enumerated again: its notices count from then on, as slot_in_place() has it. */
static void watch_place(struct world *world, struct device *device)
{
	const struct session *session;

	if (!device->port)
		return;
	DL_FOREACH2(device->port->sessions, session, on_port.next) {
		if (session_device_left(session) && session->device->left_round_sleep &&
		    device_in_place(session) == device)
			device_watch(world, device);
	}
}

/* A session whose card is out has its place here. */
static bool is_awaited(const struct device *device)
{
	const struct session *session;

	if (!device->port)
		return false;
	DL_FOREACH2(device->port->sessions, session, on_port.next) {
		if (session_is_away(session))
			return true;
	}
	return false;
}

int usb_added(struct world *world, const struct event *event)
{
	const struct device_facts *facts = &event->device;
	struct device *device = device_get(world, facts->usb);
	bool news, gone = false;

	if (!device)
		return -ENOMEM;
	news = device->presence != PRESENCE_HERE || is_another_device(device, facts) ||
	       (facts->path && !device->path[0]) || (facts->id && !device->id[0]);
	if (event->source == SOURCE_STARTUP && !world->devices_listing.began)
		world->devices_listing.began = world->order;
	if (device->presence == PRESENCE_HERE && is_another_device(device, facts)) {
		device_missing(world, device, event);
		gone = true;
	}
	if (device_describe(world, device, facts->path, facts->id) < 0)
		return -ENOMEM;
	if (device->presence != PRESENCE_HERE && world_just_resumed(world))
		world->replugged = world->now;
	if (device_come(world, device, event)) {
		take_recorded(device);
		locate_device_back(world, device);
	}
	/* Most of a listing is known. */
	if (!news)
		return 0;
	if (device->presence == PRESENCE_HERE) {
		gone |= leave_port(world, device, event);
		watch_place(world, device);
	}
	update_place(world, device, event);
	/* Whose reader has no known place is concerned by where a reader is, what left, and what is back after sleep. */
	if (gone || device->readers || world_just_resumed(world))
		update_list(world, &world->placeless, event);
	update_unlocated(world, event);
	/* PC/SC named its reader before the kernel's word of it was read. */
	if (device->came.order == world->order && (device->readers || world->unlocated) && is_awaited(device))
		listing_ask(world, VERDICT_REREAD, event->source, event->stamp);
	locate_unlocated(world);
	return 0;
}

/* Those whose record named a device that had been reported to be gone: it is. */
static void update_recorded(struct world *world, const struct device *device, const struct event *event)
{
	struct session *session, *next;

	DL_FOREACH_SAFE2(device->sessions, session, next, on_device.next) {
		if (session->recorded && !session_is_away(session))
			session_update(world, session, event->source, event->stamp);
	}
}

void usb_listed(struct world *world, const struct event *event)
{
	struct listing *listing = &world->devices_listing;
	struct device *device, *next;

	if (!listing->began)
		listing->began = world->order;
	HASH_ITER(hh, world->devices, device, next) {
		if (!device_missed(world, device))
			continue;
		device_missing(world, device, event);
		device_release(world, device);
	}
	listing_complete(world, listing);
	world->looking_devices = false;
	/* The record's device is known to be gone now, or to be at another port. */
	HASH_ITER(hh, world->devices, device, next)
		update_recorded(world, device, event);
	update_unplugged(world, event);
}

/* ---- the probe ------------------------------------------------------------------------------------------ */

/*
 * Two CCID interfaces both count their slots from 0. The endpoint shows which one sent the notice, once the
 * core knows which reader has that endpoint.
 */
enum sender { SENDER_OWN, SENDER_OTHER, SENDER_UNKNOWN };

static enum sender sender_of(const struct world *world, const struct session *session, uint8_t endpoint)
{
	const struct reader *reader, *own = reader_of_session(world, session);
	uint8_t slot = session->login.card.slot;

	if (!slot_is_shared(session->device, slot))
		return SENDER_OWN;
	if (endpoint && own && own->endpoint)
		return own->endpoint == endpoint ? SENDER_OWN : SENDER_OTHER;
	if (device_is_crowded(session->device))
		return SENDER_UNKNOWN;
	DL_FOREACH(session->device->readers, reader) {
		if (endpoint && reader != own && reader->state.slot == slot && reader->endpoint == endpoint)
			return SENDER_OTHER;
	}
	return SENDER_UNKNOWN;
}

/*
 * Reported before the machine slept, and read after the kernel's report that the reader was removed: the
 * reader may only be found again.
 */
static bool is_late(const struct world *world, const struct session *session, const struct event *event)
{
	const struct device *device = session->device;

	return device->presence == PRESENCE_GONE && device->life == session->life &&
	       device->left_round_sleep && event->stamp < world->slept && !session_is_away(session);
}

/* True: the notice may be about this session's slot. If only PC/SC can know, it is asked. */
static bool slot_of_session(struct world *world, struct session *session, const struct event *event)
{
	uint8_t slot = session->login.card.slot, bits;
	enum sender sender;

	if ((session_device_left(session) && !is_late(world, session, event)) ||
	    slot / 4 >= event->slot_change.bytes || session->login.usb_token)
		return false;
	bits = event->slot_change.slots[slot / 4] >> (slot % 4 * 2) & 3;
	sender = sender_of(world, session, event->slot_change.endpoint);
	if (!(bits & 2) || sender == SENDER_OTHER)
		return false;
	if (sender == SENDER_OWN)
		session_slot(world, session, bits & 1, event->stamp);
	return true;
}

/*
 * For a session after sleep that is not bound to the device yet: its reader is back, and the card is removed
 * from it.
 */
static void slot_in_place(struct world *world, struct session *session, struct device *device,
			  const struct event *event)
{
	uint8_t slot = session->login.card.slot, bits;

	if (session_is_away(session) || !session_device_left(session) || device_in_place(session) != device ||
	    !session->device->left_round_sleep || session->login.usb_token ||
	    slot / 4 >= event->slot_change.bytes || session->interfaces != 1 || slot_is_shared(device, slot))
		return;
	bits = event->slot_change.slots[slot / 4] >> (slot % 4 * 2) & 3;
	if (bits == 2)
		session_slot(world, session, false, event->stamp);
}

static void keep_notice(struct world *world, struct device *device, const struct event *event)
{
	const struct slot_notice *last = &device->notice;
	bool alone = !last->moment.order || world->now > later(last->moment.now, LAG_NSEC) ||
		     last->from == event->slot_change.endpoint;

	if (!alone && !device_is_crowded(device))
		device_unlearn_endpoints(world, device);
	device->notice = (struct slot_notice){
		.moment = moment_now(world, event->stamp),
		.from = event->slot_change.endpoint,
		.endpoint = alone ? event->slot_change.endpoint : 0,
	};
	for (uint8_t slot = 0; slot < 32 && slot / 4 < event->slot_change.bytes; slot++)
		device->notice.changed |=
			(uint32_t)(event->slot_change.slots[slot / 4] >> (slot % 4 * 2) >> 1 & 1) << slot;
}

void usb_slot_changed(struct world *world, const struct event *event)
{
	struct device *device = device_find(world, event->slot_change.usb);
	struct session *session, *next;
	bool asked = false;

	if (!device)
		return;
	for (int away = 0; away < 2; away++) {
		DL_FOREACH_SAFE2(device->sessions, session, next, on_device.next) {
			if (session_is_away(session) == away && session->removal.opened.order != world->order)
				asked |= slot_of_session(world, session, event);
			else
				asked |= session->removal.opened.order == world->order;
		}
	}
	if (device->port) {
		DL_FOREACH_SAFE2(device->port->sessions, session, next, on_port.next) {
			slot_in_place(world, session, device, event);
			asked |= session->removal.opened.order == world->order;
		}
	}
	keep_notice(world, device, event);
	if (!asked)
		return;
	listing_ask(world, VERDICT_REREAD, event->source, event->stamp);
}
