/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that the core is in one of the states that core.h shows. */
#include "policy/core.h"
#include "policy/world.h"

static const char *check_deadlines(const struct world *world, const struct session *session)
{
	const uint64_t *deadlines = session->deadlines;
	uint64_t first = UINT64_MAX;

	for (enum deadline deadline = 0; deadline < DEADLINE_COUNT; deadline++) {
		if (deadlines[deadline] && deadlines[deadline] < first)
			first = deadlines[deadline];
	}
	if ((first == UINT64_MAX) != !session->heap)
		return "a session with a deadline is not in the heap, or one without it is";
	if (session->heap && world->heap[session->heap - 1].session != session)
		return "the heap and the session do not agree";
	if (session->heap && world->heap[session->heap - 1].moment != first)
		return "the first deadline is not the first";
	return NULL;
}

static const char *check_case(const struct session *session)
{
	const struct removal *removal = &session->removal;
	const uint64_t *deadlines = session->deadlines;
	bool away = session_is_away(session), open = removal->settings != NULL;

	if (removal->insertion > session->insertion)
		return "a case about an insertion that is yet to come";
	if (deadlines[DEADLINE_SETTLE] && !away)
		return "settling, and not away";
	if (removal->pending != ACTION_NONE && !deadlines[DEADLINE_CONFIRM])
		return "pending, and nothing will end it";
	if (deadlines[DEADLINE_CONFIRM] && removal->pending == ACTION_NONE && !away)
		return "a second word is awaited for nothing";
	if ((removal->awaited != AWAIT_NOTHING) != (deadlines[DEADLINE_SIGN] != 0))
		return "a sign is awaited for ever, or its time runs for nothing";
	if (deadlines[DEADLINE_COUNTDOWN] && !deadlines[DEADLINE_THEN])
		return "counting down to nothing";
	if (deadlines[DEADLINE_PCSC_LOST] && away)
		return "away, and waiting for pcscd to stay away";
	if (!open && (deadlines[DEADLINE_SETTLE] || deadlines[DEADLINE_CONFIRM] || deadlines[DEADLINE_THEN] ||
		      deadlines[DEADLINE_SIGN]))
		return "something is to come of a case that is none of ours";
	return NULL;
}

/* The belief is what the core has acted on. */
static const char *check_belief(const struct world *world, const struct session *session)
{
	const struct belief belief = belief_of(world, session);

	/* EVENT_TIME brings what is due. */
	if (session_is_away(session) || world_deadline(world) <= world->now)
		return NULL;
	if (belief.kind == BELIEF_OUT)
		return "the card is believed to be out, and there is no case";
	if (belief.kind == BELIEF_DOUBT && session->deadlines[DEADLINE_BELIEF] != belief.until)
		return "a doubt whose end is not the deadline";
	if (belief.kind != BELIEF_DOUBT && session->deadlines[DEADLINE_BELIEF])
		return "the end of a doubt that there is not";
	return NULL;
}

static const char *wrong_in_session(const struct world *world, const struct session *session)
{
	const char *wrong = check_deadlines(world, session);

	if (!wrong)
		wrong = check_case(session);
	if (!wrong)
		wrong = check_belief(world, session);
	if (!wrong && session->reports)
		wrong = "something is still to be reported";
	if (!wrong && session->device && !session->device->watched)
		wrong = "the probe does not listen to a session's device";
	return wrong;
}

static const char *wrong_in_heap(const struct world *world)
{
	for (size_t place = 2; place <= world->heap_used; place++) {
		if (world->heap[place / 2 - 1].moment > world->heap[place - 1].moment)
			return "the heap is out of order";
	}
	return NULL;
}

static const char *wrong_in_device(const struct device *device)
{
	bool unclaimed = device->model && device->presence == PRESENCE_HERE && !device->readers;

	if (unclaimed != device->unclaimed)
		return "a device counts as claimed by a reader, and is not, or the other way round";
	if (device->readers && !device->watched)
		return "the probe does not listen to a reader";
	return NULL;
}

const char *world_check(const struct world *world)
{
	const char *wrong = wrong_in_heap(world);

	for (const struct session *session = world->sessions; !wrong && session; session = session->hh.next)
		wrong = wrong_in_session(world, session);
	for (const struct device *device = world->devices; !wrong && device; device = device->hh.next)
		wrong = wrong_in_device(device);
	return wrong;
}
