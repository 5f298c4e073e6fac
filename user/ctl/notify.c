/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The desktop's agent: each session of its user gets a notification of what happens to it. There is one agent
 * for each user's bus, which carries the notifications to the desktop.
 */
#include <stdio.h>
#include <string.h>
#include <systemd/sd-login.h>

#include "ctl/client.h"
#include "ctl/listener.h"
#include "ctl/notice.h"
#include "ctl/output.h"
#include "ctl/text.h"
#include "ctl/words.h"
#include "lib/record.h"
#include "policy/cause.h"

#define AGENT_NAME "org.scpolicyd1.Notify"

/*
 * Sessions of one user: more than anybody has. If there are more, the one that was reported first is
 * forgotten.
 */
#define SESSIONS_MAX 64

struct agent {
	sd_event *event;
	sd_bus *user_bus;
	char own[SESSION_ID_SIZE]; /* the session that this runs in; "": not known */
	struct {
		char id[SESSION_ID_SIZE];
		struct notice *notice;
	} sessions[SESSIONS_MAX];
	size_t count;
};

/* ---- words ---------------------------------------------------------------------------------------------- */

/* Bodies are markup, so "<" and "&" in a reader's name are escaped. */
static void escape_markup(const char *text, char *buffer, size_t size)
{
	static const char special[] = "<>&";
	static const char *const entities[] = {"&lt;", "&gt;", "&amp;"};
	size_t used = 0;

	for (buffer[0] = '\0'; *text; text++) {
		const char *found = strchr(special, *text);
		char plain[] = {*text, '\0'};
		const char *next = found ? entities[found - special] : plain;

		if (used + strlen(next) + 1 > size)
			break;
		strcpy(buffer + used, next);
		used += strlen(next);
	}
}

static const char *removal_words(const char *name)
{
	enum cause cause;

	return cause_notice(cause_find(name, strlen(name), &cause) ? cause : CAUSE_CARD);
}

/*
 * A second stage: "You will be logged out in %s: unlock to stay". Another session of the same user is named.
 */
static void countdown_words(const struct agent *agent, const char *session, const char *action,
			    struct notice_text *text, char *summary, char *after, size_t size)
{
	const char *what = strcmp(action, "disconnect") == 0 ? "disconnected" : "logged out";
	bool own = !*agent->own || strcmp(agent->own, session) == 0;
	char who[SESSION_ID_SIZE + 16];

	snprintf(who, sizeof(who), own ? "You" : "Session %s", session);
	snprintf(summary, size, "%s will be %s in %%s: unlock to stay", who, what);
	snprintf(after, size, "%s %s being %s", who, own ? "are" : "is", what);
	text->summary = summary;
	text->after = after;
}

/* ---- sessions ------------------------------------------------------------------------------------------- */

/*
 * Users who receive broadcasts receive those of all sessions. Signals from the other path are about our own
 * sessions. logind may no longer say whose an ended session was.
 */
static bool is_own(const char *session, sd_bus_message *message)
{
	uid_t uid;

	if (strcmp(sd_bus_message_get_path(message), BUS_OWN_PATH) == 0)
		return true;
	return session_id_valid(session) && sd_session_get_uid(session, &uid) >= 0 && uid == getuid();
}

static struct notice *find_notice(const struct agent *agent, const char *session)
{
	for (size_t i = 0; i < agent->count; i++) {
		if (strcmp(agent->sessions[i].id, session) == 0)
			return agent->sessions[i].notice;
	}
	return NULL;
}

static void forget_first(struct agent *agent)
{
	notice_free(agent->sessions[0].notice);
	agent->count--;
	memmove(agent->sessions, agent->sessions + 1, agent->count * sizeof(agent->sessions[0]));
}

static int make_notice(struct agent *agent, const char *session, struct notice **ret)
{
	int r;

	*ret = find_notice(agent, session);
	if (*ret)
		return 0;
	if (!session_id_valid(session))
		return -EINVAL;
	if (agent->count == SESSIONS_MAX)
		forget_first(agent);
	r = notice_new(agent->user_bus, ret);
	if (r < 0)
		return r;
	snprintf(agent->sessions[agent->count].id, SESSION_ID_SIZE, "%s", session);
	agent->sessions[agent->count++].notice = *ret;
	return 0;
}

