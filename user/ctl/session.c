/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session.h"

#include <string.h>
#include <systemd/sd-login.h>

#include "client.h"
#include "record.h"

static int own_session(char **ret)
{
	const char *environment = getenv("XDG_SESSION_ID");

	if (sd_pid_get_session(0, ret) >= 0)
		return EXIT_FINE;
	if (environment && session_id_valid(environment)) {
		*ret = strdup(environment);
		return *ret ? EXIT_FINE : EXIT_FAULT;
	}
	if (sd_uid_get_display(getuid(), ret) >= 0)
		return EXIT_FINE;
	complain("this is not in a login session of yours; name one, scpolicyctl sessions lists them");
	return EXIT_USAGE;
}

int session_resolve(const char *word, char **ret)
{
	if (!word || strcmp(word, "self") == 0)
		return own_session(ret);
	if (!session_id_valid(word)) {
		complain("not a session id: \"%s\"; scpolicyctl sessions lists them", word);
		return EXIT_USAGE;
	}
	*ret = strdup(word);
	return *ret ? EXIT_FINE : EXIT_FAULT;
}

/* The ids of the sessions that the caller may see, side by side; NULL when the daemon does not say. */
static char *visible_sessions(struct ctl *ctl)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_tree_ struct json_object *sessions = NULL, *ids = json_object_new_array();

	if (client_ask(ctl, "ListSessions", NULL, 0, &sessions, &error) < 0)
		return NULL;
	for (size_t i = 0; i < tree_count(sessions); i++) {
		struct json_object *id = tree_get(json_object_array_get_idx(sessions, i), "session");

		json_object_array_add(ids, json_object_get(id));
	}
	return tree_text(ids);
}

static int no_such_session(struct ctl *ctl, const char *session)
{
	_cleanup_free_ char *others = visible_sessions(ctl);
	const char *why = sd_session_get_uid(session, NULL) >= 0 ? "was not opened with a card, or is not yours" :
								   "is none that a card opened, or not yours";

	if (others && *others)
		complain("session %s %s; there are: %s", session, why, others);
	else
		complain("session %s %s; there is no other", session, why);
	return EXIT_USAGE;
}

int session_call(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
		 struct json_object **ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = client_ask(ctl, method, arguments, count, ret, &error);

	if (r >= 0)
		return EXIT_FINE;
	if (sd_bus_error_has_name(&error, SCPOLICYD ".Error.NoSuchSession") ||
	    sd_bus_error_has_name(&error, SD_BUS_ERROR_ACCESS_DENIED))
		return no_such_session(ctl, arguments[0]);
	return client_complain(ctl, r, &error);
}
