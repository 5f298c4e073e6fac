/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What logind reports: the kind of each session, that one ended, was locked or unlocked, and that the machine
 * is about to sleep or is awake again.
 */
#include <systemd/sd-bus.h>

#include "policy/sink.h"

struct logind_source;

/* Subscribes on `bus`, which may still be connecting. 0, or a negative errno. */
int logind_source_new(sd_bus *bus, struct sink sink, struct logind_source **ret);
struct logind_source *logind_source_free(struct logind_source *source);

/*
 * Asks, without waiting, what the session of this record is now. Answered by SESSION_KIND, and SESSION_LOCKED
 * if its hint is set; or by SESSION_ENDED if there is no such session or another leader opened it. Then the
 * id was used again, and the record belongs to a session that is gone. From then on SESSION_KIND comes again
 * whenever the kind changes, until the session ends.
 */
int logind_source_ask(struct logind_source *source, const struct login_record *login);

/*
 * For a session that was asked for and answered: its terminal below /dev ("tty2", "pts/0"), and its X display
 * (":10"), known from before its SESSION_KIND is sent until after its SESSION_ENDED. "" when there is none,
 * or nothing is known of the session. Owned by the source, until the loop runs again.
 */
const char *logind_source_tty(const struct logind_source *source, const char *session);
const char *logind_source_display(const struct logind_source *source, const char *session);
