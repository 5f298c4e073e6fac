/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each event: what it changes among the facts, and which sessions it concerns. */
#include "world.h"

#include "core.h"

int world_new(verdict_handler handler, void *userdata, struct world **ret)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -ENOMEM;
	world->handler = handler;
	world->userdata = userdata;
	/* Until the first listings are complete, what is missing was missed while nobody listened. */
	world->looking_devices = world->looking_pcsc = true;
	*ret = world;
	return 0;
}

static void ignore_verdict(void *userdata _unused_, const struct verdict *verdict _unused_)
{
}

static void forget_readers(struct world *world)
{
	struct reader *reader, *next;

	HASH_ITER(hh, world->readers, reader, next)
	reader_forget(world, reader);
}

struct world *world_free(struct world *world)
{
	struct session *session, *next;

	if (!world)
		return NULL;
	world->handler = ignore_verdict;
	HASH_ITER(hh, world->sessions, session, next)
	session_forget(world, session);
	forget_readers(world);
	device_forget_all(world);
	free(world->heap);
	free(world);
	return NULL;
}

uint64_t world_deadline(const struct world *world)
{
	uint64_t next = world->heap_used ? world->heap[0]->next : UINT64_MAX;

	if (world->locate_at && world->locate_at < next)
		next = world->locate_at;
	if (world->relist_at && world->relist_at < next)
		next = world->relist_at;
	if (world->certain_at && world->certain_at < next)
		next = world->certain_at;
	return next;
}

/* ---- sessions that something concerns ------------------------------------------------------------------- */

static void update_all(struct world *world, const struct event *event)
{
	struct session *session, *next;

	HASH_ITER(hh, world->sessions, session, next)
	session_update(world, session, event->source, event->stamp);
}

/* First those that are acted on, then those that only hear more of a removal that has its case. */
static void update_list(struct world *world, struct session *list, const struct event *event)
{
	struct session *session, *next;

	for (int away = 0; away < 2; away++) {
		DL_FOREACH_SAFE2(list, session, next, on_device.next)
		{
			if (session_is_away(session) == away)
				session_update(world, session, event->source, event->stamp);
		}
	}
}

/* Those of the device, and those that have their place at its port: their reader may be back, or replaced. */
static void update_place(struct world *world, struct device *device, const struct event *event)
{
	struct session *session, *next;

	update_list(world, device->sessions, event);
	if (!device->port)
		return;
	DL_FOREACH_SAFE2(device->port->sessions, session, next, on_port.next)
	{
		if (session->device != device)
			session_update(world, session, event->source, event->stamp);
	}
}

/* Where a reader's address is not known, what is known of any device may decide whose it is. */
static void update_unlocated(struct world *world, const struct event *event)
{
	if (world->unlocated)
		update_all(world, event);
}

/* That a reader is at a device was not said, but follows from a session: for the others it is news. */
static void update_inferred(struct world *world, const struct event *event)
{
	while (usb_address_is_set(world->inferred)) {
		struct device *device = device_find(world, world->inferred);

		world->inferred = (struct usb_address){0};
		if (device)
			update_place(world, device, event);
	}
}

/* ---- devices -------------------------------------------------------------------------------------------- */

static void request(struct listing *listing, uint64_t order)
{
	if (!listing->asked)
		listing->asked = order;
	listing->asked_last = order;
}

static void complete(struct listing *listing, uint64_t order)
{
	/* What was asked for while the first request was under way gets a listing of its own. */
	listing->asked = listing->asked_last > listing->asked ? listing->asked_last : 0;
	listing->last = order;
	listing->began = 0;
}

/* One more word of a removal, for those whose case is open. */
static void device_word(struct world *world, struct device *device, const struct event *event, bool earlier)
{
	struct session *session, *next;

	DL_FOREACH_SAFE2(device->sessions, session, next, on_device.next)
	{
		const struct removal *removal = &session->removal;

		if (!session_is_away(session) || removal->opened.order == world->order || removal->cause == CAUSE_PCSC_LOST)
			continue;
		if (earlier)
			case_heard(world, session, CAUSE_READER, event->source, event->stamp);
		else
			case_word(world, session, CAUSE_READER, event->source, EVIDENCE_DEVICE, event->stamp);
	}
}

static void device_left(struct world *world, struct device *device, const struct event *event)
{
	if (!device->readers)
		world->unplugged = world->now;
	update_place(world, device, event);
	locate_begin(world, device);
}

/* A device left that no reader is known for. Those whose reader's device is not known may have lost it. */
static void update_unplugged(struct world *world, const struct event *event)
{
	update_list(world, world->placeless, event);
	update_unlocated(world, event);
}

