/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which tool writes a file of PAM's on this machine, and how it is made to write something else: what is changed by hand
 * is gone the next time that it runs, and an auditor's finding until then.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/doctor_pam.h"

#define AUTHSELECT "/etc/authselect/authselect.conf"
#define PROFILES   "/usr/share/pam-configs"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_in(const char *path, const char *directory)
{
	return strncmp(path, directory, strlen(directory)) == 0;
}

static bool is_there(const struct doctor *doctor, const char *path)
{
	_cleanup_close_ int fd = doctor_open(doctor, path, O_PATH);

	return fd >= 0;
}

static bool says(const struct doctor *doctor, const char *path, const char *word)
{
	_cleanup_free_ char *text = NULL;

	return doctor_read(doctor, path, &text) >= 0 && strstr(text, word);
}

_printf_(1, 2) static char *print(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return text;
}

/* ---- authselect: Fedora, RHEL --------------------------------------------------------------------------- */

static bool is_authselects(const struct doctor *doctor, const char *file)
{
	static const char *const names[] = {"system-auth",	"password-auth",   "smartcard-auth",
					    "fingerprint-auth", "switchable-auth", "postlogin"};

	if (!is_there(doctor, AUTHSELECT))
		return false;
	for (size_t i = 0; i < ELEMENTS(names); i++)
		if (strcmp(base_name(file), names[i]) == 0)
			return true;
	return false;
}

/* Its configuration is the profile's name, and a feature on each further line. */
static char *use_authselect(const struct doctor *doctor, const char *file)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	char *features;

	if (doctor_read(doctor, AUTHSELECT, &text) < 0 || !*text)
		return print(
			"authselect writes this file: change the line in a profile of your own (authselect "
			"create-profile), and select that.");
	for (char *end = strchr(text, '\n'); end; end = strchr(end, '\n'))
		*end = ' ';
	for (length = strlen(text); length > 0 && text[length - 1] == ' '; length--)
		text[length - 1] = '\0';
	if (is_in(text, "custom/"))
		return print(
			"authselect writes this file: change the line in /etc/authselect/%.*s/%s, then: authselect "
			"apply-changes",
			(int)strcspn(text, " "), text, base_name(file));
	features = text + strcspn(text, " ");
	return print(
		"authselect writes this file: authselect create-profile scpolicyd --base-on=%.*s, change the line in "
		"/etc/authselect/custom/scpolicyd/%s, then: authselect select custom/scpolicyd%s",
		(int)(features - text), text, base_name(file), features);
}

/* ---- pam-auth-update: Debian, Ubuntu; pam-config: SUSE -------------------------------------------------- */

static bool is_common(const char *file)
{
	return is_in(base_name(file), "common-");
}

static bool is_pam_configs(const struct doctor *doctor, const char *file)
{
	return is_common(file) &&
	       (is_there(doctor, "/usr/sbin/pam-config") || says(doctor, file, "pam-config"));
}

static bool is_pam_auth_updates(const struct doctor *doctor, const char *file)
{
	return is_common(file) && (is_there(doctor, "/usr/sbin/pam-auth-update") ||
				   is_there(doctor, PROFILES) || says(doctor, file, "pam-auth-update"));
}

static char *use_pam_auth_update(const struct doctor *doctor, const char *file, bool adds)
{
	if (adds && is_there(doctor, PROFILES "/scpolicyd") && strcmp(base_name(file), "common-session") == 0)
		return strdup("pam-auth-update writes this file: pam-auth-update --enable scpolicyd");
	return strdup("pam-auth-update writes this file: change the profile in " PROFILES
		      " that the line comes from, or "
		      "write one of your own, then: pam-auth-update; pam_scpolicy(8) has an example.");
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

char *doctor_pam_tool(const struct doctor *doctor, const char *file, bool adds)
{
	if (is_authselects(doctor, file))
		return use_authselect(doctor, file);
	if (is_pam_configs(doctor, file))
		return print(
			"pam-config writes this file: change the file of the service instead, in /etc/pam.d, where it "
			"includes %s; one that is below /usr is copied there first.",
			base_name(file));
	if (is_pam_auth_updates(doctor, file))
		return use_pam_auth_update(doctor, file, adds);
	if (is_in(file, "/usr/"))
		return print(
			"An update writes this file: copy it to /etc/pam.d/%s first, and change the copy.",
			base_name(file));
	return NULL;
}
