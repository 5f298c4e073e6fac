/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a sign-in with a card leads past pam_scpolicy: on the card's way through the auth lines, and after
 * pam_systemd through the session lines.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "ctl/doctor.h"
#include "ctl/pam_stack.h"

#define OURS "pam_scpolicy.so"

struct service {
	const char *name;
	struct pam_stack auth, session;
};

/* The same thing found in several services is told once, with all their names. */
struct told {
	const struct finding *finding;
	char *where;
	char *services;
};

struct survey {
	struct doctor *doctor;
	bool sss_cards; /* sssd.conf has pam_sss try cards */
	struct service *services;
	size_t count;
	struct told *told;
	size_t told_count;
	bool cards; /* some service has a smart card module, or records always */
};

/* ---- what is found -------------------------------------------------------------------------------------- */

static const struct finding no_session_line = {
	"pam-session-missing", SEVERITY_FAULT, "No login record is written, so the session is not governed.",
	"Add \"session optional pam_scpolicy.so\" after pam_systemd's line, or run pam-auth-update; see pam_scpolicy(8)."};
static const struct finding no_systemd = {
	"pam-no-systemd", SEVERITY_FAULT,
	"Without pam_systemd the sign-in has no session id that a record could be written for.",
	"Add \"session required pam_systemd.so\", and pam_scpolicy's session line after it."};
static const struct finding session_order = {
	"pam-session-order", SEVERITY_FAULT,
	"pam_scpolicy's session line runs before pam_systemd has given the session its id: no record is written.",
	"Move the line after pam_systemd's."};
static const struct finding session_skipped = {
	"pam-session-skipped", SEVERITY_FAULT,
	"This line ends the stack, or jumps, before pam_scpolicy's session line is reached: no record is written.",
	"Move pam_scpolicy's session line before it, or count its jump anew."};
static const struct finding no_auth_line = {
	"pam-auth-missing", SEVERITY_FAULT,
	"Nothing else tells that the card was used, so no login record is written.",
	"Add \"auth optional pam_scpolicy.so\" where only the card's way leads; see pam_scpolicy(8)."};
static const struct finding no_auth_line_token = {
	"pam-auth-missing", SEVERITY_NOTE,
	"The session line looks for the card itself, since the smart card module tells its label: a moment later than "
	"an auth line would.",
	"Add \"auth optional pam_scpolicy.so\" where only the card's way leads, if several cards may be in."};
static const struct finding auth_skipped = {
	"pam-auth-skipped", SEVERITY_FAULT,
	"When the card was accepted, this line ends the stack, or jumps, before pam_scpolicy's auth line: nothing tells "
	"that the card was used, and no login record is written.",
	"Have it jump to pam_scpolicy's line (success=N) rather than end the stack; see the stacks in pam_scpolicy(8)."};
static const struct finding auth_skipped_token = {
	"pam-auth-skipped", SEVERITY_WARNING,
	"When the card was accepted, this line leads past pam_scpolicy's auth line. The session line looks for the card "
	"itself, since the smart card module tells its label: a moment later, and not on an unlock with another card.",
	"Have it jump to pam_scpolicy's line (success=N) rather than end the stack; see the stacks in pam_scpolicy(8)."};
static const struct finding auth_order = {
	"pam-auth-order", SEVERITY_WARNING,
	"pam_scpolicy's auth line runs before the smart card module: it notes any card that is in, whatever the "
	"sign-in then uses, and is not asked again once the card was accepted.",
	"Move it to where only the card's way leads; see pam_scpolicy(8)."};
static const struct finding auth_password = {
	"pam-auth-password", SEVERITY_WARNING,
	"A sign-in without the card gets to pam_scpolicy's auth line as well: it is governed by whatever card is in.",
	"Have the password's way jump over it (success=N); or say \"always\" in both lines if that is meant."};
static const struct finding auth_token = {
	"pam-auth-token", SEVERITY_FAULT,
	"The line says \"token\", but this smart card module leaves no PKCS11_LOGIN_TOKEN_NAME: no login record is written.",
	"Leave \"token\" out, and place the line where only the card's way leads; see pam_scpolicy(8)."};
static const struct finding syntax = {
	"pam-syntax", SEVERITY_FAULT,
	"libpam refuses such a stack, or reads it otherwise than it looks; nothing can be said of what comes after it.",
	"Correct the line; pam.conf(5) has the format."};
