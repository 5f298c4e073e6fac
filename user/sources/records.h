/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The login records under RECORD_DIR: those that are there, and those that come. The settings of the events
 * are left unset: what governs a session is for the sink to say.
 */
#include "source.h"

struct record_source;

/* Makes the folder if there is none, watches it, tells EVENT_RECORD for every good record. 0, or a negative errno. */
int record_source_new(sd_event *event, struct sink sink, struct record_source **ret);
struct record_source *record_source_free(struct record_source *source);

/* Deletes the record of a session that ended. */
void record_source_forget(struct record_source *source, const char *session);
