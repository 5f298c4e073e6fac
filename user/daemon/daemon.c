/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/daemon.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include <cap-ng.h>
#include <systemd/sd-daemon.h>

#include "actions/announce.h"
#include "actions/audit.h"
#include "actions/enforce.h"
#include "actions/kernel_audit.h"
#include "actions/metrics.h"
#include "bus/bus.h"
#include "config/config.h"
#include "daemon/govern.h"
#include "daemon/realtime.h"
#include "daemon/recorder.h"
#include "daemon/trail_queue.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "policy/world.h"
#include "sources/groups.h"
#include "sources/logind.h"
#include "sources/pcsc.h"
#include "sources/probe.h"
#include "sources/records.h"
#include "sources/udev.h"

#define WORKER_NAME "scpolicyd-pcsc-worker"

struct daemon {
	sd_event *event;
	sd_event_source *deadline;
	sd_event_source *watchdog;
	uint64_t watchdog_usec; /* how often systemd is told that the loop turns */
	sd_bus *bus;		/* to listen and to ask */
	sd_bus *enforce_bus;	/* for the calls of a removal alone */
	struct trail_queue *trail;
	struct config config;
	struct govern *govern; /* what rules ask about each session */
	struct world *world;
	struct enforcer *enforcer;
	struct recorder *recorder; /* NULL: nothing is recorded */
	struct probe *probe;	   /* NULL: the kernel offers none */
	struct udev_source *udev;  /* NULL: no netlink here */
	struct pcsc_source *pcsc;
	struct record_source *records;
	struct logind_source *logind;
	struct groups_source *groups;
	struct bus *callers; /* who asks us, on a connection of its own */
	struct bus_host host;
	struct daemon_status status;
	struct kernel_audit *kernel_audit; /* NULL: the kernel has none, or does not let us */
	struct metrics metrics;
	bool recheck, reread, locate; /* asked for by the core, done once its call has returned */
	bool acted;		      /* in that call, a step was taken */
	sd_event_source *rest;	      /* PC/SC is asked anew only when it is over */
	bool resting;
	sd_event_source *gpo; /* on while the group policy is to be looked at */
	bool last_look;	      /* … and then believed */
};

DEFINE_CLEANUP(struct daemon *, daemon_free)

/* ---- verdicts ------------------------------------------------------------------------------------------- */

static void watch(struct daemon *daemon, struct usb_address usb, bool on)
{
	if (daemon->probe)
		probe_watch(daemon->probe, usb, on);
}

static void arm(struct daemon *daemon, const struct verdict *verdict)
{
	const char *session = verdict->login->session;
	int r;

	r = enforcer_arm(daemon->enforcer, verdict->login, verdict->steps,
			 logind_source_display(daemon->logind, session));
	if (r < 0)
		log_error("session %s: cannot make its calls ready: %s", session, strerror(-r));
}

static void disarm(struct daemon *daemon, const struct verdict *verdict)
{
	const char *session = verdict->login->session;

	enforcer_disarm(daemon->enforcer, session);
	groups_source_forget(daemon->groups, session);
	govern_forget(daemon->govern, session);
	if (daemon->records)
		record_source_forget(daemon->records, session);
}

static void start_unit(struct daemon *daemon, const struct verdict *verdict)
{
	int r = enforcer_start_unit(daemon->enforcer, verdict->settings->unit, verdict->login->session);

	if (r < 0)
		log_error("session %s: cannot start %s: %s", verdict->login->session, verdict->settings->unit,
			  strerror(-r));
}

/* Everybody who keeps the trail. */
static void publish(void *userdata, const struct trail_entry *entry)
{
	const struct daemon *daemon = userdata;

	audit_write(entry);
	kernel_audit_write(daemon->kernel_audit, entry);
	bus_tell(daemon->callers, entry);
}

static void publish_config(struct daemon *daemon, const char *text, bool refused)
{
	struct trail_entry entry;

	trail_config(text, refused, &entry);
	trail_queue_add(daemon->trail, &entry, 0);
}

