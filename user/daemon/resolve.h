/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What governs each session: the rules in force, asked again whenever a fact of the session or the rules change. */
#include <stddef.h>

struct daemon;

/* The core gets what the rules say of the session now. */
void resolve_session(struct daemon *daemon, const char *session);

/* … of every recorded session. */
void resolve_rules(struct daemon *daemon);

/* … whose user's groups are asked for again, too. */
void resolve_all(struct daemon *daemon);

/* Asks for the groups of the session's user, if a rule needs any; the answer may change what governs it. */
void resolve_ask_groups(struct daemon *daemon, const char *session);

/* The handler of groups_source_new(); `userdata` is the daemon. */
void resolve_take_groups(void *userdata, const char *session, const char *const *names, size_t count);
