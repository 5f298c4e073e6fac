/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines: when time alone changes something. The sessions that wait stand in a heap, the first on top:
 * setting a deadline costs as little among 100,000 sessions as among ten. Each session gets its place in the
 * heap when it is recorded, because a removal must not allocate.
 */
#include "policy/core.h"

int deadline_reserve(struct world *world, size_t sessions)
{
	size_t room = world->heap_room ? world->heap_room : 16;
	struct wake *heap;

	while (room < sessions)
		room *= 2;
	if (room == world->heap_room)
		return 0;
	heap = reallocarray(world->heap, room, sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	world->heap = heap;
	world->heap_room = room;
	return 0;
}

/* Places count from 1: the parent of n is n / 2. */
static struct wake *at(const struct world *world, size_t place)
{
	return &world->heap[place - 1];
}

static void heap_put(struct world *world, size_t place, struct wake wake)
{
	*at(world, place) = wake;
	wake.session->heap = (unsigned)place;
}

static void rise(struct world *world, size_t place)
{
	struct wake wake = *at(world, place);

	for (; place > 1 && at(world, place / 2)->moment > wake.moment; place /= 2)
		heap_put(world, place, *at(world, place / 2));
	heap_put(world, place, wake);
}

static void sink(struct world *world, size_t place)
{
	struct wake wake = *at(world, place);

	for (size_t child = 2 * place; child <= world->heap_used; child = 2 * place) {
		if (child < world->heap_used && at(world, child + 1)->moment < at(world, child)->moment)
			child++;
		if (at(world, child)->moment >= wake.moment)
			break;
		heap_put(world, place, *at(world, child));
		place = child;
	}
	heap_put(world, place, wake);
}

static void move(struct world *world, size_t place, struct wake wake)
{
	heap_put(world, place, wake);
	rise(world, place);
	sink(world, wake.session->heap);
}

static void leave(struct world *world, struct session *session)
{
	struct wake last = *at(world, world->heap_used--);

	if (last.session != session)
		move(world, session->heap, last);
	session->heap = 0;
}

static uint64_t first_of(const struct session *session)
{
	uint64_t first = UINT64_MAX;

	for (enum deadline deadline = 0; deadline < DEADLINE_COUNT; deadline++) {
		if (session->deadlines[deadline] && session->deadlines[deadline] < first)
			first = session->deadlines[deadline];
	}
	return first;
}

void deadline_set(struct world *world, struct session *session, enum deadline deadline, uint64_t moment)
{
	uint64_t first = session->heap ? at(world, session->heap)->moment : UINT64_MAX;
	uint64_t old = session->deadlines[deadline];

	if (old == moment)
		return;
	session->deadlines[deadline] = moment;
	if (moment && moment <= first)
		first = moment;
	else if (old == first)
		first = first_of(session);
	else
		return;
	if (first == UINT64_MAX)
		leave(world, session);
	else
		move(world, session->heap ? session->heap : ++world->heap_used,
		     (struct wake){first, session});
}

/* Whether the deadline has come; this clears it. */
bool deadline_due(struct world *world, struct session *session, enum deadline deadline)
{
	if (!session->deadlines[deadline] || world->now < session->deadlines[deadline])
		return false;
	deadline_set(world, session, deadline, 0);
	return true;
}
