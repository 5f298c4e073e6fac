/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What logind tells of sessions: that one ended, that one was locked or unlocked. */
#include <systemd/sd-bus.h>

#include "source.h"

struct logind_source;

/* Subscribes on `bus`, which may still be connecting. 0, or a negative errno. */
int logind_source_new(sd_bus *bus, struct sink sink, struct logind_source **ret);
struct logind_source *logind_source_free(struct logind_source *source);

/*
 * Asks, without waiting, what the session of this record is now. Answered by SESSION_LOCKED if its hint is
 * set, and by SESSION_ENDED if there is no such session or another leader opened it: then the id was used
 * again, and the record is of a session that is gone.
 */
int logind_source_ask(struct logind_source *source, const struct login_record *login);
