/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about USB: which devices are here, in which life of their address, at which port. */
#include "policy/core.h"

static uint32_t device_key(struct usb_address usb)
{
	return (uint32_t)usb.bus << 16 | usb.device;
}

struct device *device_find(const struct world *world, struct usb_address usb)
{
	struct device *device;
	uint32_t key = device_key(usb);

	HASH_FIND(hh, world->devices, &key, sizeof(key), device);
	return device;
}

struct device *device_get(struct world *world, struct usb_address usb)
{
	struct device *device = device_find(world, usb);

	if (device)
		return device;
	device = alloc_lines(sizeof(*device));
	if (!device)
		return NULL;
	device->key = device_key(usb);
	device->usb = usb;
	device->life = 1;
	HASH_ADD(hh, world->devices, key, sizeof(device->key), device);
	if (!device->hh.tbl) {
		free(device);
		return NULL;
	}
	return device;
}

/* ---- ports and models ----------------------------------------------------------------------------------- */

struct port *port_get(struct world *world, const char *path)
{
	struct port *port;

	HASH_FIND_STR(world->ports, path, port);
	if (port)
		return port;
	port = calloc(1, sizeof(*port));
	if (!port)
		return NULL;
	strncpy(port->path, path, sizeof(port->path) - 1);
	HASH_ADD_STR(world->ports, path, port);
	if (!port->hh.tbl) {
		free(port);
		return NULL;
	}
	return port;
}

static void port_leave(struct world *world, struct device *device)
{
	struct port *port = device->port;

	if (!port)
		return;
	DL_DELETE(port->devices, device);
	device->port = NULL;
	port_release(world, port);
}

void port_release(struct world *world, struct port *port)
{
	if (port->devices || port->sessions)
		return;
	HASH_DELETE(hh, world->ports, port);
	free(port);
}

void port_place(struct world *world, struct session *session, struct port *port)
{
	struct port *old = session->port;

	if (old == port)
		return;
	if (old)
		LIST_DELETE(old->sessions, session, on_port);
	if (port)
		LIST_ADD(port->sessions, session, on_port);
	session->port = port;
	if (old)
		port_release(world, old);
}

struct device *port_device(const struct port *port)
{
	struct device *device;

	DL_FOREACH(port->devices, device) {
		if (device->presence == PRESENCE_HERE)
			return device;
	}
	return NULL;
}

static struct model *model_get(struct world *world, const char *id)
{
	struct model *model;

	HASH_FIND_STR(world->models, id, model);
	if (model)
		return model;
	model = calloc(1, sizeof(*model));
	if (!model)
		return NULL;
	strncpy(model->id, id, sizeof(model->id) - 1);
	HASH_ADD_STR(world->models, id, model);
	if (!model->hh.tbl) {
		free(model);
		return NULL;
	}
	return model;
}

void device_claim(struct device *device)
{
	bool here = device->model && device->presence == PRESENCE_HERE, unclaimed = here && !device->readers;

	if (here != device->counted)
		device->model->here += here ? 1U : -1U;
	device->counted = here;
	if (unclaimed == device->unclaimed)
		return;
	device->unclaimed = unclaimed;
	if (unclaimed)
		DL_APPEND2(device->model->unclaimed, device, model_prev, model_next);
	else
		DL_DELETE2(device->model->unclaimed, device, model_prev, model_next);
}

/* Without memory it is not known: readers are found by elimination, or not. */
void model_learn_name(struct world *world, const char *id, const char *reader)
{
	struct model *model = *id ? model_get(world, id) : NULL;

	if (model)
		strncpy(model->reader_name, reader, sizeof(model->reader_name) - 1);
}

static void model_leave(struct device *device)
{
	struct model *model = device->model;

	if (device->unclaimed)
		DL_DELETE2(model->unclaimed, device, model_prev, model_next);
	if (device->counted)
		model->here--;
	device->unclaimed = device->counted = false;
	device->model = NULL;
}

