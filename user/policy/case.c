/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session's case: from the first word of a removal to the outcome of what was done about it. One removal
 * opens one case; later words add evidence or annotate.
 *
 *   removal ─► (Settle=) ─► first stage ─► outcome
 *                               └─ Then=/After= ─► second stage ─► outcome
 *
 * A lock is sent at the first word. What loses work waits until the evidence agrees: see plan_agreed().
 */
#include "tables.h"

void world_tell(struct world *world, const struct session *session, struct verdict verdict)
{
	if (session)
		verdict.login = &session->login;
	world->handler(world->userdata, &verdict);
}

/* A verdict about the session's case, its common part filled in. */
static struct verdict case_verdict(const struct session *session, enum verdict_type type, uint64_t stamp)
{
	return (struct verdict){
		.type = type,
		.source = session->source,
		.cause = session->cause,
		.action = session->taken,
		.stamp = session->opened,
		.later = since(session->opened, stamp),
		.settings = session->settings,
	};
}

void case_tell(struct world *world, const struct session *session, enum verdict_type type, uint64_t stamp,
	       const char *detail)
{
	struct verdict verdict = case_verdict(session, type, stamp);

	verdict.detail = detail;
	world_tell(world, session, verdict);
}

static void tell_outcome(struct world *world, struct session *session, enum outcome outcome, uint64_t stamp,
			 const char *detail)
{
	struct verdict verdict = case_verdict(session, VERDICT_OUTCOME, stamp);

	verdict.outcome = outcome;
	verdict.detail = detail;
	session->awaited = AWAIT_NOTHING;
	session->verify_until = 0;
	world_tell(world, session, verdict);
}

/* ---- deadlines ------------------------------------------------------------------------------------------ */

uint64_t session_deadline(const struct session *session)
{
	const uint64_t deadlines[] = {
		session->settle_until, session->confirm_until, session->verify_until, session->then_at,
		session->announce_at,  session->doubt_until,   session->unsure_until, session->pcsc_lost_until,
	};
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < ELEMENTS(deadlines); i++) {
		if (deadlines[i] && deadlines[i] < next)
			next = deadlines[i];
	}
	return next;
}

void session_busy_update(struct world *world, struct session *session)
{
	bool busy = session_deadline(session) != UINT64_MAX;

	if (busy == session->busy)
		return;
	if (busy)
		LIST_ADD(world->busy, session, on_busy);
	else
		LIST_DELETE(world->busy, session, on_busy);
	session->busy = busy;
}

void session_set_guard(struct world *world, struct session *session, enum guard guard)
{
	if (session->guard == guard)
		return;
	if (guard == GUARD_AWAY)
		LIST_ADD(world->away, session, on_away);
	else
		LIST_DELETE(world->away, session, on_away);
	session->guard = guard;
}

/* ---- steps ---------------------------------------------------------------------------------------------- */

/* The hot path's end: from here on, down to the handler, nothing may allocate or wait. */
static void take_step(struct world *world, const struct session *session, enum step step)
{
	struct verdict verdict = case_verdict(session, VERDICT_ACT, session->opened);

	verdict.step = step;
	world_tell(world, session, verdict);
}

static void report_later(struct world *world, struct session *session)
{
	if (!session->to_report)
		LIST_ADD(world->report, session, on_report);
	session->to_report = true;
}

/* ---- what may be done ----------------------------------------------------------------------------------- */

static void sent(struct world *world, struct session *session, enum action action, enum awaited awaited,
		 uint64_t verify_until)
{
	session->taken = action;
	session->awaited = awaited;
	session->verify_until = verify_until;
	session->report_action = true;
	report_later(world, session);
}

/* Takes what loses work, or has it wait for agreement. Nothing of the kind happens while the machine sleeps. */
static void take_destructive(struct world *world, struct session *session, enum action action)
{
	enum step step = plan_step(session, action);

	if (!plan_agreed(world, session, session->evidence) || world->asleep) {
		session->pending = action;
		if (!session->confirm_until)
			session->confirm_until = world->now + (world->asleep ? RESUME_NSEC : session->settings->confirm);
		return;
	}
	session->pending = ACTION_NONE;
	if (action == ACTION_LOGOUT)
		session->then_at = session->announce_at = 0;
	session->taken = action;
	take_step(world, session, step);
	if (step == STEP_XRDP_DISCONNECT)
		sent(world, session, action, AWAIT_NONE_COMES, world->now + NO_SIGN_NSEC);
	else
		sent(world, session, action, AWAIT_END, world->now + END_NSEC);
}

