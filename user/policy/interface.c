/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device of several CCID interfaces: PC/SC has a reader for each, and each counts its slots from 0. */
#include "policy/core.h"

/* The readers of a device that have a slot of this number, one an interface. pcscd numbers them in their order. */
unsigned reader_count_interfaces(const struct device *device, uint8_t slot, const struct reader *before)
{
	const struct reader *reader;
	unsigned count = 0;

	DL_FOREACH(device->readers, reader) {
		if (reader->state.slot == slot && !reader_is_stale(reader) &&
		    (!before || strcmp(reader->state.name, before->state.name) < 0))
			count++;
	}
	return count;
}

/* A reader of the same driver that has not said where it is may be at another interface of the same device. */
bool reader_may_have_another(const struct world *world, const struct reader *reader)
{
	const struct model *model = reader->device->model;
	const struct reader *other;

	if (world_is_crowded(world))
		return true;
	/* … or at another device of the model, that no reader is known for. */
	if (model && model->unclaimed)
		return false;
	DL_FOREACH2(world->unlocated, other, lost_next) {
		if (other->state.slot == reader->state.slot &&
		    reader_same_family(other->state.name, reader->state.name))
			return true;
	}
	return false;
}

/* PC/SC may say of another device's reader that it is here. */
bool reader_has_older(const struct device *device, uint8_t slot)
{
	const struct reader *reader;

	DL_FOREACH(device->readers, reader) {
		if (reader->state.slot == slot && reader_is_older(reader, device))
			return true;
	}
	return false;
}

/* PC/SC names a device's interfaces one after another, and may be at it. */
bool device_is_naming(const struct world *world, const struct device *device)
{
	const struct reader *reader;

	DL_FOREACH(device->readers, reader) {
		if (reader_is_naming(world, reader) && !reader_is_stale(reader))
			return true;
	}
	return false;
}

/* Which of the device's interfaces the session's reader is: that outlives the names. */
void reader_learn_interface(const struct world *world, struct session *session, const struct reader *reader)
{
	unsigned count =
		reader->device ? reader_count_interfaces(reader->device, reader->state.slot, NULL) : 0;

	/* An interface that PC/SC does not name any more is still there. */
	if (!count || count < session->interfaces || (count == 1 && reader_may_have_another(world, reader)) ||
	    reader_has_older(reader->device, reader->state.slot) || device_is_naming(world, reader->device))
		return;
	session->interfaces = count;
	session->interface = reader_count_interfaces(reader->device, reader->state.slot, reader);
}

bool slot_is_shared(const struct device *device, uint8_t slot)
{
	const struct reader *reader;
	unsigned count = 0;

	if (device->shares_slots || device_is_crowded(device))
		return true;
	DL_FOREACH(device->readers, reader)
		count += reader->state.slot == slot;
	return count > 1;
}

/*
 * A session waits here for one of two interfaces, and it is a guess that there are two: have PC/SC name all
 * of them.
 */
bool device_interfaces_guessed(const struct device *device)
{
	const struct session *session;

	if (!device || !device->port)
		return false;
	DL_FOREACH2(device->port->sessions, session, on_port.next) {
		if (session->interfaces > 1 && !session->stay)
			return true;
	}
	return false;
}
