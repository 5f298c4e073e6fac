/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each event, and the sessions that it concerns. */
#include "world.h"

#include "tables.h"

int world_new(verdict_handler handler, void *userdata, struct world **ret)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -ENOMEM;
	world->handler = handler;
	world->userdata = userdata;
	/* Until the first listings are complete, what is missing was missed while nobody listened. */
	world->looking_devices = world->looking_pcsc = true;
	world->device_listing = world->reader_listing = 1;
	*ret = world;
	return 0;
}

static void ignore_verdict(void *userdata _unused_, const struct verdict *verdict _unused_)
{
}

struct world *world_free(struct world *world)
{
	struct session *session, *next_session;
	struct reader *reader, *next_reader;
	struct device *device, *next_device;

	if (!world)
		return NULL;
	world->handler = ignore_verdict;
	HASH_ITER(hh, world->sessions, session, next_session)
	session_forget(world, session);
	HASH_ITER(hh, world->readers, reader, next_reader)
	reader_forget(world, reader);
	HASH_ITER(hh, world->devices, device, next_device)
	{
		HASH_DELETE(hh, world->devices, device);
		free(device);
	}
	free(world);
	return NULL;
}

uint64_t world_deadline(const struct world *world)
{
	const struct session *session;
	uint64_t next = world->stale_until ? world->stale_until : UINT64_MAX;

	DL_FOREACH2(world->busy, session, on_busy.next)
	{
		uint64_t deadline = session_deadline(session);

		if (deadline < next)
			next = deadline;
	}
	return next;
}

struct session *session_find(const struct world *world, const char *id)
{
	struct session *session;

	HASH_FIND_STR(world->sessions, id, session);
	return session;
}

/* ---- devices -------------------------------------------------------------------------------------------- */

static void stale_arm(struct world *world)
{
	world->stale_wait = STALE_READER_FIRST_NSEC;
	world->stale_until = world->now + world->stale_wait;
}

/*
 * A reader that leaves and comes back between two looks keeps its name: PC/SC's client then goes on telling of it with
 * the address that it had. So it is asked, until no reader is where there is no device any more.
 */
static void stale_begin(struct world *world, const struct device *device)
{
	if (device->readers && device->presence == PRESENCE_GONE)
		stale_arm(world);
}

/* The device is back at the address that it had, and PC/SC's client may have seen nothing of it. */
static void stale_look_again(struct world *world, const struct device *device)
{
	if (!device->readers || device->presence != PRESENCE_GONE)
		return;
	world->stale_look = true;
	stale_arm(world);
}

static bool is_stale(const struct reader *reader)
{
	return reader->device && reader->device->presence == PRESENCE_GONE;
}

static bool any_reader_is_stale(const struct world *world)
{
	const struct reader *reader, *next;

	HASH_ITER(hh, world->readers, reader, next)
	{
		if (is_stale(reader))
			return true;
	}
	return false;
}

/* pcscd hangs, or somebody has the reader to himself all the time. */
static void stale_give_up(struct world *world)
{
	struct reader *reader, *next_reader;
	struct session *session;

	HASH_ITER(hh, world->readers, reader, next_reader)
	{
		if (!is_stale(reader))
			continue;
		DL_FOREACH2(reader->device->sessions, session, on_device.next)
		session_comm_error(world, session, world->now, "PC/SC names a reader whose USB device is gone");
	}
}

static void stale_over(struct world *world)
{
	bool look = world->stale_look;

	world->stale_until = 0;
	world->stale_look = false;
	if (!look && !any_reader_is_stale(world))
		return;
	if (world->stale_wait > STALE_READER_MOST_NSEC) {
		stale_give_up(world);
		return;
	}
	world_tell(world, NULL, (struct verdict){.type = VERDICT_LOCATE, .stamp = world->now});
	world->stale_wait *= 2;
	world->stale_until = world->now + world->stale_wait;
}

/* First those that are acted on, then those that only hear more of a removal they know of. */
static const enum guard act_first[] = {GUARD_ON, GUARD_AWAY};

