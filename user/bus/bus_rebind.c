/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/bus_rebind.h"

#include <stdio.h>

#include "bus/bus_message.h"

/*
 * The session of the caller's process, else the user's only one: a locker may be a service of the user, outside of the
 * session. False: no card opened it, or nobody can say which one is meant.
 */
static bool caller_session(const struct bus_host *host, const struct caller *caller, struct session_view *ret)
{
	struct session_view session;
	unsigned count = 0;

	if (caller->session)
		return world_session(host->world, caller->session, ret) && ret->login->uid == caller->uid;
	for (bool more = world_next_session(host->world, NULL, &session); more;
	     more = world_next_session(host->world, session.login->session, &session)) {
		if (session.login->uid != caller->uid)
			continue;
		*ret = session;
		count++;
	}
	return count == 1;
}

int bus_rebind(const struct bus_host *host, sd_bus_message *call, const struct caller *caller)
{
	struct session_view session;
	char id[SESSION_ID_SIZE];

	if (!caller_session(host, caller, &session))
		return sd_bus_reply_method_errorf(call, NO_SESSION, "Your session was not opened by a card");
	snprintf(id, sizeof(id), "%s", session.login->session);
	host->rebind(host->userdata, id);
	if (!world_session(host->world, id, &session) || session.away)
		return sd_bus_reply_method_errorf(
			call, NOT_BOUND,
			"No reader has the card of your session, or several have one like it: it is not guarded");
	return sd_bus_reply_method_return(call, NULL);
}
