/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The sessions whose far ends are watched, and what the daemon was told of each. The daemon is told the difference: if it
 * does not read for a while, it gets what is then true, and a card that was out meanwhile shows in its counter.
 */
#include <poll.h>

#include "remote/far_end.h"

/* As many as a large terminal server has. Memory is used only once a place was. */
#define WATCHED_MAX 512
/* Processes of one session that each hold its connection open: the last one's end closes it. */
#define PIDFDS_MAX    8
#define WATCHED_POLLS (WATCHED_MAX * (2 + PIDFDS_MAX))

bool watched_has(const char *session);

/*
 * Takes a connection, which is the callee's from then on, the pidfds, and what is readable once the client has left (-1: nobody
 * tells); all are closed if there is no room.
 */
void watched_attach(const char *session, enum remote_dialect dialect, int fd, int gone, const int *pidfds,
		    size_t pidfd_count, uint64_t now);
void watched_drop(const char *session);

/* Has the next watched_flush() report the session, or each if it is empty, from the start. */
void watched_forget_told(const char *session);

/* Reports what is new. False: the daemon takes no more now, and the rest is still to be reported. */
bool watched_flush(int daemon, uint64_t now);

/* What to wait for; how many of `polls` are used, and until when at most (0: for ever). */
size_t watched_poll(struct pollfd *polls, uint64_t *ret_deadline);
/* Takes what came, in the order of watched_poll(), and does what is due. */
void watched_serve(const struct pollfd *polls, uint64_t now);