static void show_notice(struct agent *agent, const char *session, const struct notice_text *text)
{
	struct notice *notice;
	int r = make_notice(agent, session, &notice);

	if (r >= 0)
		r = notice_show(notice, text);
	if (r < 0)
		output_error("cannot show a notification: %s", strerror(-r));
}

static void close_notice(struct agent *agent, const char *session)
{
	struct notice *notice = find_notice(agent, session);

	if (notice)
		notice_close(notice);
}

/* ---- signals -------------------------------------------------------------------------------------------- */

static int on_removal(struct agent *agent, sd_bus_message *message)
{
	const char *session, *user, *reader, *cause;
	char body[128];
	int r = sd_bus_message_read(message, "ssss", &session, &user, &reader, &cause);

	if (r < 0 || !is_own(session, message))
		return r;
	/* Cleaned last: the bus refuses a text that is cut within a character. */
	escape_markup(reader, body, sizeof(body));
	show_notice(agent, session,
		    &(struct notice_text){.summary = removal_words(cause), .body = text_clean(body, false)});
	return 0;
}

static int on_countdown(struct agent *agent, sd_bus_message *message)
{
	struct notice_text text = {.body = "Your smart card was removed."};
	char summary[128], after[128];
	const char *session, *action;
	uint32_t seconds;
	int r = sd_bus_message_read(message, "ssu", &session, &action, &seconds);

	if (r < 0 || !is_own(session, message))
		return r;
	countdown_words(agent, session, action, &text, summary, after, sizeof(summary));
	text.until = monotonic_usec() + seconds * 1000000ULL;
	show_notice(agent, session, &text);
	return 0;
}

static int on_action(struct agent *agent, sd_bus_message *message)
{
	const char *session, *action, *outcome;
	int r = sd_bus_message_read(message, "sss", &session, &action, &outcome);

	if (r >= 0 && strcmp(outcome, "cancelled") == 0 && is_own(session, message))
		close_notice(agent, session);
	return r;
}

static void show_unguarded(struct agent *agent, const char *session)
{
	bool own = !*agent->own || strcmp(agent->own, session) == 0;
	char summary[SESSION_ID_SIZE + 64];

	if (own)
		snprintf(summary, sizeof(summary), "This session is not guarded");
	else
		snprintf(summary, sizeof(summary), "Session %s is not guarded", session);
	show_notice(
		agent, session,
		&(struct notice_text){
			.summary = summary,
			.body = "It was unlocked without its smart card. Insert that card and unlock once "
				"more, or lock the session yourself when you leave."});
}

/* What the other signals do not report: the card is back, or was never removed; or nothing guards the session. */
static int on_trail(struct agent *agent, sd_bus_message *message)
{
	static const char *const ends[] = {"restored", "settled", "contradicted"};
	_cleanup_tree_ struct json_object *entry = NULL;
	int r = tree_read(message, false, &entry);

	for (size_t i = 0; r >= 0 && i < ELEMENTS(ends); i++) {
		if (strcmp(tree_string(entry, "event"), ends[i]) == 0 &&
		    is_own(tree_string(entry, "session"), message))
			close_notice(agent, tree_string(entry, "session"));
	}
	if (r >= 0 && strcmp(tree_string(entry, "event"), "unguarded") == 0 &&
	    is_own(tree_string(entry, "session"), message))
		show_unguarded(agent, tree_string(entry, "session"));
	return r;
}

static void notify_on_signal(void *userdata, const char *name, sd_bus_message *message)
{
	static const struct {
		const char *name;
		int (*take)(struct agent *agent, sd_bus_message *message);
	} signals[] = {{"Removal", on_removal},
		       {"Countdown", on_countdown},
		       {"Action", on_action},
		       {"Trail", on_trail}};
	int r = 0;

	for (size_t i = 0; i < ELEMENTS(signals); i++) {
		if (strcmp(signals[i].name, name) == 0)
			r = signals[i].take(userdata, message);
	}
	if (r < 0)
		output_error("signal %s is not understood: %s", name, strerror(-r));
}

