/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a reader is of which PC/SC has not said it: a program holds it exclusively, or its driver does not tell. The
 * other readers of its family show what the model is.
 */
#include "policy/core.h"

/* It was named before a device of the model was removed, or just after: PC/SC may still name the one of that device. */
static bool may_be_of_left(const struct reader *reader, const struct model *model)
{
	return model->left && reader->since <= later(model->left, DOUBT_NSEC) &&
	       reader->said.now <= later(model->left, STALE_NSEC);
}

/* The only reader of its family that has not said where it is, and the only device of the model that no reader claims. */
static bool is_left_over(const struct world *world, const struct reader *reader, const struct model *model)
{
	const struct reader *other;

	if (!model->unclaimed || model->unclaimed->model_next)
		return false;
	for (other = world->readers; other; other = other->hh.next) {
		if (other != reader && reader_same_family(other->state.name, reader->state.name) &&
		    (!other->device || reader_is_stale(other)))
			return false;
	}
	return true;
}

/*
 * Where `reader` must be, as `other` is one of its family: if a device is the only one of its model here, at another interface
 * of that device; or at the device that no reader claims. NULL: nobody can know.
 */
static struct device *place_of(const struct world *world, const struct reader *reader,
			       const struct reader *other)
{
	const struct model *model = other->device ? other->device->model : NULL;

	if (!model || reader_is_stale(other) || may_be_of_left(reader, model) ||
	    !reader_same_family(other->state.name, reader->state.name))
		return NULL;
	if (model->here == 1)
		return other->device;
	return is_left_over(world, reader, model) ? model->unclaimed : NULL;
}

void reader_infer_places(struct world *world)
{
	struct reader *reader, *next, *other;
	struct device *device;

	if (world_is_crowded(world))
		return;
	DL_FOREACH_SAFE2(world->unlocated, reader, next, lost_next) {
		for (other = world->readers; other && !reader->device; other = other->hh.next) {
			device = place_of(world, reader, other);
			if (!device)
				continue;
			reader_infer(world, reader, device);
			reader->guessed = true;
			device->guessed++;
		}
	}
}
