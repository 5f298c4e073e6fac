/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/pam_control.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <security/_pam_types.h>
#include <string.h>

#define UNSET (-6)

static const char *const return_names[] = {
	[PAM_SUCCESS] = "success",
	[PAM_OPEN_ERR] = "open_err",
	[PAM_SYMBOL_ERR] = "symbol_err",
	[PAM_SERVICE_ERR] = "service_err",
	[PAM_SYSTEM_ERR] = "system_err",
	[PAM_BUF_ERR] = "buf_err",
	[PAM_PERM_DENIED] = "perm_denied",
	[PAM_AUTH_ERR] = "auth_err",
	[PAM_CRED_INSUFFICIENT] = "cred_insufficient",
	[PAM_AUTHINFO_UNAVAIL] = "authinfo_unavail",
	[PAM_USER_UNKNOWN] = "user_unknown",
	[PAM_MAXTRIES] = "maxtries",
	[PAM_NEW_AUTHTOK_REQD] = "new_authtok_reqd",
	[PAM_ACCT_EXPIRED] = "acct_expired",
	[PAM_SESSION_ERR] = "session_err",
	[PAM_CRED_UNAVAIL] = "cred_unavail",
	[PAM_CRED_EXPIRED] = "cred_expired",
	[PAM_CRED_ERR] = "cred_err",
	[PAM_NO_MODULE_DATA] = "no_module_data",
	[PAM_CONV_ERR] = "conv_err",
	[PAM_AUTHTOK_ERR] = "authtok_err",
	[PAM_AUTHTOK_RECOVERY_ERR] = "authtok_recover_err",
	[PAM_AUTHTOK_LOCK_BUSY] = "authtok_lock_busy",
	[PAM_AUTHTOK_DISABLE_AGING] = "authtok_disable_aging",
	[PAM_TRY_AGAIN] = "try_again",
	[PAM_IGNORE] = "ignore",
	[PAM_ABORT] = "abort",
	[PAM_AUTHTOK_EXPIRED] = "authtok_expired",
	[PAM_MODULE_UNKNOWN] = "module_unknown",
	[PAM_BAD_ITEM] = "bad_item",
	[PAM_CONV_AGAIN] = "conv_again",
	[PAM_INCOMPLETE] = "incomplete",
	[PAM_RETURNS] = "default",
};
ASSERT_ROWS(return_names, PAM_RETURNS + 1);

void pam_control_fill(int actions[static PAM_RETURNS], int action)
{
	for (int i = 0; i < PAM_RETURNS; i++)
		actions[i] = action;
}

static void fill_unset(int actions[static PAM_RETURNS], int action)
{
	for (int i = 0; i < PAM_RETURNS; i++)
		if (actions[i] == UNSET)
			actions[i] = action;
}

static const char *skip_space(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* The first of the names that the text begins with, in the table's order; -EINVAL: none. */
static int take_name(const char **text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(names[i]);

		if (strncmp(*text, names[i], length) == 0) {
			*text += length;
			return (int)i;
		}
	}
	return -EINVAL;
}

/* "ok", "3": into *ret; 0 or -EINVAL. */
static int take_action(const char **text, int *ret)
{
	static const char *const names[] = {"ignore", "ok", "done", "bad", "die", "reset"};
	int number = take_name(text, names, ELEMENTS(names));

	if (number >= 0) {
		*ret = -number;
		return 0;
	}
	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (number = 0; isdigit((unsigned char)**text); ++*text) {
		int digit = **text - '0';

		if (number > (INT_MAX - digit) / 10)
			return -EINVAL;
		number = 10 * number + digit;
	}
	*ret = number;
	return number > 0 ? 0 : -EINVAL;
}

/*
 * "success=2 default=ignore". Names are compared with as much text as they have, so that nothing need stand between
 * two settings; "default" sets what no setting before it has.
 */
static int parse_settings(const char *text, int actions[static PAM_RETURNS])
{
	for (text = skip_space(text); *text; text = skip_space(text)) {
		int value = take_name(&text, return_names, ELEMENTS(return_names)), action;

		text = skip_space(text);
		if (value < 0 || *text != '=')
			return -EINVAL;
		text = skip_space(text + 1);
		if (take_action(&text, &action) < 0)
			return -EINVAL;
		if (value < PAM_RETURNS)
			actions[value] = action;
		else
			fill_unset(actions, action);
	}
	return 0;
}

int pam_control_parse(const char *text, int actions[static PAM_RETURNS])
{
	static const struct {
		const char *name;
		int success, ignore, other;
	} words[] = {
		{"required", PAM_ACTION_OK, PAM_ACTION_IGNORE, PAM_ACTION_BAD},
		{"requisite", PAM_ACTION_OK, PAM_ACTION_IGNORE, PAM_ACTION_DIE},
		{"sufficient", PAM_ACTION_DONE, PAM_ACTION_IGNORE, PAM_ACTION_IGNORE},
		{"optional", PAM_ACTION_OK, PAM_ACTION_IGNORE, PAM_ACTION_IGNORE},
	};

	for (size_t i = 0; i < ELEMENTS(words); i++)
		if (strcasecmp(text, words[i].name) == 0) {
			pam_control_fill(actions, words[i].other);
			actions[PAM_SUCCESS] = actions[PAM_NEW_AUTHTOK_REQD] = words[i].success;
			actions[PAM_IGNORE] = words[i].ignore;
			return 0;
		}
	pam_control_fill(actions, UNSET);
	if (parse_settings(text, actions) < 0) {
		pam_control_fill(actions, PAM_ACTION_BAD);
		return -EINVAL;
	}
	fill_unset(actions, PAM_ACTION_BAD);
	return 0;
}
