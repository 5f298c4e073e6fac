/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/pam_modules.h"

#include <fnmatch.h>
#include <security/_pam_types.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/pam_control.h"
#include "ctl/pam_text.h"
#include "lib/cleanup.h"

/* ---- pam_succeed_if ------------------------------------------------------------------------------------- */

/* Whether `item` is an element of a list with ':' between them; pam_succeed_if's own search, corners included. */
static bool is_listed(const char *item, const char *list)
{
	size_t length = strlen(item);

	for (const char *at = strstr(list, item); at; at = strstr(list, item)) {
		if ((at == list || at[-1] == ':') && strchr(":", at[length]))
			return true;
		list = strchr(at + ((at == list || at[-1] == ':') ? length : 0), ':');
		if (!list++)
			break;
	}
	return false;
}

static uint32_t truth(bool met)
{
	return met ? PAM_BIT(PAM_SUCCESS) : PAM_BIT(PAM_AUTH_ERR);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcasecmp(word, *words) == 0)
			return true;
	return false;
}

/* "service in login:gdm" and the like. A name is no number, so that comparing it as one is an error. */
static uint32_t compare_service(const char *service, const char *comparison, const char *value)
{
	static const char *const numeric[] = {"<", "lt", "<=", "le", ">", "gt", ">=", "ge", "eq", "ne", NULL};
	static const char *const of_user[] = {"ingroup", "notingroup", "innetgr", "notinnetgr", NULL};

	if (strcmp(comparison, "=") == 0)
		return truth(strcmp(service, value) == 0);
	if (strcmp(comparison, "!=") == 0)
		return truth(strcmp(service, value) != 0);
	if (is_one_of(comparison, (const char *const[]){"=~", "glob", NULL}))
		return truth(fnmatch(value, service, 0) == 0);
	if (is_one_of(comparison, (const char *const[]){"!~", "noglob", NULL}))
		return truth(fnmatch(value, service, 0) != 0);
	if (strcasecmp(comparison, "in") == 0)
		return truth(is_listed(service, value));
	if (strcasecmp(comparison, "notin") == 0)
		return truth(!is_listed(service, value));
	if (is_one_of(comparison, of_user))
		return PAM_BIT(PAM_SUCCESS) | PAM_BIT(PAM_AUTH_ERR);
	return is_one_of(comparison, numeric) && strspn(service, "0123456789") == strlen(service)
		       ? PAM_BIT(PAM_SUCCESS) | PAM_BIT(PAM_AUTH_ERR) | PAM_BIT(PAM_SERVICE_ERR)
		       : PAM_BIT(PAM_SERVICE_ERR);
}

static uint32_t judge_condition(const char *service, const char *left, const char *comparison,
				const char *value)
{
	static const char *const attributes[] = {"login", "name",    "user",  "uid",   "gid", "shell", "home",
						 "dir",	  "homedir", "ruser", "rhost", "tty", NULL};

	if (strcasecmp(left, "service") == 0)
		return compare_service(service, comparison, value);
	if (!is_one_of(left, attributes))
		return PAM_BIT(PAM_SERVICE_ERR);
	return PAM_BIT(PAM_SUCCESS) | PAM_BIT(PAM_AUTH_ERR) | PAM_BIT(PAM_SERVICE_ERR) |
	       PAM_BIT(PAM_USER_UNKNOWN);
}

/* Conditions of three words, all of which have to be met; the first that is not ends it. */
static uint32_t succeed_if(const struct pam_line *line, const char *service)
{
	static const char *const options[] = {"debug",	       "use_uid", "quiet", "quiet_fail",
					      "quiet_success", "audit",	  NULL};
	_cleanup_free_ char *copy = strdup(line->arguments);
	uint32_t returns = 0, last = PAM_BIT(PAM_SUCCESS);
	const char *words[3];
	unsigned count = 0;
	char *rest = copy;

	for (char *word = rest ? pam_text_word(&rest) : NULL; word; word = pam_text_word(&rest)) {
		bool option = false;

		for (const char *const *known = options; *known; known++)
			option |= strcmp(word, *known) == 0;
		if (option)
			continue;
		words[count++] = word;
		if (count < ELEMENTS(words))
			continue;
		count = 0;
		last = judge_condition(service, words[0], words[1], words[2]);
		returns |= last & ~PAM_BIT(PAM_SUCCESS);
		if (!(last & PAM_BIT(PAM_SUCCESS)))
			return returns;
	}
	return count > 0 ? returns | PAM_BIT(PAM_SERVICE_ERR) : returns | PAM_BIT(PAM_SUCCESS);
}

/* ---- pam_debug ------------------------------------------------------------------------------------------ */

/* It returns what it is asked for, success where nothing is said or a word is not known. */
static uint32_t debug(const struct pam_line *line, enum pam_type type)
{
	static const char *const names[] = {"auth=", "acct=", "prechauthtok=", "open_session="};
	_cleanup_free_ char *value = pam_line_value(line, names[type]), *control = NULL;
	int actions[PAM_RETURNS];

	/* The names are those of a control value. */
	if (value && asprintf(&control, "%s=done default=ignore", value) >= 0 &&
	    pam_control_parse(control, actions) == 0)
		for (int i = 0; i < PAM_RETURNS; i++)
			if (actions[i] == PAM_ACTION_DONE)
				return PAM_BIT(i);
	return PAM_BIT(PAM_SUCCESS);
}

