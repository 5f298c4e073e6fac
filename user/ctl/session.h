/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Which session an argument of the command line means. */
#include "ctl/ctl.h"
#include "ctl/tree.h"

/*
 * "self", or NULL, is the caller's own: that of this process, else XDG_SESSION_ID's, else the user's desktop.
 * Returns 0 with the id, which the caller frees, or an exit status after printing what would be right.
 */
int session_resolve(const char *word, char **ret);

/*
 * client_call() for a method whose first argument is a session. If the daemon does not govern that session,
 * or not for this caller, it prints where to see the sessions.
 */
int session_call(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
		 struct json_object **ret);
