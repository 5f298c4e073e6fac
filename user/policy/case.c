/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session's case: from the first report of a removal to the outcome of what was done about it. One
 * removal opens one case; later reports add evidence or annotate it.
 */
#include "policy/core.h"

/* ---- stages --------------------------------------------------------------------------------------------- */

/* When the countdown is reported again: 60, 30, 10 and 5 s before the second stage. */
static void set_countdown(struct world *world, struct session *session)
{
	static const uint64_t before[] = {60 * NSEC_PER_SEC, 30 * NSEC_PER_SEC, 10 * NSEC_PER_SEC,
					  5 * NSEC_PER_SEC};
	uint64_t then = session->deadlines[DEADLINE_THEN], at = 0;

	for (size_t i = 0; !at && i < ELEMENTS(before); i++) {
		if (since(world->now, then) > before[i])
			at = then - before[i];
	}
	deadline_set(world, session, DEADLINE_COUNTDOWN, at);
}

static void first_stage(struct world *world, struct session *session)
{
	struct removal *removal = &session->removal;
	const struct settings *settings = removal->settings;
	struct plan first = act(world, session, plan_first(settings, removal->cause), BECAUSE_ACTION);

	removal->locks = first.locks > 0;
	report_later(world, session, REPORT_REMOVAL);
	/* An earlier removal's second stage that is still to come stays as it is. */
	if (plan_then(settings, &first, removal->cause) == ACTION_NONE || session->deadlines[DEADLINE_THEN])
		return;
	removal->then = settings->then;
	removal->then_cause = removal->cause;
	deadline_set(world, session, DEADLINE_THEN, later(world->now, settings->after));
	set_countdown(world, session);
	if (settings->after > 0)
		report_later(world, session, REPORT_COUNTDOWN);
}

static const char unseen[] = "its locker never set LockedHint, so that an unlock would not be seen";

/*
 * The second stage says "unless it is unlocked". If nothing can show an unlock, the core logs nobody out: the
 * person may be at work. While the first lock's sign may still come, the core does not know yet.
 */
static void second_stage(struct world *world, struct session *session)
{
	if (!plan_unlock_shows(session, session->removal.locks) && session->removal.awaited == AWAIT_LOCK) {
		deadline_set(world, session, DEADLINE_THEN, later(session->deadlines[DEADLINE_SIGN], 1));
		return;
	}
	if (!plan_unlock_shows(session, session->removal.locks)) {
		case_cancel(world, session, world->now, unseen);
		return;
	}
	deadline_set(world, session, DEADLINE_THEN, 0);
	deadline_set(world, session, DEADLINE_COUNTDOWN, 0);
	act(world, session, session->removal.then, BECAUSE_THEN);
	report_later(world, session, REPORT_DEALT);
}

static void cancel_unseen_stage(struct world *world, struct session *session)
{
	if (session->deadlines[DEADLINE_THEN] && session->removal.pending == ACTION_NONE &&
	    !plan_unlock_shows(session, session->removal.locks) && session->removal.awaited != AWAIT_LOCK)
		case_cancel(world, session, world->now, unseen);
}

void case_cancel(struct world *world, struct session *session, uint64_t stamp, const char *why)
{
	struct removal *removal = &session->removal;
	struct verdict verdict = removal_verdict(session, VERDICT_CANCELLED, stamp);

	if (!session->deadlines[DEADLINE_THEN] && removal->pending == ACTION_NONE)
		return;
	verdict.action = removal->pending != ACTION_NONE ? removal->pending : removal->then;
	verdict.detail = why;
	removal->pending = ACTION_NONE;
	deadline_set(world, session, DEADLINE_THEN, 0);
	deadline_set(world, session, DEADLINE_COUNTDOWN, 0);
	if (!session_is_away(session))
		deadline_set(world, session, DEADLINE_CONFIRM, 0);
	world_tell(world, session, &verdict);
	report_later(world, session, REPORT_DEALT);
}

static bool asks_for(const struct settings *settings, const struct removal *removal, enum action then)
{
	switch (removal->because) {
	case BECAUSE_ACTION:
		return settings->action == removal->pending;
	case BECAUSE_THEN:
		return then == removal->pending;
	case BECAUSE_CANNOT_LOCK:
		return settings->when_cannot_lock == FALLBACK_LOGOUT;
	case BECAUSE_LOCK_FAILS:
		break;
	}
	return settings->when_lock_fails == FALLBACK_LOGOUT;
}

/* The policy was read again: an open case continues under it, without what it no longer asks for. */
void case_govern(struct world *world, struct session *session)
{
	const struct settings *settings = session->governance.by_cause[session->removal.cause];
	struct removal *removal = &session->removal;
	enum action then = session->governance.by_cause[removal->then_cause]->then;

	if ((session->deadlines[DEADLINE_THEN] && then == ACTION_NONE) ||
	    (removal->pending != ACTION_NONE && !asks_for(settings, removal, then)))
		case_cancel(world, session, world->now, "the policy does not ask for it any more");
	removal->then = then;
	/* A case cannot continue under settings that it never had. */
	if (session->removal.settings)
		session->removal.settings = settings;
	report_later(world, session, REPORT_DEALT);
}

