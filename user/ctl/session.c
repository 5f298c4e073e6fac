/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/session.h"

#include <string.h>
#include <systemd/sd-login.h>

#include "ctl/client.h"
#include "lib/record.h"

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
	output_error("this is not in a login session of yours; name one, scpolicyctl sessions lists them");
	return EXIT_USAGE;
}

int session_resolve(const char *word, char **ret)
{
	if (!word || strcmp(word, "self") == 0)
		return own_session(ret);
	if (!session_id_valid(word)) {
		output_error("not a session id: \"%s\"; scpolicyctl sessions lists them", word);
		return EXIT_USAGE;
	}
	*ret = strdup(word);
	return *ret ? EXIT_FINE : EXIT_FAULT;
}

int session_call(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
		 struct json_object **ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = client_ask(ctl, method, arguments, count, ret, &error);

	if (r >= 0)
		return EXIT_FINE;
	if (sd_bus_error_has_name(&error, BUS_NAME ".Error.NoSuchSession") ||
	    sd_bus_error_has_name(&error, SD_BUS_ERROR_ACCESS_DENIED)) {
		output_error("no session %s that a card opened; 'scpolicyctl sessions' lists them",
			     arguments[0]);
		return EXIT_USAGE;
	}
	return client_complain(ctl, r, &error);
}
