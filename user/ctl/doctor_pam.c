/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PAM services of the machine: the files of every directory that libpam reads, but for those that are parts of
 * others, and those of programs that open no session of a person.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "ctl/doctor_pam.h"

/* In libpam's order: a file in one hides those of the same name in the next. Builds differ in the last two. */
static const char *const directories[] = {"/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d",
					  "/usr/share/pam.d"};

/* As libpam looks for it: as the line has it, else in the directory of modules, of whatever name here. */
bool doctor_has_module(const struct doctor *doctor, const char *path)
{
	static const char *const folders[] = {PAMDIR, "/lib/security", "/usr/lib/security", "/lib64/security",
					      "/usr/lib64/security"};

	for (size_t i = 0; i < ELEMENTS(folders); i++) {
		_cleanup_free_ char *full = NULL;
		_cleanup_close_ int fd = -1;

		if (*path == '/')
			fd = doctor_open(doctor, path, O_PATH);
		else if (asprintf(&full, "%s/%s", folders[i], path) < 0)
			full = NULL;
		else
			fd = doctor_open(doctor, full, O_PATH);
		if (fd >= 0)
			return true;
	}
	return false;
}

/* ---- names ---------------------------------------------------------------------------------------------- */

static bool is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/*
 * Distributions' files for other files to include, which are there whether any does. Debian's three for GDM are what
 * update-alternatives(1) links gdm-smartcard to.
 */
static bool is_part(const char *name)
{
	static const char *const names[] = {"common-auth",
					    "common-auth-pc",
					    "common-account",
					    "common-account-pc",
					    "common-password",
					    "common-password-pc",
					    "common-session",
					    "common-session-pc",
					    "common-session-noninteractive",
					    "common-session-nonlogin",
					    "common-session-nonlogin-pc",
					    "postlogin-auth",
					    "postlogin-account",
					    "postlogin-password",
					    "postlogin-session",
					    "system-auth",
					    "system-auth-ac",
					    "password-auth",
					    "password-auth-ac",
					    "smartcard-auth",
					    "smartcard-auth-ac",
					    "fingerprint-auth",
					    "fingerprint-auth-ac",
					    "switchable-auth",
					    "postlogin",
					    "postlogin-ac",
					    "system-login",
					    "system-local-login",
					    "system-remote-login",
					    "system-services",
					    "system-session",
					    "base-auth",
					    "base-account",
					    "base-password",
					    "base-session",
					    "base-session-noninteractive",
					    "config-util",
					    "gdm-smartcard-pkcs11-exclusive",
					    "gdm-smartcard-sssd-exclusive",
					    "gdm-smartcard-sssd-or-password"};

	return is_among(name, names, ELEMENTS(names));
}

/*
 * Programs that sign nobody in: they work within a session, for no person, or only ask who it is. Their files do not
 * show it, where they include a whole stack.
 */
static bool signs_nobody_in(const char *name)
{
	static const char *const names[] = {
		"other",
		"su",
		"su-l",
		"sudo",
		"sudo-i",
		"doas",
		"runuser",
		"runuser-l",
		"cron",
		"crond",
		"atd",
		"polkit-1",
		"systemd-user",
		"systemd-run0",
		"passwd",
		"chpasswd",
		"newusers",
		"chfn",
		"chsh",
		"cups",
		"ppp",
		"samba",
		"vlock",
		"physlock",
		"swaylock",
		"i3lock",
		"hyprlock",
		"waylock",
		"gtklock",
		"xlock",
		"slock",
		"xsecurelock",
		"xscreensaver",
		"kscreensaver",
		"kde",
		"kde-smartcard",
		"kde-fingerprint",
		"gnome-screensaver",
		"mate-screensaver",
		"cinnamon-screensaver",
		"xfce4-screensaver",
		"light-locker",
		"vmtoolsd",
	};

	return is_among(name, names, ELEMENTS(names));
}

/* Programs that sign people in; another service may include their files. */
static bool signs_in(const char *name)
{
	static const char *const names[] = {
		"login",   "remote", "sshd",	    "gdm-password",   "gdm-smartcard", "gdm-switchable-auth",
		"lightdm", "sddm",   "plasmalogin", "lxdm",	      "xdm",	       "kdm",
		"slim",	   "ly",     "greetd",	    "cosmic-greeter", "cockpit",       "xrdp-sesman",
	};

	return is_among(name, names, ELEMENTS(names));
}