/* ---- words of a removal --------------------------------------------------------------------------------- */

/* Each source is counted once. */
void case_heard(struct world *world, struct session *session, enum cause cause, enum event_source source,
		uint64_t stamp)
{
	struct removal *removal = &session->removal;
	struct verdict verdict = removal_verdict(session, VERDICT_HEARD, stamp);

	if (!removal->insertion || removal->heard[cause] & 1U << source)
		return;
	removal->heard[cause] |= (uint8_t)(1U << source);
	verdict.source = source;
	verdict.cause = cause;
	verdict.stamp = stamp;
	world_tell(world, session, &verdict);
}

/* One more report of a removal that has its case. */
void case_word(struct world *world, struct session *session, enum cause cause, enum event_source source,
	       unsigned evidence, uint64_t stamp)
{
	struct removal *removal = &session->removal;

	removal->evidence |= evidence;
	if (removal->pending != ACTION_NONE && plan_agreed(world, session, removal->evidence)) {
		deadline_set(world, session, DEADLINE_CONFIRM, 0);
		act_losing(world, session, removal->pending, removal->because);
	}
	case_heard(world, session, cause, source, stamp);
}

/* The card was removed again before the last action's sign came: that action's outcome is still reported. */
static void overtake(struct world *world, struct session *session, uint64_t stamp)
{
	if (session->removal.awaited == AWAIT_NOTHING ||
	    (session->removal.awaited == AWAIT_LOCK && plan_nothing_locks(session)))
		return;
	session->overtaken = removal_verdict(session, VERDICT_OUTCOME, stamp);
	session->overtaken.outcome = OUTCOME_UNVERIFIED;
	session->overtaken.detail = "the card was removed again before a sign came";
	report_later(world, session, REPORT_OVERTAKEN);
}

/*
 * The card is believed to be out. The hot path runs through here: nothing may allocate or wait, and what is only
 * reported waits for report_flush().
 */
void case_open(struct world *world, struct session *session, const struct belief *belief)
{
	struct removal *removal = &session->removal;

	overtake(world, session, belief->stamp);
	*removal = (struct removal){
		.insertion = session->insertion,
		.settings = session->governance.by_cause[belief->cause],
		.opened = moment_now(world, belief->stamp),
		.cause = belief->cause,
		.source = belief->source,
		.evidence = belief->evidence,
		.pending = ACTION_NONE,
		.taken = ACTION_NONE,
		.then = removal->then,
		.then_cause = removal->then_cause,
		.locks = removal->locks && session->deadlines[DEADLINE_THEN],
	};
	removal->heard[belief->cause] = (uint8_t)(1U << belief->source);
	/* What PC/SC answered to our question is no second report from it. */
	if (belief->evidence & EVIDENCE_PCSC && belief->cause != CAUSE_PCSC_LOST)
		removal->heard[CAUSE_CARD] |= 1U << SOURCE_PCSC;
	session->said &= ~(unsigned)(SAID_COMM_ERROR | SAID_MISSED);
	for (enum deadline deadline = 0; session->heap && deadline < DEADLINE_COUNT; deadline++) {
		/* pcscd's absence ends no doubt about the device. */
		if (deadline == DEADLINE_BELIEF && belief->cause == CAUSE_PCSC_LOST)
			continue;
		if (deadline != DEADLINE_THEN && deadline != DEADLINE_COUNTDOWN)
			deadline_set(world, session, deadline, 0);
	}
	if (belief->evidence == EVIDENCE_SLOT)
		deadline_set(world, session, DEADLINE_CONFIRM, later(world->now, removal->settings->confirm));
	if (plan_settle(removal->settings, removal->cause))
		deadline_set(world, session, DEADLINE_SETTLE,
			     later(world->now, plan_settle(removal->settings, removal->cause)));
	else
		first_stage(world, session);
	report_later(world, session, REPORT_DEALT);
}

/*
 * Until when PC/SC's silence says nothing; 0: it does. It reports the card as in, but may not have looked yet: the last
 * notice is too new. Or it has not said yet which of its readers this one is.
 */
static uint64_t silent_until(const struct world *world, const struct session *session)
{
	uint64_t until;

	if (session->removal.pending != ACTION_NONE && session->deadlines[DEADLINE_BELIEF] > world->now)
		return session->deadlines[DEADLINE_BELIEF];
	if (session->removal.evidence != EVIDENCE_SLOT ||
	    hearing_of(world, session, reader_of_session(world, session), &until) != HEARING_MISSING)
		return 0;
	if (world->certain_at > world->now)
		return world->certain_at;
	return world->naming_at > world->now ? world->naming_at : 0;
}

