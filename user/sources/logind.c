/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/logind.h"

#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "sources/session_kind.h"

#define LOGIND	       "org.freedesktop.login1"
#define LOGIND_PATH    "/org/freedesktop/login1"
#define LOGIND_MANAGER LOGIND ".Manager"
#define LOGIND_SESSION LOGIND ".Session"
#define SESSION_PREFIX LOGIND_PATH "/session"
#define PROPERTIES     "org.freedesktop.DBus.Properties"

/*
 * The terminal of a session that sshd opens comes to logind from utmp(5), when there is a shell, and no signal
 * tells of it; and logind may not answer, while it starts or is busy. So it is asked again: after 1 s, and four
 * times more, each twice as late.
 */
#define AGAIN_USEC (1000 * 1000ULL)
#define AGAIN_MAX  5

/* A session that was asked for; what is known of it is empty until logind has answered. */
struct known {
	struct logind_source *source;
	char session[SESSION_ID_SIZE];
	uint32_t leader; /* the login record's */
	bool answered;
	struct session_properties properties;
	unsigned kind; /* as told last, and so is this */
	bool locked;
	unsigned asked_again;
	sd_event_source *again;
	UT_hash_handle hh;
};

struct logind_source {
	struct sink sink;
	sd_bus *bus;
	sd_bus_slot *removed, *changed, *sleep, *owner;
	bool sleeping; /* as told last */
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

static void tell_locked(struct logind_source *source, const char *session, bool locked)
{
	struct known *known = known_find(source, session);

	if (known)
		known->locked = locked;
	tell(source, locked ? EVENT_SESSION_LOCKED : EVENT_SESSION_UNLOCKED, session);
}

static void tell_sleeping(struct logind_source *source, bool sleeping)
{
	source->sleeping = sleeping;
	tell(source, sleeping ? EVENT_SLEEP : EVENT_RESUME, NULL);
}

static int on_sleep(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	int begins;

	if (!is_forged(message) && sd_bus_message_read(message, "b", &begins) >= 0)
		tell_sleeping(userdata, begins);
	return 0;
}

static void take_kind(struct logind_source *source, struct known *known,
		      const struct session_properties *properties)
{
	unsigned kind = session_kind(properties);

	known->properties = *properties;
	if (kind == known->kind)
		return;
	known->kind = kind;
	tell_kind(source, known);
}

static int question_ask(struct known *known);

/* This is a part of what the session is. The whole is on its way, or is asked for again: logind does answer. */
static void missed_the_rest(struct known *known)
{
	if (known->asked_again < AGAIN_MAX)
		return;
	known->asked_again = 0;
	(void)question_ask(known);
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
	if (known && known->answered)
		take_kind(source, known, &properties);
	else if (known)
		missed_the_rest(known);
	if (properties.locked_hint >= 0)
		tell_locked(source, session, properties.locked_hint);
	return 0;
}

static int on_subscribed(sd_bus_message *reply, void *userdata _unused_, sd_bus_error *error _unused_)
{
	if (sd_bus_message_is_method_error(reply, NULL))
		log_error("cannot subscribe to logind: %s", sd_bus_message_get_error(reply)->message);
	return 0;
}

/* ---- asking --------------------------------------------------------------------------------------------- */

/* The session may have ended, and be forgotten, when the answer comes. */
struct question {
	struct logind_source *source;
	char session[SESSION_ID_SIZE];
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

static int on_again(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	struct known *known = userdata;
	int r = question_ask(known);

	if (r < 0)
		log_warning("cannot ask logind for session %s: %s", known->session, strerror(-r));
	return 0;
}

/* False: it was asked often enough. */
static bool ask_again_later(struct known *known)
{
	uint64_t delay = AGAIN_USEC << known->asked_again;
	int r;

	if (known->asked_again == AGAIN_MAX)
		return false;
	known->asked_again++;
	known->again = sd_event_source_disable_unref(known->again);
	r = sd_event_add_time_relative(sd_bus_get_event(known->source->bus), &known->again, CLOCK_MONOTONIC,
				       delay, 0, on_again, known);
	return r >= 0;
}

/* Without a terminal nothing is announced there; all else goes its way. */
static void await_tty(struct known *known)
{
	if (strcmp(known->properties.type, "tty") == 0 && !*known->properties.tty)
		ask_again_later(known);
}

/* That logind does not answer says nothing of the session. What its kind decides goes by its PAM service until then. */
static int no_answer(struct known *known, sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);

