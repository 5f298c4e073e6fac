/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * org.scpolicyd1 on the system bus: what is known and what would be done, for those who may know it, and
 * signals of what is done. user/data/org.scpolicyd1.xml describes it for its users.
 *
 * It has a connection of its own: whatever callers do, they cannot delay a removal or a request to logind.
 * Nothing here waits. The bus says who a caller is, and polkit says whether it may reload the policy. Until
 * they answer, the call waits in a bounded table (bus_access.h). If the bus takes no more messages from us,
 * none are made.
 */
#include <systemd/sd-event.h>

#include "actions/trail.h"
#include "bus/bus_host.h"

struct bus;

/* Connects, and asks for the name; that another process has it is logged. 0, or a negative errno. */
int bus_new(sd_event *event, const struct bus_host *host, struct bus **ret);
struct bus *bus_free(struct bus *bus);

/* After the configuration was read again: the group's members may have changed. */
void bus_reloaded(struct bus *bus);

/* Signals: Trail of every entry, and Removal, Action, Countdown of those that are. Never blocks. */
void bus_tell(struct bus *bus, const struct trail_entry *entry);
