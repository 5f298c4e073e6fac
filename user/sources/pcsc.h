/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Readers and cards as PC/SC reports them, through the worker process. This starts the worker, checks its
 * messages, and restarts it when it ends or sends nonsense (user/lib/worker_message.h).
 */
#include <systemd/sd-event.h>

#include "policy/sink.h"

struct pcsc_source;

/*
 * Starts `program`. The loop's thread must have SIGCHLD blocked. 0, or a negative errno; it is no error if
 * the worker cannot run: that is logged, and tried again.
 */
int pcsc_source_new(sd_event *event, const char *program, struct sink sink, struct pcsc_source **ret);
struct pcsc_source *pcsc_source_free(struct pcsc_source *source);

/*
 * Has every reader's state reported again; with `locate` its USB address too. For that the worker connects to
 * the reader, which disturbs a program that wants it exclusively. Never blocks.
 */
void pcsc_source_recheck(struct pcsc_source *source, bool locate);
