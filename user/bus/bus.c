/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/bus.h"

#include <poll.h>
#include <string.h>

#include "bus/bus_answers.h"
#include "bus/bus_describe.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"

/* Callers can wait: their requests come after the reports of the sources and of logind. */
#define PRIORITY_CALLERS (PRIORITY_REST + 50)

/* No argument is so long: a longer call is refused at once. */
#define ARGUMENT_MAX 255
/* Messages that may wait here for the bus to take them. It takes none while too much lies unread at others. */
#define UNSENT_MAX 1000

/* How soon a connection that has ended is made again. */
#define AGAIN_USEC (1000 * 1000ULL)

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

/* ---- calls ----------------------------------------------------------------------------------------------- */

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
	access_handler handler;

	if (!may_send(bus))
		return 1; /* no answer, which it would not get */
	if (!is_short(call))
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
					 "An argument is longer than %d bytes", ARGUMENT_MAX);
	handler = answers_find(member);
	return handler ? access_identify(bus->access, call, handler, error) : -ENOSYS;
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
	SD_BUS_METHOD_WITH_ARGS("Attach", SD_BUS_ARGS("h", socket, "h", pidfd, "s", dialect),
				SD_BUS_NO_RESULT, on_call, SD_BUS_VTABLE_UNPRIVILEGED),
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

/* The daemon before this one may still have it: the bus may not have noticed its end yet. */
static int on_name(sd_bus_message *reply, void *userdata _unused_, sd_bus_error *error _unused_)
{
	uint32_t result = 0;

	if (sd_bus_message_is_method_error(reply, NULL))
		log_warning("no name %s on the bus: %s", BUS_NAME, sd_bus_message_get_error(reply)->message);
	else if (sd_bus_message_read(reply, "u", &result) >= 0 && result != 1)
		log_warning("no name %s on the bus: another process has it until it ends", BUS_NAME);
	return 0;
}

static void bus_disconnect(struct bus *bus)
{
	bus->signals = signals_free(bus->signals);
	bus->access = access_free(bus->access);
	bus->connection = sd_bus_flush_close_unref(bus->connection);
	bus->unsent = 0;
}

static void bus_connect_again(struct bus *bus)
{
	sd_event_source_set_time_relative(bus->again, AGAIN_USEC);
	sd_event_source_set_enabled(bus->again, SD_EVENT_ONESHOT);
}

/* sd-bus ends a connection, too, when it has no memory for a message. Whoever calls can wait: the daemon goes on. */
static int on_disconnected(sd_bus_message *signal _unused_, void *userdata, sd_bus_error *error _unused_)
{
	log_warning(
		"the connection on which callers are served has ended, or memory ran out: it is made again");
	bus_connect_again(userdata);
	return 0;
}

static int bus_connect(struct bus *bus)
{
	int r = sd_bus_open_system_with_description(&bus->connection, "scpolicyd-callers");

	if (r >= 0)
		r = sd_bus_match_signal(bus->connection, NULL, NULL, "/org/freedesktop/DBus/Local",
					"org.freedesktop.DBus.Local", "Disconnected", on_disconnected, bus);
	if (r >= 0)
		r = access_new(bus->connection, bus, &bus->access);
	if (r >= 0)
		r = signals_new(bus->connection, &bus->signals);
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_INTERFACE, vtable, bus);
	if (r >= 0)
		r = sd_bus_request_name_async(bus->connection, NULL, BUS_NAME, SD_BUS_NAME_QUEUE, on_name,
					      NULL);
	if (r >= 0)
		r = sd_bus_attach_event(bus->connection, bus->event, PRIORITY_CALLERS);
	return r;
}

static int on_again(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	struct bus *bus = userdata;

	bus_disconnect(bus);
	if (bus_connect(bus) < 0)
		bus_connect_again(bus);
	return 0;
}

int bus_new(sd_event *event, const struct bus_host *host, struct bus **ret)
{
	_cleanup_(bus_free_p) struct bus *bus = calloc(1, sizeof(*bus));
	int r;

	if (!bus)
		return -ENOMEM;
	bus->host = host;
	bus->event = sd_event_ref(event);
	r = sd_event_add_time(event, &bus->again, CLOCK_MONOTONIC, 0, 0, on_again, bus);
	if (r >= 0)
		r = sd_event_source_set_enabled(bus->again, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(bus->again, PRIORITY_CALLERS);
	if (r >= 0)
		r = bus_connect(bus);
	if (r < 0)
		return r;
	*ret = steal_pointer(bus);
	return 0;
}

struct bus *bus_free(struct bus *bus)
{
	if (!bus)
		return NULL;
	bus_disconnect(bus);
	sd_event_source_disable_unref(bus->again);
	sd_event_unref(bus->event);
	free(bus);
	return NULL;
}

void bus_reloaded(struct bus *bus)
{
	if (bus->access)
		access_reload(bus->access);
}

void bus_tell(struct bus *bus, const struct trail_entry *entry)
{
	if (bus->signals && may_send(bus))
		signals_send(bus->signals, entry);
}
