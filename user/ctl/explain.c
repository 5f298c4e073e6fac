/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/output.h"
#include "ctl/session.h"
#include "ctl/words.h"
#include "policy/settings.h"
#include "policy/verdict.h"

static const char *rule_text(const char *rule, char *buffer, size_t size)
{
	snprintf(buffer, size, *rule ? "[Rule %s]" : "[Policy]", rule);
	return buffer;
}

/* ---- explain -------------------------------------------------------------------------------------------- */

/* Makes an object of D-Bus' [key, value, file, rule, line]. */
static struct json_object *name_setting(struct json_object *setting)
{
	static const char *const names[] = {"key", "value", "file", "rule", "line"};
	struct json_object *named = json_object_new_object();

	for (size_t i = 0; i < ELEMENTS(names) && i < tree_count(setting); i++)
		json_object_object_add(named, names[i],
				       json_object_get(json_object_array_get_idx(setting, i)));
	return named;
}

static void name_settings(struct json_object *session)
{
	struct json_object *causes = tree_get(session, "causes");

	for (size_t i = 0; i < tree_count(causes); i++) {
		struct json_object *cause = json_object_array_get_idx(causes, i);
		struct json_object *settings = tree_get(cause, "settings"), *named = json_object_new_array();

		for (size_t j = 0; j < tree_count(settings); j++)
			json_object_array_add(named, name_setting(json_object_array_get_idx(settings, j)));
		json_object_object_add(cause, "settings", named);
	}
}

/* "card in: the reader reports it present": the label is the belief. */
static void show_belief(const char *belief)
{
	const char *reasons = strstr(belief, ": ");
	char label[64];

	if (!reasons)
		return;
	snprintf(label, sizeof(label), "%.*s", (int)(reasons - belief), belief);
	output_field(label, "%s", reasons + 2);
}

/* What binds a card at the client, and what that is worth. */
static void show_remote_binding(struct json_object *session, const char *source)
{
	bool awaiting = tree_bool(session, "awaiting"),
	     late = strcmp(tree_string(session, "bound"), "late") == 0;

	output_field("card", "at the client, source=%s", source);
	output_field(
		"bound", "%s",
		awaiting ? "not yet: its client has shown no card"
		: late	 ? "late: the first card that its client showed; presence, not proof of the sign-in"
			 : "login");
}

static void show_binding(struct json_object *session)
{
	const char *id = tree_string(session, "usb_id"), *token = tree_string(session, "token");

	const char *source = tree_string(session, "source");

	if (*source && strcmp(source, "local") != 0) {
		show_remote_binding(session, source);
		if (tree_bool(session, "awaiting"))
			return;
	}
	output_field("reader", "%s, slot %llu", tree_string(session, "reader"),
		     (unsigned long long)tree_number(session, "slot"));
	if (*tree_string(session, "usb_path"))
		output_field("on USB", "%s%s%s%s", tree_string(session, "usb_path"), *id ? " (" : "", id,
			     *id ? ")" : "");
	output_field("ATR", "%s%s%s%s", tree_string(session, "atr"), *token ? " \"" : "", token,
		     *token ? "\"" : "");
	output_field("insertion", "%llu, by the reader's event counter",
		     (unsigned long long)tree_number(session, "event_counter"));
}

static void show_state(struct json_object *session)
{
	uint64_t at = tree_number(session, "pending_usec"), now = monotonic_usec();
	char span[SPAN_SIZE];

	output_field("state", "%s%s", tree_string(session, "state"),
		     tree_bool(session, "locked") ? ", locked" : "");
	show_belief(tree_string(session, "belief"));
	if (tree_has(session, "pending"))
		output_field("to come", "%s in %s", tree_string(session, "pending"),
			     span_text(at > now ? at - now : 0, span));
	output_field(
		"locker", "%s",
		tree_bool(session, "provable")
			? "provable: it was seen to report a lock, so one that it does not report has failed"
			: "not provable: it never reported a lock, so the outcome of one is \"unverified\"");
}