/* A daemon that has ended counts nothing down. The next one continues its work and reports it again. */
static void notify_on_presence(void *userdata, bool runs)
{
	const struct agent *agent = userdata;

	for (size_t i = 0; !runs && i < agent->count; i++)
		notice_close(agent->sessions[i].notice);
}

static void notify_on_refused(void *userdata, const char *why)
{
	const struct agent *agent = userdata;

	output_error("scpolicyd does not let us listen: %s", why);
	sd_event_exit(agent->event, EXIT_FAULT);
}

/* NotificationClosed(id, reason); 2 is "by the user" (Desktop Notifications Specification). */
static int on_closed(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	const struct agent *agent = userdata;
	uint32_t id, reason;

	if (sd_bus_message_read(message, "uu", &id, &reason) < 0)
		return 0;
	for (size_t i = 0; i < agent->count; i++)
		notice_closed(agent->sessions[i].notice, id, reason == 2);
	return 0;
}

/* ---- its life ------------------------------------------------------------------------------------------- */

/* Returns 0; -EEXIST if another agent serves this desktop; another negative errno after printing why. */
static int open_desktop(struct agent *agent)
{
	int r = sd_bus_open_user(&agent->user_bus);

	if (r < 0) {
		output_error("there is no session bus here, run it in a desktop session: %s", strerror(-r));
		return r;
	}
	r = sd_bus_request_name(agent->user_bus, AGENT_NAME, 0);
	if (r >= 0)
		r = sd_bus_attach_event(agent->user_bus, agent->event, SD_EVENT_PRIORITY_NORMAL);
	/* The agent ends with the desktop. */
	if (r >= 0)
		r = sd_bus_set_exit_on_disconnect(agent->user_bus, true);
	if (r >= 0)
		r = sd_bus_match_signal(agent->user_bus, NULL, "org.freedesktop.Notifications",
					"/org/freedesktop/Notifications", "org.freedesktop.Notifications",
					"NotificationClosed", on_closed, agent);
	if (r < 0 && r != -EEXIST)
		output_error("cannot use the desktop's bus: %s", strerror(-r));
	return r < 0 ? r : 0;
}

static int notify_until_end(struct agent *agent, sd_bus *bus)
{
	const struct listener_handler handler = {notify_on_signal, notify_on_presence, notify_on_refused,
						 agent};
	_cleanup_(listener_free_p) struct listener *listener = NULL;
	int r = sd_bus_attach_event(bus, agent->event, SD_EVENT_PRIORITY_NORMAL);

	if (r >= 0)
		r = sd_bus_set_exit_on_disconnect(bus, true);
	if (r >= 0)
		r = listener_new(bus, &handler, &listener);
	if (r >= 0)
		r = sd_event_loop(agent->event);
	if (r < 0)
		output_error("cannot listen: %s", strerror(-r));
	return r < 0 ? EXIT_FAULT : r;
}

static void agent_clear(struct agent *agent)
{
	for (size_t i = 0; i < agent->count; i++)
		notice_free(agent->sessions[i].notice);
	sd_bus_flush_close_unref(agent->user_bus);
	sd_event_unref(agent->event);
}

int verb_notify(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	_cleanup_(agent_clear) struct agent agent = {.count = 0};
	_cleanup_free_ char *own = NULL;
	int r = client_open(ctl);

	if (r < 0)
		return client_complain(ctl, r, NULL);
	r = sd_event_new(&agent.event);
	if (r < 0)
		return EXIT_FAULT;
	if (sd_pid_get_session(0, &own) >= 0 && session_id_valid(own))
		strcpy(agent.own, own);
	r = open_desktop(&agent);
	if (r == -EEXIST) {
		output_error("an agent runs on this desktop already");
		return EXIT_FINE;
	}
	return r < 0 ? EXIT_FAULT : notify_until_end(&agent, ctl->bus);
}
