// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * locker [--deaf | --no-hint] SESSION: stands in for a desktop's screen locker. It obeys logind's Lock and
 * Unlock signals of one session and shows it through LockedHint, as GNOME and KDE do. --deaf hears nothing
 * (a locker that hangs), --no-hint locks without the hint (light-locker, swayidle, xss-lock). It prints what
 * it does.
 */
#include <getopt.h>
#include <stdbool.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "lib/cleanup.h"

#define LOGIND "org.freedesktop.login1"

DEFINE_CLEANUP(sd_bus *, sd_bus_flush_close_unref)
DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)

struct locker {
	sd_bus *bus;
	char *path;
	bool deaf;
	bool no_hint;
};

static int hint_answered(sd_bus_message *message, void *data _unused_, sd_bus_error *error _unused_)
{
	const sd_bus_error *refused = sd_bus_message_get_error(message);

	if (refused)
		fprintf(stderr, "SetLockedHint: %s\n", refused->message);
	return 0;
}

static int lock_or_unlock(sd_bus_message *message, void *data, sd_bus_error *error _unused_)
{
	struct locker *locker = data;
	bool locked = sd_bus_message_is_signal(message, LOGIND ".Session", "Lock");

	if (!locked && !sd_bus_message_is_signal(message, LOGIND ".Session", "Unlock"))
		return 0;
	printf("%s%s\n", locked ? "lock" : "unlock", locker->deaf ? " ignored" : "");
	if (locker->deaf || locker->no_hint)
		return 0;
	return sd_bus_call_method_async(locker->bus, NULL, LOGIND, locker->path, LOGIND ".Session",
					"SetLockedHint", hint_answered, NULL, "b", locked);
}

static int session_path(sd_bus *bus, const char *session, char **ret_path)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *reply = NULL;
	const char *path;
	int r;

	r = sd_bus_call_method(bus, LOGIND, "/org/freedesktop/login1", LOGIND ".Manager", "GetSession", NULL,
			       &reply, "s", session);
	if (r < 0)
		return r;
	r = sd_bus_message_read(reply, "o", &path);
	if (r < 0)
		return r;
	path = strdup(path);
	if (!path)
		return -ENOMEM;
	*ret_path = (char *)path;
	return 0;
}

static int locker_run(struct locker *locker, const char *session)
{
	_cleanup_(sd_bus_flush_close_unref_p) sd_bus *bus = NULL;
	_cleanup_free_ char *path = NULL;
	int r;

	r = sd_bus_open_system(&bus);
	if (r < 0)
		return r;
	r = session_path(bus, session, &path);
	if (r < 0)
		return r;
	locker->bus = bus;
	locker->path = path;
	r = sd_bus_match_signal(bus, NULL, LOGIND, path, LOGIND ".Session", NULL, lock_or_unlock, locker);
	if (r < 0)
		return r;
	puts("ready");
	for (;;) {
		r = sd_bus_process(bus, NULL);
		if (r < 0)
			return r;
		if (r == 0 && (r = sd_bus_wait(bus, UINT64_MAX)) < 0 && r != -EINTR)
			return r;
	}
}

int main(int argc, char **argv)
{
	struct locker locker = {0};
	static const struct option options[] = {
		{"deaf", no_argument, NULL, 'd'}, {"no-hint", no_argument, NULL, 'n'}, {0}};
	int c, r;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		locker.deaf |= c == 'd';
		locker.no_hint |= c == 'n';
		if (c == '?')
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: %s [--deaf | --no-hint] SESSION\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = locker_run(&locker, argv[optind]);
	fprintf(stderr, "locker: %s\n", strerror(-r));
	return 1;
}
