/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/setup.h"

#include <string.h>

#include "daemon/attach.h"
#include "daemon/capabilities.h"
#include "daemon/events.h"
#include "daemon/looks.h"
#include "daemon/newcomers.h"
#include "daemon/reload.h"
#include "daemon/resolve.h"
#include "daemon/sessions.h"
#include "daemon/setup_loop.h"
#include "daemon/verdicts.h"
#include "daemon/wiring.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "sources/loader.h"
#include "sources/probe_keep.h"

#define WORKER_NAME "scpolicyd-pcsc-worker"

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
	int r = verdicts_new(daemon);

	return r < 0 ? r : world_new(verdicts_take, daemon, &daemon->world);
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
		.attach = attach_call,
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

static int setup_looks(struct daemon *daemon)
{
	return looks_new(daemon);
}

static int setup_remote(struct daemon *daemon)
{
	return remote_source_new(daemon->event, (struct sink){sessions_take_remote, daemon}, attach_known,
				 &daemon->remote);
}

static int setup_records(struct daemon *daemon)
{
	int r = record_source_new(daemon->event, sessions_take_record, daemon, &daemon->records);

	if (r < 0)
		log_error("cannot watch %s: %s", RECORD_DIR, strerror(-r));
	return r;
}

static int setup_newcomers(struct daemon *daemon)
{
	int r = newcomers_new(daemon);

	if (r < 0)
		log_error("cannot listen for new sessions: %s", strerror(-r));
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

static bool heals_pcscd(void *userdata)
{
	struct daemon *daemon = userdata;

	return *rules_heal_pcscd(daemon->config.rules);
}

static void report_deaf(void *userdata, const char *text)
{
	struct daemon *daemon = userdata;
	struct trail_entry entry;

	trail_sources(true, text, &entry);
	trail_queue_add(daemon->trail, &entry, 0);
}

static int setup_deaf(struct daemon *daemon)
{
	const struct deaf_host host = {.world = daemon->world,
				       .udev = daemon->udev,
				       .bus = daemon->bus,
				       .heals = heals_pcscd,
				       .report = report_deaf,
				       .userdata = daemon};
	int r = deaf_new(daemon->event, &host, &daemon->deaf);

	if (r >= 0)
		daemon->status.deaf = deaf_text(daemon->deaf);
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
	{"looks", setup_looks, {"loop"}},
	/* Reaches the watcher once a record, or a person, asks for that. */
	{"remote", setup_remote, {"looks", "core"}},
	/* Reports the records that are there: each is governed, and asks both; those of a card at a client ask for that. */
	{"records", setup_records, {"kernel", "groups", "logind", "remote"}},
	/* A session that has a record needs no other. */
	{"newcomers", setup_newcomers, {"bus", "records"}},
	/* What happened before this start is about the recorded sessions … */
	{"waiting", setup_waiting, {"kernel", "records"}},
	/* … and older than what is there now. */
	{"devices", setup_devices, {"kernel", "waiting"}},
	/* Runs the worker, which inherits what is left. */
	{"PC/SC", setup_pcsc, {"core", "capabilities", "devices"}},
	/* Compares what the kernel and PC/SC have reported. */
	{"deaf pcscd", setup_deaf, {"bus", "core", "devices", "PC/SC"}},
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
