/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * org.scpolicyd1 on the system bus: what is known and what would be done, for those who may know it, and
 * signals of what is done. user/data/org.scpolicyd1.xml describes it for its users.
 *
 * It has a connection of its own: whatever its callers do, nothing of theirs stands in the way of a removal,
 * or of what is asked of logind. Nothing here waits: who a caller is, is asked of the bus, and whether it may
 * have the policy read anew, of polkit; both answer in their time, and until then the call waits in a table
 * that is bounded (bus_access.h). What the bus does not take from us is not made for it at all.
 */
#include <systemd/sd-event.h>

#include "config.h"
#include "kernel_audit.h"
#include "metrics.h"
#include "trail.h"
#include "world.h"

/* What the daemon knows of itself. Strings are borrowed. */
struct daemon_status {
	const char *probe; /* "fentry" or "kprobe"; NULL: there is none */
	bool uevent, udev; /* the kernel's and udevd's words on devices are heard */
	const struct kernel_audit *audit;
	uint64_t started;  /* CLOCK_MONOTONIC, ns */
	uint64_t rechecked; /* … when everything was looked at anew last; 0: not since the start */
	struct config_error refused; /* why the configuration was refused when last read anew; "": it was not */
};

/* What the bus serves from: all borrowed, and looked at whenever somebody asks. */
struct bus_host {
	const struct world *world;
	const struct config *config;
	const struct daemon_status *status;
	const struct metrics *metrics;
	/* Reads the configuration anew: 0, or a negative errno with status->refused filled. */
	int (*reload)(void *userdata);
	void *userdata;
};

struct bus;

/* Connects, and asks for the name; that another process has it is logged. 0, or a negative errno. */
int bus_new(sd_event *event, const struct bus_host *host, struct bus **ret);
struct bus *bus_free(struct bus *bus);

/* After the configuration was read anew: who is in the group may have changed. */
void bus_reloaded(struct bus *bus);

/* Signals: Trail of every entry, and Removal, Action, Countdown of those that are. Never blocks. */
void bus_tell(struct bus *bus, const struct trail_entry *entry);
