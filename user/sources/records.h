/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The login records under RECORD_DIR: those that are there, and those that come. The settings of the events
 * are left unset: what governs a session is for the sink to say.
 */
#include <systemd/sd-event.h>

#include "policy/sink.h"

struct record_source;

/* Makes the folder if there is none, watches it, tells EVENT_RECORD for every good record. 0, or a negative errno. */
int record_source_new(sd_event *event, struct sink sink, struct record_source **ret);
struct record_source *record_source_free(struct record_source *source);

/* Deletes the record of a session that ended. */
void record_source_forget(struct record_source *source, const char *session);

/*
 * Notes, for a daemon started anew, that the removal of this session's card was dealt with: its record is
 * then told with `away` set. An empty file of the session's id in AWAY_DIR; gone with the record, and when
 * that is written anew. Best effort: without it, a removal is found and acted on once more.
 */
#define AWAY_DIR "/run/scpolicyd/away"
void record_source_set_away(struct record_source *source, const char *session, bool away);

/*
 * Keeps, for a daemon started anew, what the session is bound to now: the card's insertion and the reader's
 * address move on when a card or a reader comes back. A record in BOUND_DIR, told in the place of the login
 * record; gone with that, and when that is written anew. Best effort: without it, a card that was back is
 * taken for another insertion.
 */
#define BOUND_DIR "/run/scpolicyd/bound"
void record_source_set_bound(struct record_source *source, const struct login_record *login);
