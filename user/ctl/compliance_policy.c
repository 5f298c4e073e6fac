/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policy does with a session that a card opened: for each that is open now, and for the next one. */
#include <string.h>

#include "config/config.h"
#include "ctl/compliance.h"

#define PLACE_SIZE 512

static const char *place_text(const char *file, unsigned line, char buffer[static PLACE_SIZE])
{
	if (*file)
		snprintf(buffer, PLACE_SIZE, "%s:%u", file, line);
	else
		snprintf(buffer, PLACE_SIZE, "built-in default");
	return buffer;
}

/* ---- the next session ----------------------------------------------------------------------------------- */

static bool stays_open(const struct settings *settings)
{
	return settings->action == ACTION_NONE && (settings->then == ACTION_NONE || settings->after > 0);
}

static void check_settings(struct check *check, const struct rules *rules, const struct settings *settings,
			   const char *who)
{
	struct origin origin = rules_origin(rules, settings, SETTING_ACTION);
	char place[PLACE_SIZE];

	check_note(check, stays_open(settings) ? CHECK_FAIL : CHECK_PASS, "%s: Action=%s (%s)", who,
		   action_name(settings->action), place_text(origin.file, origin.line, place));
}

/* Whether one of these causes, bit n for cause n, is a removal. */
static bool any_is_removal(unsigned causes)
{
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		if (causes & 1U << cause && cause_is_removal(cause))
			return true;
	return false;
}

/* Whoever a rule is for: one that does nothing leaves somebody's session open. */
static void check_rules_do(struct check *check, const struct rules *rules)
{
	for (const struct rule *rule = rules_next(rules, NULL); rule; rule = rules_next(rules, rule)) {
		unsigned causes = rule->causes ? rule->causes : cause_of_any_rule();
		char who[RULE_NAME_SIZE + 32];

		snprintf(who, sizeof(who), "a session of [Rule %s]", rule->name);
		if (any_is_removal(causes))
			check_settings(check, rules, &rule->settings, who);
	}
}

static void check_next_session(struct doctor *doctor, struct check *check)
{
	const char *old = tree_string(doctor->status, "config_error");
	struct config_error error;
	struct config config;
	int r = config_read(doctor->root, &config, &error);

	if (r < 0) {
		check_note(check, r == -EACCES ? CHECK_UNKNOWN : CHECK_FAIL,
			   "the configuration cannot be read: %s", error.text);
		return;
	}
	check_settings(check, config.rules, rules_policy(config.rules), "a new session");
	check_rules_do(check, config.rules);
	config_free(&config);
	if (*old)
		check_note(check, CHECK_FAIL, "the daemon refused these files and keeps an older policy: %s",
			   old);
}

/* ---- sessions that are open ----------------------------------------------------------------------------- */

/* Of the answer of Explain, the cause `name`. */
static struct json_object *cause_of(struct json_object *session, const char *name)
{
	struct json_object *causes = tree_get(session, "causes");

	for (size_t i = 0; i < tree_count(causes); i++) {
		struct json_object *cause = json_object_array_get_idx(causes, i);

		if (strcmp(tree_string(cause, "cause"), name) == 0)
			return cause;
	}
	return NULL;
}

/* One of its settings is [key, value, file, rule, line]. */
static const char *setting_part(struct json_object *setting, size_t part)
{
	const char *text = json_object_get_string(json_object_array_get_idx(setting, part));

	return text ? text : "";
}

static void place_of(struct json_object *cause, char place[static PLACE_SIZE])
{
	struct json_object *settings = tree_get(cause, "settings");

	snprintf(place, PLACE_SIZE, "built-in default");
	for (size_t i = 0; i < tree_count(settings); i++) {
		struct json_object *setting = json_object_array_get_idx(settings, i);

		if (strcmp(setting_part(setting, 0), "Action") == 0 && *setting_part(setting, 2))
			snprintf(place, PLACE_SIZE, "%s:%s", setting_part(setting, 2),
				 setting_part(setting, 4));
	}
}

