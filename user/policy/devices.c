/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of USB devices and PC/SC readers. */
#include "tables.h"

static uint32_t device_key(struct usb_address usb)
{
	return (uint32_t)usb.bus << 16 | usb.device;
}

struct device *device_find(struct world *world, struct usb_address usb)
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
	device = calloc(1, sizeof(*device));
	if (!device)
		return NULL;
	device->key = device_key(usb);
	device->usb = usb;
	HASH_ADD(hh, world->devices, key, sizeof(device->key), device);
	if (!device->hh.tbl) {
		free(device);
		return NULL;
	}
	return device;
}

void device_watch(struct world *world, struct device *device)
{
	if (device->watched)
		return;
	device->watched = true;
	world_tell(world, NULL, (struct verdict){.type = VERDICT_WATCH, .usb = device->usb});
}

void device_release(struct world *world, struct device *device)
{
	if (device->sessions || device->readers)
		return;
	if (device->watched)
		world_tell(world, NULL, (struct verdict){.type = VERDICT_UNWATCH, .usb = device->usb});
	device->watched = false;
	if (device->presence == PRESENCE_HERE)
		return;
	HASH_DELETE(hh, world->devices, device);
	free(device);
}

struct reader *reader_find(const struct world *world, const char *name)
{
	struct reader *reader;

	HASH_FIND_STR(world->readers, name, reader);
	return reader;
}

static void reader_detach(struct world *world, struct reader *reader)
{
	struct device *device = reader->device;

	if (!device)
		return;
	DL_DELETE(device->readers, reader);
	reader->device = NULL;
	device_release(world, device);
}

static void reader_attach(struct world *world, struct reader *reader, struct device *device)
{
	if (reader->device == device)
		return;
	reader_detach(world, reader);
	if (!device)
		return;
	DL_APPEND(device->readers, reader);
	reader->device = device;
	device_watch(world, device);
}

struct reader *reader_get(struct world *world, const struct reader_state *state)
{
	struct reader *reader = reader_find(world, state->name);
	struct device *device = NULL;

	if (usb_address_is_set(state->usb)) {
		device = device_get(world, state->usb);
		if (!device)
			return NULL;
	}
	if (!reader) {
		reader = calloc(1, sizeof(*reader));
		if (!reader)
			return NULL;
		reader->state = *state;
		HASH_ADD_STR(world->readers, state.name, reader);
		if (!reader->hh.tbl) {
			free(reader);
			return NULL;
		}
	}
	reader->state = *state;
	reader_attach(world, reader, device);
	return reader;
}

bool device_is_elsewhere(const struct device *device, const struct session *session)
{
	return device->path[0] && session->login.usb_path[0] && strcmp(device->path, session->login.usb_path) != 0;
}

bool slot_is_shared(const struct device *device, uint8_t slot)
{
	const struct reader *reader;
	unsigned count = 0;

	DL_FOREACH(device->readers, reader)
	count += reader->state.slot == slot;
	return count > 1 || device->shares_slots;
}

/* What PC/SC told of a device's interfaces is still so when it does not tell of them any more. */
void reader_forget(struct world *world, struct reader *reader)
{
	if (reader->device)
		reader->device->shares_slots = slot_is_shared(reader->device, reader->state.slot);
	reader_detach(world, reader);
	HASH_DELETE(hh, world->readers, reader);
	free(reader);
}

/* NULL as well when it may be another interface's slot of that number, or some are yet to be told of. */
static struct reader *reader_in_slot(const struct world *world, const struct device *device, uint8_t slot)
{
	struct reader *reader;

	if (!world->pcsc_listed || slot_is_shared(device, slot))
		return NULL;
	DL_FOREACH(device->readers, reader)
	{
		if (reader->state.slot == slot)
			return reader;
	}
	return NULL;
}

/*
 * The PC/SC reader in whose slot the session's card is: by device and slot, because a reader's name is the
 * first one free and may pass to another device; by name where the USB device is not known.
 */
struct reader *reader_of_session(const struct world *world, const struct session *session)
{
	struct reader *by_name = reader_find(world, session->login.card.name);

	/* The name may have passed to a reader in another place. */
	if (!session->device && by_name && by_name->device && device_is_elsewhere(by_name->device, session))
		return NULL;
	if (!session->device || !by_name)
		return session->device ? reader_in_slot(world, session->device, session->login.card.slot) : by_name;
	if (by_name->device == session->device || !by_name->device)
		return by_name;
	return reader_in_slot(world, session->device, session->login.card.slot);
}