static const struct finding no_module = {
	"pam-module-missing", SEVERITY_FAULT,
	"libpam cannot load what the line names: no record is written, and a required line refuses every sign-in.",
	"Install scpolicyd's PAM module where libpam looks, or take the line out."};
static const struct finding no_cards = {
	"pam-no-card", SEVERITY_WARNING,
	"Without one nobody signs in with a card, so no session is ever governed.",
	"Set up pam_pkcs11, pam_sss (pam_cert_auth) or pam_p11 for the services that people sign in with."};
static const struct finding fine = {"pam", SEVERITY_OK, NULL, NULL};

static struct told *find_told(struct survey *survey, const struct finding *finding, const char *where)
{
	struct told *more;

	for (size_t i = 0; i < survey->told_count; i++)
		if (survey->told[i].finding == finding && strcmp(survey->told[i].where, where) == 0)
			return &survey->told[i];
	more = reallocarray(survey->told, survey->told_count + 1, sizeof(*more));
	if (!more)
		return NULL;
	survey->told = more;
	more[survey->told_count] = (struct told){finding, strdup(where), strdup("")};
	return &more[survey->told_count++];
}

static void note(struct survey *survey, const struct service *service, const struct finding *finding,
		 const char *file, unsigned line)
{
	_cleanup_free_ char *where = NULL;
	char *services;
	struct told *told;

	if (asprintf(&where, line ? "%s:%u" : "%s", file, line) < 0) {
		where = NULL;
		return;
	}
	told = find_told(survey, finding, where);
	if (!told || !told->where || !told->services ||
	    asprintf(&services, "%s%s%s", told->services, *told->services ? ", " : "", service->name) < 0)
		return;
	free(told->services);
	told->services = services;
}

static void note_line(struct survey *survey, const struct service *service, const struct finding *finding,
		      const struct pam_stack *stack, size_t line)
{
	if (line < stack->count)
		note(survey, service, finding, stack->lines[line].file, stack->lines[line].line);
	else
		note(survey, service, finding, stack->files[0], 0);
}

static void tell(struct survey *survey)
{
	static const struct {
		const struct finding *finding;
		const char *what;
	} words[] = {
		{&no_session_line, "no session line of pam_scpolicy"},
		{&no_systemd, "no session line of pam_systemd"},
		{&session_order, "pam_scpolicy's session line comes before pam_systemd's"},
		{&session_skipped, "pam_scpolicy's session line is not reached"},
		{&no_auth_line, "no auth line of pam_scpolicy"},
		{&no_auth_line_token, "no auth line of pam_scpolicy"},
		{&auth_skipped, "the card's way does not lead to pam_scpolicy's auth line"},
		{&auth_skipped_token, "the card's way does not lead to pam_scpolicy's auth line"},
		{&auth_order, "pam_scpolicy's auth line comes before the smart card module's"},
		{&auth_token, "pam_scpolicy's auth line waits for a token's label that nobody tells"},
		{&auth_password, "a password leads to pam_scpolicy's auth line too"},
		{&no_module, "the PAM module that is named is not there"},
		{&fine, "a sign-in with a card is recorded"},
	};

	for (size_t i = 0; i < survey->told_count; i++)
		for (size_t w = 0; w < ELEMENTS(words); w++)
			if (survey->told[i].finding == words[w].finding && survey->told[i].services)
				doctor_report(survey->doctor, words[w].finding, survey->told[i].where,
					      "PAM service %s: %s", survey->told[i].services, words[w].what);
}

/* ---- what a line is ------------------------------------------------------------------------------------- */

static bool is_card_module(void *userdata, const struct pam_line *line)
{
	const struct survey *survey = userdata;
	static const char *const modules[] = {"pam_pkcs11.so", "pam_p11.so", "pam_poldi.so"};

	for (size_t i = 0; i < ELEMENTS(modules); i++)
		if (strcmp(line->module, modules[i]) == 0)
			return true;
	if (strcmp(line->module, "pam_sss.so") == 0)
		return survey->sss_cards || pam_line_has(line, "require_cert_auth") ||
		       pam_line_has(line, "try_cert_auth");
	return strcmp(line->module, "pam_krb5.so") == 0 &&
	       (pam_line_has(line, "use_pkinit") || pam_line_has(line, "try_pkinit"));
}