/* libpam asks for names in small letters; package managers and editors leave copies under names that nothing asks for. */
static bool may_be_service(const char *name)
{
	static const char *const copies[] = {"*.dpkg-*",  "*.ucf-*", "*.rpm*", "*.pac*",    "*.apk-new",
					     "*.bak",	  "*.orig",  "*.old",  "*.save",    "*.swp",
					     "*.pam-old", "*.new",   "*~",     "*.disabled"};

	for (size_t i = 0; i < ELEMENTS(copies); i++)
		if (fnmatch(copies[i], name, 0) == 0)
			return false;
	for (; *name; name++)
		if (isupper((unsigned char)*name))
			return false;
	return true;
}

/* ---- files ---------------------------------------------------------------------------------------------- */

static int read_pam_file(void *userdata, const char *name, char **ret_text, char **ret_path)
{
	const struct doctor *doctor = userdata;
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && i < (*name == '/' ? 1 : ELEMENTS(directories)); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s%s%s", *name == '/' ? "" : directories[i], *name == '/' ? "" : "/",
			     name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = doctor_read_text(doctor, path, ret_text);
		if (r >= 0)
			*ret_path = steal_pointer(path);
	}
	return r;
}

static void read_service(struct survey *survey, const char *name)
{
	struct service *service = &survey->services[survey->count];
	int r;

	*service = (struct service){.name = name};
	r = pam_stack_read(read_pam_file, survey->doctor, name, PAM_TYPE_AUTH, &service->auth);
	if (r >= 0)
		r = pam_stack_read(read_pam_file, survey->doctor, name, PAM_TYPE_SESSION, &service->session);
	if (r >= 0) {
		survey->count++;
		return;
	}
	pam_stack_clear(&service->auth);
	if (r != -ENOENT)
		doctor_unseen(survey->doctor, name, r);
}

static bool includes(const struct pam_stack *stack, const char *path)
{
	for (size_t i = 1; i < stack->file_count; i++)
		if (strcmp(stack->files[i], path) == 0)
			return true;
	return false;
}

/* Its file is part of another's stack, so it is no service itself. */
static bool is_included(const struct survey *survey, const struct service *service)
{
	const char *path = service->auth.files[0];

	for (size_t i = 0; !signs_in(service->name) && i < survey->count; i++)
		if (&survey->services[i] != service && (includes(&survey->services[i].auth, path) ||
							includes(&survey->services[i].session, path)))
			return true;
	return false;
}

static bool add_name(struct names *all, const char *name)
{
	char **more = reallocarray(all->names, all->count + 1, sizeof(*more));

	if (!more)
		return false;
	all->names = more;
	more[all->count] = strdup(name);
	if (!more[all->count])
		return false;
	all->count++;
	return true;
}

/* The names in all directories, each once. 0, or a negative errno when none can be looked into. */
static int list_names(struct doctor *doctor, struct names *all)
{
	int found = -ENOENT;

	for (size_t i = 0; i < ELEMENTS(directories); i++) {
		_cleanup_names_ struct names names = {0};
		int r = doctor_list(doctor, directories[i], &names);

		if (r < 0 && r != -ENOENT)
			doctor_unseen(doctor, directories[i], r);
		if (r >= 0)
			found = 0;
		for (size_t n = 0; n < names.count; n++)
			if (!is_among(names.names[n], (const char *const *)all->names, all->count) &&
			    !add_name(all, names.names[n]))
				return -ENOMEM;
	}
	return found;
}

/* ---- all services --------------------------------------------------------------------------------------- */

static void survey_clear(struct survey *survey)
{
	for (size_t i = 0; i < survey->count; i++) {
		pam_stack_clear(&survey->services[i].auth);
		pam_stack_clear(&survey->services[i].session);
	}
	for (size_t i = 0; i < survey->told_count; i++) {
		free(survey->told[i].where);
		free(survey->told[i].services);
	}
	free(survey->services);
	free(survey->told);
	sssd_config_clear(&survey->sssd);
}

void doctor_pam(struct doctor *doctor)
{
	_cleanup_(survey_clear) struct survey survey = {.doctor = doctor};
	_cleanup_names_ struct names names = {0};
	int r = list_names(doctor, &names);

	if (r < 0) {
		doctor_unseen(doctor, directories[0], r);
		return;
	}
	doctor_sssd(doctor, &survey.sssd);
	survey.services = calloc(names.count + 1, sizeof(*survey.services));
	for (size_t i = 0; survey.services && i < names.count; i++)
		if (!is_part(names.names[i]) && !signs_nobody_in(names.names[i]) &&
		    may_be_service(names.names[i]))
			read_service(&survey, names.names[i]);
	for (size_t i = 0; i < survey.count; i++)
		if (!is_included(&survey, &survey.services[i]))
			doctor_pam_check(&survey, &survey.services[i]);
	if (!survey.cards)
		doctor_pam_tell_no_cards(&survey);
	doctor_pam_tell(&survey);
}
