/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The login records under RECORD_DIR: those that are there, and those that come. The settings of the events
 * are left unset: the sink decides what governs a session.
 */
#include <systemd/sd-event.h>

#include "policy/sink.h"

struct record_source;

/* A sink that says whether it took the event in: a negative errno if it could not, and is to get it again. */
typedef int (*record_taker)(void *userdata, const struct event *event);

/*
 * Makes the directory if there is none, watches it, and reports EVENT_RECORD for every good record. One that could not
 * be read, or was not taken in, is read again after a moment, as often as it takes. 0, or a negative errno.
 */
int record_source_new(sd_event *event, record_taker take, void *userdata, struct record_source **ret);

/* Messages were lost: has the loop read every record that was not reported as it is now. */
void record_source_reread(struct record_source *source);

/* What followed from a session's record could not be done: it is read again after a moment. */
void record_source_missed(struct record_source *source, const char *session);
struct record_source *record_source_free(struct record_source *source);

/* Deletes the record of a session that ended. */
void record_source_forget(struct record_source *source, const char *session);

/* Notes for the next daemon: see record_notes.h. */
void record_source_set_away(struct record_source *source, const char *session, bool away);
void record_source_set_bound(struct record_source *source, const struct login_record *login);
