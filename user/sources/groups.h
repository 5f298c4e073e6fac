/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The names of a user's groups. Name services may load any library and take any time. So the daemon never
 * asks them; id(1) does, in a process of its own that gets ten seconds.
 */
#include <stddef.h>
#include <systemd/sd-event.h>

#define GROUPS_PROGRAM	  "/usr/bin/id"
#define GROUPS_RUN_MAX	  4	       /* processes at a time; the other questions wait */
#define GROUPS_BYTES_MAX  (64 * 1024U) /* of an answer; a longer one is refused */
#define GROUPS_LIMIT_USEC (10 * 1000 * 1000ULL)

/*
 * The answer for the session: `count` names, borrowed for the duration of the call. None if they could not be
 * found out; the log says why. Called from the loop. May ask again, and forget.
 */
typedef void (*groups_handler)(void *userdata, const char *session, const char *const *names, size_t count);

struct groups_source;

/* SIGCHLD must be blocked. `program` is GROUPS_PROGRAM but in tests; it is borrowed. */
int groups_source_new(sd_event *event, const char *program, groups_handler handler, void *userdata,
		      struct groups_source **ret);
struct groups_source *groups_source_free(struct groups_source *source);

/*
 * Asks for the groups of `user`, without waiting; one answer follows. A question that still waits for its turn
 * is replaced by a newer one for the same session. 0, or a negative errno: then no answer follows.
 */
int groups_source_ask(struct groups_source *source, const char *session, const char *user);

/* The session is gone: no answer for it comes any more. */
void groups_source_forget(struct groups_source *source, const char *session);
