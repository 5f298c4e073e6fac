/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking PC/SC where its readers are. A reader that is unplugged and plugged in between two polls keeps its
 * name, and the PC/SC client keeps reporting its old address. A program that holds a reader exclusively hides
 * its address. So PC/SC is asked again, less and less often, until every reader's device exists.
 */
#include "policy/core.h"

static void locate_start(struct world *world)
{
	world->locate_delay = STALE_READER_FIRST_NSEC;
	world->locate_at = later(world->now, world->locate_delay);
}

void locate_begin(struct world *world, const struct device *device)
{
	if (device->readers)
		locate_start(world);
}

void locate_stale(struct world *world, const struct reader *reader)
{
	if (!world->locate_at && reader_is_lost(world, reader))
		locate_start(world);
}

/* The device is back at its old address, and PC/SC's client may not have noticed. */
void locate_device_back(struct world *world, const struct device *device)
{
	if (!device->readers)
		return;
	world->locate_once = true;
	locate_start(world);
}

/* The device in a session's place is there, and its reader, or one of its interfaces, has no address yet. */
static bool is_wanted(const struct world *world)
{
	const struct device *device;

	if (!world->unlocated)
		return false;
	for (const struct session *session = world->sessions; session; session = session->hh.next) {
		device = device_in_place(session);
		if (device && (device->unclaimed || session->interfaces > 1) &&
		    (session->unheard || session_device_left(session) || session_is_away(session)))
			return true;
	}
	return false;
}

void locate_unlocated(struct world *world)
{
	if (!world->locate_at && is_wanted(world))
		locate_start(world);
}

static bool any_is_stale(const struct world *world)
{
	for (const struct reader *reader = world->readers; reader; reader = reader->hh.next) {
		if (reader_is_lost(world, reader))
			return true;
	}
	return false;
}

/* pcscd hangs, or a program holds the reader exclusively all the time. */
static void give_up(struct world *world)
{
	struct session *session;

	for (struct reader *reader = world->readers; reader; reader = reader->hh.next) {
		if (!reader_is_stale(reader))
			continue;
		DL_FOREACH2(reader->device->sessions, session, on_device.next)
			report_comm_error(world, session, world->now,
					  "PC/SC names a reader whose USB device is gone");
	}
}

void locate_time(struct world *world)
{
	bool once = world->locate_once;

	if (!world->locate_at || world->now < world->locate_at)
		return;
	world->locate_at = 0;
	world->locate_once = false;
	if (!once && !any_is_stale(world) && !is_wanted(world))
		return;
	if (world->locate_delay > STALE_READER_MOST_NSEC) {
		give_up(world);
		return;
	}
	listing_ask(world, VERDICT_LOCATE, SOURCE_DAEMON, world->now);
	world->locate_delay *= 2;
	world->locate_at = later(world->now, world->locate_delay);
}
