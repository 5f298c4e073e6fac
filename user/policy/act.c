/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls of a case. A lock is sent at the first report. What loses work is sent when the evidence agrees,
 * and is pending until then.
 */
#include "policy/core.h"

/* The hot path's end: from here on, down to the handler, nothing may allocate or wait. */
static void send_step(struct world *world, const struct session *session, enum step step)
{
	struct verdict verdict = removal_verdict(session, VERDICT_ACT, session->removal.opened.stamp);

	verdict.step = step;
	world_tell(world, session, &verdict);
}

static void await_sign(struct world *world, struct session *session, enum action action, enum awaited awaited,
		       uint64_t span)
{
	session->removal.taken = action;
	session->removal.awaited = awaited;
	deadline_set(world, session, DEADLINE_SIGN, later(world->now, span));
}

static void sent(struct world *world, struct session *session, enum action action, enum awaited awaited,
		 uint64_t span)
{
	await_sign(world, session, action, awaited, span);
	report_later(world, session, REPORT_ACTION);
}

/*
 * When the second report, or silence, decides. Around sleep that is not before devices have had time to come
 * back.
 */
static uint64_t agreement_due(const struct world *world, const struct session *session)
{
	uint64_t due = later(world->now, session->removal.settings->confirm), awake = 0;

	if (world->asleep)
		awake = later(world->now, RESUME_NSEC);
	else if (world_just_resumed(world))
		awake = later(world->resumed, RESUME_NSEC);
	return due > awake ? due : awake;
}

void act_losing(struct world *world, struct session *session, enum action action, enum because because)
{
	struct removal *removal = &session->removal;
	enum step step = plan_step(session, action);

	if (!plan_agreed(world, session, removal->evidence)) {
		removal->deferred = 0;
		removal->pending = action;
		removal->because = because;
		if (!session->deadlines[DEADLINE_CONFIRM])
			deadline_set(world, session, DEADLINE_CONFIRM, agreement_due(world, session));
		return;
	}
	removal->pending = ACTION_NONE;
	if (!session_is_away(session))
		deadline_set(world, session, DEADLINE_CONFIRM, 0);
	if (action == ACTION_LOGOUT) {
		deadline_set(world, session, DEADLINE_THEN, 0);
		deadline_set(world, session, DEADLINE_COUNTDOWN, 0);
	}
	removal->taken = action;
	send_step(world, session, step);
	if (step == STEP_XRDP_DISCONNECT)
		sent(world, session, action, AWAIT_NONE_COMES, NO_SIGN_NSEC);
	else
		sent(world, session, action, AWAIT_END, END_NSEC);
}

void act_lock(struct world *world, struct session *session, const struct plan *plan)
{
	session->removal.taken = ACTION_LOCK;
	for (unsigned i = 0; i < plan->locks; i++)
		send_step(world, session, plan->steps[i]);
	session->removal.locked_at = world->now;
	session->console_locked |= session->kind & KIND_CONSOLE;
	await_sign(world, session, ACTION_LOCK, AWAIT_LOCK, session->removal.settings->lock_timeout);
	/* One removal is one story: that nothing locks says all of it. */
	report_later(world, session, plan->cannot_lock ? REPORT_CANNOT_LOCK : REPORT_ACTION);
}

struct plan act(struct world *world, struct session *session, enum action action, enum because because)
{
	struct plan plan = plan_action(session, session->removal.settings, action);

	if (plan.locks)
		act_lock(world, session, &plan);
	else if (plan.cannot_lock)
		report_later(world, session, REPORT_CANNOT_LOCK);
	/* WhenCannotLock=logout is for a card that is out, as WhenLockFails=logout is. */
	if (plan.losing != ACTION_NONE && (!plan.cannot_lock || session_is_away(session)))
		act_losing(world, session, plan.losing, plan.cannot_lock ? BECAUSE_CANNOT_LOCK : because);
	return plan;
}