static void device_gone(struct world *world, struct device *device, enum event_source source, uint64_t stamp)
{
	struct session *session, *next;

	device->presence = PRESENCE_GONE;
	for (size_t i = 0; i < ELEMENTS(act_first); i++) {
		DL_FOREACH_SAFE2(device->sessions, session, next, on_device.next)
		{
			if (session->guard == act_first[i])
				session_remove(world, session, CAUSE_READER, source, EVIDENCE_DEVICE, stamp);
		}
	}
	stale_begin(world, device);
}

static int device_removed(struct world *world, const struct event *event)
{
	struct device *device = device_find(world, event->device.usb);

	if (!device)
		return 0;
	if (event->source == SOURCE_PROBE)
		device->disconnected = event->stamp;
	device_gone(world, device, event->source, event->stamp);
	device_release(world, device);
	return 0;
}

/* Something else sits at the address that a session's reader had: the reader went while nobody listened. */
static void device_replaced(struct world *world, struct device *device, uint64_t stamp)
{
	struct session *session, *next;

	DL_FOREACH_SAFE2(device->sessions, session, next, on_device.next)
	{
		if (session->guard == GUARD_ON && device_is_elsewhere(device, session))
			session_remove(world, session, CAUSE_ABSENT, SOURCE_STARTUP, EVIDENCE_DEVICE, stamp);
	}
}

static int device_added(struct world *world, const struct event *event)
{
	const struct device_facts *facts = &event->device;
	struct device *device = device_get(world, facts->usb);

	if (!device)
		return -ENOMEM;
	if (device->disconnected && event->source != SOURCE_UEVENT && event->stamp < device->disconnected + STALE_NSEC)
		return 0;
	device->disconnected = 0;
	stale_look_again(world, device);
	device->presence = PRESENCE_HERE;
	device->listing = world->device_listing;
	if (facts->id)
		strncpy(device->id, facts->id, sizeof(device->id) - 1);
	if (facts->path) {
		strncpy(device->path, facts->path, sizeof(device->path) - 1);
		device_replaced(world, device, event->stamp);
	}
	return 0;
}

static void devices_listed(struct world *world, const struct event *event)
{
	struct device *device, *next;

	HASH_ITER(hh, world->devices, device, next)
	{
		if (device->listing == world->device_listing || device->presence == PRESENCE_GONE)
			continue;
		device->presence = PRESENCE_GONE;
		for (struct session *session = device->sessions, *after; session; session = after) {
			after = session->on_device.next;
			session_look(world, session, event->source, event->stamp);
		}
		stale_begin(world, device);
		device_release(world, device);
	}
	world->looking_devices = false;
	world->device_listing++;
}

/* True: it is about this session's slot. */
static bool slot_of_session_changed(struct world *world, struct session *session, const struct event *event)
{
	uint8_t slot = session->login.card.slot, bits;

	if (slot / 4 >= event->slot_change.bytes)
		return false;
	bits = event->slot_change.slots[slot / 4] >> (slot % 4 * 2);
	if (!(bits & 2))
		return false;
	/* Of two CCID interfaces either may have sent it: each counts its slots from 0. PC/SC tells them apart. */
	if (!slot_is_shared(session->device, slot))
		session_slot(world, session, bits & 1, event->stamp);
	return true;
}

static void slot_changed(struct world *world, const struct event *event)
{
	struct device *device = device_find(world, event->slot_change.usb);
	struct session *session, *next;
	bool asked = false;

	if (!device)
		return;
	for (size_t i = 0; i < ELEMENTS(act_first); i++) {
		DL_FOREACH_SAFE2(device->sessions, session, next, on_device.next)
		{
			if (session->guard == act_first[i])
				asked |= slot_of_session_changed(world, session, event);
		}
	}
	if (asked)
		world_tell(world, NULL, (struct verdict){.type = VERDICT_REREAD, .stamp = event->stamp});
}

/* ---- PC/SC ---------------------------------------------------------------------------------------------- */

static void reader_forget_all(struct world *world)
{
	struct reader *reader, *next;

	HASH_ITER(hh, world->readers, reader, next)
	reader_forget(world, reader);
}

