/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Readers and cards as PC/SC tells of them, through the worker process, which is started here, checked, and
 * started again when it ends or talks nonsense (user/lib/worker_message.h).
 */
#include <systemd/sd-event.h>

#include "policy/sink.h"

struct pcsc_source;

/*
 * Starts `program`. The loop's thread must have SIGCHLD blocked. 0, or a negative errno; a worker that
 * cannot be run is no error here: it is tried again, and logged.
 */
int pcsc_source_new(sd_event *event, const char *program, struct sink sink, struct pcsc_source **ret);
struct pcsc_source *pcsc_source_free(struct pcsc_source *source);

/*
 * Has every reader's state told anew; with `locate` its USB address too, for which the worker connects to the reader, in
 * the way of whoever wants it to himself. Never blocks.
 */
void pcsc_source_recheck(struct pcsc_source *source, bool locate);
