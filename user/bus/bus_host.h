/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What the bus answers from: the daemon fills it in, the bus only reads it. */
#include "actions/diagnostics.h"
#include "actions/journal.h"
#include "actions/kernel_audit.h"
#include "actions/metrics.h"
#include "config/config.h"
#include "policy/world.h"

#include <systemd/sd-bus.h>

/* What the daemon knows of itself. Strings are borrowed. */
struct daemon_status {
	const char *probe; /* "fentry" or "kprobe"; NULL: there is none */
	const char *deaf;  /* what pcscd does not know; "": nothing */
	bool uevent, udev; /* the kernel's and udevd's words on devices are heard */
	const struct kernel_audit *audit;
	const struct journal *journal;
	const struct diagnostics *diagnostics;
	uint64_t started;   /* CLOCK_MONOTONIC, ns */
	uint64_t rechecked; /* … when every session was last compared again; 0: not since the start */
	struct config_error
		refused; /* why the last reload of the configuration was refused; "": it was not */
};

/* What the bus serves from: all borrowed, and looked at whenever somebody asks. */
struct bus_host {
	const struct world *world;
	const struct config *config;
	const struct daemon_status *status;
	const struct metrics *metrics;
	/* Reads the configuration again: 0, or a negative errno with status->refused filled. */
	int (*reload)(void *userdata);
	/* The person of a session signed in to its locker. */
	void (*rebind)(void *userdata, const char *session);
	/* A process of the session, and of this user, offers a connection to its client's card service: answers the call. */
	int (*attach)(void *userdata, sd_bus_message *call, const char *session, uid_t uid);
	void *userdata;
};
