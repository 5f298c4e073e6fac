/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/enforce.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "actions/session_calls.h"
#include "actions/xrdp.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"

/* A step that could not be taken. The loop logs and reports it later: other sessions' steps come first. */
struct step_failure {
	char session[SESSION_ID_SIZE];
	enum step step;
	char why[128];
	struct step_failure *prev, *next;
};

struct enforcer {
	struct sink sink;
	sd_bus_slot *filter;
	sd_event_source *later;
	int xrdp_socket;
	struct calls calls;
	struct step_failure *failures;
};

DEFINE_CLEANUP(struct enforcer *, enforcer_free)

/* ---- what does not work --------------------------------------------------------------------------------- */

static int on_failures(sd_event_source *later _unused_, void *userdata)
{
	struct enforcer *enforcer = userdata;
	struct step_failure *failure;

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

static void report_failure(struct enforcer *enforcer, const char *session, enum step step, const char *why)
{
	struct step_failure *failure = calloc(1, sizeof(*failure));

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

/* ---- replies ----------------------------------------------------------------------------------------- */

/* Nothing in the core's answer to this changes the targets. */
static void report_console_locked(struct enforcer *enforcer, const char *session)
{
	enforcer->sink.send(enforcer->sink.userdata, &(struct event){.type = EVENT_ACTION_DONE,
								     .source = SOURCE_LOGIND,
								     .stamp = monotonic_now(),
								     .session = session});
}

/*
 * The console lock's job ended: only now is it known whether the locker came up. Such a signal is believed
 * only without a destination: then it came through the match, whose sender the bus has checked. Anybody may
 * send us one directly.
 */
static void job_removed(struct enforcer *enforcer, sd_bus_message *message)
{
	const char *unit, *result;
	struct session_calls *entry;

	if (sd_bus_message_read(message, "uoss", NULL, NULL, &unit, &result) < 0 ||
	    strcmp(unit, CONSOLE_LOCK_UNIT) != 0)
		return;
	for (entry = enforcer->calls.sessions; entry; entry = entry->hh.next) {
		if (!entry->console_lock_runs)
			continue;
		entry->console_lock_runs = false;
		if (strcmp(result, "done") == 0)
			report_console_locked(enforcer, entry->session);
		else
			report_failure(enforcer, entry->session, STEP_CONSOLE_LOCK, result);
	}
}

/*
 * Calls are sent without a reply slot, which would need an allocation. So their replies arrive here. Of
 * several calls in a row, only the last one's reply counts.
 */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct enforcer *enforcer = userdata;
	struct session_calls *entry;
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
	call = session_calls_answered(&enforcer->calls, cookie, &entry, &step);
	if (!call)
		return 0;
	call->outstanding = 0;
	if (entry->steps & 1U << step)
		(void)session_calls_make(&enforcer->calls, entry, step); /* else when it is needed */
	if (sd_bus_message_is_method_error(message, NULL)) {
		if (step == STEP_CONSOLE_LOCK)
			entry->console_lock_runs = false;
		report_failure(enforcer, entry->session, step, calls_why_refused(message));
	}
	return 1;
}

static int on_jobs_subscribed(sd_bus_message *reply, void *userdata _unused_, sd_bus_error *error _unused_)
{
	if (sd_bus_message_is_method_error(reply, NULL))
		log_error("cannot subscribe to systemd's jobs: %s", calls_why_refused(reply));
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

	r = sd_bus_add_filter(enforcer->calls.bus, &enforcer->filter, on_message, enforcer);
	if (r < 0)
		return r;
	r = sd_bus_call_method_async(enforcer->calls.bus, NULL, "org.freedesktop.DBus",
				     "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
				     on_jobs_subscribed, NULL, "s", JOB_MATCH);
	if (r < 0)
		return r;
	return sd_event_add_defer(sd_bus_get_event(enforcer->calls.bus), &enforcer->later, on_failures,
				  enforcer);
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
	enforcer->calls.bus = sd_bus_ref(bus);
	enforcer->calls.next_cookie = FIRST_COOKIE;
	enforcer->xrdp_socket = xrdp_socket();
	if (enforcer->xrdp_socket < 0)
		return enforcer->xrdp_socket;
	r = enforcer_setup(enforcer);
	if (r < 0)
		return r;
	*ret = steal_pointer(enforcer);
	return 0;
}

struct enforcer *enforcer_free(struct enforcer *enforcer)
{
	struct step_failure *failure, *next;

	if (!enforcer)
		return NULL;
	while (enforcer->calls.sessions)
		session_calls_drop(&enforcer->calls, enforcer->calls.sessions);
	DL_FOREACH_SAFE(enforcer->failures, failure, next)
		free(failure);
	sd_event_source_disable_unref(enforcer->later);
	sd_bus_slot_unref(enforcer->filter);
	sd_bus_unref(enforcer->calls.bus);
	close_fd(enforcer->xrdp_socket);
	free(enforcer);
	return NULL;
}

/* ---- arming --------------------------------------------------------------------------------------------- */

bool enforcer_can_lock_console(void)
{
	return access(CONSOLE_LOCKER, X_OK) == 0;
}

int enforcer_arm(struct enforcer *enforcer, const struct login_record *login, unsigned steps,
		 const char *display)
{
	struct session_calls *entry;
	int r, worst = 0;

	if (steps == 0) {
		enforcer_disarm(enforcer, login->session);
		return 0;
	}
	entry = session_calls_get(&enforcer->calls, login->session);
	if (!entry)
		return -ENOMEM;
	entry->steps = steps;
	if (steps & 1U << STEP_XRDP_DISCONNECT)
		worst = xrdp_target_init(&entry->xrdp, XRDP_RUN_DIR, login->uid, display);
	else
		entry->xrdp.count = 0;
	for (unsigned step = 0; step < STEP_COUNT; step++) {
		if (!session_calls_is_call(step))
			continue;
		if (!(steps & 1U << step)) {
			session_calls_unmake(entry, step);
			continue;
		}
		r = session_calls_make(&enforcer->calls, entry, step);
		if (r < 0)
			worst = r;
	}
	return worst;
}

void enforcer_disarm(struct enforcer *enforcer, const char *session)
{
	struct session_calls *entry = session_calls_find(&enforcer->calls, session);

	if (entry)
		session_calls_drop(&enforcer->calls, entry);
}

/* ---- acting --------------------------------------------------------------------------------------------- */

uint64_t enforcer_act(struct enforcer *enforcer, const char *session, enum step step)
{
	uint64_t decided = monotonic_now();
	struct session_calls *entry = session_calls_find(&enforcer->calls, session);
	int r;

	if (!entry)
		r = -ENXIO;
	else if (step == STEP_XRDP_DISCONNECT)
		r = xrdp_disconnect(enforcer->xrdp_socket, &entry->xrdp);
	else
		r = session_calls_send(&enforcer->calls, entry, step);
	if (entry) {
		entry->decided = decided;
		entry->sent = r < 0 ? 0 : monotonic_now();
	}
	if (r < 0)
		report_failure(enforcer, session, step, strerror(-r));
	return r < 0 ? 0 : entry->sent;
}

uint64_t enforcer_sent(const struct enforcer *enforcer, const char *session)
{
	const struct session_calls *entry = session_calls_find(&enforcer->calls, session);

	return entry ? entry->sent : 0;
}

uint64_t enforcer_decided(const struct enforcer *enforcer, const char *session)
{
	const struct session_calls *entry = session_calls_find(&enforcer->calls, session);

	return entry ? entry->decided : 0;
}

int enforcer_start_unit(struct enforcer *enforcer, const char *unit_template, const char *session)
{
	return calls_start_unit(&enforcer->calls, unit_template, session);
}
