/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Reports wait for calls. A report of a removal wakes the journal, the audit log and listeners on the bus. On
 * a machine with few processors, these would take the processor from the bus and logind while they pass the
 * call on to the screen locker. So entries wait, in order, until TRAIL_REST after a call.
 */
#include <systemd/sd-event.h>

#include "actions/trail.h"
#include "policy/settings.h"

#define TRAIL_REST (50 * NSEC_PER_MSEC)

struct trail_queue;

typedef void (*trail_publish)(void *userdata, const struct trail_entry *entry);

int trail_queue_new(sd_event *event, trail_publish publish, void *userdata, struct trail_queue **ret);

/* Publishes what waits. */
struct trail_queue *trail_queue_free(struct trail_queue *queue);

/*
 * Publishes the entry after those before it: at once, or a copy of it TRAIL_REST after the call that was sent
 * at `sent` (CLOCK_MONOTONIC, ns; 0: none). While others wait, it waits with them, and no longer.
 */
void trail_queue_add(struct trail_queue *queue, const struct trail_entry *entry, uint64_t sent);
