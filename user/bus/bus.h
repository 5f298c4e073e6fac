/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * org.scpolicyd1 on the system bus: what is known and what would be done, for those who may know it, and
 * signals of what is done. user/data/org.scpolicyd1.xml describes it for its users.
 *
 * It has a connection of its own: whatever its callers do, nothing of theirs stands in the way of a removal,
 * or of what is asked of logind. Nothing here waits: who a caller is, is asked of the bus, and whether it may
 * have the policy read anew, of polkit; both answer in their time, and until then the call waits in a table
 * that is bounded (bus_access.h). What the bus does not take from us is not made for it at all.
 */
#include <systemd/sd-event.h>

#include "actions/trail.h"
#include "bus/bus_host.h"

struct bus;

/* Connects, and asks for the name; that another process has it is logged. 0, or a negative errno. */
int bus_new(sd_event *event, const struct bus_host *host, struct bus **ret);
struct bus *bus_free(struct bus *bus);

/* After the configuration was read anew: who is in the group may have changed. */
void bus_reloaded(struct bus *bus);

/* Signals: Trail of every entry, and Removal, Action, Countdown of those that are. Never blocks. */
void bus_tell(struct bus *bus, const struct trail_entry *entry);
