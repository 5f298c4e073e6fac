/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "logind.h"

#include <string.h>

#include "cleanup.h"
#include "log.h"

#define LOGIND		"org.freedesktop.login1"
#define LOGIND_PATH	"/org/freedesktop/login1"
#define LOGIND_MANAGER	LOGIND ".Manager"
#define LOGIND_SESSION	LOGIND ".Session"
#define SESSION_PREFIX	LOGIND_PATH "/session"
#define PROPERTIES	"org.freedesktop.DBus.Properties"

struct logind_source {
	struct sink sink;
	sd_bus *bus;
	sd_bus_slot *removed, *changed;
};

DEFINE_CLEANUP(struct logind_source *, logind_source_free)

static void tell(struct logind_source *source, enum event_type type, const char *session)
{
	source->sink.send(source->sink.userdata, &(struct event){.type = type,
								 .source = SOURCE_LOGIND,
								 .stamp = monotonic_now(),
								 .session = session});
}

static int on_removed(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	const char *session;

	if (sd_bus_message_read(message, "so", &session, NULL) >= 0)
		tell(userdata, EVENT_SESSION_ENDED, session);
	return 0;
}

/* Of the properties in an a{sv}, those that count here; the others are passed over. */
struct properties {
	int locked_hint; /* -1: not among them */
	uint32_t leader; /* 0: likewise */
};

static int read_property(sd_bus_message *message, const char *name, struct properties *properties)
{
	uint32_t leader;
	int locked, r;

	if (strcmp(name, "LockedHint") == 0) {
		r = sd_bus_message_read(message, "v", "b", &locked);
		if (r >= 0)
			properties->locked_hint = locked;
		return r;
	}
	if (strcmp(name, "Leader") == 0) {
		r = sd_bus_message_read(message, "v", "u", &leader);
		if (r >= 0)
			properties->leader = leader;
		return r;
	}
	return sd_bus_message_skip(message, "v");
}

static int read_properties(sd_bus_message *message, struct properties *properties)
{
	const char *name;
	int r;

	r = sd_bus_message_enter_container(message, 'a', "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		r = sd_bus_message_read(message, "s", &name);
		if (r >= 0)
			r = read_property(message, name, properties);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int on_changed(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct properties properties = {.locked_hint = -1};
	_cleanup_free_ char *session = NULL;
	const char *interface;

	if (sd_bus_path_decode(sd_bus_message_get_path(message), SESSION_PREFIX, &session) <= 0)
		return 0;
	if (sd_bus_message_read(message, "s", &interface) < 0 || strcmp(interface, LOGIND_SESSION) != 0)
		return 0;
	if (read_properties(message, &properties) < 0 || properties.locked_hint < 0)
		return 0;
	tell(userdata, properties.locked_hint ? EVENT_SESSION_LOCKED : EVENT_SESSION_UNLOCKED, session);
	return 0;
}

static int on_subscribed(sd_bus_message *reply, void *userdata _unused_, sd_bus_error *error _unused_)
{
	if (sd_bus_message_is_method_error(reply, NULL))
		log_error("cannot subscribe to logind: %s", sd_bus_message_get_error(reply)->message);
	return 0;
}

int logind_source_new(sd_bus *bus, struct sink sink, struct logind_source **ret)
{
	_cleanup_(logind_source_free_p) struct logind_source *source = NULL;
	int r;

	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->sink = sink;
	source->bus = sd_bus_ref(bus);
	r = sd_bus_match_signal_async(bus, &source->removed, LOGIND, LOGIND_PATH, LOGIND_MANAGER, "SessionRemoved",
				      on_removed, on_subscribed, source);
	if (r < 0)
		return r;
	r = sd_bus_add_match_async(bus, &source->changed,
				   "type='signal',sender='" LOGIND "',interface='" PROPERTIES "',"
				   "member='PropertiesChanged',path_namespace='" SESSION_PREFIX "',"
				   "arg0='" LOGIND_SESSION "'",
				   on_changed, on_subscribed, source);
	if (r < 0)
		return r;
	*ret = steal_pointer(source);
	return 0;
}

struct logind_source *logind_source_free(struct logind_source *source)
{
	if (!source)
		return NULL;
	sd_bus_slot_unref(source->removed);
	sd_bus_slot_unref(source->changed);
	sd_bus_unref(source->bus);
	free(source);
	return NULL;
}

/* ---- asking --------------------------------------------------------------------------------------------- */

struct question {
	struct logind_source *source;
	char session[SESSION_ID_SIZE];
	uint32_t leader;
};

/* Hands `question` over to the call: freed with it, or here when it cannot be made. */
static int ask(struct question *question, const char *path, const char *interface, const char *method,
	       sd_bus_message_handler_t on_answer, const char *argument)
{
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	_cleanup_free_ struct question *owned = question;
	int r;

	r = sd_bus_call_method_async(question->source->bus, &slot, LOGIND, path, interface, method, on_answer,
				     question, "s", argument);
	if (r < 0)
		return r;
	sd_bus_slot_set_destroy_callback(slot, free);
	(void)steal_pointer(owned);
	return sd_bus_slot_set_floating(slot, true);
}

static int on_properties(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	struct properties properties = {.locked_hint = -1};
	const struct question *question = userdata;

	if (sd_bus_message_is_method_error(reply, NULL) || read_properties(reply, &properties) < 0)
		return 0; /* says nothing of the session */
	if (properties.leader && question->leader && properties.leader != question->leader) {
		log_warning("session %s was opened by process %u, its login record by %u: not the recorded session",
			    question->session, properties.leader, question->leader);
		tell(question->source, EVENT_SESSION_ENDED, question->session);
	} else if (properties.locked_hint > 0)
		tell(question->source, EVENT_SESSION_LOCKED, question->session);
	return 0;
}

/* Any error but NoSuchSession says nothing of the session: logind may be starting, or not run at all. */
static int on_session(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	const struct question *question = userdata;
	struct question *next;
	const char *path;

	if (sd_bus_message_is_method_error(reply, LOGIND ".NoSuchSession")) {
		log_info("session %s of a login record is gone", question->session);
		tell(question->source, EVENT_SESSION_ENDED, question->session);
		return 0;
	}
	if (sd_bus_message_read(reply, "o", &path) < 0)
		return 0;
	next = malloc(sizeof(*next));
	if (!next)
		return -ENOMEM;
	*next = *question;
	return ask(next, path, PROPERTIES, "GetAll", on_properties, LOGIND_SESSION);
}

int logind_source_ask(struct logind_source *source, const struct login_record *login)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return -ENOMEM;
	question->source = source;
	question->leader = (uint32_t)login->leader;
	memcpy(question->session, login->session, sizeof(question->session));
	return ask(question, LOGIND_PATH, LOGIND_MANAGER, "GetSession", on_session, question->session);
}
