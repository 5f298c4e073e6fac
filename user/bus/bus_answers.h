/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What the methods of org.scpolicyd1 answer, once it is known who calls. Of the bus alone. */
#include <systemd/sd-event.h>

#include "bus/bus_access.h"
#include "bus/bus_host.h"
#include "bus/bus_signals.h"

struct bus {
	sd_event *event;
	sd_bus *connection;
	const struct bus_host *host;
	struct access *access;
	struct signals *signals;
	sd_event_source *again; /* off while there is a connection */
	unsigned unsent;	/* messages made since the bus took everything last, at most */
};

/* Of that method; NULL: there is none. */
access_handler answers_find(const char *member);
