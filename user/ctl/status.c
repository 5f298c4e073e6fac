/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/output.h"
#include "ctl/words.h"

static const char no_reader[] = "No reader is known to pcscd.";

static enum paint state_paint(const char *state)
{
	return strcmp(state, "guarded") == 0 ? PAINT_GOOD : PAINT_WARN;
}

static enum paint action_paint(const char *action)
{
	return strcmp(action, "none") == 0 ? PAINT_WARN : PAINT_OFF;
}

static const struct column session_columns[] = {
	{"session", "SESSION", 0, NULL},
	{"user", "USER", 0, NULL},
	{"service", "SERVICE", 0, NULL},
	{"state", "STATE", 0, state_paint},
	{"actions", "ACTION", 0, action_paint},
	{"rule", "RULE", 0, NULL},
	{"reader", "READER", SCOLS_FL_TRUNC, NULL},
	{"bound", "BOUND", 0, NULL},
};

static const struct column reader_columns[] = {
	{"name", "READER", SCOLS_FL_TRUNC, NULL},
	{"present", "CARD", 0, NULL},
	{"watched", "PROBE", 0, NULL},
	{"usb_path", "USB", 0, NULL},
	{"sessions", "SESSIONS", 0, NULL},
	{"source", "SOURCE", 0, NULL},
};

/* The last column of both is for cards at clients, and shown where there are some. */
static size_t columns_of(struct json_object *rows, size_t columns)
{
	for (size_t i = 0; i < tree_count(rows); i++) {
		const char *source = tree_string(json_object_array_get_idx(rows, i), "source");

		if (*source && strcmp(source, "local") != 0)
			return columns;
	}
	return columns - 1;
}

/* "lock, logout": both stages, for people. */
static void name_actions(struct json_object *session)
{
	const char *action = tree_string(session, "action"), *then = tree_string(session, "then");
	char actions[64];

	snprintf(actions, sizeof(actions), "%s%s%s", action, *then ? ", " : "", then);
	json_object_object_add(session, "actions", json_object_new_string(actions));
}

/* "ssh, late" for a card at the client; nothing for one of this machine. */
static void name_binding(struct json_object *session)
{
	const char *source = tree_string(session, "source"), *bound = tree_string(session, "bound");
	char binding[64] = "";

	if (*source && strcmp(source, "local") != 0)
		snprintf(binding, sizeof(binding), "%s%s%s", source, *bound ? ", " : "", bound);
	json_object_object_add(session, "bound", json_object_new_string(binding));
}

static int show_sessions(struct ctl *ctl, struct json_object *sessions)
{
	const char *none = client_sees_all() ? "No session was opened with a card."
					     : "No session of yours was opened with a card.";

	for (size_t i = 0; !ctl->json && i < tree_count(sessions); i++)
		name_actions(json_object_array_get_idx(sessions, i));
	for (size_t i = 0; !ctl->json && i < tree_count(sessions); i++)
		name_binding(json_object_array_get_idx(sessions, i));
	return output_rows(ctl, "sessions", sessions, session_columns,
			   columns_of(sessions, ELEMENTS(session_columns)), none);
}

int verb_sessions(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	_cleanup_tree_ struct json_object *sessions = NULL;
	int status = client_call(ctl, "ListSessions", NULL, 0, &sessions);

	if (status == EXIT_FINE)
		status = show_sessions(ctl, sessions);
	return status;
}

int verb_readers(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	_cleanup_tree_ struct json_object *readers = NULL;
	int status = client_call(ctl, "ListReaders", NULL, 0, &readers);

	if (status == EXIT_FINE)
		status = output_rows(ctl, "readers", readers, reader_columns,
				     columns_of(readers, ELEMENTS(reader_columns)), no_reader);
	return status;
}

int verb_reload(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	int status = client_call(ctl, "Reload", NULL, 0, NULL);

	if (status == EXIT_FINE)
		puts(ctl->json ? "{}" : "The configuration was read again.");
	return status;
}

/* ---- status --------------------------------------------------------------------------------------------- */

struct overview {
	struct json_object *daemon, *sessions, *readers;
	struct json_object *problems; /* strings */
};

static void overview_clear(struct overview *overview)
{
	json_object_put(overview->daemon);
	json_object_put(overview->sessions);
	json_object_put(overview->readers);
	json_object_put(overview->problems);
}

static int overview_ask(struct ctl *ctl, struct overview *overview)
{
	int status = client_call(ctl, "GetStatus", NULL, 0, &overview->daemon);

	if (status == EXIT_FINE)
		status = client_call(ctl, "ListSessions", NULL, 0, &overview->sessions);
	if (status == EXIT_FINE)
		status = client_call(ctl, "ListReaders", NULL, 0, &overview->readers);
	return status;
}

static void add_problem(struct overview *overview, const char *format, ...) _printf_(2, 3);
static void add_problem(struct overview *overview, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (text)
		json_object_array_add(overview->problems, json_object_new_string(text));
}

