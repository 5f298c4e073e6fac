/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a removal asks for. It follows from a session's settings, its kind and what is known about its locker,
 * and from no event. A real removal (case.c) and a simulated one (world_simulate()) both use this, so that
 * they cannot differ.
 */
#include "policy/core.h"

/* What an action means for this kind of session. Until the kind is known it counts as local. */
enum step plan_step(const struct session *session, enum action action)
{
	if (action == ACTION_LOGOUT)
		return STEP_TERMINATE;
	if (action == ACTION_DISCONNECT && session->kind & KIND_REMOTE) {
		if (session->kind & KIND_XRDP)
			return STEP_XRDP_DISCONNECT;
		if (session->kind & KIND_SSH)
			return STEP_KILL_LEADER;
	}
	return STEP_LOCK;
}

/*
 * ssh has no locker, and a text console has none that listens, unless a locker has shown itself. Where logind refuses, no
 * locker is even asked.
 */
bool plan_cannot_lock(const struct session *session)
{
	return session->kind & KIND_NO_LOCK ||
	       (!session->provable && !session->console_locked && session->kind & (KIND_SSH | KIND_TTY));
}

/* … physlock is no locker of the session, and locks its console. */
bool plan_nothing_locks(const struct session *session)
{
	return plan_cannot_lock(session) && !(session->kind & KIND_CONSOLE);
}

/*
 * Whether the person can show that they are there other than by inserting the card. After a stage that
 * locked, only an unlock shows it. Without any locker, the card is the only sign, and it cancels the second
 * stage.
 */
bool plan_unlock_shows(const struct session *session, bool locks)
{
	return session->provable || session->console_locked || session->kind & KIND_CONSOLE || !locks ||
	       plan_cannot_lock(session);
}

static unsigned settings_steps(const struct session *session, const struct settings *settings)
{
	unsigned steps = 0;

	if (settings->action != ACTION_NONE)
		steps |= 1U << plan_step(session, settings->action);
	if (settings->then != ACTION_NONE)
		steps |= 1U << plan_step(session, settings->then);
	if (settings->when_lock_fails == FALLBACK_LOGOUT || settings->when_cannot_lock == FALLBACK_LOGOUT)
		steps |= 1U << STEP_TERMINATE;
	if (settings->lock_when_pcsc_lost)
		steps |= 1U << STEP_LOCK;
	if (steps & 1U << STEP_LOCK && session->kind & KIND_CONSOLE)
		steps |= 1U << STEP_CONSOLE_LOCK;
	return steps;
}

/* Every step that a removal could ask for, whatever its cause. */
unsigned plan_steps(const struct session *session)
{
	unsigned steps = 0;

	for (int cause = 0; cause < CAUSE_COUNT; cause++)
		steps |= settings_steps(session, session->governance.by_cause[cause]);
	return steps;
}

static void add_step(struct plan *plan, enum step step)
{
	plan->steps[plan->count++] = step;
}

static void add_losing(struct plan *plan, const struct session *session, enum action action)
{
	plan->losing = action;
	add_step(plan, plan_step(session, action));
}

struct plan plan_action(const struct session *session, const struct settings *settings, enum action action)
{
	struct plan plan = {.losing = ACTION_NONE};

	if (action == ACTION_NONE)
		return plan;
	if (plan_step(session, action) != STEP_LOCK) {
		add_losing(&plan, session, action);
		return plan;
	}
	if (!(session->kind & KIND_NO_LOCK))
		add_step(&plan, STEP_LOCK);
	if (session->kind & KIND_CONSOLE && !session->provable)
		add_step(&plan, STEP_CONSOLE_LOCK);
	plan.locks = plan.count;
	plan.cannot_lock = plan_nothing_locks(session);
	if (plan.cannot_lock && settings->when_cannot_lock == FALLBACK_LOGOUT)
		add_losing(&plan, session, ACTION_LOGOUT);
	return plan;
}

/* pcscd's absence is no removal: PcscLost= locks, whatever Action= and Then= say. */
enum action plan_first(const struct settings *settings, enum cause cause)
{
	if (cause != CAUSE_PCSC_LOST)
		return settings->action;
	return settings->lock_when_pcsc_lost ? ACTION_LOCK : ACTION_NONE;
}

/* … and after a logout there is nothing left for a second stage. */
enum action plan_then(const struct settings *settings, const struct plan *first, enum cause cause)
{
	return cause == CAUSE_PCSC_LOST || first->losing == ACTION_LOGOUT ? ACTION_NONE : settings->then;
}

/* What was found missing has been away for some time already. */
uint64_t plan_settle(const struct settings *settings, enum cause cause)
{
	return cause == CAUSE_ABSENT ? 0 : settings->settle;
}

/* ---- evidence ------------------------------------------------------------------------------------------- */

/*
 * With two CCID interfaces the probe cannot say whose card was removed, until the endpoint of the session's
 * reader is known.
 */
bool plan_probe_watches(const struct world *world, const struct session *session)
{
	const struct reader *reader;

	if (!world->probe || !session->device)
		return false;
	if (session->login.usb_token || !slot_is_shared(session->device, session->login.card.slot))
		return true;
	reader = reader_of_session(world, session);
	return reader && reader->endpoint;
}

/*
 * Around sleep devices are removed and added without anybody touching them, so what loses work waits until
 * that is over. Otherwise each of these is enough for a loss of work: the reader's device is gone; the reader
 * and PC/SC agree; PC/SC reports it where nothing else could have noticed; nobody contradicted in time.
 */
bool plan_agreed(const struct world *world, const struct session *session, unsigned evidence)
{
	if (world->asleep || world_just_resumed(world))
		return false;
	if (evidence & (EVIDENCE_DEVICE | EVIDENCE_SILENCE))
		return true;
	/* At the client there is no second source: look again. */
	if (session->is_remote)
		return false;
	/* It is not known yet whether this pcscd is the one that counted the card. */
	if (!(evidence & EVIDENCE_PCSC) || (!session->pcsc_life && world->pcsc_up))
		return false;
	return evidence & EVIDENCE_SLOT || !plan_probe_watches(world, session);
}

/* PcscLost=lock, unless the probe watches the reader. */
bool plan_heeds_pcsc(const struct world *world, const struct session *session)
{
	return session->governance.by_cause[CAUSE_PCSC_LOST]->lock_when_pcsc_lost && !session->is_remote &&
	       !session->login.usb_token && !plan_probe_watches(world, session);
}
