/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The daemon's D-Bus interface from the caller's side. Its answers become trees of json-c: a dictionary an
 * object whose keys are written in small letters ("EventCounter" is "event_counter"), an array an array. For
 * people (without --json) control characters in strings have been replaced, see text.h.
 *
 * The daemon is never started by being asked.
 */
#include "ctl/ctl.h"
#include "ctl/tree.h"
#include "lib/names.h"

/* Connects to the system bus, once. 0, or a negative errno; nothing is said. */
int client_open(struct ctl *ctl);

/* Root and the group's members are told of everybody's sessions, anybody else of their own. */
bool client_sees_all(void);

/*
 * Calls a method whose arguments are strings, `count` of them. 0 with the answer's first value in `ret` (NULL for
 * an answer without one; the caller's, json_object_put()), or a negative errno with `error` filled. Nothing is
 * said: for those to whom a daemon that is not there is a finding (-EHOSTUNREACH), not an error.
 */
int client_ask(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
	       struct json_object **ret, sd_bus_error *error);

/* The same for most: 0, or the exit status, the error having been said with its remedy. */
int client_call(struct ctl *ctl, const char *method, const char *const *arguments, size_t count,
		struct json_object **ret);

/* Says what client_ask() answered with, and what to do about it. The exit status. */
int client_complain(const struct ctl *ctl, int r, const sd_bus_error *error);