static void lock(struct world *world, struct session *session, const struct plan *plan)
{
	session->taken = ACTION_LOCK;
	for (unsigned i = 0; i < plan->locks; i++)
		take_step(world, session, plan->steps[i]);
	session->console_locked |= session->kind & KIND_CONSOLE;
	sent(world, session, ACTION_LOCK, AWAIT_LOCK, world->now + session->settings->lock_timeout);
	session->report_cannot_lock |= plan->cannot_lock;
}

static struct plan take_action(struct world *world, struct session *session, enum action action)
{
	struct plan plan = plan_action(session, session->settings, action);

	if (plan.locks)
		lock(world, session, &plan);
	if (plan.losing != ACTION_NONE)
		take_destructive(world, session, plan.losing);
	return plan;
}

/* ---- stages --------------------------------------------------------------------------------------------- */

/* When the countdown speaks again: at 60, 30, 10 and 5 s before the second stage. */
static void set_announcement(struct session *session, uint64_t now)
{
	static const uint64_t before[] = {60, 30, 10, 5};

	session->announce_at = 0;
	for (size_t i = 0; i < ELEMENTS(before); i++) {
		if (session->then_at < before[i] * NSEC_PER_SEC ||
		    session->then_at - before[i] * NSEC_PER_SEC <= now)
			continue;
		session->announce_at = session->then_at - before[i] * NSEC_PER_SEC;
		return;
	}
}

static void tell_countdown(struct world *world, struct session *session, uint64_t now)
{
	struct verdict verdict = case_verdict(session, VERDICT_COUNTDOWN, now);

	verdict.action = session->settings->then;
	verdict.later = since(now, session->then_at);
	world_tell(world, session, verdict);
}

static void first_stage(struct world *world, struct session *session)
{
	const struct settings *settings = session->settings;
	struct plan first;

	session->settle_until = 0;
	first = take_action(world, session, plan_first(settings, session->cause));
	session->report_removal = true;
	report_later(world, session);
	/* An earlier removal's second stage that is still to come stays as it is. */
	if (plan_then(settings, &first, session->cause) == ACTION_NONE || session->then_at)
		return;
	session->then_at = world->now + settings->after;
	set_announcement(session, world->now);
	session->report_countdown = settings->after > 0;
}

static void second_stage(struct world *world, struct session *session)
{
	session->then_at = session->announce_at = 0;
	take_action(world, session, session->settings->then);
}

static void cancel(struct world *world, struct session *session, uint64_t stamp, const char *why)
{
	struct verdict verdict = case_verdict(session, VERDICT_CANCELLED, stamp);

	if (!session->then_at && session->pending == ACTION_NONE)
		return;
	verdict.action = session->pending != ACTION_NONE ? session->pending : session->settings->then;
	verdict.detail = why;
	session->pending = ACTION_NONE;
	session->then_at = session->announce_at = 0;
	world_tell(world, session, verdict);
}

static bool asks_for(const struct settings *settings, enum action action)
{
	if (action == settings->action || action == settings->then)
		return true;
	return action == ACTION_LOGOUT &&
	       (settings->when_cannot_lock == FALLBACK_LOGOUT || settings->when_lock_fails == FALLBACK_LOGOUT);
}

/* The policy was read anew: an open case goes on under it, without what it does not ask for any more. */
void case_govern(struct world *world, struct session *session, const struct settings *settings)
{
	if ((session->then_at && settings->then == ACTION_NONE) ||
	    (session->pending != ACTION_NONE && !asks_for(settings, session->pending)))
		cancel(world, session, world->now, "the policy does not ask for it any more");
	session->settings = settings;
}

/* ---- words of a removal --------------------------------------------------------------------------------- */

static void heard(struct world *world, struct session *session, enum cause cause, enum event_source source,
		  uint64_t stamp)
{
	uint32_t bit = HEARD_BIT(source, cause);
	struct verdict verdict = case_verdict(session, VERDICT_HEARD, stamp);

	if (session->heard & bit)
		return;
	session->heard |= bit;
	verdict.source = source;
	verdict.cause = cause;
	verdict.stamp = stamp;
	world_tell(world, session, verdict);
}

static void more_evidence(struct world *world, struct session *session, enum cause cause, enum event_source source,
			  enum evidence evidence, uint64_t stamp)
{
	session->evidence |= evidence;
	if (session->pending != ACTION_NONE && plan_agreed(world, session, session->evidence)) {
		session->confirm_until = 0;
		take_destructive(world, session, session->pending);
	}
	heard(world, session, cause, source, stamp);
	session_busy_update(world, session);
}

