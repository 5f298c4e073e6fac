/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a reader is of which PC/SC has not said it: a program holds it exclusively, or its driver does not tell. Other
 * readers of its family, and records, show which model has such names.
 */
#include "policy/core.h"

/* It was named before a device of the model was removed, or just after: PC/SC may still name the one of that device. */
static bool may_be_of_left(const struct reader *reader, const struct model *model)
{
	return model->left && reader->since <= later(model->left, DOUBT_NSEC) &&
	       reader->said.now <= later(model->left, STALE_NSEC);
}

/* The only reader of its family that has not said where it is, and the model has one device that no reader claims. */
static bool is_left_over(const struct world *world, const struct reader *reader, const struct model *model)
{
	const struct reader *other;

	if (model->unclaimed->model_next)
		return false;
	for (other = world->readers; other; other = other->hh.next) {
		if (other != reader && reader_same_family(other->state.name, reader->state.name) &&
		    (!other->device || reader_is_stale(other)))
			return false;
	}
	return true;
}

/*
 * A reader of this name must be at the only device of its model, though a reader is known for it: at another interface. Or it
 * is at the device that no reader claims. NULL: nobody can know.
 */
static struct device *place_of(const struct world *world, const struct reader *reader)
{
	const struct reader *other;
	struct model *model, *next;

	HASH_ITER(hh, world->models, model, next) {
		if (model->unclaimed && reader_same_family(model->reader_name, reader->state.name) &&
		    !may_be_of_left(reader, model) &&
		    (model->here == 1 || is_left_over(world, reader, model)))
			return model->unclaimed;
	}
	for (other = world->readers; other; other = other->hh.next) {
		model = other->device ? other->device->model : NULL;
		if (model && model->here == 1 && !reader_is_stale(other) && !may_be_of_left(reader, model) &&
		    reader_same_family(other->state.name, reader->state.name))
			return other->device;
	}
	return NULL;
}

void reader_infer_places(struct world *world)
{
	struct reader *reader, *next;
	struct device *device;

	if (world_is_crowded(world) || HASH_COUNT(world->models) > MODELS_CROWD)
		return;
	DL_FOREACH_SAFE2(world->unlocated, reader, next, lost_next) {
		device = place_of(world, reader);
		if (!device)
			continue;
		reader_guess(world, reader, device);
		if (device_interfaces_guessed(device))
			listing_ask(world, VERDICT_REREAD, SOURCE_DAEMON, world->now);
	}
}
