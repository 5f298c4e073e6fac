/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Words wait for deeds. What tells of a removal wakes the journal, the audit log and whoever listens on the bus; on
 * a machine with few processors these would take them from the bus and logind, which are passing the call on to
 * the screen locker at that moment. So entries rest until a call had TRAIL_REST for itself, in their order.
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
 * Publishes the entry after those before it: at once, or a copy of it when the call that was sent at `sent`
 * (CLOCK_MONOTONIC, ns; 0: none) has had its rest. While others wait, it waits with them, and no longer.
 */
void trail_queue_add(struct trail_queue *queue, const struct trail_entry *entry, uint64_t sent);
