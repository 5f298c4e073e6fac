/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The watcher of remote cards (user/remote): passes it connections, and reports what it says of them. It is not started
 * before somebody needs it.
 */
#include <systemd/sd-event.h>

#include "lib/remote_message.h"
#include "policy/sink.h"

struct remote_source;

/* Whether a session has a record of a card at its client. */
typedef bool (*remote_known)(void *userdata, const char *session);

int remote_source_new(sd_event *event, struct sink sink, remote_known known, struct remote_source **ret);
struct remote_source *remote_source_free(struct remote_source *source);

/*
 * Has a session's connection watched until the process of `pidfd` has ended (-1: until it is forgotten). The descriptors stay
 * the caller's. 0; -EBUSY: that session has had too many in a minute; -ENOENT: the watcher is not there; or another
 * negative errno.
 */
int remote_source_attach(struct remote_source *source, const char *session, enum remote_dialect dialect,
			 int fd, int pidfd);

/*
 * The same with a connection that the daemon has found itself, fds[0], and pidfds after it. It takes no one's place, and does
 * not count among those of a minute. That it ends again and again is logged once.
 */
int remote_source_offer(struct remote_source *source, const char *session, enum remote_dialect dialect,
			const int *fds, size_t count);

/* Whether the session has a connection that has answered, and has not ended. */
bool remote_source_has(const struct remote_source *source, const char *session);

/* A record of the session was taken in: what is known of its client is reported. */
void remote_source_report(struct remote_source *source, const char *session);

/* The session has ended: its connection is closed. */
void remote_source_forget(struct remote_source *source, const char *session);
