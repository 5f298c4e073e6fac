/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes in each event: which facts it changes, and which sessions it concerns. */
#include "policy/world.h"

#include "policy/core.h"

int world_new(verdict_handler handler, void *userdata, struct world **ret)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -ENOMEM;
	world->handler = handler;
	world->userdata = userdata;
	/* Until the first listings are complete, a missing thing was removed while nobody listened. */
	world->looking_devices = world->looking_pcsc = true;
	*ret = world;
	return 0;
}

static void ignore_verdict(void *userdata _unused_, const struct verdict *verdict _unused_)
{
}

struct world *world_free(struct world *world)
{
	struct session *session, *next;

	if (!world)
		return NULL;
	world->handler = ignore_verdict;
	HASH_ITER(hh, world->sessions, session, next)
		session_forget(world, session);
	reader_forget_all(world);
	device_forget_all(world);
	free(world->heap);
	free(world);
	return NULL;
}

uint64_t world_deadline(const struct world *world)
{
	uint64_t next = world->heap_used ? world->heap[0].moment : UINT64_MAX;

	if (world->locate_at && world->locate_at < next)
		next = world->locate_at;
	if (world->relist_at && world->relist_at < next)
		next = world->relist_at;
	if (world->certain_at && world->certain_at < next)
		next = world->certain_at;
	if (world->naming_at && world->naming_at < next)
		next = world->naming_at;
	if (world->dropped_at && world->dropped_at < next)
		next = world->dropped_at;
	return next;
}

/* ---- looking again -------------------------------------------------------------------------------------- */

static void look_again(struct world *world, const struct event *event)
{
	world->looking_devices = world->looking_pcsc = true;
	world->recheck_asked = true;
	listing_ask(world, VERDICT_RECHECK, event->source, event->stamp);
	/* A record that was read lately waits for the listing. */
	update_all(world, event);
}

/* ---- sessions ------------------------------------------------------------------------------------------- */

/* Whether it names another reader than the other sessions of the device: whose each of its readers is may change then. */
static bool names_another_reader(const struct session *session, const struct device *device)
{
	const struct session *other =
		device->sessions != session ? device->sessions : session->on_device.next;

	return other && strcmp(other->login.card.name, session->login.card.name) != 0;
}

/* What a recording does not say is not compared. */
static bool is_another_sign_in(const struct login_record *before, const struct login_record *login)
{
	return (before->user[0] && login->user[0] && strcmp(before->user, login->user) != 0) ||
	       (before->leader && login->leader && before->leader != login->leader);
}

/*
 * logind has given the id to another sign-in, and the end of the one before is yet to be reported. Nobody is told to disarm: what
 * others keep under the id is the new one's by now.
 */
static void end_the_one_before(struct world *world, const struct event *event)
{
	struct session *session = session_find(world, event->record.login->session);

	if (!session || !is_another_sign_in(&session->login, event->record.login))
		return;
	case_ended(world, session, event->stamp);
	case_cancel(world, session, event->stamp, "the session has ended");
	session_forget(world, session);
}

static int record_remote(struct world *world, const struct event *event)
{
	const struct login_record *login = event->record.login;
	bool known = session_find(world, login->session);
	struct session *session = session_get(world, login);

	if (!session)
		return -ENOMEM;
	if (remote_reserve(session) < 0) {
		if (!known)
			session_forget(world, session);
		return -ENOMEM;
	}
	bind_remote(world, session, true);
	bind_record_remote(world, session, event);
	remote_record(world, session, event);
	session_govern(world, session, &event->record.governance);
	return 0;
}

/* One more session at the device may leave open whose a reader without an address is. */
static void update_doubts(struct world *world, const struct device *device, const struct event *event)
{
	struct session *session, *next;

	DL_FOREACH_SAFE2(device->sessions, session, next, on_device.next) {
		if (session->deadlines[DEADLINE_BELIEF])
			session_update(world, session, event->source, event->stamp);
	}
}

static int record_reported(struct world *world, const struct event *event)
{
	const struct login_record *login = event->record.login;
	bool on_usb = usb_address_is_set(login->card.usb), has_port = login->usb_path[0] != '\0';
	struct port *port = has_port ? port_get(world, login->usb_path) : NULL;
	struct device *device = on_usb ? device_get(world, login->card.usb) : NULL;
	struct session *session = has_port == !!port && on_usb == !!device ? session_get(world, login) : NULL;
	bool missed, recent;

	if (!session) {
		if (port)
			port_release(world, port);
		if (device)
			device_release(world, device);
		return -ENOMEM;
	}
	bind_remote(world, session, false);
	/* It left between sign-in and now; or its coming was not reported, or not yet. A listing that is new tells. */
	missed = device && world->devices_listing.last && !world->looking_devices &&
		 (device->presence == PRESENCE_GONE ||
		  (device->presence == PRESENCE_UNKNOWN && !device->readers));
	recent = world->now < later(world->devices_listing.now, DOUBT_NSEC);
	if (missed && recent && device->presence == PRESENCE_UNKNOWN)
		device_miss(world, device);
	bind_record(world, session, event, device, port);
	session_govern(world, session, &event->record.governance);
	if (missed && !recent)
		look_again(world, event);
	session_update(world, session, event->source, event->stamp);
	if ((missed && recent) || (device && names_another_reader(session, device)))
		update_list(world, &device->sessions, event);
	else if (device && world->unlocated)
		update_doubts(world, device, event);
	return 0;
}

