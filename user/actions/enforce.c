/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/enforce.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "actions/xrdp.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"

/*
 * Serial numbers are set when a call is sealed, long before it is sent. sd-bus counts its own (Hello, and
 * whatever the library sends) from 1 on this connection; these start where it will not get to.
 */
#define FIRST_COOKIE 0x10000
#define REPLY_USEC   (25 * 1000 * 1000ULL)

#define SYSTEMD		"org.freedesktop.systemd1"
#define SYSTEMD_PATH	"/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD ".Manager"

struct address {
	const char *service, *path, *interface;
};

static const struct address logind = {"org.freedesktop.login1", "/org/freedesktop/login1",
				      "org.freedesktop.login1.Manager"};
static const struct address systemd = {SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER};

/* The steps that are D-Bus calls. */
static const struct method {
	const struct address *address; /* NULL: not a call */
	const char *member;
} methods[STEP_COUNT] = {
	[STEP_LOCK] = {&logind, "LockSession"},
	[STEP_TERMINATE] = {&logind, "TerminateSession"},
	[STEP_KILL_LEADER] = {&logind, "KillSession"},
	[STEP_CONSOLE_LOCK] = {&systemd, "StartUnit"},
};

struct call {
	sd_bus_message *message; /* sealed, not sent yet; NULL: to be made */
	uint64_t cookie;	 /* its serial */
	uint64_t outstanding;	 /* serial of the last one sent, until its reply comes; 0: none */
};

struct target {
	char session[SESSION_ID_SIZE];
	unsigned steps;
	struct call calls[STEP_COUNT];
	struct xrdp_target xrdp;
	bool console_lock_runs; /* its job was asked for and has not ended */
	uint64_t decided, sent;
	UT_hash_handle hh;
};

/* A step that could not be taken, to be logged and told from the loop: other sessions' steps come first. */
struct failure {
	char session[SESSION_ID_SIZE];
	enum step step;
	char why[128];
	struct failure *prev, *next;
};

struct enforcer {
	struct sink sink;
	sd_bus *bus;
	sd_bus_slot *filter;
	sd_event_source *later;
	int xrdp_socket;
	struct target *targets;
	struct failure *failures;
	uint64_t next_cookie;
};

DEFINE_CLEANUP(struct enforcer *, enforcer_free)

static struct target *target_find(const struct enforcer *enforcer, const char *session)
{
	struct target *target;

	HASH_FIND_STR(enforcer->targets, session, target);
	return target;
}

/* ---- what does not work --------------------------------------------------------------------------------- */

static int on_later(sd_event_source *later _unused_, void *userdata)
{
	struct enforcer *enforcer = userdata;
	struct failure *failure;

	while ((failure = enforcer->failures)) {
		DL_DELETE(enforcer->failures, failure);
		log_error("session %s: %s failed: %s", failure->session, step_name(failure->step),
			  failure->why);
		enforcer->sink.send(enforcer->sink.userdata, &(struct event){.type = EVENT_ACTION_FAILED,
									     .source = SOURCE_LOGIND,
									     .stamp = monotonic_now(),
									     .session = failure->session});
		free(failure);
	}
	return 0;
}

static void step_failed(struct enforcer *enforcer, const char *session, enum step step, const char *why)
{
	struct failure *failure = calloc(1, sizeof(*failure));

	if (!failure) {
		log_error("session %s: %s failed: %s", session, step_name(step), why);
		return;
	}
	failure->step = step;
	snprintf(failure->session, sizeof(failure->session), "%s", session);
	log_safe(why, failure->why, sizeof(failure->why));
	DL_APPEND(enforcer->failures, failure);
	sd_event_source_set_enabled(enforcer->later, SD_EVENT_ONESHOT);
}

static const char *why_refused(sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);

	return error->message ? error->message : error->name;
}

/* ---- calls ---------------------------------------------------------------------------------------------- */

