/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Writes the trail to the journal, with the fields that programs read (SCPOLICY_EVENT=, SCPOLICY_SESSION=, …). A journal
 * that does not read makes nobody wait: entries are kept until it does, up to OUTLET_SIZE, and those beyond are counted.
 * sd_journal_send(3) would wait. Its protocol is https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
 */
#include "actions/trail.h"

#include <systemd/sd-event.h>

struct journal;

/* The journal need not be there yet. 0, or a negative errno. */
int journal_new(sd_event *event, struct journal **ret);
struct journal *journal_free(struct journal *journal);

void journal_write(struct journal *journal, const struct trail_entry *entry);

/* How many entries were dropped since journal_new(). */
uint64_t journal_lost(const struct journal *journal);
