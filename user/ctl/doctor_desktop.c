/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GNOME's own reaction to a card's removal (gnome-settings-daemon), if an administrator sets it for
 * everybody: dconf's keyfiles and the schemas' overrides. A single user's setting is in that user's database,
 * and not examined.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/doctor.h"

static const struct finding doubled = {
	"gnome-doubles", SEVERITY_WARNING,
	"gnome-settings-daemon acts on a removal as well, later and by its own rules. It may lock or end a "
	"session that scpolicyd is to leave alone.",
	"Set removal-action='none' there (dconf update applies it), and leave removals to scpolicyd."};

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/*
 * The line, counted from 1, on which the section sets removal-action to anything but 'none'; 0: no line does.
 */
static unsigned find_removal_action(char *text, const char *section)
{
	size_t length = strlen(section);
	unsigned number = 0, found = 0;
	bool ours = false;

	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
		const char *start = skip_blanks(line);

		number++;
		if (*start == '[')
			ours = strncmp(start + 1, section, length) == 0 && strchr(":]", start[1 + length]) &&
			       start[1 + length];
		else if (ours && strncmp(start, "removal-action", 14) == 0)
			found = strstr(start, "none") ? 0 : number;
	}
	return found;
}

static void look_into(struct doctor *doctor, const char *folder, const char *name, const char *section)
{
	_cleanup_free_ char *path = NULL, *text = NULL, *where = NULL;
	unsigned line;
	int r;

	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return;
	}
	r = doctor_read(doctor, path, &text);
	if (r == -EACCES || r == -EFBIG)
		doctor_unseen(doctor, path, r);
	line = r < 0 ? 0 : find_removal_action(text, section);
	if (!line || asprintf(&where, "%s:%u", path, line) < 0) {
		where = NULL;
		return;
	}
	doctor_report(doctor, &doubled, where, "GNOME acts on removals too");
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* /etc/dconf/db/local.d/00-card and the like; "locks" in there are lists of keys. */
static void look_into_dconf(struct doctor *doctor, const char *database)
{
	_cleanup_names_ struct names files = {0};
	_cleanup_free_ char *folder = NULL;

	if (asprintf(&folder, "/etc/dconf/db/%s", database) < 0) {
		folder = NULL;
		return;
	}
	if (doctor_list(doctor, folder, &files) < 0)
		return;
	for (size_t i = 0; i < files.count; i++)
		look_into(doctor, folder, files.names[i], "org/gnome/settings-daemon/peripherals/smartcard");
}

void doctor_desktop(struct doctor *doctor)
{
	static const char schemas[] = "/usr/share/glib-2.0/schemas";
	_cleanup_names_ struct names databases = {0}, overrides = {0};

	if (doctor_list(doctor, "/etc/dconf/db", &databases) >= 0)
		for (size_t i = 0; i < databases.count; i++)
			if (ends_with(databases.names[i], ".d"))
				look_into_dconf(doctor, databases.names[i]);
	if (doctor_list(doctor, schemas, &overrides) >= 0)
		for (size_t i = 0; i < overrides.count; i++)
			if (ends_with(overrides.names[i], ".gschema.override"))
				look_into(doctor, schemas, overrides.names[i],
					  "org.gnome.settings-daemon.peripherals.smartcard");
}
