/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"

#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "ctl/text.h"

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)
#define _cleanup_message_ _cleanup_(sd_bus_message_unref_p)

int client_open(struct ctl *ctl)
{
	return ctl->bus ? 0 : sd_bus_open_system(&ctl->bus);
}

bool client_sees_all(void)
{
	const struct group *group = geteuid() == 0 ? NULL : getgrnam(ACCESS_GROUP);

	return geteuid() == 0 || (group && group_member(group->gr_gid));
}

/* How long a person may take to authenticate to polkit. */
#define RELOAD_USEC (2 * 60 * 1000 * 1000ULL)

static int new_call(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
		    sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *call = NULL;
	int r = sd_bus_message_new_method_call(ctl->bus, &call, BUS_NAME, BUS_PATH, BUS_INTERFACE, method);

	if (r >= 0)
		r = sd_bus_message_set_auto_start(call, false);
	if (r >= 0)
		r = sd_bus_message_set_allow_interactive_authorization(call, true);
	for (size_t i = 0; r >= 0 && i < count; i++)
		r = sd_bus_message_append_basic(call, 's', arguments[i]);
	if (r >= 0)
		*ret = steal_pointer(call);
	return r;
}

int client_ask(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
	       struct json_object **ret, sd_bus_error *error)
{
	_cleanup_message_ sd_bus_message *call = NULL, *answer = NULL;
	int r = client_open(ctl);

	if (r >= 0)
		r = new_call(ctl, method, arguments, count, &call);
	if (r >= 0)
		r = sd_bus_call(ctl->bus, call, strcmp(method, "Reload") == 0 ? RELOAD_USEC : 0, error,
				&answer);
	if (r >= 0 && ret)
		r = sd_bus_message_is_empty(answer) ? 0 : tree_read(answer, ctl->json, ret);
	if (r >= 0)
		return 0;
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	    sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
		return -EHOSTUNREACH;
	if (!sd_bus_error_is_set(error))
		sd_bus_error_set_errno(error, r);
	return r;
}

int client_complain(const struct ctl *ctl, int r, const sd_bus_error *error)
{
	_cleanup_free_ char *text = NULL;

	if (!ctl->bus) {
		output_error("scpolicyd cannot be reached, there is no system bus here: %s", strerror(-r));
		return EXIT_NO_DAEMON;
	}
	if (r == -EHOSTUNREACH) {
		output_error("scpolicyd does not run; start it with: systemctl start scpolicyd");
		return EXIT_NO_DAEMON;
	}
	text = strdup(error->message ? error->message : strerror(-r));
	output_error("%s", text ? text_clean(text, false) : "out of memory");
	return sd_bus_error_has_name(error, SD_BUS_ERROR_INVALID_ARGS) ? EXIT_USAGE : EXIT_FAULT;
}

int client_call(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
		struct json_object **ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = client_ask(ctl, method, arguments, count, ret, &error);

	return r < 0 ? client_complain(ctl, r, &error) : EXIT_FINE;
}
