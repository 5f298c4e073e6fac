/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Sources, core and actions wired together on one loop. */

struct daemon;

struct daemon_options {
	const char *record; /* a file to keep every event and verdict in; NULL: none */
};

/* Everything that serves, set up; nothing is dispatched yet. 0, or a negative errno, logged already. */
int daemon_new(const struct daemon_options *options, struct daemon **ret);
struct daemon *daemon_free(struct daemon *daemon);

/* Runs until SIGTERM or SIGINT. The exit status. */
int daemon_run(struct daemon *daemon);
