/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "enforce.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "cleanup.h"
#include "log.h"

/*
 * Serial numbers are set when a call is sealed, long before it is sent. sd-bus counts its own (Hello, and
 * whatever the library sends) from 1 on this connection; these start where it will not get to.
 */
#define FIRST_COOKIE 0x10000
#define REPLY_USEC   (25 * 1000 * 1000ULL)

struct call {
	char session[SESSION_ID_SIZE];
	sd_bus_message *message; /* sealed */
	uint64_t cookie;
	uint64_t sent; /* 0: not yet, since it was last armed */
	UT_hash_handle hh;
};

struct enforcer {
	struct sink sink;
	sd_bus *bus;
	sd_bus_slot *filter;
	struct call *calls;
	uint64_t next_cookie;
};

DEFINE_CLEANUP(struct enforcer *, enforcer_free)

static struct call *call_find(const struct enforcer *enforcer, const char *session)
{
	struct call *call;

	HASH_FIND_STR(enforcer->calls, session, call);
	return call;
}

static void call_failed(struct enforcer *enforcer, const struct call *call)
{
	enforcer->sink.send(enforcer->sink.userdata, &(struct event){.type = EVENT_ACTION_FAILED,
								     .source = SOURCE_LOGIND,
								     .stamp = monotonic_now(),
								     .session = call->session});
}

/* Calls are sent without a reply slot, which would be allocated: their replies come past here. */
static int on_reply(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct enforcer *enforcer = userdata;
	const struct call *call;
	uint64_t cookie;

	if (!sd_bus_message_is_method_error(message, NULL) || sd_bus_message_get_reply_cookie(message, &cookie) < 0)
		return 0;
	for (call = enforcer->calls; call; call = call->hh.next) {
		if (call->cookie == cookie)
			break;
	}
	if (!call)
		return 0;
	log_error("session %s: logind refused: %s", call->session, sd_bus_message_get_error(message)->message);
	call_failed(enforcer, call);
	return 1;
}

int enforcer_new(sd_bus *bus, struct sink sink, struct enforcer **ret)
{
	_cleanup_(enforcer_free_p) struct enforcer *enforcer = NULL;
	int r;

	enforcer = calloc(1, sizeof(*enforcer));
	if (!enforcer)
		return -ENOMEM;
	enforcer->sink = sink;
	enforcer->bus = sd_bus_ref(bus);
	enforcer->next_cookie = FIRST_COOKIE;
	r = sd_bus_add_filter(bus, &enforcer->filter, on_reply, enforcer);
	if (r < 0)
		return r;
	*ret = steal_pointer(enforcer);
	return 0;
}

struct enforcer *enforcer_free(struct enforcer *enforcer)
{
	if (!enforcer)
		return NULL;
	while (enforcer->calls)
		enforcer_disarm(enforcer, enforcer->calls->session);
	sd_bus_slot_unref(enforcer->filter);
	sd_bus_unref(enforcer->bus);
	free(enforcer);
	return NULL;
}

static int call_marshal(struct enforcer *enforcer, struct call *call)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	int r;

	r = sd_bus_message_new_method_call(enforcer->bus, &message, "org.freedesktop.login1",
					   "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
					   "LockSession");
	if (r < 0)
		return r;
	r = sd_bus_message_append(message, "s", call->session);
	if (r < 0)
		return r;
	r = sd_bus_message_seal(message, enforcer->next_cookie, REPLY_USEC);
	if (r < 0)
		return r;
	sd_bus_message_unref(call->message);
	call->message = steal_pointer(message);
	call->cookie = enforcer->next_cookie++;
	call->sent = 0;
	return 0;
}

int enforcer_arm(struct enforcer *enforcer, const char *session, enum action action)
{
	struct call *call = call_find(enforcer, session);

	if (action == ACTION_NONE) {
		enforcer_disarm(enforcer, session);
		return 0;
	}
	if (!call) {
		call = calloc(1, sizeof(*call));
		if (!call)
			return -ENOMEM;
		strncpy(call->session, session, sizeof(call->session) - 1);
		HASH_ADD_STR(enforcer->calls, session, call);
	}
	return call_marshal(enforcer, call);
}

void enforcer_disarm(struct enforcer *enforcer, const char *session)
{
	struct call *call = call_find(enforcer, session);

	if (!call)
		return;
	HASH_DEL(enforcer->calls, call);
	sd_bus_message_unref(call->message);
	free(call);
}

uint64_t enforcer_act(struct enforcer *enforcer, const char *session)
{
	struct call *call = call_find(enforcer, session);

	if (!call || sd_bus_send(enforcer->bus, call->message, NULL) < 0)
		return 0;
	call->sent = monotonic_now();
	return call->sent;
}

uint64_t enforcer_sent(const struct enforcer *enforcer, const char *session)
{
	const struct call *call = call_find(enforcer, session);

	return call ? call->sent : 0;
}