static int device_removed(struct world *world, const struct event *event)
{
	struct device *device = device_find(world, event->device.usb);
	bool gone;

	if (!device) {
		world->unplugged = world->now;
		update_unplugged(world, event);
		return 0;
	}
	gone = device_leave(world, device, event->source, event->stamp);
	if (gone)
		device_left(world, device, event);
	device_word(world, device, event, device->presence != PRESENCE_GONE);
	device_release(world, device);
	if (gone)
		update_unplugged(world, event);
	return 0;
}

/* The end of a life that nobody reported: something else is there now. */
static void device_missing(struct world *world, struct device *device, const struct event *event)
{
	if (device_leave(world, device, SOURCE_STARTUP, event->stamp))
		device_left(world, device, event);
}

static bool is_another(const struct device *device, const struct device_facts *facts)
{
	return (facts->path && device->path[0] && strcmp(device->path, facts->path) != 0) ||
	       (facts->id && device->id[0] && strcmp(device->id, facts->id) != 0);
}

static void leave_port(struct world *world, struct device *device, const struct event *event)
{
	struct device *other, *next;

	if (!device->port)
		return;
	DL_FOREACH_SAFE(device->port->devices, other, next)
	{
		if (other == device || other->presence != PRESENCE_HERE)
			continue;
		device_missing(world, other, event);
		device_release(world, other);
	}
}

static int device_added(struct world *world, const struct event *event)
{
	const struct device_facts *facts = &event->device;
	struct device *device = device_get(world, facts->usb);

	if (!device)
		return -ENOMEM;
	if (event->source == SOURCE_STARTUP && !world->devices_listing.began)
		world->devices_listing.began = world->order;
	if (device->presence == PRESENCE_HERE && is_another(device, facts))
		device_missing(world, device, event);
	if (device_describe(world, device, facts->path, facts->id) < 0)
		return -ENOMEM;
	if (device_come(world, device, event))
		locate_device_back(world, device);
	if (device->presence == PRESENCE_HERE)
		leave_port(world, device, event);
	update_place(world, device, event);
	update_unlocated(world, event);
	return 0;
}

static void devices_listed(struct world *world, const struct event *event)
{
	struct listing *listing = &world->devices_listing;
	struct device *device, *next;

	if (!listing->began)
		listing->began = world->order;
	HASH_ITER(hh, world->devices, device, next)
	{
		if (!device_missed(world, device))
			continue;
		device_missing(world, device, event);
		device_release(world, device);
	}
	complete(listing, world->order);
	world->looking_devices = false;
	update_unplugged(world, event);
}

/* ---- the probe ------------------------------------------------------------------------------------------ */

/*
 * Of two CCID interfaces each counts its slots from 0. The endpoint says which one sent the notice, once it is known
 * which reader it belongs to.
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
	DL_FOREACH(session->device->readers, reader)
	{
		if (endpoint && reader != own && reader->state.slot == slot && reader->endpoint == endpoint)
			return SENDER_OTHER;
	}
	return SENDER_UNKNOWN;
}

/* True: it may be about this session's slot. Where only PC/SC can tell, it is asked. */
static bool slot_of_session(struct world *world, struct session *session, const struct event *event)
{
	uint8_t slot = session->login.card.slot, bits;
	enum sender sender;

	if (session_device_left(session) || slot / 4 >= event->slot_change.bytes)
		return false;
	bits = event->slot_change.slots[slot / 4] >> (slot % 4 * 2) & 3;
	sender = sender_of(world, session, event->slot_change.endpoint);
	if (!(bits & 2) || sender == SENDER_OTHER)
		return false;
	if (sender == SENDER_OWN)
		session_slot(world, session, bits & 1, event->stamp);
	return true;
}

static void keep_notice(struct world *world, struct device *device, const struct event *event)
{
	const struct slot_notice *last = &device->notice;
	bool alone = !last->moment.order || world->now > later(last->moment.now, LAG_NSEC) || last->from == event->slot_change.endpoint;

	device->notice = (struct slot_notice){
		.moment = moment_now(world, event->stamp),
		.from = event->slot_change.endpoint,
		.endpoint = alone ? event->slot_change.endpoint : 0,
	};
	for (uint8_t slot = 0; slot < 32 && slot / 4 < event->slot_change.bytes; slot++)
		device->notice.changed |= (uint32_t)(event->slot_change.slots[slot / 4] >> (slot % 4 * 2) >> 1 & 1) << slot;
}

static void slot_changed(struct world *world, const struct event *event)
{
	struct device *device = device_find(world, event->slot_change.usb);
	struct session *session, *next;
	bool asked = false;

	if (!device)
		return;
	for (int away = 0; away < 2; away++) {
		DL_FOREACH_SAFE2(device->sessions, session, next, on_device.next)
		{
			if (session_is_away(session) == away && session->removal.opened.order != world->order)
				asked |= slot_of_session(world, session, event);
			else
				asked |= session->removal.opened.order == world->order;
		}
	}
	keep_notice(world, device, event);
	if (!asked)
		return;
	request(&world->readers_listing, world->order);
	world_tell(world, NULL, (struct verdict){.type = VERDICT_REREAD, .stamp = event->stamp});
}