static int append_arguments(sd_bus_message *message, const char *session, enum step step)
{
	switch (step) {
	case STEP_KILL_LEADER:
		return sd_bus_message_append(message, "ssi", session, "leader", SIGTERM);
	case STEP_CONSOLE_LOCK:
		return sd_bus_message_append(message, "ss", CONSOLE_LOCK_UNIT, "replace");
	case STEP_LOCK:
	case STEP_TERMINATE:
		return sd_bus_message_append(message, "s", session);
	case STEP_XRDP_DISCONNECT: /* no call */
	case STEP_COUNT:
		break;
	}
	return -EINVAL;
}

static int call_marshal(struct enforcer *enforcer, const char *session, enum step step, struct call *call)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	const struct method *method = &methods[step];
	int r;

	r = sd_bus_message_new_method_call(enforcer->bus, &message, method->address->service,
					   method->address->path, method->address->interface, method->member);
	if (r < 0)
		return r;
	r = append_arguments(message, session, step);
	if (r < 0)
		return r;
	r = sd_bus_message_seal(message, enforcer->next_cookie, REPLY_USEC);
	if (r < 0)
		return r;
	call->message = steal_pointer(message);
	call->cookie = enforcer->next_cookie++;
	return 0;
}

static int call_ready(struct enforcer *enforcer, const char *session, enum step step, struct call *call)
{
	return call->message ? 0 : call_marshal(enforcer, session, step, call);
}

static void call_drop(struct call *call)
{
	call->message = sd_bus_message_unref(call->message);
}

/* A message may be sent once: the bus refuses a serial whose reply is still owed. */
static int call_send(struct enforcer *enforcer, struct target *target, enum step step)
{
	struct call *call = &target->calls[step];
	int r;

	r = call_ready(enforcer, target->session, step, call);
	if (r < 0)
		return r;
	r = sd_bus_send(enforcer->bus, call->message, NULL);
	if (r < 0)
		return r;
	call->outstanding = call->cookie;
	call_drop(call);
	if (step == STEP_CONSOLE_LOCK)
		target->console_lock_runs = true;
	return 0;
}

static struct call *call_of_reply(const struct enforcer *enforcer, uint64_t cookie,
				  struct target **ret_target, enum step *ret_step)
{
	struct target *target;

	for (target = enforcer->targets; target; target = target->hh.next) {
		for (unsigned step = 0; step < STEP_COUNT; step++) {
			if (target->calls[step].outstanding == cookie) {
				*ret_target = target;
				*ret_step = step;
				return &target->calls[step];
			}
		}
	}
	return NULL;
}

/* Nothing in the core's answer to this changes the targets. */
static void console_locked(struct enforcer *enforcer, const char *session)
{
	enforcer->sink.send(enforcer->sink.userdata, &(struct event){.type = EVENT_ACTION_DONE,
								     .source = SOURCE_LOGIND,
								     .stamp = monotonic_now(),
								     .session = session});
}

/*
 * The console lock's job ended: only now is it known whether the locker came up. Such a signal is believed
 * only without a destination: then it came through the match, whose sender the bus has checked. Anybody may
 * send one to us alone.
 */
static void job_removed(struct enforcer *enforcer, sd_bus_message *message)
{
	const char *unit, *result;
	struct target *target;

	if (sd_bus_message_read(message, "uoss", NULL, NULL, &unit, &result) < 0 ||
	    strcmp(unit, CONSOLE_LOCK_UNIT) != 0)
		return;
	for (target = enforcer->targets; target; target = target->hh.next) {
		if (!target->console_lock_runs)
			continue;
		target->console_lock_runs = false;
		if (strcmp(result, "done") == 0)
			console_locked(enforcer, target->session);
		else
			step_failed(enforcer, target->session, STEP_CONSOLE_LOCK, result);
	}
}