/* Those that leave PKCS11_LOGIN_TOKEN_NAME, by which the session line knows that the card was used. */
static bool tells_token(const struct service *service, const struct pam_line *card)
{
	return strcmp(card->module, "pam_pkcs11.so") == 0 ||
	       (strcmp(card->module, "pam_sss.so") == 0 && strcmp(service->name, "gdm-smartcard") == 0);
}

static size_t find_card(struct survey *survey, const struct pam_stack *stack)
{
	size_t at = 0;

	while (at < stack->count && !is_card_module(survey, &stack->lines[at]))
		at++;
	return at;
}

static size_t find_last(const struct pam_stack *stack, const char *module)
{
	size_t last = stack->count;

	for (size_t at = pam_stack_find(stack, module, 0); at < stack->count;
	     at = pam_stack_find(stack, module, at + 1))
		last = at;
	return last;
}

/* ---- one service ---------------------------------------------------------------------------------------- */

/* True when all is well. */
static bool check_session(struct survey *survey, const struct service *service)
{
	const struct pam_stack *stack = &service->session;
	size_t systemd = pam_stack_find(stack, "pam_systemd.so", 0), ours = find_last(stack, OURS);
	struct pam_way way;

	if (systemd == stack->count)
		systemd = pam_stack_find(stack, "pam_elogind.so", 0);
	if (ours == stack->count)
		note_line(survey, service, &no_session_line, stack, systemd);
	else if (systemd == stack->count)
		note_line(survey, service, &no_systemd, stack, ours);
	else if (ours < systemd)
		note_line(survey, service, &session_order, stack, ours);
	else {
		way = pam_stack_walk(stack, 0, ours, NULL, NULL);
		if (way.reached)
			return true;
		note_line(survey, service, &session_skipped, stack, way.turned_at);
	}
	return false;
}

static bool check_card_way(struct survey *survey, const struct service *service, size_t card)
{
	const struct pam_stack *stack = &service->auth;
	bool token = tells_token(service, &stack->lines[card]);
	size_t ours = find_last(stack, OURS);
	struct pam_way way;

	if (ours == stack->count) {
		note_line(survey, service, token ? &no_auth_line_token : &no_auth_line, stack, card);
		return token;
	}
	if (ours < card) {
		note_line(survey, service, &auth_order, stack, ours);
		return false;
	}
	way = pam_stack_walk(stack, card, ours, NULL, NULL);
	if (!way.reached) {
		note_line(survey, service, token ? &auth_skipped_token : &auth_skipped, stack, way.turned_at);
		return false;
	}
	if (pam_line_has(&stack->lines[ours], "token")) {
		if (!token)
			note_line(survey, service, &auth_token, stack, ours);
		return token;
	}
	way = pam_stack_walk(stack, 0, ours, is_card_module, survey);
	if (way.reached && !way.failed && !pam_line_has(&stack->lines[ours], "always"))
		note_line(survey, service, &auth_password, stack, ours);
	return true;
}

static bool records_always(const struct service *service)
{
	size_t ours = find_last(&service->session, OURS);

	return ours < service->session.count && pam_line_has(&service->session.lines[ours], "always");
}

/* As libpam looks for it: as the line has it, else in the folder of modules, of whatever name here. */
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

static void check_module(struct survey *survey, const struct service *service, const struct pam_stack *stack)
{
	for (size_t at = pam_stack_find(stack, OURS, 0); at < stack->count;
	     at = pam_stack_find(stack, OURS, at + 1))
		if (!doctor_has_module(survey->doctor, stack->lines[at].path))
			note_line(survey, service, &no_module, stack, at);
}

static bool check_syntax(struct survey *survey, const struct service *service, const struct pam_stack *stack)
{
	_cleanup_free_ char *where = NULL;

	if (!stack->problem)
		return true;
	if (asprintf(&where, "%s:%u", stack->problem_file, stack->problem_line) < 0)
		where = NULL;
	doctor_report(survey->doctor, &syntax, where, "PAM service %s: %s", service->name, stack->problem);
	return false;
}