/* ---- PC/SC ---------------------------------------------------------------------------------------------- */

static void pcsc_changed(struct world *world, const struct event *event, bool up)
{
	struct session *session, *next;

	forget_readers(world);
	world->pcsc_up = up;
	world->pcsc_down = !up;
	world->pcsc_listed = false;
	world->pcsc_life += up;
	world->pcsc_since = world->now;
	world->readers_listing = (struct listing){.last = world->order};
	HASH_ITER(hh, world->sessions, session, next)
	{
		/* What is said after it is another pcscd's word. */
		session->said &= ~(unsigned)SAID_COMM_ERROR;
		session_update(world, session, event->source, event->stamp);
		session_heed_pcsc(world, session);
	}
}

static void reader_left(struct world *world, const struct event *event)
{
	struct reader *reader = reader_find(world, event->reader->name);
	struct device *device;
	bool unlocated = world->unlocated;

	if (!reader)
		return;
	device = reader->device && reader->device->sessions ? reader->device : NULL;
	reader_forget(world, reader);
	update_list(world, world->placeless, event);
	if (unlocated)
		update_all(world, event);
	else if (device)
		update_list(world, device->sessions, event);
}

static int reader_reported(struct world *world, const struct event *event)
{
	struct reader *reader = reader_find(world, event->reader->name);
	struct device *before = reader ? reader->device : NULL;
	bool unlocated = world->unlocated;

	/* It left and came back between two of PC/SC's words. Its device, if that was known, would have said so. */
	if (reader && !reader->device && reader_counts_again(reader, event->reader)) {
		reader_left(world, event);
		before = NULL;
	}
	reader = reader_get(world, event);
	if (!reader)
		return -ENOMEM;
	if (!reader->device && reader->came == world->order)
		world->certain_at = later(world->now, DOUBT_NSEC);
	locate_stale(world, reader);
	update_list(world, world->placeless, event);
	if (before && before != reader->device)
		before = device_find(world, before->usb);
	if (!reader->device || unlocated || !world->devices_listing.last) {
		update_all(world, event);
		return 0;
	}
	if (before && before != reader->device)
		update_place(world, before, event);
	update_place(world, reader->device, event);
	return 0;
}

/* A complete list lacks it; what was reported after the list was asked for may be newer than the list. */
static bool reader_missed(const struct world *world, const struct reader *reader)
{
	const struct listing *listing = &world->readers_listing;

	if (reader->said.order <= listing->last)
		return true;
	return world->pcsc_listed && listing->asked && reader->said.order < listing->asked;
}

static void readers_listed(struct world *world, const struct event *event)
{
	struct reader *reader, *next_reader;
	struct session *session, *next;

	HASH_ITER(hh, world->readers, reader, next_reader)
	{
		if (reader_missed(world, reader))
			reader_forget(world, reader);
	}
	if (!world->pcsc_listed)
		world->readers_listing.asked = world->readers_listing.asked_last;
	if (world->pcsc_listed)
		complete(&world->readers_listing, world->order);
	world->readers_listing.last = world->order;
	world->pcsc_listed = world->pcsc_up;
	HASH_ITER(hh, world->sessions, session, next)
	{
		deadline_set(world, session, DEADLINE_PCSC_LOST, 0);
		session_update(world, session, event->source, event->stamp);
	}
	locate_unlocated(world);
	world->looking_pcsc = false;
}

/* ---- sessions ------------------------------------------------------------------------------------------- */

static int record_reported(struct world *world, const struct event *event)
{
	const struct login_record *login = event->record.login;
	struct device *device = NULL;
	struct port *port = NULL;
	struct session *session;

	if (login->usb_path[0]) {
		port = port_get(world, login->usb_path);
		if (!port)
			return -ENOMEM;
	}
	if (usb_address_is_set(login->card.usb)) {
		device = device_get(world, login->card.usb);
		if (!device)
			return -ENOMEM;
		/* Every device there is was reported, this one not: it left between sign-in and now. */
		if (device->presence == PRESENCE_UNKNOWN && !device->readers && world->devices_listing.last &&
		    !world->looking_devices)
			device->presence = PRESENCE_GONE;
	}
	session = session_get(world, login);
	if (!session) {
		if (port)
			port_release(world, port);
		return -ENOMEM;
	}
	bind_record(world, session, event, device, port);
	session_govern(world, session, &event->record.governance);
	session_update(world, session, event->source, event->stamp);
	return 0;
}

static void session_ended(struct world *world, struct session *session, uint64_t stamp)
{
	case_ended(world, session, stamp);
	world_tell(world, session, (struct verdict){.type = VERDICT_DISARM});
	session_forget(world, session);
}

