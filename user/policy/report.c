/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core reports, and when. A call is made at once. Reports about it wait until the event's last call
 * is made, because the lock would wait while they are written.
 */
#include "policy/core.h"

void world_tell(struct world *world, const struct session *session, struct verdict *verdict)
{
	if (session)
		verdict->login = &session->login;
	world->handler(world->userdata, verdict);
}

/* A verdict about the session's case, its common part filled in. */
struct verdict removal_verdict(const struct session *session, enum verdict_type type, uint64_t stamp)
{
	const struct removal *removal = &session->removal;

	return (struct verdict){
		.type = type,
		.source = removal->source,
		.cause = removal->cause,
		.action = removal->taken,
		.stamp = removal->opened.stamp,
		.later = since(removal->opened.stamp, stamp),
		.settings = removal->settings,
	};
}

void removal_tell(struct world *world, const struct session *session, enum verdict_type type, uint64_t stamp,
		  const char *detail)
{
	struct verdict verdict = removal_verdict(session, type, stamp);

	verdict.detail = detail;
	world_tell(world, session, &verdict);
}

void report_later(struct world *world, struct session *session, unsigned reports)
{
	if (!session->reports)
		LIST_ADD(world->report, session, on_report);
	session->reports |= reports;
}

void report_comm_error(struct world *world, struct session *session, uint64_t stamp, const char *detail)
{
	if (session->said & SAID_COMM_ERROR)
		return;
	session->said |= SAID_COMM_ERROR;
	world_tell(
		world, session,
		&(struct verdict){
			.type = VERDICT_COMM_ERROR, .source = SOURCE_PCSC, .stamp = stamp, .detail = detail});
}

static const char *action_detail(const struct session *session)
{
	if (session->removal.retried)
		return "once more";
	if (session->removal.taken != ACTION_LOCK || session->removal.settings->action != ACTION_DISCONNECT)
		return NULL;
	return session->kind & KIND_REMOTE ? "this kind of remote session cannot be disconnected"
					   : "a local session is locked instead of disconnected";
}

static void tell_countdown(struct world *world, const struct session *session)
{
	struct verdict verdict = removal_verdict(session, VERDICT_COUNTDOWN, world->now);

	verdict.action = session->removal.then;
	verdict.later = since(world->now, session->deadlines[DEADLINE_THEN]);
	world_tell(world, session, &verdict);
}

/*
 * Whether a daemon that starts now has nothing left to do about the removal. As long as something may follow,
 * it should find the card missing and act again.
 */
static bool removal_is_dealt_with(const struct session *session)
{
	const struct removal *removal = &session->removal;
	const struct settings *settings = removal->settings;

	if (!session_is_away(session) || !cause_is_removal(removal->cause) ||
	    session->deadlines[DEADLINE_SETTLE] || session->deadlines[DEADLINE_THEN] ||
	    removal->pending != ACTION_NONE)
		return false;
	/* This daemon did nothing about it: an earlier daemon has acted on it. */
	if (!settings)
		return true;
	if (settings->action > ACTION_LOCK || removal->taken > ACTION_LOCK)
		return false;
	return removal->awaited == AWAIT_NOTHING ||
	       (settings->when_lock_fails == FALLBACK_WARN && settings->when_cannot_lock == FALLBACK_WARN);
}

static void tell_dealt(struct world *world, struct session *session)
{
	bool dealt = removal_is_dealt_with(session);

	if (dealt == !!(session->said & SAID_DEALT))
		return;
	session->said ^= SAID_DEALT;
	world_tell(world, session,
		   &(struct verdict){.type = VERDICT_DEALT, .dealt = dealt, .stamp = world->now});
}

static void tell_removal(struct world *world, const struct session *session)
{
	removal_tell(world, session, VERDICT_REMOVAL, session->removal.opened.stamp, NULL);
	if (session->removal.settings->unit[0])
		removal_tell(world, session, VERDICT_UNIT, session->removal.opened.stamp, NULL);
}

static void tell_session(struct world *world, struct session *session, unsigned reports)
{
	if (reports & REPORT_OVERTAKEN)
		world_tell(world, session, &session->overtaken);
	if (reports & REPORT_KEPT) {
		world_tell(world, session, &session->taken->verdict);
		keep_told(session);
		bind_arm(world, session);
	}
	if (reports & REPORT_REMOVAL)
		tell_removal(world, session);
	if (reports & REPORT_ACTION)
		removal_tell(world, session, VERDICT_ACTION, session->removal.opened.stamp,
			     action_detail(session));
	if (reports & REPORT_CANNOT_LOCK)
		removal_tell(world, session, VERDICT_CANNOT_LOCK, session->removal.opened.stamp,
			     session->kind & KIND_NO_LOCK
				     ? "logind refuses it for a session of its class"
				     : "a lock was sent, and no locker is known to obey there");
	if (reports & REPORT_COUNTDOWN)
		tell_countdown(world, session);
	if (reports & REPORT_BOUND)
		world_tell(world, session, &(struct verdict){.type = VERDICT_BOUND, .stamp = world->now});
	tell_dealt(world, session);
}

/* For every session that the event concerned. */
void report_flush(struct world *world)
{
	struct session *session, *next;

	DL_FOREACH_SAFE2(world->report, session, next, on_report.next) {
		unsigned reports = session->reports;

		LIST_DELETE(world->report, session, on_report);
		session->reports = 0;
		tell_session(world, session, reports);
	}
}