static void show_session(const struct ctl *ctl, struct json_object *session)
{
	_cleanup_free_ char *kinds = tree_text(tree_get(session, "kinds"));

	printf("Session %s%s%s of %s (uid %llu), signed in through %s", output_paint(ctl, PAINT_BOLD),
	       tree_string(session, "session"), output_paint(ctl, PAINT_OFF), tree_string(session, "user"),
	       (unsigned long long)tree_number(session, "uid"), tree_string(session, "service"));
	printf("%s%s\n\n", kinds && *kinds ? ": " : "", kinds ? kinds : "");
	show_state(session);
	show_binding(session);
	output_field("leader", "process %llu", (unsigned long long)tree_number(session, "leader"));
}

static int show_causes(struct ctl *ctl, struct json_object *causes)
{
	static const struct column columns[] = {{"cause", "CAUSE", 0, NULL},
						{"rule", "RULE", 0, NULL},
						{"would", "WHAT WOULD BE DONE", SCOLS_FL_WRAP, NULL}};
	_cleanup_tree_ struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < tree_count(causes); i++) {
		struct json_object *cause = json_object_array_get_idx(causes, i),
				   *row = json_object_new_object();
		char rule[RULE_NAME_SIZE + 16];

		rule_text(tree_string(cause, "rule"), rule, sizeof(rule));
		json_object_object_add(row, "cause", json_object_get(tree_get(cause, "cause")));
		json_object_object_add(row, "rule", json_object_new_string(rule));
		json_object_object_add(row, "would", json_object_get(tree_get(cause, "would")));
		json_object_array_add(rows, row);
	}
	return output_rows(ctl, "causes", rows, columns, ELEMENTS(columns), "Nothing governs it.");
}

static int show_settings(struct ctl *ctl, struct json_object *settings)
{
	static const struct column columns[] = {{"key", "KEY", 0, NULL},
						{"value", "VALUE", SCOLS_FL_WRAP, NULL},
						{"rule", "RULE", 0, NULL},
						{"from", "FROM", 0, NULL}};
	_cleanup_tree_ struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < tree_count(settings); i++) {
		struct json_object *setting = json_object_array_get_idx(settings, i),
				   *row = json_object_new_object();
		const char *file = tree_string(setting, "file");
		char rule[RULE_NAME_SIZE + 16], from[PATH_MAX];

		rule_text(tree_string(setting, "rule"), rule, sizeof(rule));
		snprintf(from, sizeof(from), *file ? "%s:%llu" : "built-in default", file,
			 (unsigned long long)tree_number(setting, "line"));
		json_object_object_add(row, "key", json_object_get(tree_get(setting, "key")));
		json_object_object_add(row, "value", json_object_get(tree_get(setting, "value")));
		json_object_object_add(row, "rule", json_object_new_string(*file ? rule : ""));
		json_object_object_add(row, "from", json_object_new_string(from));
		json_object_array_add(rows, row);
	}
	return output_rows(ctl, "settings", rows, columns, ELEMENTS(columns), "");
}

/* Causes with the same settings are shown together: usually all of them. */
static int show_all_settings(struct ctl *ctl, struct json_object *causes)
{
	int status = EXIT_FINE;

	for (size_t i = 0; status == EXIT_FINE && i < tree_count(causes); i++) {
		struct json_object *cause = json_object_array_get_idx(causes, i),
				   *settings = tree_get(cause, "settings");
		_cleanup_tree_ struct json_object *names = json_object_new_array();
		_cleanup_free_ char *together = NULL;
		bool shown = false;

		for (size_t j = 0; j < tree_count(causes); j++) {
			struct json_object *other = json_object_array_get_idx(causes, j);

			if (!json_object_equal(tree_get(other, "settings"), settings))
				continue;
			shown = shown || j < i;
			json_object_array_add(names, json_object_get(tree_get(other, "cause")));
		}
		if (shown)
			continue;
		together = tree_text(names);
		printf("\nSettings (%s):\n", together ? together : "");
		status = show_settings(ctl, settings);
	}
	return status;
}

