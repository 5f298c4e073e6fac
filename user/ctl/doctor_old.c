/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What locked on removal before scpolicyd did: pkcs11_eventmgr, and rules of udev that run a locker. */
#include <stdio.h>
#include <string.h>

#include "ctl/doctor.h"
#include "ctl/text.h"

static const struct finding eventmgr = {
	"old-eventmgr", SEVERITY_WARNING,
	"It locks too, asks the card once a second, and takes an error of its PKCS#11 module for a removal.",
	"Stop starting it: scpolicyd-migration(7), \"From pkcs11_eventmgr\"."};
static const struct finding udev_rule = {
	"old-udev-rule", SEVERITY_WARNING,
	"It locks whatever sessions its program finds, later than scpolicyd does, and also when a driver lets go of the device.",
	"Delete the rule: scpolicyd-migration(7), \"From a udev rule\"."};

/* The next line of `*rest` with its continuations joined; NULL at the end. `*rest` is cut. */
static char *next_rule(char **rest)
{
	char *line = *rest, *end = line;

	if (!line)
		return NULL;
	for (; *end && *end != '\n'; end++)
		if (end[0] == '\\' && end[1] == '\n')
			end[0] = end[1] = ' ';
	*rest = *end ? end + 1 : NULL;
	*end = '\0';
	return line;
}

static unsigned count_lines(const char *from, const char *to)
{
	unsigned count = 0;

	for (; from < to; from++)
		count += *from == '\n';
	return count;
}

/* Options count in a rule alone: a script may lock something else. */
static bool names_locker(const char *text, bool options)
{
	static const char *const words[] = {"lock-session",    "LockSession", "xscreensaver-command",
					    "xdg-screensaver", "physlock",    "vlock",
					    "swaylock",	       "i3lock",      "lock-screen",
					    "lockscreen",      "--lock",      "-lock"};

	for (size_t i = 0; i < ELEMENTS(words); i++)
		if ((options || words[i][0] != '-') && strstr(text, words[i]))
			return true;
	return false;
}

/* A file that the rule names by its whole path is a script that names a locker. */
static bool script_locks(const struct doctor *doctor, const char *rule)
{
	static const char around[] = " \t\"'";
	size_t length;

	for (const char *word = rule; *(word += strspn(word, around)); word += length) {
		_cleanup_free_ char *path = NULL, *text = NULL;

		length = strcspn(word, around);
		path = *word == '/' ? strndup(word, length) : NULL;
		if (path && doctor_read_text(doctor, path, &text) >= 0 && strncmp(text, "#!", 2) == 0 &&
		    names_locker(text, false))
			return true;
	}
	return false;
}

/* A rule for a removal that runs a locker. In udev(7)'s files '#' begins a comment at a line's start alone. */
static bool locks_on_removal(const struct doctor *doctor, char *rule)
{
	rule = text_trim(rule);
	return *rule != '#' && strstr(rule, "RUN") &&
	       (strstr(rule, "\"remove\"") || strstr(rule, "\"unbind\"")) &&
	       (names_locker(rule, true) || script_locks(doctor, rule));
}

static void look_at_rules(struct doctor *doctor, const char *path, char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = text, *rule;

	while (copy && (rule = next_rule(&rest))) {
		_cleanup_free_ char *where = NULL;
		unsigned line = count_lines(copy, copy + (rule - text)) + 1;

		if (!locks_on_removal(doctor, rule))
			continue;
		if (asprintf(&where, "%s:%u", path, line) < 0)
			where = NULL;
		doctor_report(doctor, &udev_rule, where, "a rule of udev's locks when a device is removed");
	}
}

/* A line of a unit, or of a desktop's autostart file, that starts it. */
static void look_at_start(struct doctor *doctor, const char *path, char *text)
{
	unsigned number = 0;

	for (char *line; (line = strsep(&text, "\n"));) {
		_cleanup_free_ char *where = NULL;

		number++;
		line = text_trim(line);
		if (strncmp(line, "Exec", 4) != 0 || !strstr(line, "pkcs11_eventmgr"))
			continue;
		if (asprintf(&where, "%s:%u", path, number) < 0)
			where = NULL;
		doctor_report(doctor, &eventmgr, where, "pkcs11_eventmgr is started");
		return;
	}
}

struct place {
	const char *directory, *ending;
	void (*look)(struct doctor *doctor, const char *path, char *text);
};

static void look_into(struct doctor *doctor, const struct place *place)
{
	_cleanup_names_ struct names names = {0};

	if (doctor_list(doctor, place->directory, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		const char *dot = strrchr(names.names[i], '.');
		_cleanup_free_ char *path = NULL, *text = NULL;

		if (!dot || strcmp(dot, place->ending) != 0)
			continue;
		if (asprintf(&path, "%s/%s", place->directory, names.names[i]) < 0) {
			path = NULL;
			return;
		}
		if (doctor_read_text(doctor, path, &text) >= 0)
			place->look(doctor, path, text);
	}
}

void doctor_old(struct doctor *doctor)
{
	static const struct place places[] = {
		{"/etc/udev/rules.d", ".rules", look_at_rules},
		{"/usr/local/lib/udev/rules.d", ".rules", look_at_rules},
		{"/usr/lib/udev/rules.d", ".rules", look_at_rules},
		{"/etc/xdg/autostart", ".desktop", look_at_start},
		{"/etc/systemd/system", ".service", look_at_start},
		{"/etc/systemd/user", ".service", look_at_start},
	};

	for (size_t i = 0; i < ELEMENTS(places); i++)
		look_into(doctor, &places[i]);
}
