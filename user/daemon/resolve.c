/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/resolve.h"

#include <string.h>

#include "daemon/events.h"
#include "daemon/wiring.h"
#include "lib/log.h"
#include "lib/loop.h"

void resolve_session(struct daemon *daemon, const char *session)
{
	events_take(daemon, &(struct event){
				    .type = EVENT_SETTINGS,
				    .source = SOURCE_DAEMON,
				    .stamp = monotonic_now(),
				    .change = {.session = session,
					       .governance = govern_resolve(daemon->govern,
									    daemon->config.rules, session)},
			    });
}

void resolve_take_groups(void *userdata, const char *session, const char *const *names, size_t count)
{
	struct daemon *daemon = userdata;

	/* Everybody is in a group: the look-up failed, and what was known before is better than nothing. */
	if (count == 0)
		return;
	if (govern_groups(daemon->govern, session, names, count) > 0)
		resolve_session(daemon, session);
}

void resolve_ask_groups(struct daemon *daemon, const char *session)
{
	const struct session_facts *facts = govern_facts(daemon->govern, session);
	int r;

	if (!facts || !rules_need_groups(daemon->config.rules))
		return;
	r = groups_source_ask(daemon->groups, session, facts->user);
	if (r < 0)
		log_error("session %s: cannot ask for its user's groups: %s", session, strerror(-r));
}

void resolve_rules(struct daemon *daemon)
{
	for (const char *session = govern_next(daemon->govern, NULL); session;
	     session = govern_next(daemon->govern, session))
		resolve_session(daemon, session);
}

void resolve_all(struct daemon *daemon)
{
	resolve_rules(daemon);
	for (const char *session = govern_next(daemon->govern, NULL); session;
	     session = govern_next(daemon->govern, session))
		resolve_ask_groups(daemon, session);
}
