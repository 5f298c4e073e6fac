/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What every source has in common: it registers itself with the loop in its _new(), hands each thing it
 * learns to the sink as an event, and knows nothing of policy. Events and what they point to are the
 * source's; the sink copies what it keeps. Everything is torn down in _free(), which takes NULL.
 */
#include <systemd/sd-event.h>

#include "event.h"

typedef void (*event_sink)(void *userdata, const struct event *event);

struct sink {
	event_sink send;
	void *userdata;
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t monotonic_now(void);

/*
 * Priorities on the loop: what can be a removal first. What follows from one (a reply, a journal entry) is
 * dispatched only when nothing more urgent waits.
 */
#define PRIORITY_PROBE	(SD_EVENT_PRIORITY_IMPORTANT - 50)
#define PRIORITY_SOURCE SD_EVENT_PRIORITY_IMPORTANT
#define PRIORITY_REST	SD_EVENT_PRIORITY_NORMAL
