/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What login records and logind report of sessions, completed with what governs each before the core gets it. */
#include "policy/event.h"

/* The handlers of the sources' sinks; `userdata` is the daemon. -ENOMEM: it could not be taken in. */
int sessions_take_record(void *userdata, const struct event *event);
void sessions_take_logind(void *userdata, const struct event *event);
void sessions_take_remote(void *userdata, const struct event *event);

/* The session's person signed in to its locker, which asks over D-Bus. */
void sessions_rebind(void *userdata, const char *session);