static void tell(struct daemon *daemon, const struct verdict *verdict)
{
	struct trail_times times = {0};
	struct trail_entry entry;
	const char *session;

	realtime_suspend(); /* the bus, logind and the locker come before words about it */
	if (verdict->login) {
		session = verdict->login->session;
		times.decided = enforcer_decided(daemon->enforcer, session);
		times.sent = enforcer_sent(daemon->enforcer, session);
		announce_verdict(verdict, logind_source_tty(daemon->logind, session));
	}
	metrics_verdict(&daemon->metrics, verdict, &times);
	if (verdict->type == VERDICT_RECHECKED)
		daemon->status.rechecked = monotonic_now();
	if (trail_verdict(verdict, &times, &entry))
		trail_queue_add(daemon->trail, &entry, times.sent);
}

static void on_verdict(void *userdata, const struct verdict *verdict)
{
	struct daemon *daemon = userdata;

	if (verdict->type == VERDICT_ACT) {
		enforcer_act(daemon->enforcer, verdict->login->session, verdict->step);
		daemon->acted = true;
	}
	if (daemon->recorder)
		recorder_verdict(daemon->recorder, verdict);
	switch (verdict->type) {
	case VERDICT_ACT:
		break;
	case VERDICT_ARM:
		arm(daemon, verdict);
		break;
	case VERDICT_DISARM:
		disarm(daemon, verdict);
		break;
	case VERDICT_WATCH:
	case VERDICT_UNWATCH:
		watch(daemon, verdict->usb, verdict->type == VERDICT_WATCH);
		break;
	case VERDICT_RECHECK:
		daemon->recheck = true;
		break;
	case VERDICT_REREAD:
		daemon->reread = true;
		break;
	case VERDICT_LOCATE:
		daemon->reread = daemon->locate = true;
		break;
	case VERDICT_BOUND:
		if (daemon->records)
			record_source_set_bound(daemon->records, verdict->login);
		break;
	case VERDICT_DEALT:
		if (daemon->records)
			record_source_set_away(daemon->records, verdict->login->session, verdict->dealt);
		break;
	case VERDICT_UNIT:
		start_unit(daemon, verdict);
		break;
	case VERDICT_REMOVAL:
	case VERDICT_ACTION:
	case VERDICT_OUTCOME:
	case VERDICT_HEARD:
	case VERDICT_CONTRADICTED:
	case VERDICT_COMM_ERROR:
	case VERDICT_RESTORED:
	case VERDICT_RECHECKED:
	case VERDICT_SETTLED:
	case VERDICT_COUNTDOWN:
	case VERDICT_CANCELLED:
	case VERDICT_CANNOT_LOCK:
	case VERDICT_UNGUARDED:
		tell(daemon, verdict);
		break;
	case VERDICT_TYPE_COUNT:
		break;
	}
}

/* ---- events --------------------------------------------------------------------------------------------- */

static void recheck(struct daemon *daemon)
{
	int r;

	daemon->recheck = daemon->reread = daemon->locate = false;
	if (daemon->udev) {
		r = udev_source_list(daemon->udev);
		if (r < 0)
			log_error("cannot list USB devices: %s", strerror(-r));
	}
	if (daemon->pcsc)
		pcsc_source_recheck(daemon->pcsc, true);
}

/*
 * Once a step was taken, the next milliseconds are the bus's and logind's. Asking PC/SC anew keeps pcscd and its
 * clients busy: it waits so long.
 */
static void rest(struct daemon *daemon)
{
	daemon->resting = daemon->resting ||
			  (sd_event_source_set_time_relative(daemon->rest, TRAIL_REST / NSEC_PER_USEC) >= 0 &&
			   sd_event_source_set_enabled(daemon->rest, SD_EVENT_ONESHOT) >= 0);
}

static void reread(struct daemon *daemon)
{
	if (!daemon->reread || daemon->resting)
		return;
	if (daemon->pcsc)
		pcsc_source_recheck(daemon->pcsc, daemon->locate);
	daemon->reread = daemon->locate = false;
}

static int on_rested(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	struct daemon *daemon = userdata;

	daemon->resting = false;
	reread(daemon);
	return 0;
}

static void set_deadline(struct daemon *daemon)
{
	uint64_t deadline = world_deadline(daemon->world);

	if (deadline == UINT64_MAX) {
		sd_event_source_set_enabled(daemon->deadline, SD_EVENT_OFF);
		return;
	}
	/* Rounded up: an early EVENT_TIME would only ask for the same moment again. */
	sd_event_source_set_time(daemon->deadline, deadline / NSEC_PER_USEC + 1);
	sd_event_source_set_enabled(daemon->deadline, SD_EVENT_ONESHOT);
}

