/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the daemon notes for the next one beside each login record. `records` is RECORD_DIR. A note is deleted with the
 * record, and when the record is written again. Best effort: a note may be missing.
 */
#include <stdbool.h>

#include "lib/record.h"

struct record_notes {
	int away, bound; /* AWAY_DIR, BOUND_DIR; -1: there is none, and nothing is noted */
};

void record_notes_open(struct record_notes *notes);
void record_notes_close(struct record_notes *notes);

/*
 * The removal of this session's card was acted on: its record is then reported with `away` set. The note is an empty
 * file with the session's id in AWAY_DIR. Without it, the next daemon finds the removal and acts on it once more.
 */
#define AWAY_DIR "/run/scpolicyd/away"
bool record_notes_away(const struct record_notes *notes, int records, const char *session);
void record_notes_set_away(const struct record_notes *notes, int records, const char *session, bool away);

/*
 * What the session is bound to now: the insertion and the reader's address change when a card or a reader comes back.
 * This is a record in BOUND_DIR, which record_notes_apply() puts in the place of the login record. Without it, the next
 * daemon takes a card that was back for another insertion.
 */
#define BOUND_DIR "/run/scpolicyd/bound"
void record_notes_apply(const struct record_notes *notes, int records, const char *boot_id,
			struct login_record *login);
void record_notes_set_bound(const struct record_notes *notes, int records, const struct login_record *login);

void record_notes_forget(const struct record_notes *notes, const char *session);