static void session_ended(struct world *world, struct session *session, uint64_t stamp)
{
	case_ended(world, session, stamp);
	world_tell(world, session, &(struct verdict){.type = VERDICT_DISARM});
	session_forget(world, session);
}

static void step_failed(struct world *world, struct session *session, uint64_t stamp)
{
	if (session->removal.awaited != AWAIT_NOTHING)
		sign_failed(world, session, stamp, "refused");
}

/* ---- the daemon ----------------------------------------------------------------------------------------- */

static void slept(struct world *world, const struct event *event)
{
	bool sleep = event->type == EVENT_SLEEP;

	/* Two sleeps in a row are one restless time. */
	if ((sleep || !world->asleep) && !world_just_resumed(world))
		world->slept = world->now;
	if (!sleep)
		world->resumed = world->now;
	world->asleep = sleep;
	if (sleep)
		update_all(world, event);
	else
		look_again(world, event);
}

static void recheck_over(struct world *world, const struct event *event)
{
	if (world->looking_devices || (world->pcsc_up && world->looking_pcsc))
		return;
	world->recheck_asked = false;
	world_tell(world, NULL,
		   &(struct verdict){
			   .type = VERDICT_RECHECKED, .source = SOURCE_STARTUP, .stamp = event->stamp});
}

static void time_passed(struct world *world, const struct event *event)
{
	if (world->certain_at && world->certain_at <= world->now) {
		world->certain_at = 0;
		reader_infer_places(world);
		update_all(world, event);
	}
	if (world->naming_at && world->naming_at <= world->now)
		pcsc_named(world, event);
	if (world->dropped_at && world->dropped_at <= world->now)
		pcsc_dropped(world, event);
	while (world->heap_used && world->heap[0].moment <= world->now)
		session_time(world, world->heap[0].session);
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
	else if (event->type == EVENT_SESSION_REBIND)
		session_rebind(world, session, event->stamp);
	else if (event->type == EVENT_ACTION_DONE)
		case_console_locked(world, session, event->stamp);
	else if (event->type == EVENT_ACTION_FAILED)
		step_failed(world, session, event->stamp);
	else
		session_hint(world, session, event->type == EVENT_SESSION_LOCKED, event->stamp);
}

/* Not of a session that a card of this machine opened: that card guards it. */
static void remote_reported(struct world *world, const struct event *event)
{
	struct session *session = session_find(world, event->remote.session);

	if (session && session->is_remote)
		remote_event(world, session, event);
}

static int take_in(struct world *world, const struct event *event)
{
	switch (event->type) {
	case EVENT_DEVICE_ADD:
		return usb_added(world, event);
	case EVENT_DEVICE_REMOVE:
		return usb_removed(world, event);
	case EVENT_DEVICES_LISTED:
		usb_listed(world, event);
		break;
	case EVENT_SLOT_CHANGE:
		usb_slot_changed(world, event);
		break;
	case EVENT_PCSC_UP:
	case EVENT_PCSC_DOWN:
		pcsc_changed(world, event, event->type == EVENT_PCSC_UP);
		break;
	case EVENT_READER:
		return pcsc_reader(world, event);
	case EVENT_READER_GONE:
		pcsc_reader_gone(world, event);
		break;
	case EVENT_PCSC_LISTED:
		pcsc_listed(world, event);
		break;
	case EVENT_RECORD:
		end_the_one_before(world, event);
		return event->record.login->source == LOGIN_LOCAL ? record_reported(world, event)
								  : record_remote(world, event);
	case EVENT_SETTINGS:
	case EVENT_SESSION_KIND:
	case EVENT_SESSION_ENDED:
	case EVENT_SESSION_LOCKED:
	case EVENT_SESSION_UNLOCKED:
	case EVENT_SESSION_REBIND:
	case EVENT_ACTION_DONE:
	case EVENT_ACTION_FAILED:
		session_event(world, event);
		break;
	case EVENT_REMOTE_UP:
	case EVENT_REMOTE_DOWN:
	case EVENT_REMOTE_SILENT:
	case EVENT_REMOTE_HEARD:
	case EVENT_REMOTE_READER:
	case EVENT_REMOTE_READER_GONE:
	case EVENT_REMOTE_LISTED:
		remote_reported(world, event);
		break;
	case EVENT_PROBE:
		world->probe = true;
		break;
	case EVENT_SLEEP:
	case EVENT_RESUME:
		slept(world, event);
		break;
	case EVENT_LOST:
		world->lost = moment_now(world, event->stamp);
		look_again(world, event);
		break;
	case EVENT_TIME:
		time_passed(world, event);
		break;
	}
	return 0;
}

/* No source's stamp lies after the moment at which it was taken in, and our clock never runs backwards. */
int world_event(struct world *world, const struct event *event)
{
	uint64_t now = event->now ? event->now : event->stamp;
	struct event bounded;
	int r;

	/* A moment of 0 is none. */
	now = now > NOW_MAX ? NOW_MAX : now ? now : 1;
	world->now = now > world->now ? now : world->now;
	world->order++;
	if (event->stamp > world->now) {
		bounded = *event;
		bounded.stamp = world->now;
		event = &bounded;
	}
	r = take_in(world, event);
	/* Most events leave none of these to do. */
	if (world->inferred)
		update_inferred(world, event);
	if (world->report)
		report_flush(world);
	if (world->released)
		device_free_released(world);
	if (world->recheck_asked)
		recheck_over(world, event);
	return r;
}
