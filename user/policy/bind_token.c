/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A token that is a USB device by itself, such as a security key. Only its device matters: PC/SC, a smart card on the same key,
 * drivers and the programs that open it say nothing about it. The same product in the same port is the token again, as a card
 * with the same ATR is in a reader.
 */
#include "policy/core.h"

static void bind_to(struct world *world, struct session *session, struct device *device, uint64_t stamp)
{
	if (session->device != device)
		report_later(world, session, REPORT_BOUND);
	bind_begin(world, session, stamp);
	session->recorded = 0;
	bind_device(world, session, device);
	bind_place(world, session, device);
}

/* The device that has come into the session's place since its token left; NULL: there is none. */
static struct device *back(const struct world *world, const struct session *session)
{
	return world->asleep || !session_device_left(session) ? NULL : device_in_place(session);
}

/* It guards an away session again. */
static void restore_token(struct world *world, struct session *session, struct device *device, uint64_t stamp,
			  const char *why)
{
	bool settled = session->deadlines[DEADLINE_SETTLE];

	deadline_set(world, session, DEADLINE_SETTLE, 0);
	if (session->removal.pending == ACTION_NONE)
		deadline_set(world, session, DEADLINE_CONFIRM, 0);
	bind_to(world, session, device, stamp);
	session->proven &= settled;
	removal_tell(world, session, settled ? VERDICT_SETTLED : VERDICT_RESTORED, stamp, why);
	/* No locker could show that its person unlocked: the token is the only sign that the person is there. */
	if (plan_cannot_lock(session) && session->removal.pending == ACTION_NONE)
		case_cancel(world, session, stamp, "the token is back");
	bind_arm(world, session);
}

bool bind_token_return(struct world *world, struct session *session, uint64_t stamp)
{
	struct device *device = back(world, session);

	if (!device)
		return false;
	/* What was just done happened first, so it is reported first. */
	if (session->reports & (REPORT_REMOVAL | REPORT_ACTION)) {
		deadline_set(world, session, DEADLINE_BELIEF, later(world->now, 1));
		return false;
	}
	restore_token(world, session, device, stamp, NULL);
	return true;
}

/* Devices are removed and added without anybody touching them: what is there again was not taken away. */
bool bind_token_after_sleep(struct world *world, struct session *session, uint64_t stamp)
{
	struct device *device = back(world, session);

	if (!device || !session->device->left_round_sleep)
		return false;
	bind_to(world, session, device, stamp);
	return true;
}

static bool guards_another(const struct session *session, const struct device *device)
{
	const struct session *other;

	DL_FOREACH2(device->sessions, other, on_device.next) {
		if (other != session && !session_is_away(other) &&
		    strcmp(other->login.user, session->login.user) != 0)
			return true;
	}
	return false;
}

/* Somebody unlocked, and has proven who they are: the only token of that product, wherever it is, is theirs. */
bool bind_token_person(struct world *world, struct session *session, uint64_t stamp)
{
	struct device *device, *next, *only = NULL;

	HASH_ITER(hh, world->devices, device, next) {
		if (device->presence != PRESENCE_HERE || !device->id[0] ||
		    strcmp(device->id, session->login.usb_id) != 0 || guards_another(session, device))
			continue;
		if (only)
			return false;
		only = device;
	}
	if (!only)
		return false;
	restore_token(world, session, only, stamp, "its person unlocked, and the token is in another port");
	return true;
}