static void on_event(void *userdata, const struct event *told)
{
	struct daemon *daemon = userdata;
	struct event event = *told;

	event.now = monotonic_now();
	daemon->acted = false;
	daemon->metrics.lost += event.type == EVENT_LOST;
	if (world_event(daemon->world, &event) < 0) {
		/* Nothing of it was taken in: look at everything again, it may be told once more. */
		log_error("out of memory: looking at everything anew");
		daemon->recheck = true;
	}
	if (daemon->recorder)
		recorder_event(daemon->recorder, &event);
	/* Who waits for somebody to contradict asks at once. */
	if (daemon->acted && world_deadline(daemon->world) > event.now + 3 * TRAIL_REST)
		rest(daemon);
	if (daemon->recheck)
		recheck(daemon);
	reread(daemon);
	set_deadline(daemon);
}

/* ---- what governs a session ------------------------------------------------------------------------------ */

static void govern_anew(struct daemon *daemon, const char *session)
{
	on_event(daemon, &(struct event){
				 .type = EVENT_SETTINGS,
				 .source = SOURCE_DAEMON,
				 .stamp = monotonic_now(),
				 .change = {.session = session,
					    .governance = govern_resolve(daemon->govern, daemon->config.rules,
									 session)},
			 });
}

static void on_groups(void *userdata, const char *session, const char *const *names, size_t count)
{
	struct daemon *daemon = userdata;

	/* Everybody is in a group: the look-up failed, and what was known before is better than nothing. */
	if (count == 0)
		return;
	if (govern_groups(daemon->govern, session, names, count) > 0)
		govern_anew(daemon, session);
}

static void ask_groups(struct daemon *daemon, const char *session)
{
	const struct session_facts *facts = govern_facts(daemon->govern, session);
	int r;

	if (!facts || !rules_need_groups(daemon->config.rules))
		return;
	r = groups_source_ask(daemon->groups, session, facts->user);
	if (r < 0)
		log_error("session %s: cannot ask for its user's groups: %s", session, strerror(-r));
}

/* ---- the domain's policy -------------------------------------------------------------------------------- */

/* SSSD and adsys replace their files piece by piece. */
#define GPO_AGAIN_USEC (10 * 1000 * 1000ULL)

static void look_at_gpo(struct daemon *daemon, uint64_t delay_usec)
{
	if (*rules_from_gpo(daemon->config.rules) &&
	    (sd_event_source_set_time_relative(daemon->gpo, delay_usec) < 0 ||
	     sd_event_source_set_enabled(daemon->gpo, SD_EVENT_ONESHOT) < 0))
		log_warning("cannot look at the group policy");
}

static void warn_passed_over(const struct config *config)
{
	if (config->passed_over.text[0])
		log_warning("Source=gpo, passed over: %s", config->passed_over.text);
}

static void govern_all(struct daemon *daemon)
{
	for (const char *session = govern_next(daemon->govern, NULL); session;
	     session = govern_next(daemon->govern, session)) {
		govern_anew(daemon, session);
		ask_groups(daemon, session);
	}
}

static int on_gpo(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	struct daemon *daemon = userdata;
	int r = config_refresh(&daemon->config, daemon->last_look);

	if (r > 0) {
		govern_all(daemon);
		publish_config(daemon, "the domain's policy read anew, in force for every session", false);
	}
	if (r > 0 || (r < 0 && daemon->last_look))
		warn_passed_over(&daemon->config);
	daemon->last_look = r < 0 && !daemon->last_look;
	if (daemon->last_look)
		look_at_gpo(daemon, GPO_AGAIN_USEC);
	return 0;
}

/* ---- records, and what logind says ------------------------------------------------------------------------ */

/*
 * A record is governed by what is known of it now, at once; what logind and the name service say may change that, and
 * so may the domain's policy, which is fetched at sign-in.
 */
