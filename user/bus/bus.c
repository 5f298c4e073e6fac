/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/bus.h"

#include <poll.h>
#include <string.h>

#include "bus/bus_describe.h"
#include "bus/bus_rebind.h"
#include "bus/bus_signals.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"

#define RELOAD_ACTION "org.scpolicyd1.reload"
#define BAD_CONFIG    BUS_NAME ".Error.InvalidConfig"

/* Callers can wait: their requests come after the reports of the sources and of logind. */
#define PRIORITY_CALLERS (PRIORITY_REST + 50)

/* No argument is so long: a longer call is refused at once. */
#define ARGUMENT_MAX 255
/* Messages that may wait here for the bus to take them. It takes none while too much lies unread at others. */
#define UNSENT_MAX 1000

struct bus {
	sd_bus *connection;
	const struct bus_host *host;
	struct access *access;
	struct signals *signals;
	unsigned unsent; /* messages made since the bus took everything last, at most */
};

DEFINE_CLEANUP(struct bus *, bus_free)

/* ---- what the bus takes ---------------------------------------------------------------------------------- */

/* Whether there is room for one more message. */
static bool may_send(struct bus *bus)
{
	int events = sd_bus_get_events(bus->connection);

	if (events >= 0 && !(events & POLLOUT))
		bus->unsent = 0;
	return bus->unsent++ < UNSENT_MAX;
}

/* ---- answers --------------------------------------------------------------------------------------------- */

typedef void (*description)(struct put *put, const struct bus_host *host, const struct caller *caller);

static int reply_with(struct bus *bus, sd_bus_message *call, const struct caller *caller,
		      description describe)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct put put = {0};
	int r;

	r = sd_bus_message_new_method_return(call, &reply);
	if (r < 0)
		return r;
	put.message = reply;
	describe(&put, bus->host, caller);
	return put.error ? put.error : sd_bus_send(bus->connection, reply, NULL);
}

static int answer_list_readers(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	return reply_with(userdata, call, caller, describe_readers);
}

static int answer_list_sessions(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	return reply_with(userdata, call, caller, describe_sessions);
}

static int answer_get_status(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	return reply_with(userdata, call, caller, describe_status);
}

/* Sums over everybody. */
static int answer_get_metrics(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	if (!caller->privileged)
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_ACCESS_DENIED,
						  "Only root and the group " ACCESS_GROUP " may read this");
	return reply_with(userdata, call, caller, describe_metrics);
}

/* 0; 1 if the caller was told that it gets nothing. Users do not learn that other users' sessions exist. */
static int read_session(struct bus *bus, sd_bus_message *call, const struct caller *caller,
			struct session_view *ret_session)
{
	const char *id;
	int r;

	r = sd_bus_message_read(call, "s", &id);
	if (r < 0)
		return r;
	if (world_session(bus->host->world, id, ret_session) &&
	    caller_may_see(caller, ret_session->login->uid))
		return 0;
	if (caller->privileged)
		r = sd_bus_reply_method_errorf(call, NO_SESSION, "There is no login record of a session '%s'",
					       id);
	else
		r = sd_bus_reply_method_errorf(call, SD_BUS_ERROR_ACCESS_DENIED,
					       "Session '%s' is not one of yours that a card opened", id);
	return r < 0 ? r : 1;
}

static int answer_explain(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct session_view session;
	struct bus *bus = userdata;
	struct put put = {0};
	int r;

	r = read_session(bus, call, caller, &session);
	if (r != 0)
		return r;
	r = sd_bus_message_new_method_return(call, &reply);
	if (r < 0)
		return r;
	put.message = reply;
	describe_explanation(&put, bus->host, &session);
	return put.error ? put.error : sd_bus_send(bus->connection, reply, NULL);
}

static int answer_simulate(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct session_view session;
	struct bus *bus = userdata;
	struct put put = {0};
	enum cause cause;
	const char *word;
	int r;

	r = read_session(bus, call, caller, &session);
	if (r != 0)
		return r;
	r = sd_bus_message_read(call, "s", &word);
	if (r >= 0 && !cause_find(word, strlen(word), &cause))
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS,
						  "A cause is " CAUSE_LIST("or") ", not '%s'", word);
	if (r >= 0)
		r = sd_bus_message_new_method_return(call, &reply);
	if (r < 0)
		return r;
	put.message = reply;
	describe_simulation(&put, bus->host, &session, cause);
	return put.error ? put.error : sd_bus_send(bus->connection, reply, NULL);
}

