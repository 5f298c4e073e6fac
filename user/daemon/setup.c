/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/setup.h"

#include <signal.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "daemon/capabilities.h"
#include "daemon/events.h"
#include "daemon/reload.h"
#include "daemon/resolve.h"
#include "daemon/sessions.h"
#include "daemon/verdicts.h"
#include "daemon/wiring.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "sources/loader.h"
#include "sources/probe_keep.h"

#define WORKER_NAME "scpolicyd-pcsc-worker"

/* ---- the loop ------------------------------------------------------------------------------------------- */

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info _unused_,
		  void *userdata _unused_)
{
	sd_notify(false, "STOPPING=1");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_hangup(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_,
		     void *userdata)
{
	reload_again(userdata);
	return 0;
}

static int setup_signals(struct daemon *daemon)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	r = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_end, daemon);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGINT, on_end, daemon);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGHUP, on_hangup, daemon);
	return r;
}

static int on_watchdog(sd_event_source *timer, uint64_t usec _unused_, void *userdata)
{
	struct daemon *daemon = userdata;
	int r;

	sd_notify(false, "WATCHDOG=1");
	r = sd_event_source_set_time_relative(timer, daemon->watchdog_usec);
	return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/*
 * Not sd_event_set_watchdog(): after some seconds without a wakeup it notifies as soon as the loop wakes, before
 * anything is dispatched, and so on the way of a removal. This one lets the probe go first.
 */
static int setup_watchdog(struct daemon *daemon)
{
	uint64_t limit;
	int r;

	r = sd_watchdog_enabled(false, &limit);
	/* WatchdogSec=infinity comes as a number that libsystemd refuses: no notification is due then either. */
	if (r <= 0)
		return r == -EINVAL ? 0 : r;
	daemon->watchdog_usec = limit / 2;
	r = sd_event_add_time_relative(daemon->event, &daemon->watchdog, CLOCK_MONOTONIC,
				       daemon->watchdog_usec, 0, on_watchdog, daemon);
	return r < 0 ? r : sd_event_source_set_priority(daemon->watchdog, PRIORITY_SOURCE);
}

static int setup_loop(struct daemon *daemon)
{
	int r;

	r = sd_event_default(&daemon->event);
	if (r >= 0)
		r = setup_watchdog(daemon);
	if (r >= 0)
		r = setup_signals(daemon);
	if (r >= 0)
		r = events_new(daemon);
	if (r >= 0)
		r = reload_new(daemon);
	if (r < 0)
		log_error("cannot set up the event loop: %s", strerror(-r));
	return r;
}

/* A group policy that cannot be read yet is looked at once more. */
static int setup_gpo(struct daemon *daemon)
{
	if (!daemon->config.gpo_stamp)
		reload_look_at_gpo(daemon, GPO_AGAIN_USEC);
	return 0;
}

/* ---- the core, its actions and its callers ---------------------------------------------------------------- */

/* sd-bus then ends the loop, and says nothing: systemd starts the daemon again. */
static int on_disconnected(sd_bus_message *signal, void *userdata _unused_, sd_bus_error *error _unused_)
{
	const char *what = NULL;

	sd_bus_get_description(sd_bus_message_get_bus(signal), &what);
	log_error("the system bus has ended the connection %s, or memory ran out: the daemon ends", what);
	return 0;
}

static int open_bus(struct daemon *daemon, int64_t priority, const char *what, sd_bus **ret)
{
	int r;

	r = sd_bus_open_system_with_description(ret, what);
	if (r >= 0)
		r = sd_bus_set_exit_on_disconnect(*ret, true);
	if (r >= 0)
		r = sd_bus_match_signal(*ret, NULL, NULL, "/org/freedesktop/DBus/Local",
					"org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL);
	if (r >= 0)
		r = sd_bus_attach_event(*ret, daemon->event, priority);
	if (r < 0)
		log_error("cannot connect to the system bus: %s", strerror(-r));
	return r;
}

static int setup_bus(struct daemon *daemon)
{
	return open_bus(daemon, PRIORITY_REST, "scpolicyd", &daemon->bus);
}

static int setup_enforcer(struct daemon *daemon)
{
	int r = open_bus(daemon, PRIORITY_SOURCE, "scpolicyd-enforce", &daemon->enforce_bus);

	return r < 0 ? r
		     : enforcer_new(daemon->enforce_bus, (struct sink){events_take, daemon},
				    &daemon->enforcer);
}

static int setup_govern(struct daemon *daemon)
{
	return govern_new(&daemon->govern);
}

static int setup_diagnostics(struct daemon *daemon)
{
	int r = diagnostics_new(daemon->event, &daemon->diagnostics);

	daemon->status.diagnostics = daemon->diagnostics;
	return r;
}

static int setup_journal(struct daemon *daemon)
{
	int r = journal_new(daemon->event, &daemon->journal);

	daemon->status.journal = daemon->journal;
	return r;
}

static int setup_trail(struct daemon *daemon)
{
	return trail_queue_new(daemon->event, verdicts_publish, daemon, &daemon->trail);
}

static int setup_world(struct daemon *daemon)
{
	return world_new(verdicts_take, daemon, &daemon->world);
}

static int setup_callers(struct daemon *daemon)
{
	int r;

	daemon->status.started = monotonic_now();
	daemon->host = (struct bus_host){
		.world = daemon->world,
		.config = &daemon->config,
		.status = &daemon->status,
		.metrics = &daemon->metrics,
		.reload = reload_again,
		.rebind = sessions_rebind,
		.userdata = daemon,
	};
	r = bus_new(daemon->event, &daemon->host, &daemon->callers);
	if (r < 0)
		log_error("cannot serve callers on the system bus: %s", strerror(-r));
	return r;
}

static int setup_recorder(struct daemon *daemon)
{
	int r = daemon->recording ? recorder_new(daemon->recording, &daemon->recorder) : 0;

	if (r < 0)
		log_error("%s: %s", daemon->recording, strerror(-r));
	return r;
}

/* ---- the sources ---------------------------------------------------------------------------------------- */

/* Each of the two may be missing: the daemon then serves with the other sources, and says so. */
static int setup_kernel(struct daemon *daemon)
{
	struct sink sink = {events_take, daemon};
	_cleanup_(loader_close) struct loader loader = LOADER_INIT;
	struct kept kept;
	int r;

	kept_receive(&kept);
	r = probe_new(daemon->event, sink, &kept, &loader, &daemon->probe);
	if (r < 0)
		log_info("no kernel probe: %s", strerror(-r));
	if (daemon->probe)
		events_take(daemon, &(struct event){.type = EVENT_PROBE,
						    .source = SOURCE_DAEMON,
						    .stamp = monotonic_now()});
	r = udev_source_new(daemon->event, sink, &kept, &loader, &daemon->udev);
	kept_drop(&kept);
	if (r < 0)
		log_info("cannot watch USB devices: %s", strerror(-r));
	daemon->status.probe = daemon->probe ? probe_kind(daemon->probe) : NULL;
	daemon->status.uevent = daemon->udev;
	daemon->status.udev = daemon->udev && udev_source_has_udevd(daemon->udev);
	return 0;
}

/* Most machines without it have no audit in their kernel, which is no fault. */
static int setup_kernel_audit(struct daemon *daemon)
{
	int r = kernel_audit_new(daemon->event, &daemon->kernel_audit);

	if (r < 0)
		log_debug("no kernel audit log: %s", strerror(-r));
	daemon->status.audit = daemon->kernel_audit;
	return 0;
}

static int setup_capabilities(struct daemon *daemon _unused_)
{
	capabilities_drop();
	return 0;
}

static int setup_groups(struct daemon *daemon)
{
	int r = groups_source_new(daemon->event, GROUPS_PROGRAM, resolve_take_groups, daemon,
				  &daemon->groups);

	if (r < 0)
		log_error("cannot set up group look-ups: %s", strerror(-r));
	return r;
}

static int setup_logind(struct daemon *daemon)
{
	int r = logind_source_new(daemon->bus, (struct sink){sessions_take_logind, daemon}, &daemon->logind);

	if (r < 0)
		log_error("cannot listen to logind: %s", strerror(-r));
	return r;
}

static int setup_records(struct daemon *daemon)
{
	int r = record_source_new(daemon->event, sessions_take_record, daemon, &daemon->records);

	if (r < 0)
		log_error("cannot watch %s: %s", RECORD_DIR, strerror(-r));
	return r;
}

static int setup_waiting(struct daemon *daemon)
{
	int r = daemon->probe ? probe_catch_up(daemon->probe) : 0;

	if (r < 0)
		log_error("cannot read what waited in the probe's buffer: %s", strerror(-r));
	return r;
}

static int setup_devices(struct daemon *daemon)
{
	int r = daemon->udev ? udev_source_list(daemon->udev) : 0;

	if (r < 0)
		log_error("cannot list USB devices: %s", strerror(-r));
	return 0;
}

static int setup_pcsc(struct daemon *daemon)
{
	const char *directory = secure_getenv("SCPOLICYD_LIBEXECDIR");
	_cleanup_free_ char *program = NULL;
	int r;

	if (asprintf(&program, "%s/%s", directory ? directory : LIBEXECDIR, WORKER_NAME) < 0) {
		program = NULL;
		return -ENOMEM;
	}
	r = pcsc_source_new(daemon->event, program, (struct sink){events_take, daemon}, &daemon->pcsc);
	if (r < 0)
		log_error("cannot watch PC/SC: %s", strerror(-r));
	return r;
}

/* ---- the steps ------------------------------------------------------------------------------------------ */

const struct setup_step setup_steps[] = {
	/* First: a policy that is refused ends the start before anything else is touched. */
	{"configuration", reload_first, {}},
	/* Blocks SIGCHLD, without which the loop hears of no child's end. */
	{"loop", setup_loop, {}},
	{"group policy", setup_gpo, {"configuration", "loop"}},
	{"bus", setup_bus, {"loop"}},
	{"enforcer", setup_enforcer, {"loop"}},
	{"govern", setup_govern, {}},
	{"diagnostics", setup_diagnostics, {"loop"}},
	{"journal", setup_journal, {"loop"}},
	/* Whatever it publishes goes to the journal. */
	{"trail", setup_trail, {"journal"}},
	/* A first event may arm a session, act on it and report that. */
	{"core", setup_world, {"enforcer", "govern", "trail"}},
	/* Answers from the core and the configuration, and can have the latter read again. */
	{"callers", setup_callers, {"core", "configuration", "group policy"}},
	/* A recording lacks no event: the kernel's sources report the first ones. */
	{"recorder", setup_recorder, {"core"}},
	{"kernel", setup_kernel, {"core", "recorder"}},
	{"kernel audit", setup_kernel_audit, {"loop"}},
	/* Loading the probe needs most of them, the child that writes to the kernel's audit log another. */
	{"capabilities", setup_capabilities, {"kernel", "kernel audit"}},
	/* Runs programs, which inherit what is left. */
	{"groups", setup_groups, {"loop", "capabilities"}},
	{"logind", setup_logind, {"bus", "core", "govern"}},
	/* Reports the records that are there: each is governed, and asks both. */
	{"records", setup_records, {"kernel", "groups", "logind"}},
	/* What happened before this start is about the recorded sessions … */
	{"waiting", setup_waiting, {"kernel", "records"}},
	/* … and older than what is there now. */
	{"devices", setup_devices, {"kernel", "waiting"}},
	/* Runs the worker, which inherits what is left. */
	{"PC/SC", setup_pcsc, {"core", "capabilities", "devices"}},
	{},
};

int setup_run(struct daemon *daemon)
{
	for (const struct setup_step *step = setup_steps; step->name; step++) {
		int r = step->run(daemon);

		if (r < 0) {
			log_debug("not set up: %s", step->name);
			return r;
		}
	}
	return 0;
}
