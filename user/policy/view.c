/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers questions about the core; nothing here changes anything. */
#include "policy/core.h"
#include "policy/world.h"

static enum session_state state_of(const struct session *session)
{
	const uint64_t *deadlines = session->deadlines;

	if (deadlines[DEADLINE_SETTLE] || session->removal.pending != ACTION_NONE || deadlines[DEADLINE_THEN])
		return SESSION_PENDING;
	return session_is_away(session) ? SESSION_AWAY : SESSION_GUARDED;
}

/* The first of several things to come. */
static void find_pending(const struct session *session, struct session_view *view)
{
	const struct removal *removal = &session->removal;
	const uint64_t *deadlines = session->deadlines;

	view->pending_at = UINT64_MAX;
	if (deadlines[DEADLINE_SETTLE]) {
		view->pending = plan_first(removal->settings, removal->cause);
		view->pending_at = deadlines[DEADLINE_SETTLE];
	}
	if (removal->pending != ACTION_NONE && deadlines[DEADLINE_CONFIRM] < view->pending_at) {
		view->pending = removal->pending;
		view->pending_at = deadlines[DEADLINE_CONFIRM];
	}
	if (deadlines[DEADLINE_THEN] && deadlines[DEADLINE_THEN] < view->pending_at) {
		view->pending = removal->then;
		view->pending_at = deadlines[DEADLINE_THEN];
	}
}

static const char *reader_name(const struct world *world, const struct session *session)
{
	const struct reader *reader;

	if (session->is_remote)
		return remote_reader_name(session);
	reader = world->pcsc_up ? reader_of_session(world, session) : NULL;
	return reader ? reader->state.name : NULL;
}

static struct session_view view_session(const struct world *world, const struct session *session)
{
	struct session_view view = {
		.login = &session->login,
		.governance = &session->governance,
		.kind = session->kind,
		.state = state_of(session),
		.locked = session->locked,
		.provable = session->provable,
		.away = session_is_away(session),
		.unguarded = session_is_away(session) && session->said & SAID_UNGUARDED,
		.pending = ACTION_NONE,
		.reader = reader_name(world, session),
		.client = session->is_remote && remote_is_here(session->remote),
	};

	if (view.state == SESSION_PENDING)
		find_pending(session, &view);
	return view;
}

bool world_session(const struct world *world, const char *id, struct session_view *ret)
{
	const struct session *session = session_find(world, id);

	if (session)
		*ret = view_session(world, session);
	return session != NULL;
}

bool world_next_session(const struct world *world, const char *id, struct session_view *ret)
{
	const struct session *session = id ? session_find(world, id) : world->sessions;

	if (session && id)
		session = session->hh.next;
	if (session)
		*ret = view_session(world, session);
	return session != NULL;
}

bool world_next_reader(const struct world *world, const char *name, struct reader_view *ret)
{
	const struct reader *reader = name ? reader_find(world, name) : world->readers;

	if (reader && name)
		reader = reader->hh.next;
	if (!reader)
		return false;
	*ret = (struct reader_view){
		.state = &reader->state,
		.usb_path = reader->device ? reader->device->path : "",
		.usb_id = reader->device ? reader->device->id : "",
		.watched = world->probe && reader->device,
	};
	return true;
}

bool world_remote_reader(const struct world *world, const char *id, unsigned index, struct reader_view *ret)
{
	const struct session *session = session_find(world, id);
	const struct reader_state *state =
		session && session->is_remote ? remote_reader_at(session, index) : NULL;

	if (!state)
		return false;
	*ret = (struct reader_view){.state = state, .usb_path = "", .usb_id = ""};
	return true;
}

bool world_pcsc_up(const struct world *world)
{
	return world->pcsc_up;
}

/* ---- simulation ----------------------------------------------------------------------------------------- */

/* The first report that there would be of it. */
static enum evidence first_evidence(const struct world *world, const struct session *session,
				    enum cause cause)
{
	if (cause == CAUSE_READER && session->device)
		return EVIDENCE_DEVICE;
	if (cause == CAUSE_CARD && plan_probe_watches(world, session))
		return EVIDENCE_SLOT;
	return EVIDENCE_PCSC;
}

bool world_simulate(const struct world *world, const char *id, enum cause cause, struct simulation *ret)
{
	const struct session *session = session_find(world, id);
	const struct settings *settings;
	struct plan plan;

	if (!session)
		return false;
	settings = session->governance.by_cause[cause];
	*ret = (struct simulation){.settings = settings, .action = ACTION_NONE, .then = ACTION_NONE};
	if (cause == CAUSE_PCSC_LOST && !plan_heeds_pcsc(world, session))
		return true;
	/* A session whose card is in a reader here has no client to be away. */
	if (cause_is_remote(cause) && !session->is_remote)
		return true;
	ret->action = plan_first(settings, cause);
	ret->settle = plan_settle(settings, cause);
	ret->starts_unit = settings->unit[0];
	plan = plan_action(session, settings, ret->action);
	ret->then = plan_then(settings, &plan, cause);
	memcpy(ret->steps, plan.steps, sizeof(ret->steps));
	ret->count = plan.count;
	ret->then_if_seen = ret->then != ACTION_NONE && !plan_unlock_shows(session, plan.locks > 0);
	ret->cannot_lock = plan.cannot_lock;
	ret->after_agreement = plan.losing != ACTION_NONE &&
			       !plan_agreed(world, session, first_evidence(world, session, cause));
	return true;
}
