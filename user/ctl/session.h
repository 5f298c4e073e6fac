/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Which session a word of the command line means. */
#include "ctl/ctl.h"
#include "ctl/tree.h"

/*
 * "self", or NULL, is the caller's own: that of this process, else XDG_SESSION_ID's, else the user's desktop.
 * 0 with the id (the caller's to free), or an exit status after saying what would be right.
 */
int session_resolve(const char *word, char **ret);

/*
 * client_call() of a method whose first argument is a session: for one that the daemon does not govern, or not
 * for this caller, it says where to see which there are.
 */
int session_call(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
		 struct json_object **ret);