	if (!ask_again_later(known))
		log_warning("logind does not tell of session %s: %s", known->session,
			    error ? error->message : "not what was asked for");
	return 0;
}

static int on_properties(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	const struct question *question = userdata;
	struct logind_source *source = question->source;
	struct known *known = known_find(source, question->session);
	struct session_properties properties = {0};

	if (!known)
		return 0;
	if (sd_bus_message_is_method_error(reply, NULL) || session_properties_read(reply, &properties) < 0)
		return no_answer(known, reply);
	if (properties.leader && known->leader && properties.leader != known->leader) {
		log_warning(
			"session %s was opened by process %u, its login record by %u: not the recorded session",
			question->session, properties.leader, known->leader);
		tell_ended(source, question->session);
		return 0;
	}
	known->answered = true;
	known->properties = properties;
	known->kind = session_kind(&properties);
	await_tty(known);
	tell_kind(source, known);
	/*
	 * systemd 252's logind forgets the hint when it is started anew, and does not tell of the unlock that follows.
	 * A session that is called unlocked too early is spared the second stage, and is still locked.
	 */
	if (properties.locked_hint > 0 || known->locked)
		tell_locked(source, question->session, properties.locked_hint > 0);
	return 0;
}

static int on_session(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	const struct question *question = userdata;
	struct known *known = known_find(question->source, question->session);
	struct question *next;
	const char *path;

	if (!known)
		return 0;
	if (sd_bus_message_is_method_error(reply, LOGIND ".NoSuchSession")) {
		log_info("session %s of a login record is gone", question->session);
		tell_ended(question->source, question->session);
		return 0;
	}
	if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "o", &path) < 0)
		return no_answer(known, reply);
	next = malloc(sizeof(*next));
	if (!next)
		return -ENOMEM;
	*next = *question;
	return ask(next, path, PROPERTIES, "GetAll", on_properties, LOGIND_SESSION);
}

static int question_ask(struct known *known)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return -ENOMEM;
	question->source = known->source;
	snprintf(question->session, sizeof(question->session), "%s", known->session);
	return ask(question, LOGIND_PATH, LOGIND_MANAGER, "GetSession", on_session, question->session);
}

int logind_source_ask(struct logind_source *source, const struct login_record *login)
{
	struct known *known = known_get(source, login->session);

	if (!known)
		return -ENOMEM;
	known->leader = (uint32_t)login->leader;
	known->asked_again = 0;
	return question_ask(known);
}

/* ---- what nobody told, or nobody heard ---------------------------------------------------------------------- */

/* A logind that cannot say whether the machine is about to sleep does not send it there either. */
static int on_sleeping(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	struct logind_source *source = userdata;
	int sleeping = false;

	if (!sd_bus_message_is_method_error(reply, NULL) &&
	    sd_bus_message_read(reply, "v", "b", &sleeping) < 0)
		sleeping = false;
	if (sleeping != source->sleeping)
		tell_sleeping(source, sleeping);
	return 0;
}

static int ask_sleeping(struct logind_source *source)
{
	return sd_bus_call_method_async(source->bus, NULL, LOGIND, LOGIND_PATH, PROPERTIES, "Get",
					on_sleeping, source, "ss", LOGIND_MANAGER, "PreparingForSleep");
}

/* What its predecessor would have told, and did not: that the machine is awake, that a session ended or was unlocked. */
static int on_owner(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct logind_source *source = userdata;
	const char *owner;
	int r;

	if (is_forged(message) || sd_bus_message_read(message, "sss", NULL, NULL, &owner) < 0 || !*owner)
		return 0;
	r = ask_sleeping(source);
	for (struct known *known = source->known; known; known = known->hh.next) {
		known->asked_again = 0;
		if (r >= 0)
			r = question_ask(known);
	}
	if (r < 0)
		log_warning("cannot ask logind, which was started anew: %s", strerror(-r));
	return 0;
}

static int watch_owner(struct logind_source *source)
{
	return sd_bus_add_match_async(
		source->bus, &source->owner,
		"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
		"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" LOGIND "'",
		on_owner, on_subscribed, source);
}

/* ---- the source itself -------------------------------------------------------------------------------------- */

int logind_source_new(sd_bus *bus, struct sink sink, struct logind_source **ret)
{
	_cleanup_(logind_source_free_p) struct logind_source *source = NULL;
	int r;

	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->sink = sink;
	source->bus = sd_bus_ref(bus);
	r = sd_bus_match_signal_async(bus, &source->removed, LOGIND, LOGIND_PATH, LOGIND_MANAGER,
				      "SessionRemoved", on_removed, on_subscribed, source);
	if (r < 0)
		return r;
	r = sd_bus_match_signal_async(bus, &source->sleep, LOGIND, LOGIND_PATH, LOGIND_MANAGER,
				      "PrepareForSleep", on_sleep, on_subscribed, source);
	if (r < 0)
		return r;
	r = sd_bus_add_match_async(bus, &source->changed,
				   "type='signal',sender='" LOGIND "',interface='" PROPERTIES "',"
				   "member='PropertiesChanged',path_namespace='" SESSION_PREFIX "',"
				   "arg0='" LOGIND_SESSION "'",
				   on_changed, on_subscribed, source);
	if (r < 0)
		return r;
	r = watch_owner(source);
	if (r >= 0)
		r = ask_sleeping(source);
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
	sd_bus_slot_unref(source->owner);
	sd_bus_unref(source->bus);
	free(source);
	return NULL;
}
