/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Receives the daemon's signals that the caller may receive: the broadcasts or, for most users, those of
 * their own sessions. It outlives the daemon and subscribes again whenever the daemon appears. It never
 * starts the daemon.
 */
#include "ctl/ctl.h"

struct listener;

struct listener_handler {
	/*
	 * Signals of the daemon's own interface, from the daemon's connection alone: anybody may send
	 * anybody a signal with these names.
	 */
	void (*signal)(void *userdata, const char *name, sd_bus_message *message);
	/*
	 * The daemon appeared and its signals will arrive, or it ended. The first call reports the state at
	 * the start.
	 */
	void (*presence)(void *userdata, bool runs);
	/* The daemon runs, but does not let us listen: `why` is one clause. */
	void (*refused)(void *userdata, const char *why);
	void *userdata;
};

/*
 * `bus` is attached to a loop. 0, or a negative errno. The handler is copied, and none of its functions is
 * NULL.
 */
int listener_new(sd_bus *bus, const struct listener_handler *handler, struct listener **ret);
struct listener *listener_free(struct listener *listener);
DEFINE_CLEANUP(struct listener *, listener_free)
