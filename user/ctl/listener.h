/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Hears the daemon's signals, whichever the caller may hear: the broadcasts, or, for most people, those of their
 * own sessions. It outlives the daemon: whenever that is there, it subscribes anew. It never starts it.
 */
#include "ctl/ctl.h"

struct listener;

struct listener_handler {
	/*
	 * Signals of the daemon's own interface, from the daemon's connection alone: anybody may send
	 * anybody a signal with these names.
	 */
	void (*signal)(void *userdata, const char *name, sd_bus_message *message);
	/* The daemon is there and its signals will be heard, or has gone; first for what is so at the start. */
	void (*presence)(void *userdata, bool runs);
	/* It runs, but does not let us listen: `why` is one clause. */
	void (*refused)(void *userdata, const char *why);
	void *userdata;
};

/* `bus` is attached to a loop. 0, or a negative errno. The handler is copied, its functions are all there. */
int listener_new(sd_bus *bus, const struct listener_handler *handler, struct listener **ret);
struct listener *listener_free(struct listener *listener);
DEFINE_CLEANUP(struct listener *, listener_free)
