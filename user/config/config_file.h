/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The text of one configuration file. Reading is strict: the first thing that is not understood ends it.
 *
 * A line has at most 199 bytes without its comment, which is libinih's limit: refused when longer. After a
 * key that takes a list (User=, Group=, Service=, Reader=, Session=, Cause=) indented lines that are no key
 * themselves continue the list. '#' or ';' begins a comment, at the line's start or after a blank; in double
 * quotes ';' alone does, which is libinih's too.
 */
#include <stdio.h>

#include "policy/rules.h"

/* "/etc/scpolicyd.conf:7: key Action=: …": file, line and key of what was refused. */
struct config_error {
	char text[512];
};

/*
 * Reads one file's text, called `path` in errors, on top of what `rules` has; rules_complete() is left to the
 * caller. 0, or a negative errno with ret_error filled and `rules` half changed, fit for rules_free() alone.
 */
int config_parse(FILE *stream, const char *path, struct rules *rules, struct config_error *ret_error);