static int answer_subscribe(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	struct bus *bus = userdata;
	int r = signals_subscribe(bus->signals, caller);

	if (r == -ENOBUFS)
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many subscribers");
	return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

static int answer_unsubscribe(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	struct bus *bus = userdata;

	signals_unsubscribe(bus->signals, caller->name);
	return sd_bus_reply_method_return(call, NULL);
}

static int reload_allowed(void *userdata, sd_bus_message *call, const struct caller *caller _unused_)
{
	const struct bus_host *host = ((struct bus *)userdata)->host;
	char safe[sizeof(host->status->refused.text)];

	if (host->reload(host->userdata) >= 0)
		return sd_bus_reply_method_return(call, NULL);
	return sd_bus_reply_method_errorf(call, BAD_CONFIG, "%s",
					  text_utf8(host->status->refused.text, safe, sizeof(safe)));
}

static int answer_reload(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	struct bus *bus = userdata;

	return access_authorize(bus->access, call, caller, RELOAD_ACTION, reload_allowed);
}

static int rebind_own(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	return bus_rebind(((struct bus *)userdata)->host, call, caller);
}

static int answer_rebind(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	struct bus *bus = userdata;

	return access_find_session(bus->access, call, caller, rebind_own);
}

/* ---- calls ----------------------------------------------------------------------------------------------- */

static const struct method {
	const char *name;
	access_handler handler;
} methods[] = {
	{"ListReaders", answer_list_readers},
	{"ListSessions", answer_list_sessions},
	{"GetStatus", answer_get_status},
	{"Explain", answer_explain},
	{"Simulate", answer_simulate},
	{"GetMetrics", answer_get_metrics},
	{"Subscribe", answer_subscribe},
	{"Unsubscribe", answer_unsubscribe},
	{"Reload", answer_reload},
	{"Rebind", answer_rebind},
};

/* A call waits in memory until its caller is known, so no long one may. */
static bool is_short(sd_bus_message *call)
{
	const char *argument;
	bool fits = true;

	while (fits && sd_bus_message_read(call, "s", &argument) > 0)
		fits = strlen(argument) <= ARGUMENT_MAX;
	sd_bus_message_rewind(call, true);
	return fits;
}

static int on_call(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const char *member = sd_bus_message_get_member(call);
	struct bus *bus = userdata;

	if (!may_send(bus))
		return 1; /* no answer, which it would not get */
	if (!is_short(call))
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
					 "An argument is longer than %d bytes", ARGUMENT_MAX);
	for (size_t i = 0; i < ELEMENTS(methods); i++)
		if (strcmp(methods[i].name, member) == 0)
			return access_identify(bus->access, call, methods[i].handler, error);
	return -ENOSYS;
}

static int get_version(sd_bus *connection _unused_, const char *path _unused_, const char *interface _unused_,
		       const char *property _unused_, sd_bus_message *reply, void *userdata _unused_,
		       sd_bus_error *error _unused_)
{
	return sd_bus_message_append(reply, "s", VERSION);
}

static int get_probe(sd_bus *connection _unused_, const char *path _unused_, const char *interface _unused_,
		     const char *property _unused_, sd_bus_message *reply, void *userdata,
		     sd_bus_error *error _unused_)
{
	const struct bus *bus = userdata;

	return sd_bus_message_append(reply, "s",
				     bus->host->status->probe ? bus->host->status->probe : "none");
}

static int get_sources(sd_bus *connection _unused_, const char *path _unused_, const char *interface _unused_,
		       const char *property _unused_, sd_bus_message *reply, void *userdata,
		       sd_bus_error *error _unused_)
{
	const struct bus *bus = userdata;
	struct put put = {.message = reply};

	describe_sources(&put, bus->host);
	return put.error;
}

#define PROPERTY(name, type, get) SD_BUS_PROPERTY(name, type, get, 0, SD_BUS_VTABLE_PROPERTY_CONST)

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("ListReaders", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", readers), on_call,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("ListSessions", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", sessions), on_call,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("GetStatus", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", status), on_call,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("s", session), SD_BUS_RESULT("a{sv}", explanation),
				on_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Simulate", SD_BUS_ARGS("s", session, "s", cause),
				SD_BUS_RESULT("a{sv}", simulation), on_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("GetMetrics", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sa{ss}d)", metrics), on_call,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_call,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Rebind", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_call,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_call,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_call,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("Removal",
				SD_BUS_ARGS("s", session, "s", user, "s", reader, "s", cause, "s", source,
					    "t", monotonic_usec),
				0),
	SD_BUS_SIGNAL_WITH_ARGS("Action", SD_BUS_ARGS("s", session, "s", action, "s", outcome), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Countdown", SD_BUS_ARGS("s", session, "s", action, "u", seconds), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Trail", SD_BUS_ARGS("a{sv}", entry), 0),
	PROPERTY("Version", "s", get_version),
	PROPERTY("Probe", "s", get_probe),
	PROPERTY("Sources", "as", get_sources),
	SD_BUS_VTABLE_END,
};

/* ---- life ------------------------------------------------------------------------------------------------ */

static int on_name(sd_bus_message *reply, void *userdata _unused_, sd_bus_error *error _unused_)
{
	uint32_t result = 0;

	if (sd_bus_message_is_method_error(reply, NULL))
		log_warning("no name %s on the bus: %s", BUS_NAME, sd_bus_message_get_error(reply)->message);
	else if (sd_bus_message_read(reply, "u", &result) >= 0 && result != 1)
		log_warning("no name %s on the bus: another process has it", BUS_NAME);
	return 0;
}

int bus_new(sd_event *event, const struct bus_host *host, struct bus **ret)
{
	_cleanup_(bus_free_p) struct bus *bus = calloc(1, sizeof(*bus));
	int r;

	if (!bus)
		return -ENOMEM;
	bus->host = host;
	r = sd_bus_open_system_with_description(&bus->connection, "scpolicyd-callers");
	if (r >= 0)
		r = access_new(bus->connection, bus, &bus->access);
	if (r >= 0)
		r = signals_new(bus->connection, &bus->signals);
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_INTERFACE, vtable, bus);
	if (r >= 0)
		r = sd_bus_request_name_async(bus->connection, NULL, BUS_NAME, 0, on_name, NULL);
	if (r >= 0)
		r = sd_bus_attach_event(bus->connection, event, PRIORITY_CALLERS);
	if (r < 0)
		return r;
	*ret = steal_pointer(bus);
	return 0;
}

struct bus *bus_free(struct bus *bus)
{
	if (!bus)
		return NULL;
	signals_free(bus->signals);
	access_free(bus->access);
	sd_bus_flush_close_unref(bus->connection);
	free(bus);
	return NULL;
}

void bus_reloaded(struct bus *bus)
{
	access_reload(bus->access);
}

void bus_tell(struct bus *bus, const struct trail_entry *entry)
{
	if (may_send(bus))
		signals_send(bus->signals, entry);
}