/* ---- the others ----------------------------------------------------------------------------------------- */

#define EITHER (PAM_ANYTHING & ~PAM_BIT(PAM_IGNORE)) /* it decides, and by what this does not know */

/* Modules of which more is known than that they may return anything; 0: nothing in this column. */
static const struct {
	const char *module;
	uint32_t auth, session;
} known[] = {
	{"pam_permit.so", PAM_BIT(PAM_SUCCESS), PAM_BIT(PAM_SUCCESS)},
	{"pam_deny.so", PAM_BIT(PAM_AUTH_ERR), PAM_BIT(PAM_SESSION_ERR)},
	{"pam_warn.so", PAM_BIT(PAM_IGNORE), PAM_BIT(PAM_IGNORE)},
	{"pam_faildelay.so", PAM_BIT(PAM_IGNORE) | PAM_BIT(PAM_SYSTEM_ERR), 0},
	{"pam_echo.so", PAM_BIT(PAM_IGNORE) | PAM_BIT(PAM_SUCCESS),
	 PAM_BIT(PAM_IGNORE) | PAM_BIT(PAM_SUCCESS)},
	{"pam_unix.so", 0, PAM_BIT(PAM_SUCCESS)},
	{"pam_listfile.so", 0, 0},
	{"pam_access.so", EITHER, EITHER},
	{"pam_usertype.so", EITHER, EITHER},
	{"pam_localuser.so", EITHER, EITHER},
	{"pam_rootok.so", EITHER, 0},
	{"pam_wheel.so", 0, 0},
	{"pam_shells.so", EITHER, 0},
	{"pam_securetty.so", 0, 0},
	{"pam_nologin.so", 0, 0},
	{"pam_time.so", 0, 0},
	{"pam_env.so", 0, 0},
	{"pam_exec.so", 0, 0},
	{"pam_motd.so", 0, 0},
	{"pam_mail.so", 0, 0},
	{"pam_issue.so", 0, 0},
	{"pam_group.so", 0, 0},
	{"pam_limits.so", 0, 0},
	{"pam_keyinit.so", 0, 0},
	{"pam_loginuid.so", 0, 0},
	{"pam_selinux.so", 0, 0},
	{"pam_selinux_permit.so", 0, 0},
	{"pam_sepermit.so", 0, 0},
	{"pam_namespace.so", 0, 0},
	{"pam_cap.so", 0, 0},
	{"pam_faillock.so", 0, 0},
	{"pam_tally.so", 0, 0},
	{"pam_tally2.so", 0, 0},
	{"pam_timestamp.so", 0, 0},
	{"pam_userdb.so", 0, 0},
	{"pam_rhosts.so", 0, 0},
	{"pam_ftp.so", 0, 0},
	{"pam_systemd.so", 0, 0},
	{"pam_systemd_home.so", 0, 0},
	{"pam_systemd_loadkey.so", 0, 0},
	{"pam_elogind.so", 0, 0},
	{"pam_gnome_keyring.so", 0, 0},
	{"pam_kwallet.so", 0, 0},
	{"pam_kwallet5.so", 0, 0},
	{"pam_ecryptfs.so", 0, 0},
	{"pam_fscrypt.so", 0, 0},
	{"pam_mount.so", 0, 0},
	{"pam_gdm.so", 0, 0},
	{"pam_sss.so", 0, 0},
	{"pam_sss_gss.so", 0, 0},
	{"pam_krb5.so", 0, 0},
	{"pam_winbind.so", 0, 0},
	{"pam_ldap.so", 0, 0},
	{"pam_lsass.so", 0, 0},
	{"pam_himmelblau.so", 0, 0},
	{"pam_fprintd.so", 0, 0},
	{"pam_howdy.so", 0, 0},
	{"pam_google_authenticator.so", 0, 0},
	{"pam_oath.so", 0, 0},
	{"pam_duo.so", 0, 0},
	{"pam_radius_auth.so", 0, 0},
	{"pam_ssh_agent_auth.so", 0, 0},
	{"pam_shield.so", 0, 0},
	{"pam_abl.so", 0, 0},
	{"pam_script.so", 0, 0},
	{"pam_cockpit_cert.so", 0, 0},
	{"pam_ssh_add.so", 0, 0},
	{"pam_scpolicy.so", PAM_BIT(PAM_IGNORE), PAM_BIT(PAM_SUCCESS) | PAM_BIT(PAM_IGNORE)},
	{"pam_succeed_if.so", 0, 0},
	{"pam_debug.so", 0, 0},
};

bool pam_module_is_plain(const char *module)
{
	for (size_t i = 0; i < ELEMENTS(known); i++)
		if (strcmp(known[i].module, module) == 0)
			return true;
	return false;
}

uint32_t pam_module_returns(const struct pam_line *line, enum pam_type type, const char *service)
{
	uint32_t returns = 0;

	if (strcmp(line->module, "pam_succeed_if.so") == 0)
		return succeed_if(line, service);
	if (strcmp(line->module, "pam_debug.so") == 0)
		return debug(line, type);
	for (size_t i = 0; i < ELEMENTS(known); i++)
		if (strcmp(known[i].module, line->module) == 0)
			returns = type == PAM_TYPE_SESSION ? known[i].session : known[i].auth;
	return returns ? returns : PAM_ANYTHING;
}