int verb_explain(struct ctl *ctl, int argc _unused_, char **argv)
{
	_cleanup_tree_ struct json_object *session = NULL;
	_cleanup_free_ char *id = NULL;
	int status = session_resolve(argv[1], &id);

	if (status == EXIT_FINE)
		status = session_call(ctl, "Explain", (const char *const[]){id}, 1, &session);
	if (status != EXIT_FINE)
		return status;
	name_settings(session);
	if (ctl->json) {
		output_json(session);
		return EXIT_FINE;
	}
	show_session(ctl, session);
	putchar('\n');
	status = show_causes(ctl, tree_get(session, "causes"));
	return status == EXIT_FINE ? show_all_settings(ctl, tree_get(session, "causes")) : status;
}

/* ---- simulate ------------------------------------------------------------------------------------------- */

static int check_cause(const char *word)
{
	const char *names[CAUSE_COUNT], *nearest;

	for (int cause = 0; cause < CAUSE_COUNT; cause++) {
		names[cause] = cause_name((enum cause)cause);
		if (strcmp(names[cause], word) == 0)
			return EXIT_FINE;
	}
	nearest = nearest_word(word, names, ELEMENTS(names));
	output_error("no cause \"%s\"; %s%s%sthe causes are: " CAUSES_WORDS, word,
		     nearest ? "did you mean \"" : "", nearest ? nearest : "", nearest ? "\"? " : "");
	return EXIT_USAGE;
}

static void show_span(const char *label, struct json_object *answer, const char *key, const char *what)
{
	uint64_t usec = tree_number(answer, key);
	char span[SPAN_SIZE];

	if (usec)
		output_field(label, "%s, %s", span_text(usec, span), what);
}

static void show_simulation(struct json_object *answer, const char *session)
{
	_cleanup_free_ char *steps = tree_text(tree_get(answer, "steps"));
	const char *then = tree_string(answer, "then"), *unit = tree_string(answer, "unit");
	char rule[RULE_NAME_SIZE + 16], span[SPAN_SIZE];

	printf("Session %s, cause %s: %s\n\n", session, tree_string(answer, "cause"),
	       tree_string(answer, "would"));
	output_field("policy", "%s, by %s", tree_string(answer, "action"),
		     rule_text(tree_string(answer, "rule"), rule, sizeof(rule)));
	output_field("calls", "%s%s", steps && *steps ? steps : "none",
		     tree_bool(answer, "after_agreement") ? ", once a second source agrees" : "");
	if (tree_bool(answer, "after_agreement"))
		show_span("waits", answer, "confirm_usec", "at most, for a second source to agree");
	show_span("settles", answer, "settle_usec", "for the same card to come back");
	if (*then && strcmp(then, "none") != 0)
		output_field("then", "%s after %s, unless it is unlocked", then,
			     span_text(tree_number(answer, "after_usec"), span));
	if (*unit)
		output_field("starts", "%s", unit);
}

int verb_simulate(struct ctl *ctl, int argc, char **argv)
{
	const char *cause = argv[argc - 1];
	_cleanup_tree_ struct json_object *answer = NULL;
	_cleanup_free_ char *id = NULL;
	int status;

	if (argc < 2) {
		output_error(
			"simulate wants: scpolicyctl simulate [SESSION] CAUSE; the causes are: " CAUSES_WORDS);
		return EXIT_USAGE;
	}
	status = check_cause(cause);
	if (status == EXIT_FINE)
		status = session_resolve(argc > 2 ? argv[1] : NULL, &id);
	if (status == EXIT_FINE)
		status = session_call(ctl, "Simulate", (const char *const[]){id, cause}, 2, &answer);
	if (status != EXIT_FINE)
		return status;
	if (ctl->json) {
		json_object_object_add(answer, "session", json_object_new_string(id));
		output_json(answer);
	} else
		show_simulation(answer, id);
	return EXIT_FINE;
}
