/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Events in: each is put through the core, and what the core asks for of the sources is then done. */
#include "policy/sink.h"

struct daemon;

/* The loop's timers for what the core waits for. 0, or a negative errno. */
int events_new(struct daemon *daemon);
void events_free(struct daemon *daemon);

/* A sink's handler; `userdata` is the daemon. */
void events_take(void *userdata, const struct event *event);
