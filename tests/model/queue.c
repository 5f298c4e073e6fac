/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to come, in order of time; of two at one time, the one that was added first. */
#include "machine.h"

static bool ref_before(const struct item_ref *a, const struct item_ref *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_up(struct item_ref *heap, unsigned i)
{
	while (i > 0) {
		unsigned parent = (i - 1) / 2;
		struct item_ref swap = heap[i];

		if (!ref_before(&heap[i], &heap[parent]))
			return;
		heap[i] = heap[parent];
		heap[parent] = swap;
		i = parent;
	}
}

static void heap_down(struct item_ref *heap, unsigned count)
{
	for (unsigned i = 0;;) {
		unsigned least = i;
		struct item_ref swap = heap[i];

		for (unsigned child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++) {
			if (ref_before(&heap[child], &heap[least]))
				least = child;
		}
		if (least == i)
			return;
		heap[i] = heap[least];
		heap[least] = swap;
		i = least;
	}
}

void queue_add(struct machine *machine, struct item item)
{
	uint16_t slot;

	if (machine->heap_count == ITEMS_MOST) {
		machine->overflow = true;
		return;
	}
	slot = machine->free_count > 0 ? machine->free_items[--machine->free_count]
				       : (uint16_t)machine->fresh++;
	item.order = machine->order++;
	machine->items[slot] = item;
	machine->heap[machine->heap_count] =
		(struct item_ref){.at = item.at, .order = item.order, .item = slot};
	heap_up(machine->heap, machine->heap_count++);
}

/* When the first of them is due. */
uint64_t queue_next(const struct machine *machine)
{
	return machine->heap_count > 0 ? machine->heap[0].at : NEVER;
}

/* Takes it out. */
void queue_take(struct machine *machine, struct item *ret)
{
	uint16_t slot = machine->heap[0].item;

	*ret = machine->items[slot];
	machine->free_items[machine->free_count++] = slot;
	machine->heap[0] = machine->heap[--machine->heap_count];
	heap_down(machine->heap, machine->heap_count);
}