static void find_problems(struct overview *overview)
{
	struct json_object *degraded = tree_get(overview->daemon, "degraded");

	overview->problems = json_object_new_array();
	if (tree_has(overview->daemon, "config_error"))
		add_problem(overview, "the configuration was refused, an older one is in force: %s",
			    tree_string(overview->daemon, "config_error"));
	for (size_t i = 0; i < tree_count(degraded); i++)
		add_problem(overview, "%s", json_object_get_string(json_object_array_get_idx(degraded, i)));
	if (tree_number(overview->daemon, "dropped"))
		add_problem(overview,
			    "%llu reports were dropped: the journal, standard error or audit did not read",
			    (unsigned long long)tree_number(overview->daemon, "dropped"));
	for (size_t i = 0; i < tree_count(overview->sessions); i++) {
		struct json_object *session = json_object_array_get_idx(overview->sessions, i);

		if (tree_bool(session, "unguarded") && strcmp(tree_string(session, "source"), "local") != 0)
			add_problem(overview,
				    "session %s of %s is not guarded: its client shows no card of it",
				    tree_string(session, "session"), tree_string(session, "user"));
		else if (tree_bool(session, "unguarded"))
			add_problem(overview,
				    "session %s of %s is not guarded: it was unlocked without its card",
				    tree_string(session, "session"), tree_string(session, "user"));
		if (strcmp(tree_string(session, "action"), "none") == 0 && !tree_has(session, "then"))
			add_problem(overview,
				    "session %s of %s: policy says to do nothing when its card goes",
				    tree_string(session, "session"), tree_string(session, "user"));
	}
}

static void show_overview_json(const struct overview *overview)
{
	_cleanup_tree_ struct json_object *all = json_object_new_object();

	json_object_object_add(all, "daemon", json_object_get(overview->daemon));
	json_object_object_add(all, "sessions", json_object_get(overview->sessions));
	json_object_object_add(all, "readers", json_object_get(overview->readers));
	json_object_object_add(all, "problems", json_object_get(overview->problems));
	output_json(all);
}

/* "probe (fentry), uevent, udev, pcsc" */
static char *sources_text(struct json_object *daemon)
{
	struct json_object *sources = tree_get(daemon, "sources"), *named = json_object_new_array();
	char *text;

	for (size_t i = 0; i < tree_count(sources); i++) {
		const char *source = json_object_get_string(json_object_array_get_idx(sources, i));
		char name[64];

		if (strcmp(source, "probe") == 0)
			snprintf(name, sizeof(name), "probe (%s)", tree_string(daemon, "probe"));
		else
			snprintf(name, sizeof(name), "%s", source);
		json_object_array_add(named, json_object_new_string(name));
	}
	text = tree_text(named);
	json_object_put(named);
	return text;
}

static void show_daemon(const struct ctl *ctl, struct json_object *daemon)
{
	_cleanup_free_ char *sources = sources_text(daemon),
			    *files = tree_text(tree_get(daemon, "config_files"));
	uint64_t started = tree_number(daemon, "started_usec"), now = monotonic_usec(), rules;
	char span[SPAN_SIZE];

	printf("scpolicyd %s is %son%s", tree_string(daemon, "version"), output_paint(ctl, PAINT_GOOD),
	       output_paint(ctl, PAINT_OFF));
	printf(started && started < now ? ", for %s\n\n" : "\n\n", span_text(now - started, span));
	rules = tree_number(daemon, "rules");
	output_field("sources", "%s", sources ? sources : "");
	output_field("pcscd", "%s", tree_string(daemon, "pcscd"));
	output_field("policy", "%s, %llu %s", files && *files ? files : "built in, there is no file",
		     (unsigned long long)rules, rules == 1 ? "rule" : "rules");
}

static void show_problems(const struct ctl *ctl, struct json_object *problems)
{
	if (tree_count(problems) == 0) {
		output_field("problems", "%snone%s", output_paint(ctl, PAINT_GOOD),
			     output_paint(ctl, PAINT_OFF));
		return;
	}
	for (size_t i = 0; i < tree_count(problems); i++)
		output_field(i ? "" : "problems", "%s%s%s", output_paint(ctl, PAINT_WARN),
			     json_object_get_string(json_object_array_get_idx(problems, i)),
			     output_paint(ctl, PAINT_OFF));
}

static int show_text(struct ctl *ctl, const struct overview *overview)
{
	int status;

	show_daemon(ctl, overview->daemon);
	show_problems(ctl, overview->problems);
	putchar('\n');
	status = show_sessions(ctl, overview->sessions);
	putchar('\n');
	if (status == EXIT_FINE)
		status = output_rows(ctl, "readers", overview->readers, reader_columns,
				     columns_of(overview->readers, ELEMENTS(reader_columns)), no_reader);
	return status;
}

int verb_status(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	_cleanup_(overview_clear) struct overview overview = {0};
	int status = overview_ask(ctl, &overview);

	if (status != EXIT_FINE)
		return status;
	find_problems(&overview);
	if (!ctl->json)
		return show_text(ctl, &overview);
	show_overview_json(&overview);
	return EXIT_FINE;
}