/* The card is gone again before the last action's sign came: that action's outcome is told all the same. */
static void overtake(struct session *session, uint64_t stamp)
{
	session->overtaken = case_verdict(session, VERDICT_OUTCOME, stamp);
	session->overtaken.outcome = OUTCOME_UNVERIFIED;
	session->overtaken.detail = "the card was removed again before a sign came";
	session->report_overtaken = true;
}

static void case_open(struct session *session, enum cause cause, enum event_source source, enum evidence evidence,
		      uint64_t stamp)
{
	session->opened = stamp;
	session->cause = cause;
	session->source = source;
	session->settings = session->governance.by_cause[cause];
	session->evidence = evidence;
	session->heard = HEARD_BIT(source, cause);
	session->card_back = session->retried = session->comm_error = session->suspect = session->unsure = false;
	session->pending = ACTION_NONE;
	session->taken = ACTION_NONE;
	session->awaited = AWAIT_NOTHING;
	session->settle_until = session->confirm_until = session->verify_until = 0;
	session->doubt_until = session->unsure_until = session->pcsc_lost_until = 0;
}

/*
 * Something says that the card is gone. The hot path runs through here: nothing may allocate or wait, and
 * what is only told waits for case_report().
 */
void session_remove(struct world *world, struct session *session, enum cause cause, enum event_source source,
		    enum evidence evidence, uint64_t stamp)
{
	/*
	 * That pcscd stayed away was no removal: one that the kernel tells of after it is acted on. What pcscd says when
	 * it is back is no such word: it calls a slot empty until it has powered the card.
	 */
	if (session->guard == GUARD_AWAY &&
	    (session->cause != CAUSE_PCSC_LOST || !(evidence & (EVIDENCE_DEVICE | EVIDENCE_SLOT)))) {
		more_evidence(world, session, cause, source, evidence, stamp);
		return;
	}
	/* A word of the removal before last, late: the card has been back since. */
	if (session->opened && stamp <= session->opened) {
		heard(world, session, cause, source, stamp);
		return;
	}
	/* Around sleep everything comes and goes: what is still gone some time after it is gone. */
	if (world->asleep || (session->unsure && source != SOURCE_STARTUP)) {
		session->suspect = true;
		return;
	}
	if (session->awaited != AWAIT_NOTHING)
		overtake(session, stamp);
	case_open(session, cause, source, evidence, stamp);
	session->opened_now = world->now;
	session_set_guard(world, session, GUARD_AWAY);
	if (evidence == EVIDENCE_SLOT)
		session->confirm_until = world->now + session->settings->confirm;
	if (plan_settle(session->settings, cause))
		session->settle_until = world->now + plan_settle(session->settings, cause);
	else
		first_stage(world, session);
	session_busy_update(world, session);
}

/* PC/SC, asked after the removal, still has the card: nothing that loses work may follow. */
void case_contradicted(struct world *world, struct session *session, uint64_t stamp)
{
	session->settle_until = 0;
	session->evidence = 0;
	case_tell(world, session, VERDICT_CONTRADICTED, stamp, "PC/SC still has the card, its counter unmoved");
	cancel(world, session, stamp, "contradicted");
}

/* The person showed that they are there: by unlocking, or by a new sign-in. */
void case_person_proven(struct world *world, struct session *session, uint64_t stamp, const char *how)
{
	cancel(world, session, stamp, how);
	session_busy_update(world, session);
}

void case_locked(struct world *world, struct session *session, bool locked, uint64_t stamp)
{
	bool was_locked = session->locked;

	session->locked = locked;
	if (locked) {
		session->provable = true;
		if (session->awaited == AWAIT_LOCK)
			tell_outcome(world, session, OUTCOME_VERIFIED, stamp, NULL);
	} else if (was_locked) {
		/* Locked before the removal, so that no lock could show; what its person opened stays open. */
		if (session->awaited == AWAIT_LOCK)
			tell_outcome(world, session, OUTCOME_VERIFIED, stamp, "it was locked already");
		case_person_proven(world, session, stamp, "the session was unlocked");
	}
	session_busy_update(world, session);
}

void case_ended(struct world *world, struct session *session, uint64_t stamp)
{
	if (session->awaited == AWAIT_END)
		tell_outcome(world, session, OUTCOME_VERIFIED, stamp, NULL);
}

/* Nobody can switch away from physlock any more: that is the proof, for a session whose own locker shows none. */
void case_console_locked(struct world *world, struct session *session, uint64_t stamp)
{
	if (session->awaited != AWAIT_LOCK || session->provable)
		return;
	tell_outcome(world, session, OUTCOME_VERIFIED, stamp, "the console is locked");
	session_busy_update(world, session);
}

/*
 * What could not be done is made up for once: by a lock, which is something at least, and may have been lost with a
 * logind that was started anew. A lock that failed again, or physlock: see WhenLockFails=.
 */