static void pcsc_changed(struct world *world, bool up)
{
	struct session *session, *next;

	reader_forget_all(world);
	world->pcsc_up = up;
	world->pcsc_down = !up;
	world->pcsc_listed = false;
	if (up)
		world->pcsc_epoch++;
	HASH_ITER(hh, world->sessions, session, next)
	{
		if (!up)
			session_pcsc_down(world, session);
		session_busy_update(world, session);
	}
}

/* Whose card may it be? Of those who miss one; and, after sleep, of all, since readers have new addresses then. */
static void card_arrived(struct world *world, const struct reader *reader, uint64_t stamp)
{
	struct session *session, *next;

	DL_FOREACH_SAFE2(world->away, session, next, on_away.next)
	{
		/* What took the card away just now does not bring it back. */
		if (!session->confirm_until && !session->to_report)
			session_restore(world, session, reader, stamp);
	}
	DL_FOREACH_SAFE2(world->busy, session, next, on_busy.next)
	{
		if (session->unsure_until && session->device != reader->device)
			session_restore(world, session, reader, stamp);
	}
}

/* The sessions of `list` whose card is in `reader`. */
static void look_at_sessions(struct world *world, struct session *list, const struct reader *reader,
			     const struct event *event)
{
	struct session *session, *next;

	DL_FOREACH_SAFE2(list, session, next, on_device.next)
	{
		if (reader_of_session(world, session) == reader)
			session_look(world, session, event->source, event->stamp);
	}
}

static int reader_told(struct world *world, const struct event *event)
{
	struct reader *reader = reader_get(world, event->reader);
	struct session *session, *next;

	if (!reader)
		return -ENOMEM;
	reader->listing = world->reader_listing;
	reader->told = world->now;
	DL_FOREACH_SAFE2(world->placeless, session, next, on_device.next)
	session_place(world, session);
	if (reader->device)
		look_at_sessions(world, reader->device->sessions, reader, event);
	else
		HASH_ITER(hh, world->sessions, session, next)
		{
			if (session->device && reader_of_session(world, session) == reader)
				session_look(world, session, event->source, event->stamp);
		}
	look_at_sessions(world, world->placeless, reader, event);
	if (reader->state.card == CARD_PRESENT)
		card_arrived(world, reader, event->stamp);
	return 0;
}

static void reader_left(struct world *world, const struct event *event)
{
	struct reader *reader = reader_find(world, event->reader->name);
	struct device *device;

	if (!reader)
		return;
	device = reader->device && reader->device->sessions ? reader->device : NULL;
	reader_forget(world, reader);
	if (device)
		look_at_sessions(world, device->sessions, NULL, event);
	look_at_sessions(world, world->placeless, NULL, event);
}

static void readers_listed(struct world *world, const struct event *event)
{
	struct reader *reader, *next_reader;
	struct session *session, *next;

	HASH_ITER(hh, world->readers, reader, next_reader)
	{
		if (reader->listing != world->reader_listing)
			reader_forget(world, reader);
	}
	world->reader_listing++;
	world->pcsc_listed = true;
	HASH_ITER(hh, world->sessions, session, next)
	{
		session->pcsc_lost_until = 0;
		if (session->guard == GUARD_ON)
			session_look(world, session, event->source, event->stamp);
		session_busy_update(world, session);
	}
	world->looking_pcsc = false;
}

/* ---- sessions ------------------------------------------------------------------------------------------- */

static struct session *session_get(struct world *world, const struct login_record *login)
{
	struct session *session = session_find(world, login->session);

