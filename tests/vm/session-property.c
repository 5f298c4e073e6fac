// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * session-property SESSION NAME: prints one of logind's properties of the session, a text or "yes" or "no", as
 * `loginctl show-session --value -p NAME` does. For what a case asks again and again: an emulated CPU takes a
 * tenth of a second to start loginctl.
 */
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "lib/cleanup.h"

DEFINE_CLEANUP(sd_bus *, sd_bus_flush_close_unref)
DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)

static int print_value(sd_bus_message *answer)
{
	const char *type;
	int r = sd_bus_message_peek_type(answer, NULL, &type);
	const char *text = NULL;
	int truth = 0;

	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(answer, 'v', type);
	if (r < 0)
		return r;
	r = strcmp(type, "b") == 0 ? sd_bus_message_read(answer, "b", &truth)
				   : sd_bus_message_read(answer, "s", &text);
	if (r >= 0)
		puts(text ? text : truth ? "yes" : "no");
	return r;
}

int main(int argc, char **argv)
{
	_cleanup_(sd_bus_flush_close_unref_p) sd_bus *bus = NULL;
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *answer = NULL;
	_cleanup_free_ char *path = NULL;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: %s SESSION NAME\n", argv[0]);
		return 2;
	}
	r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_path_encode("/org/freedesktop/login1/session", argv[1], &path);
	if (r >= 0)
		r = sd_bus_call_method(bus, "org.freedesktop.login1", path, "org.freedesktop.DBus.Properties",
				       "Get", NULL, &answer, "ss", "org.freedesktop.login1.Session", argv[2]);
	if (r >= 0)
		r = print_value(answer);
	if (r < 0)
		fprintf(stderr, "%s of session %s: %s\n", argv[2], argv[1], strerror(-r));
	return r < 0;
}