void case_step_failed(struct world *world, struct session *session, uint64_t stamp)
{
	bool console = session->taken == ACTION_LOCK && (session->kind & KIND_CONSOLE);

	if (session->awaited == AWAIT_NOTHING)
		return;
	tell_outcome(world, session, OUTCOME_FAILED, stamp, "refused");
	if (session->guard == GUARD_AWAY && !session->retried && !console) {
		session->retried = true;
		take_action(world, session, ACTION_LOCK);
	} else if (session->guard == GUARD_AWAY && session->taken == ACTION_LOCK &&
		   session->settings->when_lock_fails == FALLBACK_LOGOUT)
		take_destructive(world, session, ACTION_LOGOUT);
	session_busy_update(world, session);
}

/* It is another insertion, or another address, from now on: a daemon started anew has to know. */
void case_bound(struct world *world, struct session *session)
{
	session->report_bound = true;
	report_later(world, session);
}

static const char *action_detail(const struct session *session)
{
	if (session->retried)
		return "once more";
	if (session->taken != ACTION_LOCK || session->settings->action != ACTION_DISCONNECT)
		return NULL;
	return session->kind & KIND_REMOTE ? "this kind of remote session cannot be disconnected"
					   : "a local session is locked instead of disconnected";
}

/* What was done is told only after it was done, for every session that the event concerned. */
void case_report(struct world *world, struct session *session)
{
	LIST_DELETE(world->report, session, on_report);
	session->to_report = false;
	if (session->report_overtaken)
		world_tell(world, session, session->overtaken);
	if (session->report_removal) {
		case_tell(world, session, VERDICT_REMOVAL, session->opened, NULL);
		if (session->settings->unit[0])
			case_tell(world, session, VERDICT_UNIT, session->opened, NULL);
	}
	if (session->report_action)
		case_tell(world, session, VERDICT_ACTION, session->opened, action_detail(session));
	if (session->report_cannot_lock)
		case_tell(world, session, VERDICT_CANNOT_LOCK, session->opened, "it has no locker that is known to obey");
	if (session->report_countdown)
		tell_countdown(world, session, world->now);
	if (session->report_bound)
		world_tell(world, session, (struct verdict){.type = VERDICT_BOUND, .stamp = world->now});
	session->report_overtaken = session->report_removal = session->report_action = false;
	session->report_cannot_lock = session->report_countdown = session->report_bound = false;
}

/* ---- time ----------------------------------------------------------------------------------------------- */

static void lock_not_seen(struct world *world, struct session *session, uint64_t now)
{
	if (session->locked) {
		tell_outcome(world, session, OUTCOME_VERIFIED, now, "it was locked already");
		return;
	}
	if (!session->provable) {
		tell_outcome(world, session, OUTCOME_UNVERIFIED, now, "its locker never set LockedHint");
		return;
	}
	if (!session->retried) {
		session->retried = true;
		take_step(world, session, STEP_LOCK);
		sent(world, session, session->taken, AWAIT_LOCK, now + session->settings->lock_timeout);
		return;
	}
	tell_outcome(world, session, OUTCOME_FAILED, now, "LockedHint did not show, nor after a second try");
	if (session->settings->when_lock_fails == FALLBACK_LOGOUT && session->guard == GUARD_AWAY)
		take_destructive(world, session, ACTION_LOGOUT);
}

static void not_verified(struct world *world, struct session *session, uint64_t now)
{
	session->verify_until = 0;
	if (session->awaited == AWAIT_LOCK)
		lock_not_seen(world, session, now);
	else if (session->awaited == AWAIT_END)
		tell_outcome(world, session, OUTCOME_FAILED, now, "the session has not ended");
	else if (session->awaited == AWAIT_NONE_COMES)
		tell_outcome(world, session, OUTCOME_UNVERIFIED, now, NULL);
}

/* Nobody contradicted: that counts as agreement. */
void case_confirmed(struct world *world, struct session *session)
{
	session->evidence |= EVIDENCE_SILENCE;
	if (session->pending != ACTION_NONE)
		take_destructive(world, session, session->pending);
}

/* Everything but `confirm_until`, at whose end PC/SC's last word is looked at: session_time(). */
void case_time(struct world *world, struct session *session)
{
	uint64_t now = world->now;

	if (due(&session->settle_until, now))
		first_stage(world, session);
	if (due(&session->announce_at, now)) {
		tell_countdown(world, session, now);
		set_announcement(session, now);
	}
	if (session->then_at && now >= session->then_at)
		second_stage(world, session);
	if (session->verify_until && now >= session->verify_until)
		not_verified(world, session, now);
}
