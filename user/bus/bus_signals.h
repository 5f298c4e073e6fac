/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The trail as signals. Broadcasts from BUS_PATH, which the bus policy lets through to root and the group
 * alone; and to each other user who subscribed, those of their own sessions, to their connection alone, from
 * BUS_OWN_PATH.
 */
#include <systemd/sd-bus.h>

#include "actions/trail.h"
#include "bus/bus_access.h"

#define SUBSCRIBERS_MAX	 256
#define SUBSCRIBERS_USER 16

struct signals;

int signals_new(sd_bus *bus, struct signals **ret);
struct signals *signals_free(struct signals *signals);

/*
 * Adds the caller until it leaves the bus or unsubscribes; once more is fine. Root and the group hear the
 * broadcasts anyhow. 0; -ENOBUFS: too many, of this user or in all; other negative errnos.
 */
int signals_subscribe(struct signals *signals, const struct caller *caller);
void signals_unsubscribe(struct signals *signals, const char *caller);

/* Sends what the entry is to be heard as. Errors are nobody's to handle: what cannot be sent is left out. */
void signals_send(struct signals *signals, const struct trail_entry *entry);