	if (session)
		return session;
	session = calloc(1, sizeof(*session));
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

static int record_told(struct world *world, const struct event *event)
{
	const struct login_record *login = event->record.login;
	struct device *device = NULL;
	struct session *session;

	if (usb_address_is_set(login->card.usb)) {
		device = device_get(world, login->card.usb);
		if (!device)
			return -ENOMEM;
		/* Every device there is has been told of, this one not: it went between sign-in and now. */
		if (device->presence == PRESENCE_UNKNOWN && !world->looking_devices)
			device->presence = PRESENCE_GONE;
	}
	session = session_get(world, login);
	if (!session)
		return -ENOMEM;
	session_record(world, session, event, device);
	session_place(world, session);
	session_look(world, session, event->source, event->stamp);
	if (device)
		device_replaced(world, device, event->stamp);
	return 0;
}

static void session_event(struct world *world, const struct event *event)
{
	struct session *session = session_find(world, event->session);

	if (!session)
		return;
	switch (event->type) {
	case EVENT_SESSION_ENDED:
		case_ended(world, session, event->stamp);
		world_tell(world, session, (struct verdict){.type = VERDICT_DISARM});
		session_forget(world, session);
		break;
	case EVENT_SESSION_LOCKED:
	case EVENT_SESSION_UNLOCKED:
		case_locked(world, session, event->type == EVENT_SESSION_LOCKED, event->stamp);
		break;
	case EVENT_ACTION_DONE:
		case_console_locked(world, session, event->stamp);
		break;
	default:
		case_step_failed(world, session, event->stamp);
		break;
	}
}

static void session_changed(struct world *world, const struct event *event)
{
	struct session *session = session_find(world, event->change.session);

	if (!session)
		return;
	if (event->type == EVENT_SETTINGS)
		session_govern(world, session, &event->change.governance);
	else
		session_set_kind(world, session, event->change.kind);
}

/* ---- the daemon ----------------------------------------------------------------------------------------- */

static void lost(struct world *world, const struct event *event)
{
	world->looking_devices = world->looking_pcsc = true;
	world->recheck_asked = true;
	world_tell(world, NULL,
		   (struct verdict){.type = VERDICT_RECHECK, .source = event->source, .stamp = event->stamp});
}

static void slept(struct world *world, const struct event *event)
{
	struct session *session, *next;

	world->asleep = event->type == EVENT_SLEEP;
	HASH_ITER(hh, world->sessions, session, next)
	{
		if (world->asleep)
			session_sleep(world, session);
		else
			session_resume(world, session);
	}
	if (!world->asleep)
		lost(world, event);
}

static void recheck_over(struct world *world, const struct event *event)
{
	if (!world->recheck_asked || world->looking_devices || (world->pcsc_up && world->looking_pcsc))
		return;
	world->recheck_asked = false;
	world_tell(world, NULL, (struct verdict){.type = VERDICT_RECHECKED, .source = SOURCE_STARTUP, .stamp = event->stamp});
}

static void time_passed(struct world *world)
{
	struct session *session, *next;

	DL_FOREACH_SAFE2(world->busy, session, next, on_busy.next)
	session_time(world, session);
	if (world->stale_until && world->stale_until <= world->now)
		stale_over(world);
}

/* What was done is told only after it was done, for every session that the event concerned. */
static void report(struct world *world)
{
	struct session *session, *next;

	DL_FOREACH_SAFE2(world->report, session, next, on_report.next)
	case_report(world, session);
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
		break;
	case EVENT_SLOT_CHANGE:
		slot_changed(world, event);
		break;
	case EVENT_PCSC_UP:
	case EVENT_PCSC_DOWN:
		pcsc_changed(world, event->type == EVENT_PCSC_UP);
		break;
	case EVENT_READER:
		return reader_told(world, event);
	case EVENT_READER_GONE:
		reader_left(world, event);
		break;
	case EVENT_PCSC_LISTED:
		readers_listed(world, event);
		break;
	case EVENT_RECORD:
		return record_told(world, event);
	case EVENT_SETTINGS:
	case EVENT_SESSION_KIND:
		session_changed(world, event);
		break;
	case EVENT_SESSION_ENDED:
	case EVENT_SESSION_LOCKED:
	case EVENT_SESSION_UNLOCKED:
	case EVENT_ACTION_DONE:
	case EVENT_ACTION_FAILED:
		session_event(world, event);
		break;
	case EVENT_PROBE:
		world->probe = true;
		break;
	case EVENT_SLEEP:
	case EVENT_RESUME:
		slept(world, event);
		break;
	case EVENT_LOST:
		lost(world, event);
		break;
	case EVENT_TIME:
		time_passed(world);
		break;
	}
	return 0;
}

const char *world_check(const struct world *world _unused_)
{
	return NULL;
}

int world_event(struct world *world, const struct event *event)
{
	int r;

	world->now = event->now ? event->now : event->stamp;
	r = take_in(world, event);
	report(world);
	recheck_over(world, event);
	return r;
}