static void on_record(void *userdata, const struct event *event)
{
	const struct login_record *login = event->record.login;
	struct daemon *daemon = userdata;
	struct event governed = *event;
	int r;

	if (event->type != EVENT_RECORD) {
		on_event(daemon, event);
		return;
	}
	if (!daemon->last_look)
		look_at_gpo(daemon, 0);
	r = govern_record(daemon->govern, login);
	if (r < 0) {
		/* Not taken in: a reload would not find it, and leave it with rules that are gone. */
		log_error("session %s cannot be governed: %s", login->session, strerror(-r));
		return;
	}
	governed.record.governance = govern_resolve(daemon->govern, daemon->config.rules, login->session);
	log_info("session %s of user %s is governed: action %s on removal of the card in %s", login->session,
		 login->user, action_name(governed.record.governance.by_cause[CAUSE_CARD]->action),
		 login->card.name);
	on_event(daemon, &governed);
	ask_groups(daemon, login->session);
	r = logind_source_ask(daemon->logind, login);
	if (r < 0)
		log_warning("cannot ask logind for session %s: %s", login->session, strerror(-r));
}

/* The core gets the kind with what follows from the service; a rule may ask about it. */
static void on_logind(void *userdata, const struct event *event)
{
	const struct session_facts *facts;
	struct daemon *daemon = userdata;
	struct event known = *event;
	int changed;

	if (event->type != EVENT_SESSION_KIND) {
		on_event(daemon, event);
		return;
	}
	changed = govern_kind(daemon->govern, event->change.session, event->change.kind);
	facts = govern_facts(daemon->govern, event->change.session);
	if (!facts)
		return;
	/* Without physlock its unit would do nothing, and nobody would tell. */
	known.change.kind = facts->kind & ~(enforcer_can_lock_console() ? 0U : (unsigned)KIND_CONSOLE);
	on_event(daemon, &known);
	if (changed > 0)
		govern_anew(daemon, event->change.session);
}

/* Live sessions are resolved against the new rules before the old ones, which they borrow from, go. */
static void use_config(struct daemon *daemon, struct config *config)
{
	struct config old = daemon->config;

	daemon->config = *config;
	govern_all(daemon);
	config_free(&old);
	if (!daemon->config.gpo_stamp)
		look_at_gpo(daemon, GPO_AGAIN_USEC);
}

static int on_deadline(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	on_event(userdata,
		 &(struct event){.type = EVENT_TIME, .source = SOURCE_DAEMON, .stamp = monotonic_now()});
	return 0;
}

/* ---- signals -------------------------------------------------------------------------------------------- */

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info _unused_,
		  void *userdata _unused_)
{
	sd_notify(false, "STOPPING=1");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* 0, or a negative errno with the status saying why: the policy in force stays. */
static int reload(void *userdata)
{
	struct daemon *daemon = userdata;
	struct config config;
	int r;

	sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)(monotonic_now() / NSEC_PER_USEC));
	r = config_read("", &config, &daemon->status.refused);
	if (r < 0)
		publish_config(daemon, daemon->status.refused.text, true);
	else {
		warn_passed_over(&config);
		(void)config_keep_gpo(&config, &daemon->config);
		use_config(daemon, &config);
		publish_config(daemon, "policy read anew, in force for every session", false);
	}
	bus_reloaded(daemon->callers);
	sd_notify(false, "READY=1");
	return r;
}

