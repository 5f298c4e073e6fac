/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The control value of a PAM line: "required", or what stands between "[" and "]", as libpam reads it. */
#include "lib/macro.h"

#define PAM_RETURNS 32 /* values that a module may return: PAM_SUCCESS to PAM_INCOMPLETE */

/* What follows when a module returns; a positive number skips that many modules. libpam's own numbers. */
enum {
	PAM_ACTION_IGNORE = 0,
	PAM_ACTION_OK = -1,
	PAM_ACTION_DONE = -2,
	PAM_ACTION_BAD = -3,
	PAM_ACTION_DIE = -4,
	PAM_ACTION_RESET = -5,
};

/*
 * Sets the action for each return value. 0; -EINVAL for a value that libpam does not understand, which makes every
 * return value a failure there and here.
 */
int pam_control_parse(const char *text, int actions[static PAM_RETURNS]);

/* The same action for every return value. */
void pam_control_fill(int actions[static PAM_RETURNS], int action);
