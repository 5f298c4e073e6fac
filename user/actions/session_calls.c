/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uthash must report an allocation that failed instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include "actions/session_calls.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/logind.h"

struct address {
	const char *service, *path, *interface;
};

static const struct address logind = {LOGIND, LOGIND_PATH, LOGIND_MANAGER};
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

struct session_calls *session_calls_find(const struct calls *calls, const char *session)
{
	struct session_calls *entry;

	HASH_FIND_STR(calls->sessions, session, entry);
	return entry;
}

struct session_calls *session_calls_get(struct calls *calls, const char *session)
{
	struct session_calls *entry = session_calls_find(calls, session);

	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	snprintf(entry->session, sizeof(entry->session), "%s", session);
	HASH_ADD_STR(calls->sessions, session, entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	return entry;
}

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

static int call_marshal(struct calls *calls, const char *session, enum step step, struct call *call)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	const struct method *method = &methods[step];
	int r;

	r = sd_bus_message_new_method_call(calls->bus, &message, method->address->service,
					   method->address->path, method->address->interface, method->member);
	if (r < 0)
		return r;
	r = append_arguments(message, session, step);
	if (r < 0)
		return r;
	r = sd_bus_message_seal(message, calls->next_cookie, REPLY_USEC);
	if (r < 0)
		return r;
	call->message = steal_pointer(message);
	call->cookie = calls->next_cookie++;
	return 0;
}

static int call_make(struct calls *calls, const char *session, enum step step, struct call *call)
{
	return call->message ? 0 : call_marshal(calls, session, step, call);
}

static void call_drop(struct call *call)
{
	call->message = sd_bus_message_unref(call->message);
}

bool session_calls_is_call(enum step step)
{
	return methods[step].address != NULL;
}

int session_calls_make(struct calls *calls, struct session_calls *entry, enum step step)
{
	return call_make(calls, entry->session, step, &entry->calls[step]);
}

void session_calls_unmake(struct session_calls *entry, enum step step)
{
	call_drop(&entry->calls[step]);
}

/* A message may be sent only once: the bus refuses a serial while its reply is still due. */
int session_calls_send(struct calls *calls, struct session_calls *entry, enum step step)
{
	struct call *call = &entry->calls[step];
	int r;

	r = call_make(calls, entry->session, step, call);
	if (r < 0)
		return r;
	r = sd_bus_send(calls->bus, call->message, NULL);
	if (r < 0)
		return r;
	call->outstanding = call->cookie;
	call_drop(call);
	if (step == STEP_CONSOLE_LOCK)
		entry->console_lock_runs = true;
	return 0;
}

struct call *session_calls_answered(const struct calls *calls, uint64_t cookie,
				    struct session_calls **ret_entry, enum step *ret_step)
{
	struct session_calls *entry;

	for (entry = calls->sessions; entry; entry = entry->hh.next) {
		for (unsigned step = 0; step < STEP_COUNT; step++) {
			if (entry->calls[step].outstanding == cookie) {
				*ret_entry = entry;
				*ret_step = step;
				return &entry->calls[step];
			}
		}
	}
	return NULL;
}

void session_calls_drop(struct calls *calls, struct session_calls *entry)
{
	HASH_DEL(calls->sessions, entry);
	for (unsigned step = 0; step < STEP_COUNT; step++)
		call_drop(&entry->calls[step]);
	free(entry);
}

const char *calls_why_refused(sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);

	return error->message ? error->message : error->name;
}

/* ---- an administrator's unit ---------------------------------------------------------------------------- */

static int on_started(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	if (sd_bus_message_is_method_error(reply, NULL))
		log_error("cannot start %s: %s", (const char *)userdata, calls_why_refused(reply));
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

int calls_start_unit(struct calls *calls, const char *unit_template, const char *session)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	_cleanup_free_ char *unit = NULL;
	int r;

	r = instance_name(unit_template, session, &unit);
	if (r < 0)
		return r;
	r = sd_bus_message_new_method_call(calls->bus, &call, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER,
					   "StartUnit");
	if (r >= 0)
		r = sd_bus_message_append(call, "ss", unit, "replace");
	/* sd-bus would give it the serial after the last one sent, which may be that of a call made ready. */
	if (r >= 0)
		r = sd_bus_message_seal(call, calls->next_cookie++, REPLY_USEC);
	if (r >= 0)
		r = sd_bus_call_async(calls->bus, &slot, call, on_started, unit, REPLY_USEC);
	if (r < 0)
		return r;
	sd_bus_slot_set_destroy_callback(slot, free);
	(void)steal_pointer(unit);
	return sd_bus_slot_set_floating(slot, true);
}