static int on_hangup(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_,
		     void *userdata)
{
	reload(userdata);
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

/* ---- setting up ----------------------------------------------------------------------------------------- */

static int open_bus(struct daemon *daemon, int64_t priority, const char *what, sd_bus **ret)
{
	int r;

	r = sd_bus_open_system_with_description(ret, what);
	if (r >= 0)
		r = sd_bus_set_exit_on_disconnect(*ret, true);
	if (r >= 0)
		r = sd_bus_attach_event(*ret, daemon->event, priority);
	if (r < 0)
		log_error("cannot connect to the system bus: %s", strerror(-r));
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
 * Not sd_event_set_watchdog(): after some seconds without a wakeup it notifies as soon as the loop wakes,
 * before anything is dispatched, and so on the way of a removal. This one lets the probe go first.
 */
static int setup_watchdog(struct daemon *daemon)
{
	uint64_t limit;
	int r;

	r = sd_watchdog_enabled(false, &limit);
	/* WatchdogSec=infinity comes as a number that libsystemd refuses: there is none to be told either. */
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
		r = sd_event_add_time(daemon->event, &daemon->deadline, CLOCK_MONOTONIC, 0, 0, on_deadline,
				      daemon);
	if (r >= 0)
		r = sd_event_source_set_enabled(daemon->deadline, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(daemon->event, &daemon->rest, CLOCK_MONOTONIC, 0, 1, on_rested, daemon);
	if (r >= 0)
		r = sd_event_source_set_enabled(daemon->rest, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(daemon->event, &daemon->gpo, CLOCK_MONOTONIC, 0, 1, on_gpo, daemon);
	if (r >= 0)
		r = sd_event_source_set_enabled(daemon->gpo, SD_EVENT_OFF);
	if (r < 0)
		log_error("cannot set up the event loop: %s", strerror(-r));
	return r;
}

/* Each of the two may be missing: the daemon then serves with the others, and says so. */
static void setup_kernel_sources(struct daemon *daemon, struct sink sink)
{
	int r;

	r = probe_new(daemon->event, sink, &daemon->probe);
	if (r < 0)
		log_info("no kernel probe: %s", strerror(-r));
	if (daemon->probe)
		on_event(daemon, &(struct event){.type = EVENT_PROBE,
						 .source = SOURCE_DAEMON,
						 .stamp = monotonic_now()});
	r = udev_source_new(daemon->event, sink, &daemon->udev);
	if (r < 0)
		log_info("no USB devices to be listed or heard: %s", strerror(-r));
	daemon->status.probe = daemon->probe ? probe_kind(daemon->probe) : NULL;
	daemon->status.uevent = daemon->udev;
	daemon->status.udev = daemon->udev && udev_source_has_udevd(daemon->udev);
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
		.reload = reload,
		.userdata = daemon,
	};
	r = bus_new(daemon->event, &daemon->host, &daemon->callers);
	if (r < 0)
		log_error("cannot serve callers on the system bus: %s", strerror(-r));
	return r;
}

/* Most machines without it have no audit in their kernel, which is no fault. */
static void setup_kernel_audit(struct daemon *daemon)
{
	int r = kernel_audit_new(daemon->event, &daemon->kernel_audit);

	if (r < 0)
		log_debug("no kernel audit log: %s", strerror(-r));
}

/*
 * What was needed to load the probe is dropped once it runs. CAP_DAC_OVERRIDE stays: it opens a user's
 * terminal, and xrdp's socket. CAP_AUDIT_WRITE goes too: the child that writes to the audit log has its own. A
 * program that is started from here has CAP_SYS_CHROOT alone: the PC/SC worker locks itself in with it.
 */
static void drop_capabilities(void)
{
	bool may_open, may_lock_in;

	capng_get_caps_process();
	may_open = capng_have_capability(CAPNG_PERMITTED, CAP_DAC_OVERRIDE);
	may_lock_in = capng_have_capability(CAPNG_PERMITTED, CAP_SYS_CHROOT);
	capng_clear(CAPNG_SELECT_BOTH);
	if (may_open)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_DAC_OVERRIDE);
	if (may_lock_in)
		capng_update(CAPNG_ADD, CAPNG_PERMITTED | CAPNG_BOUNDING_SET, CAP_SYS_CHROOT);
	if (capng_apply(CAPNG_SELECT_BOTH) < 0)
		log_warning("cannot drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_warning("cannot set no_new_privs: %m");
}

static int setup_worker(struct daemon *daemon, struct sink sink)
{
	const char *folder = secure_getenv("SCPOLICYD_LIBEXECDIR");
	_cleanup_free_ char *program = NULL;
	int r;

	if (asprintf(&program, "%s/%s", folder ? folder : LIBEXECDIR, WORKER_NAME) < 0) {
		program = NULL;
		return -ENOMEM;
	}
	r = pcsc_source_new(daemon->event, program, sink, &daemon->pcsc);
	if (r < 0)
		log_error("cannot watch PC/SC: %s", strerror(-r));
	return r;
}

static int setup_sessions(struct daemon *daemon)
{
	int r;

	r = groups_source_new(daemon->event, GROUPS_PROGRAM, on_groups, daemon, &daemon->groups);
	if (r < 0) {
		log_error("cannot set up group look-ups: %s", strerror(-r));
		return r;
	}
	r = logind_source_new(daemon->bus, (struct sink){on_logind, daemon}, &daemon->logind);
	if (r < 0) {
		log_error("cannot listen to logind: %s", strerror(-r));
		return r;
	}
	r = record_source_new(daemon->event, (struct sink){on_record, daemon}, &daemon->records);
	if (r < 0)
		log_error("cannot watch %s: %s", RECORD_DIR, strerror(-r));
	return r;
}

static void tell_sources(struct daemon *daemon)
{
	struct trail_entry entry;
	char line[256];

	snprintf(line, sizeof(line), "scpolicyd " VERSION ", hearing removals from: %s%s%s%spcsc%s",
		 daemon->probe ? "probe (" : "", daemon->probe ? probe_kind(daemon->probe) : "",
		 daemon->probe ? "), " : "",
		 !daemon->udev			       ? ""
		 : udev_source_has_udevd(daemon->udev) ? "uevent, udev, "
						       : "uevent, ",
		 daemon->probe ? "" : "; no kernel probe: removals are heard later");
	trail_sources(!daemon->probe, line, &entry);
	trail_queue_add(daemon->trail, &entry, 0);
	log_debug("%s", line);
	sd_notifyf(false, "READY=1\nSTATUS=%s", strchr(line, ',') + 2);
}

static int setup(struct daemon *daemon, const struct daemon_options *options)
{
	struct sink sink = {on_event, daemon};
	struct config_error error;
	int r;

	r = config_read("", &daemon->config, &error);
	if (r < 0) {
		log_error("%s", error.text);
		return r;
	}
	warn_passed_over(&daemon->config);
	r = setup_loop(daemon);
	if (r >= 0 && !daemon->config.gpo_stamp)
		look_at_gpo(daemon, GPO_AGAIN_USEC);
	if (r >= 0)
		r = open_bus(daemon, PRIORITY_REST, "scpolicyd", &daemon->bus);
	if (r >= 0)
		r = open_bus(daemon, PRIORITY_SOURCE, "scpolicyd-enforce", &daemon->enforce_bus);
	if (r >= 0)
		r = enforcer_new(daemon->enforce_bus, sink, &daemon->enforcer);
	if (r >= 0)
		r = govern_new(&daemon->govern);
	if (r >= 0)
		r = trail_queue_new(daemon->event, publish, daemon, &daemon->trail);
	if (r >= 0)
		r = world_new(on_verdict, daemon, &daemon->world);
	if (r >= 0)
		r = setup_callers(daemon);
	if (r < 0)
		return r;
	r = options->record ? recorder_new(options->record, &daemon->recorder) : 0;
	if (r < 0) {
		log_error("%s: %s", options->record, strerror(-r));
		return r;
	}
	setup_kernel_sources(daemon, sink);
	setup_kernel_audit(daemon);
	daemon->status.audit = daemon->kernel_audit;
	drop_capabilities();
	r = setup_sessions(daemon);
	if (r >= 0)
		r = setup_worker(daemon, sink);
	return r;
}

int daemon_new(const struct daemon_options *options, struct daemon **ret)
{
	_cleanup_(daemon_free_p) struct daemon *daemon = calloc(1, sizeof(*daemon));
	int r;

	if (!daemon)
		return -ENOMEM;
	r = setup(daemon, options);
	if (r < 0)
		return r;
	*ret = steal_pointer(daemon);
	return 0;
}

struct daemon *daemon_free(struct daemon *daemon)
{
	if (!daemon)
		return NULL;
	trail_queue_free(daemon->trail);
	record_source_free(daemon->records);
	logind_source_free(daemon->logind);
	groups_source_free(daemon->groups);
	kernel_audit_free(daemon->kernel_audit);
	pcsc_source_free(daemon->pcsc);
	udev_source_free(daemon->udev);
	probe_free(daemon->probe);
	bus_free(daemon->callers);
	world_free(daemon->world);
	govern_free(daemon->govern);
	config_free(&daemon->config);
	recorder_free(daemon->recorder);
	enforcer_free(daemon->enforcer);
	sd_bus_flush_close_unref(daemon->enforce_bus);
	sd_bus_flush_close_unref(daemon->bus);
	sd_event_source_disable_unref(daemon->watchdog);
	sd_event_source_disable_unref(daemon->rest);
	sd_event_source_disable_unref(daemon->gpo);
	sd_event_source_disable_unref(daemon->deadline);
	sd_event_unref(daemon->event);
	free(daemon);
	return NULL;
}

int daemon_run(struct daemon *daemon)
{
	int r;

	tell_sources(daemon);
	r = realtime_start();
	if (r < 0)
		log_info("no realtime priority, or memory that can be paged out: %s", strerror(-r));
	r = realtime_loop(daemon->event);
	if (r < 0)
		log_error("the event loop failed: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : r;
}