/* Takes over what is known about it by now; NULL: nothing new. -ENOMEM: nothing was changed. */
int device_describe(struct world *world, struct device *device, const char *path, const char *id)
{
	bool moved = path && strncmp(device->path, path, sizeof(device->path) - 1) != 0;
	bool other = id && strncmp(device->id, id, sizeof(device->id) - 1) != 0;
	struct model *model = other ? model_get(world, id) : NULL;
	struct port *port = moved ? port_get(world, path) : NULL;

	if ((moved && !port) || (other && !model)) {
		if (port)
			port_release(world, port);
		return -ENOMEM;
	}
	if (moved) {
		port_leave(world, device);
		memcpy(device->path, port->path, sizeof(device->path));
		DL_APPEND(port->devices, device);
		device->port = port;
	}
	if (other) {
		model_leave(device);
		/* That was known of another product. */
		device->shares_slots &= !device->id[0];
		memcpy(device->id, model->id, sizeof(device->id));
		device->model = model;
	}
	device_claim(device);
	return 0;
}

/* ---- watching and forgetting ---------------------------------------------------------------------------- */

void device_watch(struct world *world, struct device *device)
{
	if (device->watched)
		return;
	device->watched = true;
	world_tell(world, NULL, &(struct verdict){.type = VERDICT_WATCH, .usb = device->usb});
}

static void device_free(struct world *world, struct device *device)
{
	port_leave(world, device);
	model_leave(device);
	HASH_DELETE(hh, world->devices, device);
	free(device);
}

static bool device_is_used(const struct device *device)
{
	return device->sessions || device->readers;
}

/* While udevd has not reported its end, that may be mistaken for the end of the next life. */
static bool device_may_go(const struct device *device)
{
	return !device_is_used(device) && device->presence != PRESENCE_HERE && !device->udevd_owes;
}

void device_release(struct world *world, struct device *device)
{
	if (device_is_used(device))
		return;
	if (device->watched)
		world_tell(world, NULL, &(struct verdict){.type = VERDICT_UNWATCH, .usb = device->usb});
	device->watched = false;
	if (!device_may_go(device))
		return;
	/* Code that uses it now may continue: it is freed when the event is over. */
	if (!device->released)
		DL_APPEND2(world->released, device, released_prev, released_next);
	device->released = true;
}

/* Frees them, but for one that has come again since, or that the event's own record has found. */
void device_free_released(struct world *world)
{
	struct device *device, *next;

	DL_FOREACH_SAFE2(world->released, device, next, released_next) {
		DL_DELETE2(world->released, device, released_prev, released_next);
		device->released = false;
		if (device_may_go(device))
			device_free(world, device);
	}
}

void device_forget_all(struct world *world)
{
	struct device *device, *next_device;
	struct model *model, *next_model;

	HASH_ITER(hh, world->devices, device, next_device)
		device_free(world, device);
	HASH_ITER(hh, world->models, model, next_model) {
		HASH_DELETE(hh, world->models, model);
		free(model);
	}
}

/* ---- words ---------------------------------------------------------------------------------------------- */

/* True: a new life began. */
bool device_come(struct world *world, struct device *device, const struct event *event)
{
	bool listed = event->source == SOURCE_STARTUP, again = device->presence == PRESENCE_GONE;

	if (device->disconnected && listed && world->now < later(device->disconnected, STALE_NSEC)) {
		/* sysfs may still show a device that the probe saw disconnected. The next listing decides. */
		if (!world->relist_at)
			world->relist_at = later(device->disconnected, STALE_NSEC);
		device->listed = world->order;
		return false;
	}
	*(listed ? &device->listed : &device->heard) = world->order;
	if (device->presence == PRESENCE_HERE)
		return false;
	device->life += again;
	device->disconnected = 0;
	device->presence = PRESENCE_HERE;
	device->came = moment_now(world, event->stamp);
	device_claim(device);
	return again;
}