/*
 * Calls are sent without a reply slot, which would be allocated: their replies come past here. Of several
 * calls sent in a row only the last one's reply counts.
 */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct enforcer *enforcer = userdata;
	struct target *target;
	struct call *call;
	uint64_t cookie;
	enum step step;

	if (sd_bus_message_is_signal(message, SYSTEMD_MANAGER, "JobRemoved") &&
	    !sd_bus_message_get_destination(message)) {
		job_removed(enforcer, message);
		return 0;
	}
	if (sd_bus_message_get_reply_cookie(message, &cookie) < 0 || cookie < FIRST_COOKIE)
		return 0;
	call = call_of_reply(enforcer, cookie, &target, &step);
	if (!call)
		return 0;
	call->outstanding = 0;
	if (target->steps & 1U << step)
		(void)call_ready(enforcer, target->session, step, call); /* else when it is needed */
	if (sd_bus_message_is_method_error(message, NULL)) {
		if (step == STEP_CONSOLE_LOCK)
			target->console_lock_runs = false;
		step_failed(enforcer, target->session, step, why_refused(message));
	}
	return 1;
}

static int on_subscribed(sd_bus_message *reply, void *userdata _unused_, sd_bus_error *error _unused_)
{
	if (sd_bus_message_is_method_error(reply, NULL))
		log_error("cannot subscribe to systemd's jobs: %s", why_refused(reply));
	return 0;
}

/* ---- life ----------------------------------------------------------------------------------------------- */

/* Matched by the bus alone: sd-bus compares no argument that follows one which is not a string. */
#define JOB_MATCH                                                                                            \
	"type='signal',sender='" SYSTEMD "',path='" SYSTEMD_PATH "',interface='" SYSTEMD_MANAGER "',"        \
	"member='JobRemoved',arg2='" CONSOLE_LOCK_UNIT "'"

static int enforcer_setup(struct enforcer *enforcer)
{
	int r;

	r = sd_bus_add_filter(enforcer->bus, &enforcer->filter, on_message, enforcer);
	if (r < 0)
		return r;
	r = sd_bus_call_method_async(enforcer->bus, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
				     "org.freedesktop.DBus", "AddMatch", on_subscribed, NULL, "s", JOB_MATCH);
	if (r < 0)
		return r;
	return sd_event_add_defer(sd_bus_get_event(enforcer->bus), &enforcer->later, on_later, enforcer);
}

int enforcer_new(sd_bus *bus, struct sink sink, struct enforcer **ret)
{
	_cleanup_(enforcer_free_p) struct enforcer *enforcer = NULL;
	int r;

	if (!sd_bus_get_event(bus))
		return -EINVAL;
	enforcer = calloc(1, sizeof(*enforcer));
	if (!enforcer)
		return -ENOMEM;
	enforcer->sink = sink;
	enforcer->bus = sd_bus_ref(bus);
	enforcer->next_cookie = FIRST_COOKIE;
	enforcer->xrdp_socket = xrdp_socket();
	if (enforcer->xrdp_socket < 0)
		return enforcer->xrdp_socket;
	r = enforcer_setup(enforcer);
	if (r < 0)
		return r;
	*ret = steal_pointer(enforcer);
	return 0;
}

static void target_drop(struct enforcer *enforcer, struct target *target)
{
	HASH_DEL(enforcer->targets, target);
	for (unsigned step = 0; step < STEP_COUNT; step++)
		call_drop(&target->calls[step]);
	free(target);
}

struct enforcer *enforcer_free(struct enforcer *enforcer)
{
	struct failure *failure, *next;

	if (!enforcer)
		return NULL;
	while (enforcer->targets)
		target_drop(enforcer, enforcer->targets);
	DL_FOREACH_SAFE(enforcer->failures, failure, next)
		free(failure);
	sd_event_source_disable_unref(enforcer->later);
	sd_bus_slot_unref(enforcer->filter);
	sd_bus_unref(enforcer->bus);
	close_fd(enforcer->xrdp_socket);
	free(enforcer);
	return NULL;
}

/* ---- arming --------------------------------------------------------------------------------------------- */

bool enforcer_can_lock_console(void)
{
	return access(CONSOLE_LOCKER, X_OK) == 0;
}

static struct target *target_get(struct enforcer *enforcer, const char *session)
{
	struct target *target = target_find(enforcer, session);

	if (target)
		return target;
	target = calloc(1, sizeof(*target));
	if (!target)
		return NULL;
	snprintf(target->session, sizeof(target->session), "%s", session);
	HASH_ADD_STR(enforcer->targets, session, target);
	if (!target->hh.tbl) {
		free(target);
		return NULL;
	}
	return target;
}

