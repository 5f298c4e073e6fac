/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the daemon's parts share. setup.c makes it in named steps, verdicts.c carries out what the core says, events.c
 * hands the core what the sources report, resolve.c and reload.c keep every session under the rules that are in force.
 */
#include "actions/diagnostics.h"
#include "actions/enforce.h"
#include "actions/journal.h"
#include "bus/bus.h"
#include "config/config.h"
#include "daemon/deaf.h"
#include "daemon/govern.h"
#include "daemon/recorder.h"
#include "daemon/trail_queue.h"
#include "policy/world.h"
#include "sources/groups.h"
#include "sources/logind.h"
#include "sources/pcsc.h"
#include "sources/probe.h"
#include "sources/records.h"
#include "sources/remote_source.h"
#include "sources/udev.h"

struct daemon {
	sd_event *event;
	sd_event_source *watchdog;
	uint64_t watchdog_usec; /* how often systemd hears that the loop turns */
	sd_bus *bus;		/* to listen and to ask */
	sd_bus *enforce_bus;	/* for the calls of a removal alone */
	struct config config;
	struct govern *govern; /* what rules ask about each session */
	struct world *world;
	struct enforcer *enforcer;
	struct trail_queue *trail;
	const char *recording;	   /* its file, borrowed; NULL: nothing is recorded */
	struct recorder *recorder; /* NULL then too */
	struct probe *probe;	   /* NULL: the kernel offers none */
	struct udev_source *udev;  /* NULL: no netlink here */
	struct pcsc_source *pcsc;
	struct deaf *deaf; /* NULL while the sources are set up */
	struct record_source *records;
	struct remote_source *remote;
	struct looks *looks;		  /* remote sessions whose client is looked for */
	sd_bus_slot *newcomers;		  /* hears of new sessions */
	sd_event_source *newcomers_again; /* on while sessions could not be asked about */
	struct logind_source *logind;
	struct groups_source *groups;
	struct bus *callers; /* who asks us, on a connection of its own */
	struct bus_host host;
	struct daemon_status status;
	struct diagnostics *diagnostics;
	struct journal *journal;
	struct kernel_audit *kernel_audit; /* NULL: the kernel has none, or does not let us */
	struct metrics metrics;

	/* Of events.c. The core asks for the first three; they are done once its call has returned. */
	bool recheck, reread, locate;
	bool acted;		  /* the core took a step in that call */
	sd_event_source *resolve; /* on while rules are to be asked again: cards at clients were bound */
	bool refused;		  /* there was no memory for that event, or for the calls that it asks for */
	sd_event_source *deadline;
	sd_event_source *rest; /* PC/SC is not asked again before it is over */
	bool resting;

	/* Of reload.c. */
	sd_event_source *gpo; /* on while the group policy is to be looked at */
	bool last_look;	      /* … and then believed */
};