/* Nobody has contradicted: a card that is back was found when the belief was due, just before. That counts as agreement. */
void case_confirmed(struct world *world, struct session *session)
{
	uint64_t until = silent_until(world, session);

	if (until && session->removal.deferred < DEFER_MOST) {
		session->removal.deferred++;
		deadline_set(world, session, DEADLINE_CONFIRM, until);
		return;
	}
	session->removal.evidence |= EVIDENCE_SILENCE;
	if (session->removal.pending != ACTION_NONE)
		act_losing(world, session, session->removal.pending, session->removal.because);
}

/* PC/SC, asked after the removal, still has the card: nothing that loses work may follow. */
void case_contradicted(struct world *world, struct session *session, uint64_t stamp)
{
	removal_tell(world, session, VERDICT_CONTRADICTED, stamp,
		     "PC/SC still has the card, its counter unmoved");
	case_cancel(world, session, stamp, "contradicted");
}

/* ---- the locker's word ---------------------------------------------------------------------------------- */

/* True: a person has shown that they are there. */
static bool hint_gone(struct world *world, struct session *session, uint64_t stamp)
{
	struct removal *removal = &session->removal;
	/* An earlier daemon may already have locked for a card that was found missing. */
	bool found = removal->cause == CAUSE_ABSENT && removal->awaited == AWAIT_LOCK;
	/* … and one that locked just before the card left has ended, too. */
	bool since_removal =
		removal->insertion && (session->answered || session->hinted >= removal->opened.now || found ||
				       session_is_away(session));

	/* Nobody unlocks within a second of the lock: the locker ended. */
	if (since_removal && world->now < later(session->hinted, VANISH_NSEC)) {
		if (removal->awaited == AWAIT_NONE_COMES)
			sign_over(world, session);
		/* A disconnected session stays, and has to be locked. */
		if (removal->taken == ACTION_DISCONNECT && removal->awaited == AWAIT_NOTHING)
			removal->taken = ACTION_LOCK;
		if (session->answered && removal->taken == ACTION_LOCK)
			sign_failed(world, session, stamp, "LockedHint vanished at once: the locker ended");
		return false;
	}
	/*
	 * The session was locked before the removal, so no lock could show; what its person has opened since
	 * stays open.
	 */
	if (removal->awaited == AWAIT_LOCK)
		sign_tell(world, session, OUTCOME_VERIFIED, stamp, "it was locked already");
	case_cancel(world, session, stamp, "the session was unlocked");
	return true;
}

/* Late hints count too: the machine or the locker may be slow. */
static bool answers_lock(const struct world *world, const struct session *session)
{
	const struct removal *removal = &session->removal;

	return removal->locked_at &&
	       world->now <= later(later(removal->locked_at, removal->settings->lock_timeout), LATE_NSEC);
}

/* True: a person unlocked it. */
bool case_hint(struct world *world, struct session *session, bool locked, uint64_t stamp)
{
	bool was_locked = session->locked;

	session->locked = locked;
	if (!locked)
		return was_locked && hint_gone(world, session, stamp);
	session->provable = true;
	if (!was_locked) {
		session->hinted = world->now;
		session->answered = answers_lock(world, session) ? session->removal.locked_at : 0;
	}
	sign_shown(world, session, stamp);
	return false;
}

void case_ended(struct world *world, struct session *session, uint64_t stamp)
{
	if (session->removal.awaited == AWAIT_END)
		sign_tell(world, session, OUTCOME_VERIFIED, stamp, NULL);
}

/*
 * Nobody can switch away from physlock any more. That is the proof, for a session whose own locker shows
 * none.
 */
void case_console_locked(struct world *world, struct session *session, uint64_t stamp)
{
	if (session->removal.awaited == AWAIT_LOCK && !session->provable)
		sign_tell(world, session, OUTCOME_VERIFIED, stamp, "the console is locked");
}

/* ---- time ----------------------------------------------------------------------------------------------- */

static void count_down(struct world *world, struct session *session)
{
	set_countdown(world, session);
	if (session->deadlines[DEADLINE_THEN] > world->now)
		report_later(world, session, REPORT_COUNTDOWN);
}

/* Everything but DEADLINE_CONFIRM, at whose end the card may turn out to be back: session_time(). */
void case_time(struct world *world, struct session *session)
{
	if (deadline_due(world, session, DEADLINE_SETTLE))
		first_stage(world, session);
	if (deadline_due(world, session, DEADLINE_COUNTDOWN))
		count_down(world, session);
	if (session->deadlines[DEADLINE_THEN] && world->now >= session->deadlines[DEADLINE_THEN])
		second_stage(world, session);
	if (session->deadlines[DEADLINE_SIGN] && world->now >= session->deadlines[DEADLINE_SIGN])
		sign_over(world, session);
	cancel_unseen_stage(world, session);
}