static void check_service(struct survey *survey, const struct service *service)
{
	size_t card = find_card(survey, &service->auth);
	bool always = records_always(service);
	bool good;

	if (card == service->auth.count && !always)
		return;
	survey->cards = true;
	good = check_syntax(survey, service, &service->auth) &&
	       check_syntax(survey, service, &service->session);
	check_module(survey, service, &service->auth);
	check_module(survey, service, &service->session);
	good &= check_session(survey, service);
	if (!always)
		good &= check_card_way(survey, service, card);
	if (good)
		note(survey, service, &fine, "/etc/pam.d", 0);
}

/* ---- all services --------------------------------------------------------------------------------------- */

/* These open no session of a person: they work within one, for a machine, or are parts of others. */
static bool opens_no_session(const char *name)
{
	static const char *const patterns[] = {"other",
					       "common-*",
					       "su",
					       "su-l",
					       "sudo",
					       "sudo-i",
					       "runuser*",
					       "cron*",
					       "at*d",
					       "polkit-1",
					       "systemd-*",
					       "passwd",
					       "chpasswd",
					       "newusers",
					       "chfn",
					       "chsh",
					       "cups*",
					       "ppp",
					       "samba",
					       "vlock",
					       "physlock",
					       "*screensaver*",
					       "*lock",
					       "kde*",
					       "*greeter",
					       "*autologin",
					       "*fingerprint",
					       "gdm-launch-environment",
					       "gdm-smartcard-*",
					       "sssd-*",
					       "config-util",
					       "vmtoolsd",
					       "*.*"};

	for (size_t i = 0; i < ELEMENTS(patterns); i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

/* libpam's order of folders. */
static int read_pam_file(void *userdata, const char *name, char **ret_text, char **ret_path)
{
	static const char *const folders[] = {"/etc/pam.d/", "/usr/lib/pam.d/", ""};
	_cleanup_free_ char *path = NULL, *text = NULL;
	const struct doctor *doctor = userdata;
	int r = -ENOENT;

	for (size_t i = *name == '/' ? 2 : 0; r == -ENOENT && i < (*name == '/' ? 3 : 2); i++) {
		free(steal_pointer(path));
		if (asprintf(&path, "%s%s", folders[i], name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = doctor_read(doctor, path, &text);
	}
	if (r < 0)
		return r;
	*ret_text = steal_pointer(text);
	*ret_path = steal_pointer(path);
	return 0;
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

	for (size_t i = 0; i < survey->count; i++)
		if (includes(&survey->services[i].auth, path) || includes(&survey->services[i].session, path))
			return true;
	return false;
}

/* "pam_cert_auth = True" in sssd's [pam]: then pam_sss asks for cards in whatever service it is. */
static bool says_cert_auth(char *text)
{
	bool in_pam = false;

	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
		char value[16];

		if (line[strspn(line, " \t")] == '[')
			in_pam = strstr(line, "[pam]") != NULL;
		else if (in_pam && sscanf(line, " pam_cert_auth = %15s", value) == 1)
			return strcasecmp(value, "true") == 0;
	}
	return false;
}

static bool sssd_takes_cards(struct doctor *doctor)
{
	_cleanup_free_ char *text = NULL;
	int r = doctor_read(doctor, "/etc/sssd/sssd.conf", &text);

	if (r < 0 && r != -ENOENT)
		doctor_unseen(doctor, "/etc/sssd/sssd.conf, whether pam_sss takes cards", r);
	return r >= 0 && says_cert_auth(text);
}

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
}

void doctor_pam(struct doctor *doctor)
{
	_cleanup_(survey_clear) struct survey survey = {.doctor = doctor};
	_cleanup_names_ struct names names = {0};
	int r = doctor_list(doctor, "/etc/pam.d", &names);

	if (r < 0) {
		doctor_unseen(doctor, "/etc/pam.d", r);
		return;
	}
	survey.sss_cards = sssd_takes_cards(doctor);
	survey.services = calloc(names.count + 1, sizeof(*survey.services));
	for (size_t i = 0; survey.services && i < names.count; i++)
		if (!opens_no_session(names.names[i]))
			read_service(&survey, names.names[i]);
	for (size_t i = 0; i < survey.count; i++)
		if (!is_included(&survey, &survey.services[i]))
			check_service(&survey, &survey.services[i]);
	if (!survey.cards)
		doctor_report(doctor, &no_cards, "/etc/pam.d",
			      "no PAM service that people sign in with has a smart card module");
	tell(&survey);
}
