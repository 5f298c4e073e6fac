/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/sessions.h"

#include <string.h>

#include "daemon/events.h"
#include "daemon/looks.h"
#include "daemon/reload.h"
#include "daemon/resolve.h"
#include "daemon/wiring.h"
#include "lib/log.h"
#include "lib/loop.h"

static void log_governed(const struct login_record *login, enum action action)
{
	if (login->awaiting)
		log_info(
			"session %s of user %s is governed once its client shows a card: action %s on its removal",
			login->session, login->user, action_name(action));
	else
		log_info("session %s of user %s is governed: action %s on removal of %s %s", login->session,
			 login->user, action_name(action), login->usb_token ? "the token" : "the card in",
			 login->card.name);
}

/*
 * A record is governed at once by what is known of it now. logind and the name service may change that, and so may the
 * domain's policy, which is fetched at sign-in.
 */
int sessions_take_record(void *userdata, const struct event *event)
{
	const struct login_record *login = event->record.login;
	struct daemon *daemon = userdata;
	struct event completed = *event;
	int r;

	if (event->type != EVENT_RECORD) {
		events_take(daemon, event);
		return 0;
	}
	if (!daemon->last_look)
		reload_look_at_gpo(daemon, 0);
	r = govern_record(daemon->govern, login);
	if (r < 0) {
		/* The core does not get it: a reload would not find it, and leave it with rules that are gone. */
		log_error("session %s cannot be governed yet: %s", login->session, strerror(-r));
		return r;
	}
	completed.record.governance = govern_resolve(daemon->govern, daemon->config.rules, login->session);
	log_governed(login, completed.record.governance.by_cause[CAUSE_CARD]->action);
	events_take(daemon, &completed);
	if (daemon->refused)
		return -ENOMEM;
	if (login->source != LOGIN_LOCAL)
		remote_source_report(daemon->remote, login->session);
	resolve_ask_groups(daemon, login->session);
	r = logind_source_ask(daemon->logind, login);
	if (r < 0)
		log_warning("cannot ask logind for session %s: %s", login->session, strerror(-r));
	return r == -ENOMEM ? r : 0;
}

/* Its client's card is watched, and looked for, no more. */
static void end_session(struct daemon *daemon, const char *session)
{
	looks_forget(daemon, session);
	remote_source_forget(daemon->remote, session);
}

/* The core gets the kind with what follows from the service; a rule may ask about it. */
void sessions_take_logind(void *userdata, const struct event *event)
{
	const struct session_facts *facts;
	struct daemon *daemon = userdata;
	struct event completed = *event;
	int changed;

	if (event->type != EVENT_SESSION_KIND) {
		/* Whether it was recorded or not. */
		if (event->type == EVENT_SESSION_ENDED)
			end_session(daemon, event->session);
		events_take(daemon, event);
		return;
	}
	changed = govern_kind(daemon->govern, event->change.session, event->change.kind);
	facts = govern_facts(daemon->govern, event->change.session);
	if (!facts)
		return;
	/* Without physlock its unit would do nothing, and nothing would report that. */
	completed.change.kind = facts->kind & ~(enforcer_can_lock_console() ? 0U : (unsigned)KIND_CONSOLE);
	events_take(daemon, &completed);
	if (changed > 0)
		resolve_session(daemon, event->change.session);
}

void sessions_take_remote(void *userdata, const struct event *event)
{
	struct daemon *daemon = userdata;

	events_take(daemon, event);
	if (event->type == EVENT_REMOTE_DOWN)
		looks_lost(daemon, event->remote.session);
}

void sessions_rebind(void *userdata, const char *session)
{
	events_take(userdata, &(struct event){.type = EVENT_SESSION_REBIND,
					      .source = SOURCE_DAEMON,
					      .stamp = monotonic_now(),
					      .session = session});
}
