/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The daemon's D-Bus interface from the caller's side. Its answers become trees of json-c. A dictionary
 * becomes an object whose keys are in small letters ("EventCounter" is "event_counter"); an array becomes an
 * array. Without --json, control characters in strings have been replaced, see text.h.
 *
 * A question never starts the daemon.
 */
#include "ctl/ctl.h"
#include "ctl/tree.h"
#include "lib/names.h"

/* Connects to the system bus, once. 0, or a negative errno; prints nothing. */
int client_open(struct ctl *ctl);

/* Root and the group's members see all sessions, other users their own. */
bool client_sees_all(void);

/*
 * Calls a method whose arguments are strings, `count` of them. Returns 0 with the answer's first value in
 * `ret` (NULL for an answer without one; the caller frees it with json_object_put()), or a negative errno
 * with `error` filled. It prints nothing: for some callers a missing daemon (-EHOSTUNREACH) is a finding, not
 * an error.
 */
int client_ask(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
	       struct json_object **ret, sd_bus_error *error);

/* The same for most callers: 0, or the exit status after printing the error with its remedy. */
int client_call(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
		struct json_object **ret);

/* Prints the error of client_ask(), and what to do about it. Returns the exit status. */
int client_complain(const struct ctl *ctl, int r, const sd_bus_error *error);
