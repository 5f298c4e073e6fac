/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which sessions an event concerns. */
#include "policy/core.h"

void update_all(struct world *world, const struct event *event)
{
	struct session *session, *next;

	HASH_ITER(hh, world->sessions, session, next)
		session_update(world, session, event->source, event->stamp);
}

/*
 * Handles first the sessions that are acted on, then those that only get one more report of a removal that
 * has its case. True: there are some of the latter.
 */
bool update_list(struct world *world, struct session **list, const struct event *event)
{
	struct session *session, *next;
	bool away = false;

	DL_FOREACH_SAFE2(*list, session, next, on_device.next) {
		if (session_is_away(session))
			away = true;
		else
			session_update(world, session, event->source, event->stamp);
	}
	if (!away)
		return false;
	DL_FOREACH_SAFE2(*list, session, next, on_device.next) {
		if (session_is_away(session) && session->removal.opened.order != world->order)
			session_update(world, session, event->source, event->stamp);
	}
	return true;
}

/*
 * The sessions of the device, and those that have their place at its port: their reader may be back, or
 * replaced.
 */
bool update_place(struct world *world, struct device *device, const struct event *event)
{
	struct session *session, *next;
	bool away = update_list(world, &device->sessions, event);

	if (!device->port)
		return away;
	DL_FOREACH_SAFE2(device->port->sessions, session, next, on_port.next) {
		if (session->device != device)
			session_update(world, session, event->source, event->stamp);
	}
	return away;
}

/* If a reader's address is not known, a fact about any device may decide whose reader it is. */
void update_unlocated(struct world *world, const struct event *event)
{
	if (world->unlocated)
		update_all(world, event);
}

/*
 * Nobody reported that a reader is at this device. It follows from one session, and it is new for the others.
 */
void update_inferred(struct world *world, const struct event *event)
{
	do {
		world->inferred = false;
		if (!world->certain_at)
			reader_infer_places(world);
		update_all(world, event);
	} while (world->inferred);
}
