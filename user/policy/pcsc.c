/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports of PC/SC: about its readers, and about pcscd itself. */
#include "policy/core.h"

/* No worker reports when it can be read again, and pcscd counts that. */
static void note_failing(const struct world *world)
{
	for (struct session *session = world->sessions; session; session = session->hh.next) {
		const struct reader *reader =
			session->device || session->stay ? reader_of_session(world, session) : NULL;

		session->failing |= reader && reader->state.card == CARD_UNAVAILABLE;
	}
}

void pcsc_changed(struct world *world, const struct event *event, bool up)
{
	struct session *session, *next;

	note_failing(world);
	reader_forget_all(world);
	world->pcsc_up = up;
	world->pcsc_down = !up;
	world->pcsc_listed = false;
	world->pcsc_life += up;
	world->pcsc_since = world->now;
	/* What was asked may still be answered, whatever is asked from now on. */
	world->readers_listing = (struct listing){
		.last = world->order,
		.asked = world->order,
		.asked_last = world->order,
		.owed = world->readers_listing.owed,
	};
	HASH_ITER(hh, world->sessions, session, next) {
		/* Reports after it come from another pcscd. */
		session->said &= ~(unsigned)SAID_COMM_ERROR;
		session->unnamed = 0;
		session_update(world, session, event->source, event->stamp);
		session_heed_pcsc(world, session);
	}
}

/*
 * After sleep the reader may only be found again, until pcscd has listed all its readers. It may report that long after:
 * no other device was removed since.
 */
static bool may_be_found_again(const struct world *world, const struct reader *reader)
{
	uint64_t awake = later(world->resumed, RESUME_NSEC);

	if (world->asleep || world_just_resumed(world))
		return true;
	if (!world->resumed || (!world->looking_pcsc && reader->said.now >= awake))
		return false;
	/* Without USB devices nobody can tell. */
	return !world->devices_listing.last || (world->unplugged >= world->slept && world->unplugged < awake);
}

/* pcscd drops a reader when it is unplugged. If no device represents a session, this report does. */
static void forget(struct world *world, struct reader *reader)
{
	bool restless = may_be_found_again(world, reader);
	struct session *session;

	DL_FOREACH2(world->placeless, session, on_device.next) {
		if (session->stay == reader->stay && !restless)
			session->unnamed = world->now;
	}
	reader_forget(world, reader);
}

void pcsc_reader_gone(struct world *world, const struct event *event)
{
	struct reader *reader = reader_find(world, event->reader->name);
	struct device *device;
	bool all = world->unlocated || world->paired;

	if (!reader)
		return;
	device = reader->device;
	world->dropped_at = later(world->now, DOUBT_NSEC);
	forget(world, reader);
	update_list(world, &world->placeless, event);
	/* A reader without a device is among them, or its going shows whose interfaces others are. */
	if (all)
		update_all(world, event);
	else
		update_place(world, device, event);
}

int pcsc_reader(struct world *world, const struct event *event)
{
	struct reader *reader = reader_find(world, event->reader->name);
	struct usb_address before = reader && reader->device ? reader->device->usb : (struct usb_address){0};
	struct device *left;
	bool unlocated = world->unlocated;

	/*
	 * The reader was removed and inserted between two of PC/SC's reports. Its device, if it was known,
	 * would have shown that.
	 */
	if (reader && !reader->device && reader_counts_again(reader, event->reader)) {
		pcsc_reader_gone(world, event);
		before = (struct usb_address){0};
		/* Whose case that opened hears so once more whether the card is in again. */
		listing_ask(world, VERDICT_REREAD, event->source, event->stamp);
	}
	reader = reader_get(world, event);
	if (!reader)
		return -ENOMEM;
	if (!usb_address_is_set(before) && device_interfaces_guessed(reader->device))
		listing_ask(world, VERDICT_REREAD, event->source, event->stamp);
	if (!reader->device && reader->came == world->order)
		world->certain_at = later(world->now, DOUBT_NSEC);
	if (!world->certain_at)
		reader_infer_places(world);
	locate_stale(world, reader);
	update_list(world, &world->placeless, event);
	if (!reader->device || unlocated || !world->devices_listing.last) {
		update_all(world, event);
		return 0;
	}
	left = usb_address_is_set(before) ? device_find(world, before) : NULL;
	if (left && left != reader->device)
		update_place(world, left, event);
	update_place(world, reader->device, event);
	return 0;
}

/* A complete list lacks it. What was reported after the request for the list may be newer than the list. */
static bool reader_missed(const struct world *world, const struct reader *reader)
{
	const struct listing *listing = &world->readers_listing;

	if (reader->said.order <= listing->last)
		return true;
	return world->pcsc_listed && listing->asked && reader->said.order < listing->asked;
}

void pcsc_listed(struct world *world, const struct event *event)
{
	struct reader *reader, *next_reader;
	struct session *session, *next;
	bool news = !world->pcsc_listed;

	HASH_ITER(hh, world->readers, reader, next_reader) {
		/* A new reader has no sister interface that the listing does not name. */
		news |= reader->came > world->readers_listing.last;
		if (!reader_missed(world, reader))
			continue;
		forget(world, reader);
		news = true;
	}
	if (world->pcsc_listed)
		listing_complete(world, &world->readers_listing);
	world->readers_listing.last = world->order;
	world->pcsc_listed = world->pcsc_up;
	HASH_ITER(hh, world->sessions, session, next) {
		deadline_set(world, session, DEADLINE_PCSC_LOST, 0);
		if (news || session->heap || session_is_away(session))
			session_update(world, session, event->source, event->stamp);
	}
	locate_unlocated(world);
	world->looking_pcsc = false;
}

/* True: PC/SC has had its time to name what else belongs to this reader. */
static bool is_named(struct world *world, struct reader *reader)
{
	uint64_t at = later(reader->since, DOUBT_NSEC);

	if (!reader->naming)
		return false;
	reader->naming = reader_is_naming(world, reader);
	if (reader->naming && (!world->naming_at || at < world->naming_at))
		world->naming_at = at;
	return !reader->naming;
}

/* What a device's interfaces are is certain by now, and that another name is a reader's new one. */
void pcsc_named(struct world *world, const struct event *event)
{
	struct reader *reader, *next;
	bool any = false;

	world->naming_at = 0;
	HASH_ITER(hh, world->readers, reader, next) {
		if (!is_named(world, reader))
			continue;
		any = true;
		if (reader->device && !device_is_crowded(reader->device))
			update_place(world, reader->device, event);
	}
	/* Whose case opened meanwhile hears so whether the card was in another reader by then. */
	if (any && update_list(world, &world->placeless, event))
		listing_ask(world, VERDICT_REREAD, event->source, event->stamp);
}

/* How many interfaces a device still has is certain by now. */
void pcsc_dropped(struct world *world, const struct event *event)
{
	world->dropped_at = 0;
	if (world_is_crowded(world))
		return;
	for (struct reader *reader = world->readers; reader; reader = reader->hh.next) {
		if (reader->device)
			update_place(world, reader->device, event);
	}
}
