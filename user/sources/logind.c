/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/logind.h"

#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "sources/logind_question.h"
#include "sources/logind_session.h"
#include "sources/session_kind.h"

DEFINE_CLEANUP(struct logind_source *, logind_source_free)

/* ---- what is known ---------------------------------------------------------------------------------------- */

const char *logind_source_tty(const struct logind_source *source, const char *session)
{
	const struct logind_session *entry = logind_session_find(source, session);

	return entry ? entry->properties.tty : "";
}

const char *logind_source_display(const struct logind_source *source, const char *session)
{
	const struct logind_session *entry = logind_session_find(source, session);

	return entry ? entry->properties.display : "";
}

/* ---- signals -------------------------------------------------------------------------------------------- */

/*
 * Signals are believed only without a destination: then they came through a match, whose sender the bus has
 * checked. Anybody may send us a signal directly that claims that a session ended.
 */
static bool is_forged(sd_bus_message *message)
{
	return sd_bus_message_get_destination(message) != NULL;
}

static int on_session_removed(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	const char *session;

	if (!is_forged(message) && sd_bus_message_read(message, "so", &session, NULL) >= 0)
		logind_report_ended(userdata, session);
	return 0;
}

static void report_sleeping(struct logind_source *source, bool sleeping)
{
	source->sleeping = sleeping;
	logind_report(source, sleeping ? EVENT_SLEEP : EVENT_RESUME, NULL);
}

static int on_sleep(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	int begins;

	if (!is_forged(message) && sd_bus_message_read(message, "b", &begins) >= 0)
		report_sleeping(userdata, begins);
	return 0;
}

static void take_kind(struct logind_source *source, struct logind_session *entry,
		      const struct session_properties *properties)
{
	unsigned kind = session_kind(properties);

	entry->properties = *properties;
	if (kind == entry->kind)
		return;
	entry->kind = kind;
	logind_report_kind(source, entry);
}

static int on_session_changed(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct logind_source *source = userdata;
	_cleanup_free_ char *session = NULL;
	struct session_properties properties = {0};
	struct logind_session *entry;
	const char *interface;

	if (is_forged(message) ||
	    sd_bus_path_decode(sd_bus_message_get_path(message), SESSION_PREFIX, &session) <= 0)
		return 0;
	if (sd_bus_message_read(message, "s", &interface) < 0 || strcmp(interface, LOGIND_SESSION) != 0)
		return 0;
	entry = logind_session_find(source, session);
	if (entry)
		properties = entry->properties;
	properties.locked_hint = -1;
	if (session_properties_read(message, &properties) < 0)
		return 0;
	if (entry && entry->answered)
		take_kind(source, entry, &properties);
	else if (entry)
		logind_question_missed(entry);
	if (properties.locked_hint >= 0)
		logind_report_locked(source, session, properties.locked_hint);
	return 0;
}

static int on_logind_subscribed(sd_bus_message *reply, void *userdata _unused_, sd_bus_error *error _unused_)
{
	if (sd_bus_message_is_method_error(reply, NULL))
		log_error("cannot subscribe to logind: %s", sd_bus_message_get_error(reply)->message);
	return 0;
}

/* ---- asking --------------------------------------------------------------------------------------------- */

int logind_source_ask(struct logind_source *source, const struct login_record *login)
{
	struct logind_session *entry = logind_session_get(source, login->session);

	if (!entry)
		return -ENOMEM;
	entry->leader = (uint32_t)login->leader;
	entry->asked_again = 0;
	return logind_question_ask(entry);
}

/* ---- what nobody reported, or nobody heard ------------------------------------------------------------------ */

/* A logind that cannot say whether the machine is about to sleep does not send it there either. */
static int on_sleeping(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	struct logind_source *source = userdata;
	int sleeping = false;

	if (!sd_bus_message_is_method_error(reply, NULL) &&
	    sd_bus_message_read(reply, "v", "b", &sleeping) < 0)
		sleeping = false;
	if (sleeping != source->sleeping)
		report_sleeping(source, sleeping);
	return 0;
}

static int ask_whether_asleep(struct logind_source *source)
{
	return sd_bus_call_method_async(source->bus, NULL, LOGIND, LOGIND_PATH, PROPERTIES, "Get",
					on_sleeping, source, "ss", LOGIND_MANAGER, "PreparingForSleep");
}

/* What its predecessor did not report: that the machine is awake, that a session ended or was unlocked. */
static int on_logind_owner(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct logind_source *source = userdata;
	const char *owner;
	int r;

	if (is_forged(message) || sd_bus_message_read(message, "sss", NULL, NULL, &owner) < 0 || !*owner)
		return 0;
	r = ask_whether_asleep(source);
	for (struct logind_session *entry = source->sessions; entry; entry = entry->hh.next) {
		entry->asked_again = 0;
		if (r >= 0)
			r = logind_question_ask(entry);
	}
	if (r < 0)
		log_warning("cannot ask logind after its restart: %s", strerror(-r));
	return 0;
}

static int watch_owner(struct logind_source *source)
{
	return sd_bus_add_match_async(
		source->bus, &source->owner,
		"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
		"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" LOGIND "'",
		on_logind_owner, on_logind_subscribed, source);
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
				      "SessionRemoved", on_session_removed, on_logind_subscribed, source);
	if (r < 0)
		return r;
	r = sd_bus_match_signal_async(bus, &source->sleep, LOGIND, LOGIND_PATH, LOGIND_MANAGER,
				      "PrepareForSleep", on_sleep, on_logind_subscribed, source);
	if (r < 0)
		return r;
	r = sd_bus_add_match_async(bus, &source->changed,
				   "type='signal',sender='" LOGIND "',interface='" PROPERTIES "',"
				   "member='PropertiesChanged',path_namespace='" SESSION_PREFIX "',"
				   "arg0='" LOGIND_SESSION "'",
				   on_session_changed, on_logind_subscribed, source);
	if (r < 0)
		return r;
	r = watch_owner(source);
	if (r >= 0)
		r = ask_whether_asleep(source);
	if (r < 0)
		return r;
	*ret = steal_pointer(source);
	return 0;
}

struct logind_source *logind_source_free(struct logind_source *source)
{
	if (!source)
		return NULL;
	while (source->sessions)
		logind_session_drop(source, source->sessions);
	sd_bus_slot_unref(source->removed);
	sd_bus_slot_unref(source->changed);
	sd_bus_slot_unref(source->sleep);
	sd_bus_slot_unref(source->owner);
	sd_bus_unref(source->bus);
	free(source);
	return NULL;
}
