/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Pcsc=: the daemon looks for the PC/SC of each remote session's client by itself, through the connector. It looks when the
 * session appears. While there is no connection it looks again when something is made where the socket would be, and else ever
 * less often. Sessions that have one, and machines without remote sessions, wake nobody up.
 */
#include <stdbool.h>

#include "sources/newcomer.h"

struct daemon;

int looks_new(struct daemon *daemon);
void looks_free(struct daemon *daemon);

/* Whether Pcsc= names any place: if not, nothing is looked for any more. */
bool looks_wanted(struct daemon *daemon);

/* A remote session: it is looked for at once, and from the start again, unless it has a connection or no place is for it. */
void looks_add(struct daemon *daemon, const struct newcomer *newcomer);

/* Its connection has ended. */
void looks_lost(struct daemon *daemon, const char *session);

/* The session has ended. */
void looks_forget(struct daemon *daemon, const char *session);
