/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What is known about each recorded session and a rule may ask about. It is collected as it arrives: from the
 * login record, from logind, from the name service. No I/O; everything is copied.
 *
 * Each function that takes a fact returns 1 if a fact changed (the session has to be resolved again), 0 if
 * none did, -ENOENT for a session without a record, -ENOMEM with nothing changed.
 */
#include "lib/record.h"
#include "policy/rules.h"

struct govern;

int govern_new(struct govern **ret);
struct govern *govern_free(struct govern *govern);

/*
 * A record, new or written again. With another user or leader, the session id was used again, and its kind
 * and groups are not known. An unlock that binds the session again changes neither.
 */
int govern_record(struct govern *govern, const struct login_record *login);

/* What logind says: enum session_kind bits. Before it does, a session of xrdp's is known to be remote. */
int govern_kind(struct govern *govern, const char *session, unsigned kind);

/* The names of all groups of its user. */
int govern_groups(struct govern *govern, const char *session, const char *const *names, size_t count);

void govern_forget(struct govern *govern, const char *session);

/*
 * All that is known, for EVENT_SESSION_KIND (whose kind is this one, not logind's), the name service and
 * explain; NULL for a session without a record. Valid until the next fact about the session, or until it is
 * forgotten.
 */
const struct session_facts *govern_facts(const struct govern *govern, const char *session);

/* For a session without a record: what rules say when nothing is known of it. */
struct governance govern_resolve(const struct govern *govern, const struct rules *rules, const char *session);

/* The first session for NULL, then the one after `session`; NULL at the end. Nothing may be forgotten
 * meanwhile. */
const char *govern_next(const struct govern *govern, const char *session);
