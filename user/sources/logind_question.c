/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/logind_question.h"

#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "sources/logind_session.h"

/*
 * logind learns the terminal of an sshd session from utmp(5) once there is a shell, and sends no signal about
 * it. logind may also not answer while it starts or is busy. So it is asked again: after 1 s, and four times
 * more, each twice as late.
 */
#define AGAIN_USEC (1000 * 1000ULL)
#define AGAIN_MAX  5

/* The session may have ended, and be forgotten, when the answer comes. */
struct logind_question {
	struct logind_source *source;
	char session[SESSION_ID_SIZE];
};

/* Hands `question` over to the call: freed with it, or here when it cannot be made. */
static int call_logind(struct logind_question *question, const char *path, const char *interface,
		       const char *method, sd_bus_message_handler_t on_answer, const char *argument)
{
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	_cleanup_free_ struct logind_question *owned = question;
	int r;

	r = sd_bus_call_method_async(question->source->bus, &slot, LOGIND, path, interface, method, on_answer,
				     question, "s", argument);
	if (r < 0)
		return r;
	sd_bus_slot_set_destroy_callback(slot, free);
	(void)steal_pointer(owned);
	return sd_bus_slot_set_floating(slot, true);
}

static int on_ask_again(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	struct logind_session *entry = userdata;
	int r = logind_question_ask(entry);

	if (r < 0)
		log_warning("cannot ask logind for session %s: %s", entry->session, strerror(-r));
	return 0;
}

/* False: it was asked often enough. */
static bool ask_again_later(struct logind_session *entry)
{
	uint64_t delay = AGAIN_USEC << entry->asked_again;
	int r;

	if (entry->asked_again == AGAIN_MAX)
		return false;
	entry->asked_again++;
	entry->again = sd_event_source_disable_unref(entry->again);
	r = sd_event_add_time_relative(sd_bus_get_event(entry->source->bus), &entry->again, CLOCK_MONOTONIC,
				       delay, 0, on_ask_again, entry);
	return r >= 0;
}

/* Without a terminal nothing is announced there; everything else works. */
static void await_tty(struct logind_session *entry)
{
	if (strcmp(entry->properties.type, "tty") == 0 && !*entry->properties.tty)
		ask_again_later(entry);
}

/*
 * No answer from logind says nothing about the session. Until logind answers, its PAM service decides its
 * kind.
 */
static int no_answer(struct logind_session *entry, sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);

	if (!ask_again_later(entry))
		log_warning("logind does not describe session %s: %s", entry->session,
			    error ? error->message : "an unexpected answer");
	return 0;
}

static int on_properties(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	const struct logind_question *question = userdata;
	struct logind_source *source = question->source;
	struct logind_session *entry = logind_session_find(source, question->session);
	struct session_properties properties = {0};

	if (!entry)
		return 0;
	if (sd_bus_message_is_method_error(reply, NULL) || session_properties_read(reply, &properties) < 0)
		return no_answer(entry, reply);
	if (properties.leader && entry->leader && properties.leader != entry->leader) {
		log_warning(
			"session %s was opened by process %u, its login record by %u: not the recorded session",
			question->session, properties.leader, entry->leader);
		logind_report_ended(source, question->session);
		return 0;
	}
	entry->answered = true;
	entry->properties = properties;
	entry->kind = session_kind(&properties);
	await_tty(entry);
	logind_report_kind(source, entry);
	/*
	 * systemd 252's logind forgets the hint when it restarts, and does not report the unlock that
	 * follows. A session that is reported as unlocked too early escapes the second stage, and is still
	 * locked.
	 */
	if (properties.locked_hint > 0 || entry->locked)
		logind_report_locked(source, question->session, properties.locked_hint > 0);
	return 0;
}

static int on_session(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	const struct logind_question *question = userdata;
	struct logind_session *entry = logind_session_find(question->source, question->session);
	struct logind_question *next;
	const char *path;

	if (!entry)
		return 0;
	if (sd_bus_message_is_method_error(reply, LOGIND ".NoSuchSession")) {
		log_info("session %s of a login record is gone", question->session);
		logind_report_ended(question->source, question->session);
		return 0;
	}
	if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "o", &path) < 0)
		return no_answer(entry, reply);
	next = malloc(sizeof(*next));
	if (!next)
		return -ENOMEM;
	*next = *question;
	return call_logind(next, path, PROPERTIES, "GetAll", on_properties, LOGIND_SESSION);
}

int logind_question_ask(struct logind_session *entry)
{
	struct logind_question *question = calloc(1, sizeof(*question));

	if (!question)
		return -ENOMEM;
	question->source = entry->source;
	snprintf(question->session, sizeof(question->session), "%s", entry->session);
	return call_logind(question, LOGIND_PATH, LOGIND_MANAGER, "GetSession", on_session,
			   question->session);
}

void logind_question_missed(struct logind_session *entry)
{
	if (entry->asked_again < AGAIN_MAX)
		return;
	entry->asked_again = 0;
	(void)logind_question_ask(entry);
}