static void step_failed(struct world *world, struct session *session, uint64_t stamp)
{
	if (session->removal.awaited != AWAIT_NOTHING)
		sign_failed(world, session, stamp, "refused");
}

/* ---- the daemon ----------------------------------------------------------------------------------------- */

static void look_again(struct world *world, const struct event *event)
{
	world->looking_devices = world->looking_pcsc = true;
	world->recheck_asked = true;
	request(&world->devices_listing, world->order);
	request(&world->readers_listing, world->order);
	world_tell(world, NULL,
		   (struct verdict){.type = VERDICT_RECHECK, .source = event->source, .stamp = event->stamp});
}

static void slept(struct world *world, const struct event *event)
{
	bool sleep = event->type == EVENT_SLEEP;

	if (sleep || !world->asleep)
		world->slept = world->now;
	if (!sleep)
		world->resumed = world->now;
	world->asleep = sleep;
	if (!sleep)
		look_again(world, event);
	update_all(world, event);
}

static void recheck_over(struct world *world, const struct event *event)
{
	if (!world->recheck_asked || world->looking_devices || (world->pcsc_up && world->looking_pcsc))
		return;
	world->recheck_asked = false;
	world_tell(world, NULL, (struct verdict){.type = VERDICT_RECHECKED, .source = SOURCE_STARTUP, .stamp = event->stamp});
}

static void time_passed(struct world *world, const struct event *event)
{
	if (world->certain_at && world->certain_at <= world->now) {
		world->certain_at = 0;
		update_all(world, event);
	}
	while (world->heap_used && world->heap[0]->next <= world->now)
		session_time(world, world->heap[0]);
	if (world->relist_at && world->relist_at <= world->now) {
		world->relist_at = 0;
		look_again(world, event);
	}
	locate_time(world);
}

static void session_event(struct world *world, const struct event *event)
{
	bool changed = event->type == EVENT_SETTINGS || event->type == EVENT_SESSION_KIND;
	struct session *session = session_find(world, changed ? event->change.session : event->session);

	if (!session)
		return;
	if (event->type == EVENT_SETTINGS)
		session_govern(world, session, &event->change.governance);
	else if (event->type == EVENT_SESSION_KIND)
		session_set_kind(world, session, event->change.kind, event->stamp);
	else if (event->type == EVENT_SESSION_ENDED)
		session_ended(world, session, event->stamp);
	else if (event->type == EVENT_ACTION_DONE)
		case_console_locked(world, session, event->stamp);
	else if (event->type == EVENT_ACTION_FAILED)
		step_failed(world, session, event->stamp);
	else
		session_hint(world, session, event->type == EVENT_SESSION_LOCKED, event->stamp);
}

static int take_in(struct world *world, const struct event *event)
{
	switch (event->type) {
	case EVENT_DEVICE_ADD:
		return device_added(world, event);
	case EVENT_DEVICE_REMOVE:
		return device_removed(world, event);
	case EVENT_DEVICES_LISTED:
		devices_listed(world, event);
		return 0;
	case EVENT_SLOT_CHANGE:
		slot_changed(world, event);
		return 0;
	case EVENT_PCSC_UP:
	case EVENT_PCSC_DOWN:
		pcsc_changed(world, event, event->type == EVENT_PCSC_UP);
		return 0;
	case EVENT_READER:
		return reader_reported(world, event);
	case EVENT_READER_GONE:
		reader_left(world, event);
		return 0;
	case EVENT_PCSC_LISTED:
		readers_listed(world, event);
		return 0;
	case EVENT_RECORD:
		return record_reported(world, event);
	case EVENT_SETTINGS:
	case EVENT_SESSION_KIND:
	case EVENT_SESSION_ENDED:
	case EVENT_SESSION_LOCKED:
	case EVENT_SESSION_UNLOCKED:
	case EVENT_ACTION_DONE:
	case EVENT_ACTION_FAILED:
		session_event(world, event);
		return 0;
	case EVENT_PROBE:
		world->probe = true;
		return 0;
	case EVENT_SLEEP:
	case EVENT_RESUME:
		slept(world, event);
		return 0;
	case EVENT_LOST:
		look_again(world, event);
		return 0;
	case EVENT_TIME:
		time_passed(world, event);
		return 0;
	}
	return 0;
}

/* No source's stamp lies after the moment at which it was taken in, and our clock never runs backwards. */
int world_event(struct world *world, const struct event *reported)
{
	struct event event = *reported;
	uint64_t now = event.now ? event.now : event.stamp;
	int r;

	world->now = now > world->now ? now : world->now;
	world->order++;
	if (event.stamp > world->now)
		event.stamp = world->now;
	r = take_in(world, &event);
	update_inferred(world, &event);
	report_flush(world);
	recheck_over(world, &event);
	return r;
}
