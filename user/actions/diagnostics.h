/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The daemon's own lines on standard error (log.h), written without waiting for whoever reads them: the journal's stream,
 * a pipe, a terminal. Lines are kept while nobody reads, up to OUTLET_SIZE; those beyond are counted, and their number is
 * reported when somebody reads again.
 */
#include <stdint.h>
#include <systemd/sd-event.h>

struct diagnostics;

/* From now on log_line() writes here. One at a time. 0, or a negative errno. */
int diagnostics_new(sd_event *event, struct diagnostics **ret);
/* log_line() writes to standard error itself again, and waits for it. */
struct diagnostics *diagnostics_free(struct diagnostics *diagnostics);

/* How many lines were dropped since diagnostics_new(). */
uint64_t diagnostics_lost(const struct diagnostics *diagnostics);
