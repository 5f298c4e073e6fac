/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The desktops' own answers to a card's removal (gnome-settings-daemon and its forks), where an administrator sets them
 * for everybody: dconf's keyfiles, else the schemas' overrides. Both are GLib's key files; of several that set the key
 * the last in name order counts. What a single user has set is in their own database, and not looked at. What does no
 * more than the policy is fine: audits ask for it.
 */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "ctl/doctor.h"
#include "ctl/text.h"

#define DATABASES "/etc/dconf/db"
#define SCHEMAS	  "/usr/share/glib-2.0/schemas"

static const struct finding locks = {
	"gnome-doubles", SEVERITY_WARNING,
	"The desktop acts on a removal as well: it locks sessions that scpolicyd is to leave alone.",
	"Set Action=lock for these sessions too. If the desktop alone is to lock, leave it: audits ask for that."};
static const struct finding logs_out = {
	"gnome-doubles", SEVERITY_WARNING,
	"The desktop acts on a removal as well, by its own rules and on a single sign: it ends sessions, and the work in "
	"them, where scpolicyd does less.",
	"Set the desktop's removal-action to lock the screen ('lock-screen'; MATE: 'lock_screen'), then: dconf update"};

static const struct desktop {
	const char *name, *path, *schema; /* of dconf, of the schema */
} desktops[] = {
	{"GNOME", "org/gnome/settings-daemon/peripherals/smartcard",
	 "org.gnome.settings-daemon.peripherals.smartcard"},
	{"Cinnamon", "org/cinnamon/settings-daemon/peripherals/smartcard",
	 "org.cinnamon.settings-daemon.peripherals.smartcard"},
	{"MATE", "org/mate/desktop/peripherals/smartcard", "org.mate.peripherals-smartcard"},
	{"Unity", "com/canonical/unity/settings-daemon/peripherals/smartcard",
	 "com.canonical.unity.settings-daemon.peripherals.smartcard"},
};

/* How much is done: what a disconnection does to a session at this machine is a lock. */
enum strength { NOTHING, LOCK, LOGOUT };

/* Where a key is set, and to what. */
struct setting_found {
	bool found;
	enum strength strength;
	char *where; /* malloc()ed */
};

/* ---- key files ------------------------------------------------------------------------------------------ */

/* "[section]", or "[section:DESKTOP]" as overrides have it. */
static bool is_section(const char *line, const char *section)
{
	size_t length = strlen(section);

	return strncmp(line + 1, section, length) == 0 &&
	       (line[1 + length] == ']' || line[1 + length] == ':');
}

/* A GVariant string. What is none of the values that the key may have is no value. */
static enum strength read_strength(const char *value)
{
	if (strcmp(value, "'lock-screen'") == 0 || strcmp(value, "\"lock-screen\"") == 0 ||
	    strcmp(value, "'lock_screen'") == 0 || strcmp(value, "\"lock_screen\"") == 0)
		return LOCK;
	if (strcmp(value, "'force-logout'") == 0 || strcmp(value, "\"force-logout\"") == 0 ||
	    strcmp(value, "'force_logout'") == 0 || strcmp(value, "\"force_logout\"") == 0)
		return LOGOUT;
	return NOTHING;
}

/* The last line of the section that sets removal-action; what earlier files said is forgotten then. */
static void take_setting_file(char *text, const char *path, const char *section,
			      struct setting_found *setting)
{
	unsigned number = 0;
	bool ours = false;

	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
		char *value;

		number++;
		line = text_trim(line);
		if (*line == '[')
			ours = is_section(line, section);
		value = ours && *line != '[' && *line != '#' ? strchr(line, '=') : NULL;
		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(text_trim(line), "removal-action") != 0)
			continue;
		free(setting->where);
		if (asprintf(&setting->where, "%s:%u", path, number) < 0)
			setting->where = NULL;
		setting->found = true;
		setting->strength = read_strength(text_trim(value));
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* All files of a directory whose names end so. "locks" in a database is a directory of lists of keys. */
static void take_directory(struct doctor *doctor, const char *directory, const char *end, const char *section,
			   struct setting_found *setting)
{
	_cleanup_names_ struct names names = {0};

	if (doctor_list(doctor, directory, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_free_ char *path = NULL, *text = NULL;
		int r;

		if (!ends_with(names.names[i], end))
			continue;
		if (asprintf(&path, "%s/%s", directory, names.names[i]) < 0) {
			path = NULL;
			continue;
		}
		r = doctor_read(doctor, path, &text);
		if (r == -EACCES || r == -EFBIG)
			doctor_unseen(doctor, path, r);
		if (r >= 0)
			take_setting_file(text, path, section, setting);
	}
}

/* ---- against the policy --------------------------------------------------------------------------------- */

static enum strength strength_of(enum action action)
{
	switch (action) {
	case ACTION_NONE:
		return NOTHING;
	case ACTION_LOCK:
	case ACTION_DISCONNECT:
		return LOCK;
	case ACTION_LOGOUT:
		return LOGOUT;
	case ACTION_COUNT:
		break;
	}
	return NOTHING;
}

/* The least that the policy does to a session at a desktop. A configuration that is refused is another's finding. */
static enum strength read_policy(const struct doctor *doctor)
{
	struct config_error error;
	struct config config;
	enum strength least;

	if (config_read(doctor->root, &config, &error) < 0)
		return LOCK;
	least = strength_of(rules_policy(config.rules)->action);
	for (const struct rule *rule = rules_next(config.rules, NULL); rule;
	     rule = rules_next(config.rules, rule))
		if ((!rule->kinds || rule->kinds & (KIND_LOCAL | KIND_GRAPHICAL)) &&
		    strength_of(rule->settings.action) < least)
			least = strength_of(rule->settings.action);
	config_free(&config);
	return least;
}

static void judge_desktop(struct doctor *doctor, const struct desktop *desktop, enum strength policy,
			  struct setting_found *setting)
{
	if (setting->found && setting->strength > policy)
		doctor_report(doctor, setting->strength == LOGOUT ? &logs_out : &locks, setting->where,
			      "%s acts on removals too: it %s", desktop->name,
			      setting->strength == LOGOUT ? "logs out" : "locks the screen");
	free(setting->where);
	setting->where = NULL;
}

/* Each of dconf's databases, "local.d" and the like; GDM's own is for its greeter. True when one sets the key. */
static bool check_databases(struct doctor *doctor, const struct desktop *desktop, enum strength policy)
{
	_cleanup_names_ struct names names = {0};
	bool found = false;

	if (doctor_list(doctor, DATABASES, &names) < 0)
		return false;
	for (size_t i = 0; i < names.count; i++) {
		struct setting_found setting = {0};
		_cleanup_free_ char *directory = NULL;

		if (!ends_with(names.names[i], ".d") || strcmp(names.names[i], "gdm.d") == 0)
			continue;
		if (asprintf(&directory, DATABASES "/%s", names.names[i]) < 0) {
			directory = NULL;
			continue;
		}
		take_directory(doctor, directory, "", desktop->path, &setting);
		found |= setting.found;
		judge_desktop(doctor, desktop, policy, &setting);
	}
	return found;
}

void doctor_desktop(struct doctor *doctor)
{
	enum strength policy = read_policy(doctor);

	for (size_t i = 0; i < ELEMENTS(desktops); i++) {
		struct setting_found setting = {0};

		if (check_databases(doctor, &desktops[i], policy))
			continue;
		take_directory(doctor, SCHEMAS, ".gschema.override", desktops[i].schema, &setting);
		judge_desktop(doctor, &desktops[i], policy, &setting);
	}
}
