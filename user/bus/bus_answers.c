/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/bus_answers.h"

#include <string.h>

#include "bus/bus_describe.h"
#include "bus/bus_rebind.h"
#include "lib/cleanup.h"

#define RELOAD_ACTION "org.scpolicyd1.reload"
#define BAD_CONFIG    BUS_NAME ".Error.InvalidConfig"

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

/* 0; 1 if the caller has its refusal. Users do not learn that other users' sessions exist. */
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
						  "A cause is " CAUSES_OR ", not '%s'", word);
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

static int attach_own(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	const struct bus_host *host = ((struct bus *)userdata)->host;

	if (!caller->session)
		return sd_bus_reply_method_errorf(call, NO_SESSION, "You are in no session");
	return host->attach(host->userdata, call, caller->session, caller->uid);
}

static int answer_attach(void *userdata, sd_bus_message *call, const struct caller *caller)
{
	struct bus *bus = userdata;

	return access_find_session(bus->access, call, caller, attach_own);
}

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
	{"Attach", answer_attach},
};

access_handler answers_find(const char *member)
{
	for (size_t i = 0; i < ELEMENTS(methods); i++)
		if (strcmp(methods[i].name, member) == 0)
			return methods[i].handler;
	return NULL;
}