int enforcer_arm(struct enforcer *enforcer, const struct login_record *login, unsigned steps,
		 const char *display)
{
	struct target *target;
	int r, worst = 0;

	if (steps == 0) {
		enforcer_disarm(enforcer, login->session);
		return 0;
	}
	target = target_get(enforcer, login->session);
	if (!target)
		return -ENOMEM;
	target->steps = steps;
	if (steps & 1U << STEP_XRDP_DISCONNECT)
		worst = xrdp_target_init(&target->xrdp, XRDP_RUN_DIR, login->uid, display);
	else
		target->xrdp.count = 0;
	for (unsigned step = 0; step < STEP_COUNT; step++) {
		if (!methods[step].address)
			continue;
		if (!(steps & 1U << step)) {
			call_drop(&target->calls[step]);
			continue;
		}
		r = call_ready(enforcer, target->session, step, &target->calls[step]);
		if (r < 0)
			worst = r;
	}
	return worst;
}

void enforcer_disarm(struct enforcer *enforcer, const char *session)
{
	struct target *target = target_find(enforcer, session);

	if (target)
		target_drop(enforcer, target);
}

/* ---- acting --------------------------------------------------------------------------------------------- */

uint64_t enforcer_act(struct enforcer *enforcer, const char *session, enum step step)
{
	uint64_t decided = monotonic_now();
	struct target *target = target_find(enforcer, session);
	int r;

	if (!target)
		r = -ENXIO;
	else if (step == STEP_XRDP_DISCONNECT)
		r = xrdp_disconnect(enforcer->xrdp_socket, &target->xrdp);
	else
		r = call_send(enforcer, target, step);
	if (target) {
		target->decided = decided;
		target->sent = r < 0 ? 0 : monotonic_now();
	}
	if (r < 0)
		step_failed(enforcer, session, step, strerror(-r));
	return r < 0 ? 0 : target->sent;
}

uint64_t enforcer_sent(const struct enforcer *enforcer, const char *session)
{
	const struct target *target = target_find(enforcer, session);

	return target ? target->sent : 0;
}

uint64_t enforcer_decided(const struct enforcer *enforcer, const char *session)
{
	const struct target *target = target_find(enforcer, session);

	return target ? target->decided : 0;
}

/* ---- an administrator's unit ---------------------------------------------------------------------------- */

static int on_started(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	if (sd_bus_message_is_method_error(reply, NULL))
		log_error("cannot start %s: %s", (const char *)userdata, why_refused(reply));
	return 0;
}

/* A session's id is letters and digits: nothing in it that systemd.unit(5) would have escaped. */
static int instance_name(const char *unit_template, const char *session, char **ret)
{
	const char *at = strchr(unit_template, '@');

	if (!at || at == unit_template || at[1] != '.' || !session_id_valid(session))
		return -EINVAL;
	if (asprintf(ret, "%.*s@%s%s", (int)(at - unit_template), unit_template, session, at + 1) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

int enforcer_start_unit(struct enforcer *enforcer, const char *unit_template, const char *session)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	_cleanup_free_ char *unit = NULL;
	int r;

	r = instance_name(unit_template, session, &unit);
	if (r < 0)
		return r;
	r = sd_bus_message_new_method_call(enforcer->bus, &call, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER,
					   "StartUnit");
	if (r >= 0)
		r = sd_bus_message_append(call, "ss", unit, "replace");
	/* sd-bus would give it the serial after the last one sent, which may be that of a call made ready. */
	if (r >= 0)
		r = sd_bus_message_seal(call, enforcer->next_cookie++, REPLY_USEC);
	if (r >= 0)
		r = sd_bus_call_async(enforcer->bus, &slot, call, on_started, unit, REPLY_USEC);
	if (r < 0)
		return r;
	sd_bus_slot_set_destroy_callback(slot, free);
	(void)steal_pointer(unit);
	return sd_bus_slot_set_floating(slot, true);
}
