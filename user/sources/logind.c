/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "logind.h"

#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "cleanup.h"
#include "log.h"
#include "session_kind.h"

#define LOGIND		"org.freedesktop.login1"
#define LOGIND_PATH	"/org/freedesktop/login1"
#define LOGIND_MANAGER	LOGIND ".Manager"
#define LOGIND_SESSION	LOGIND ".Session"
#define SESSION_PREFIX	LOGIND_PATH "/session"
#define PROPERTIES	"org.freedesktop.DBus.Properties"

/*
 * The terminal of a session that sshd opens comes to logind from utmp(5), when there is a shell, and no signal
 * tells of it. So it is asked for again: after 1 s, and four times more, each twice as late.
 */
#define TTY_AGAIN_USEC (1000 * 1000ULL)
#define TTY_AGAIN_MAX  5

/* A session that was asked for. */
struct known {
	struct logind_source *source;
	char session[SESSION_ID_SIZE];
	uint32_t leader; /* the login record's */
	struct session_properties properties;
	unsigned kind; /* as told last */
	unsigned asked_again;
	sd_event_source *again;
	UT_hash_handle hh;
};

struct logind_source {
	struct sink sink;
	sd_bus *bus;
	sd_bus_slot *removed, *changed, *sleep;
	struct known *known;
};

DEFINE_CLEANUP(struct logind_source *, logind_source_free)

static struct known *known_find(const struct logind_source *source, const char *session)
{
	struct known *known;

	HASH_FIND_STR(source->known, session, known);
	return known;
}

static struct known *known_get(struct logind_source *source, const char *session)
{
	struct known *known = known_find(source, session);

	if (known)
		return known;
	known = calloc(1, sizeof(*known));
	if (!known)
		return NULL;
	known->source = source;
	snprintf(known->session, sizeof(known->session), "%s", session);
	HASH_ADD_STR(source->known, session, known);
	if (known->hh.tbl)
		return known;
	free(known);
	return NULL;
}

static void known_drop(struct logind_source *source, struct known *known)
{
	HASH_DEL(source->known, known);
	sd_event_source_disable_unref(known->again);
	free(known);
}

/* ---- telling -------------------------------------------------------------------------------------------- */

static void tell(struct logind_source *source, enum event_type type, const char *session)
{
	source->sink.send(source->sink.userdata, &(struct event){.type = type,
								 .source = SOURCE_LOGIND,
								 .stamp = monotonic_now(),
								 .session = session});
}

static void tell_ended(struct logind_source *source, const char *session)
{
	struct known *known;

	tell(source, EVENT_SESSION_ENDED, session);
	known = known_find(source, session);
	if (known)
		known_drop(source, known);
}

static void tell_kind(struct logind_source *source, const struct known *known)
{
	source->sink.send(source->sink.userdata,
			  &(struct event){.type = EVENT_SESSION_KIND,
					  .source = SOURCE_LOGIND,
					  .stamp = monotonic_now(),
					  .change = {.session = known->session, .kind = known->kind}});
}

/* ---- what is known ---------------------------------------------------------------------------------------- */

const char *logind_source_tty(const struct logind_source *source, const char *session)
{
	const struct known *known = known_find(source, session);

	return known ? known->properties.tty : "";
}

const char *logind_source_display(const struct logind_source *source, const char *session)
{
	const struct known *known = known_find(source, session);

	return known ? known->properties.display : "";
}

/* ---- signals -------------------------------------------------------------------------------------------- */

/*
 * Signals are believed only without a destination: then they came through a match, whose sender the bus has
 * checked. Anybody may send one to us alone, and have it say that a session ended.
 */
static bool is_forged(sd_bus_message *message)
{
	return sd_bus_message_get_destination(message) != NULL;
}

static int on_removed(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	const char *session;

	if (!is_forged(message) && sd_bus_message_read(message, "so", &session, NULL) >= 0)
		tell_ended(userdata, session);
	return 0;
}

static int on_sleep(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	int begins;

	if (!is_forged(message) && sd_bus_message_read(message, "b", &begins) >= 0)
		tell(userdata, begins ? EVENT_SLEEP : EVENT_RESUME, NULL);
	return 0;
}

