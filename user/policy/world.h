/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The core: what is known of devices, readers and recorded sessions, and what follows from each event. Pure:
 * no I/O, no clock, no globals; the same events give the same verdicts.
 *
 * It allocates only when something new is told (a device, a reader, a record), never for a removal.
 */
#include "verdict.h"

struct world;

/* `handler` is called from within world_event(); it must not call back into this world. */
int world_new(verdict_handler handler, void *userdata, struct world **ret);
struct world *world_free(struct world *world);

/* 0, or -ENOMEM: then nothing of this event was taken in, and telling it again is right. */
int world_event(struct world *world, const struct event *event);

/* The next moment (CLOCK_MONOTONIC, ns) at which an EVENT_TIME is due; UINT64_MAX when none is. */
uint64_t world_deadline(const struct world *world);
