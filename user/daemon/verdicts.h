/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Verdicts out: each goes to the actions and sources that carry it out, and to everybody who keeps the trail. */
#include "actions/trail.h"
#include "policy/verdict.h"

struct daemon;

/* What the core says while it takes in an event, and what has to wait until it has. 0, or a negative errno. */
int verdicts_new(struct daemon *daemon);

/* The core's handler; `userdata` is the daemon. A step is taken before anything else is done. */
void verdicts_take(void *userdata, const struct verdict *verdict);

/* The trail queue's handler: hands the entry to the journal, the kernel's audit log and the bus. */
void verdicts_publish(void *userdata, const struct trail_entry *entry);