static void take_kind(struct logind_source *source, struct known *known, const struct session_properties *properties)
{
	unsigned kind = session_kind(properties);

	known->properties = *properties;
	if (kind == known->kind)
		return;
	known->kind = kind;
	tell_kind(source, known);
}

static int on_changed(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct logind_source *source = userdata;
	_cleanup_free_ char *session = NULL;
	struct session_properties properties = {0};
	struct known *known;
	const char *interface;

	if (is_forged(message) ||
	    sd_bus_path_decode(sd_bus_message_get_path(message), SESSION_PREFIX, &session) <= 0)
		return 0;
	if (sd_bus_message_read(message, "s", &interface) < 0 || strcmp(interface, LOGIND_SESSION) != 0)
		return 0;
	known = known_find(source, session);
	if (known)
		properties = known->properties;
	properties.locked_hint = -1;
	if (session_properties_read(message, &properties) < 0)
		return 0;
	if (known)
		take_kind(source, known, &properties);
	if (properties.locked_hint >= 0)
		tell(source, properties.locked_hint ? EVENT_SESSION_LOCKED : EVENT_SESSION_UNLOCKED, session);
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
	r = sd_bus_match_signal_async(bus, &source->sleep, LOGIND, LOGIND_PATH, LOGIND_MANAGER, "PrepareForSleep",
				      on_sleep, on_subscribed, source);
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
	while (source->known)
		known_drop(source, source->known);
	sd_bus_slot_unref(source->removed);
	sd_bus_slot_unref(source->changed);
	sd_bus_slot_unref(source->sleep);
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

static int question_ask(struct logind_source *source, const char *session, uint32_t leader);

static int on_again(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	const struct known *known = userdata;
	int r = question_ask(known->source, known->session, known->leader);

	if (r < 0)
		log_warning("cannot ask logind for the terminal of session %s: %s", known->session, strerror(-r));
	return 0;
}

/* Without a terminal nothing is announced there; all else goes its way. */
static void await_tty(struct known *known)
{
	uint64_t delay = TTY_AGAIN_USEC << known->asked_again;
	int r;

	if (strcmp(known->properties.type, "tty") != 0 || *known->properties.tty ||
	    known->asked_again == TTY_AGAIN_MAX)
		return;
	known->asked_again++;
	known->again = sd_event_source_disable_unref(known->again);
	r = sd_event_add_time_relative(sd_bus_get_event(known->source->bus), &known->again, CLOCK_MONOTONIC, delay, 0,
				       on_again, known);
	if (r < 0)
		log_warning("cannot wait for the terminal of session %s: %s", known->session, strerror(-r));
}

static int on_properties(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	const struct question *question = userdata;
	struct logind_source *source = question->source;
	struct session_properties properties = {0};
	struct known *known;

	if (sd_bus_message_is_method_error(reply, NULL) || session_properties_read(reply, &properties) < 0)
		return 0; /* says nothing of the session */
	if (properties.leader && question->leader && properties.leader != question->leader) {
		log_warning("session %s was opened by process %u, its login record by %u: not the recorded session",
			    question->session, properties.leader, question->leader);
		tell_ended(source, question->session);
		return 0;
	}
	known = known_get(source, question->session);
	if (!known)
		return -ENOMEM;
	known->leader = question->leader;
	known->properties = properties;
	known->kind = session_kind(&properties);
	await_tty(known);
	tell_kind(source, known);
	if (properties.locked_hint > 0)
		tell(source, EVENT_SESSION_LOCKED, question->session);
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
		tell_ended(question->source, question->session);
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

static int question_ask(struct logind_source *source, const char *session, uint32_t leader)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return -ENOMEM;
	question->source = source;
	question->leader = leader;
	snprintf(question->session, sizeof(question->session), "%s", session);
	return ask(question, LOGIND_PATH, LOGIND_MANAGER, "GetSession", on_session, question->session);
}

int logind_source_ask(struct logind_source *source, const struct login_record *login)
{
	return question_ask(source, login->session, (uint32_t)login->leader);
}