static void check_cause(struct check *check, struct json_object *session, enum cause number)
{
	struct json_object *cause = cause_of(session, cause_name(number));
	bool none = strcmp(tree_string(cause, "action"), action_name(ACTION_NONE)) == 0;
	char place[PLACE_SIZE];

	/* All causes say the same, as a rule: each that does nothing is told, and the first that does something. */
	if (!cause || (!none && number != CAUSE_CARD))
		return;
	place_of(cause, place);
	check_note(check, none ? CHECK_FAIL : CHECK_PASS, "session %s of %s: %s (%s, cause %s)",
		   tree_string(session, "session"), tree_string(session, "user"), tree_string(cause, "would"),
		   place, cause_name(number));
}

static void check_session(struct doctor *doctor, struct check *check, const char *id)
{
	_cleanup_tree_ struct json_object *session = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = client_ask(doctor->ctl, "Explain", (const char *const[]){id}, 1, &session, &error);

	if (r < 0) {
		check_note(check, CHECK_UNKNOWN, "session %s: %s", id,
			   error.message ? error.message : strerror(-r));
		return;
	}
	if (tree_bool(session, "unguarded"))
		check_note(check, CHECK_FAIL,
			   "session %s of %s was unlocked without its card, and is not guarded", id,
			   tree_string(session, "user"));
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		if (cause_is_removal(cause))
			check_cause(check, session, cause);
}

void check_removal_locks(struct doctor *doctor, struct check *check)
{
	check_next_session(doctor, check);
	if (!doctor_is_live(doctor))
		return;
	if (!doctor->sessions) {
		check_note(check, CHECK_UNKNOWN,
			   "no daemon answers, so that nothing is known of open sessions");
		return;
	}
	if (tree_count(doctor->sessions) == 0)
		check_note(check, CHECK_PASS, "no session of a card is open");
	for (size_t i = 0; i < tree_count(doctor->sessions); i++)
		check_session(doctor, check,
			      tree_string(json_object_array_get_idx(doctor->sessions, i), "session"));
	if (!client_sees_all())
		check_note(check, CHECK_UNKNOWN, "other people's sessions were not shown: run it as root");
}

/* ---- kinds of connection -------------------------------------------------------------------------------- */

struct connection {
	const char *name;
	struct session_facts facts;
	bool lockable; /* it has a locker that logind can ask */
};

static void check_connection(struct check *check, const struct rules *rules,
			     const struct connection *connection)
{
	const struct settings *settings = rules_resolve(rules, &connection->facts).by_cause[CAUSE_CARD];
	struct origin origin = rules_origin(rules, settings, SETTING_ACTION);
	/* A local session is locked, where policy says disconnect. */
	bool asks_lock = settings->action == ACTION_LOCK ||
			 (settings->action == ACTION_DISCONNECT && !(connection->facts.kind & KIND_REMOTE));
	bool open = asks_lock && !connection->lockable && settings->when_cannot_lock != FALLBACK_LOGOUT;
	char place[PLACE_SIZE];

	check_note(check, stays_open(settings) || open ? CHECK_FAIL : CHECK_PASS, "%s: Action=%s (%s)%s",
		   connection->name, action_name(settings->action),
		   place_text(origin.file, origin.line, place),
		   open ? ", which nothing can carry out there, and WhenCannotLock=warn"
		   : asks_lock && !connection->lockable ? ", and WhenCannotLock=logout"
							: "");
}

void check_connections(struct doctor *doctor, struct check *check)
{
	/* Text consoles: physlock locks the one in front, if it is installed, and no other. */
	static const struct connection connections[] = {
		{"desktop", {.service = "gdm-smartcard", .kind = KIND_LOCAL | KIND_GRAPHICAL}, true},
		{"text console", {.service = "login", .kind = KIND_LOCAL | KIND_TTY}, false},
		{"ssh", {.service = "sshd", .kind = KIND_REMOTE | KIND_TTY | KIND_SSH}, false},
		{"remote desktop",
		 {.service = "xrdp-sesman", .kind = KIND_REMOTE | KIND_GRAPHICAL | KIND_XRDP},
		 true},
	};
	struct config_error error;
	struct config config;

	if (config_read(doctor->root, &config, &error) < 0) {
		check_note(check, CHECK_UNKNOWN, "the configuration cannot be read: %s", error.text);
		return;
	}
	for (size_t i = 0; i < ELEMENTS(connections); i++)
		check_connection(check, config.rules, &connections[i]);
	config_free(&config);
}
