/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When time alone changes something. The sessions that wait for it stand in a heap, the first on top: to set one
 * deadline costs as little among 100,000 sessions as among ten. Room for every session is made when it is recorded,
 * because a removal must not allocate.
 */
#include "policy/core.h"

int deadline_reserve(struct world *world, size_t sessions)
{
	size_t room = world->heap_room ? world->heap_room : 16;
	struct session **heap;

	while (room < sessions)
		room *= 2;
	if (room == world->heap_room)
		return 0;
	heap = reallocarray(world->heap, room, sizeof(struct session *));
	if (!heap)
		return -ENOMEM;
	world->heap = heap;
	world->heap_room = room;
	return 0;
}

/* Places count from 1: the parent of n is n / 2. */
static struct session *at(const struct world *world, size_t place)
{
	return world->heap[place - 1];
}

static void put(struct world *world, size_t place, struct session *session)
{
	world->heap[place - 1] = session;
	session->heap = place;
}

static void rise(struct world *world, struct session *session)
{
	size_t place = session->heap;

	for (; place > 1 && at(world, place / 2)->next > session->next; place /= 2)
		put(world, place, at(world, place / 2));
	put(world, place, session);
}

static void sink(struct world *world, struct session *session)
{
	size_t place = session->heap;

	for (size_t child = 2 * place; child <= world->heap_used; child = 2 * place) {
		if (child < world->heap_used && at(world, child + 1)->next < at(world, child)->next)
			child++;
		if (at(world, child)->next >= session->next)
			break;
		put(world, place, at(world, child));
		place = child;
	}
	put(world, place, session);
}

static void leave(struct world *world, struct session *session)
{
	struct session *last = at(world, world->heap_used--);

	if (last != session) {
		put(world, session->heap, last);
		rise(world, last);
		sink(world, last);
	}
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
	bool was_first = session->deadlines[deadline] == session->next;

	if (session->deadlines[deadline] == moment)
		return;
	session->deadlines[deadline] = moment;
	if (moment && moment <= session->next)
		session->next = moment;
	else if (was_first)
		session->next = first_of(session);
	else
		return;
	if (session->next == UINT64_MAX) {
		leave(world, session);
		return;
	}
	if (!session->heap)
		put(world, ++world->heap_used, session);
	rise(world, session);
	sink(world, session);
}

/* Whether it has come; then it is none any more. */
bool deadline_due(struct world *world, struct session *session, enum deadline deadline)
{
	if (!session->deadlines[deadline] || world->now < session->deadlines[deadline])
		return false;
	deadline_set(world, session, deadline, 0);
	return true;
}