static void note_left(const struct world *world, struct device *device)
{
	device->left_round_sleep = world->asleep || world_just_resumed(world);
	if (device->model)
		device->model->left = world->now;
	device_claim(device);
}

/* What is found missing now may be what was lost: then no source reports it any more. */
static bool has_lost(const struct world *world)
{
	return world->lost.order && world->now < later(world->lost.now, STALE_NSEC);
}

/*
 * True: it was here. Every source reports the end of each life, udevd long after the others. If udevd has not
 * reported the end of an earlier life yet, its report is about that life. The probe's stamp shows by itself
 * which life it means.
 */
bool device_leave(struct world *world, struct device *device, enum event_source source, uint64_t stamp)
{
	bool was_gone = device->presence == PRESENCE_GONE;
	bool earlier = !was_gone && ((source == SOURCE_UDEV && device->udevd_owes) ||
				     (source == SOURCE_PROBE && stamp < device->came.stamp));

	if (source == SOURCE_UDEV)
		device->udevd_owes = false;
	/* By then it is gone from sysfs, too. */
	if (source == SOURCE_UDEV && was_gone)
		device->disconnected = 0;
	if (earlier || was_gone)
		return false;
	if (source == SOURCE_PROBE)
		device->disconnected = stamp;
	device->udevd_owes = source != SOURCE_UDEV && (source != SOURCE_STARTUP || !has_lost(world));
	device->presence = PRESENCE_GONE;
	device->left = moment_now(world, stamp);
	device->left_by = source;
	note_left(world, device);
	return true;
}

/* It was never reported, and everything that is there has been. */
void device_miss(struct world *world, struct device *device)
{
	device->presence = PRESENCE_GONE;
	device->left = moment_now(world, world->now);
	device->left_by = SOURCE_STARTUP;
	note_left(world, device);
}

/*
 * A complete listing lacks the device. A uevent that came after the request for the listing may be newer than
 * the listing; an earlier uevent is not.
 */
bool device_missed(const struct world *world, const struct device *device)
{
	const struct listing *listing = &world->devices_listing;
	uint64_t begin = listing->asked ? listing->asked : listing->began;

	if (device->presence == PRESENCE_GONE || device->listed > listing->last)
		return false;
	/* At the start, every report so far arrived while the first listing ran. */
	return !device->heard || (listing->last && device->heard < begin);
}

/* ---- endpoints ------------------------------------------------------------------------------------------ */

/*
 * If two CCID interfaces both count their slots from 0, a notice names neither of them. But each has its own
 * interrupt endpoint. The core learns which reader has which endpoint when PC/SC counts a card of exactly one
 * of them after a notice.
 */
void device_learn_endpoint(struct reader *reader)
{
	struct device *device = reader->device;
	struct slot_notice *notice = device ? &device->notice : NULL;
	uint8_t endpoint = notice ? notice->endpoint : 0;

	if (!endpoint || reader->state.slot >= 32 || !(notice->changed >> reader->state.slot & 1) ||
	    reader->said.now > later(notice->moment.now, LAG_NSEC))
		return;
	notice->endpoint = 0;
	if (reader->endpoint == endpoint)
		return;
	/* Once may be chance: two cards moved, and one notice was late. */
	reader->endpoint = !reader->endpoint && reader->maybe_endpoint == endpoint ? endpoint : 0;
	reader->maybe_endpoint = endpoint;
	reader->learnt = reader->said.now;
}

/* Two cards moved together: whose endpoint the first notice named, PC/SC's count did not show. */
void device_unlearn_endpoints(const struct world *world, struct device *device)
{
	struct reader *reader;

	DL_FOREACH(device->readers, reader) {
		if (reader->maybe_endpoint && world->now < later(reader->learnt, LAG_NSEC))
			reader->endpoint = reader->maybe_endpoint = 0;
	}
}
