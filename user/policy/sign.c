/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a call was obeyed: its sign, and what follows if the sign does not come. */
#include "policy/core.h"

void sign_end(struct world *world, struct session *session)
{
	session->removal.awaited = AWAIT_NOTHING;
	deadline_set(world, session, DEADLINE_SIGN, 0);
	report_later(world, session, REPORT_DEALT);
}

void sign_tell(struct world *world, struct session *session, enum outcome outcome, uint64_t stamp,
	       const char *detail)
{
	struct verdict verdict = removal_verdict(session, VERDICT_OUTCOME, stamp);

	verdict.outcome = outcome;
	verdict.detail = detail;
	sign_end(world, session);
	world_tell(world, session, &verdict);
}

/* Sends the lock once more: the first may have been lost when logind or the locker restarted. */
static void lock_again(struct world *world, struct session *session)
{
	struct plan plan = {.steps = {STEP_LOCK}, .locks = 1, .count = 1};

	session->removal.retried = true;
	act_lock(world, session, &plan);
}

static void when_lock_fails(struct world *world, struct session *session)
{
	/* pcscd's absence is no removal: nobody's work is lost for it. */
	if (session_is_away(session) && session->removal.cause != CAUSE_PCSC_LOST &&
	    session->removal.settings->when_lock_fails == FALLBACK_LOGOUT)
		act_losing(world, session, ACTION_LOGOUT, BECAUSE_LOCK_FAILS);
}

static void lock_not_seen(struct world *world, struct session *session)
{
	uint64_t now = world->now;

	session->said |= SAID_MISSED;
	if (session->locked)
		sign_tell(world, session, OUTCOME_VERIFIED, now, "it was locked already");
	else if (plan_nothing_locks(session))
		sign_end(world, session); /* REPORT_CANNOT_LOCK has said it */
	else if (!session->provable)
		sign_tell(world, session, OUTCOME_UNVERIFIED, now, "its locker never set LockedHint");
	else if (!session->removal.retried)
		lock_again(world, session);
	else {
		sign_tell(world, session, OUTCOME_FAILED, now,
			  "LockedHint did not show, nor after a second try");
		when_lock_fails(world, session);
	}
}

/* LockedHint has shown. After LockTimeout= it is late; it was reported as missing, or the lock was sent once more. */
void sign_shown(struct world *world, struct session *session, uint64_t stamp)
{
	const struct removal *removal = &session->removal;
	bool missed = session->said & SAID_MISSED;

	session->said &= ~(unsigned)SAID_MISSED;
	if (removal->awaited == AWAIT_LOCK || (missed && session->answered && removal->taken == ACTION_LOCK))
		sign_tell(world, session, OUTCOME_VERIFIED, stamp,
			  missed ? "late: LockedHint showed after LockTimeout=" : NULL);
}

/* The time for the sign is over. */
void sign_over(struct world *world, struct session *session)
{
	if (session->removal.awaited == AWAIT_LOCK)
		lock_not_seen(world, session);
	else if (session->removal.awaited == AWAIT_END)
		sign_tell(world, session, OUTCOME_FAILED, world->now, "the session has not ended");
	else
		sign_tell(world, session, OUTCOME_UNVERIFIED, world->now, NULL);
}

/*
 * The step was refused, or undone. A lock replaces a step that could not be taken, once: that is better than
 * nothing. For a lock that failed again, and for physlock, see WhenLockFails=.
 */
void sign_failed(struct world *world, struct session *session, uint64_t stamp, const char *detail)
{
	struct removal *removal = &session->removal;
	bool lock = removal->taken == ACTION_LOCK, console = lock && session->kind & KIND_CONSOLE;

	/* physlock holds no terminal, so again the card is the only sign of its person. */
	if (console)
		session->console_locked = false;
	sign_tell(world, session, OUTCOME_FAILED, stamp, detail);
	/* A card that was out needs a lock, whether it is back or not. */
	if (!removal->retried && !console && (lock || session_is_away(session))) {
		removal->retried = true;
		act(world, session, ACTION_LOCK, BECAUSE_ACTION);
	} else if (lock)
		when_lock_fails(world, session);
}
