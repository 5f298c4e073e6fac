/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What is known of each recorded session that a rule may ask about, gathered as it comes in: from its login
 * record, from logind, from the name service. No I/O; everything told is copied.
 *
 * Each of the functions that tell returns 1 when a fact changed (the session is to be resolved anew), 0 when
 * none did, -ENOENT for a session without a record, -ENOMEM with nothing changed.
 */
#include "lib/record.h"
#include "policy/rules.h"

struct govern;

int govern_new(struct govern **ret);
struct govern *govern_free(struct govern *govern);

/*
 * A record, new or written anew. Of another user or leader it is a session id used again, whose kind and
 * groups are not known; an unlock that binds the session anew changes neither.
 */
int govern_record(struct govern *govern, const struct login_record *login);

/* What logind says: enum session_kind bits. Before it does, a session of xrdp's is known to be remote. */
int govern_kind(struct govern *govern, const char *session, unsigned kind);

/* The names of all groups of its user. */
int govern_groups(struct govern *govern, const char *session, const char *const *names, size_t count);

void govern_forget(struct govern *govern, const char *session);

/*
 * All that is known, for EVENT_SESSION_KIND (whose kind is this one, not logind's), the name service and
 * explain; NULL for a session without a record. Valid until the session is told of or forgotten.
 */
const struct session_facts *govern_facts(const struct govern *govern, const char *session);

/* For a session without a record: what rules say when nothing is known of it. */
struct governance govern_resolve(const struct govern *govern, const struct rules *rules, const char *session);

/* The first session for NULL, then the one after `session`; NULL at the end. Nothing may be forgotten
 * meanwhile. */
const char *govern_next(const struct govern *govern, const char *session);
