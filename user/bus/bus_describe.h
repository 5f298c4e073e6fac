/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Describes readers, sessions and the daemon to one caller. Each function appends one value to the reply. */
#include "bus/bus_access.h"
#include "bus/bus_host.h"
#include "bus/bus_message.h"

/* aa{sv} */
void describe_readers(struct put *put, const struct bus_host *host, const struct caller *caller);
void describe_sessions(struct put *put, const struct bus_host *host, const struct caller *caller);

/* a{sv} */
void describe_status(struct put *put, const struct bus_host *host, const struct caller *caller);
void describe_simulation(struct put *put, const struct bus_host *host, const struct session_view *session,
			 enum cause cause);
void describe_explanation(struct put *put, const struct bus_host *host, const struct session_view *session);

/* Everything that is listed of a session, into the dictionary at hand. */
void describe_session(struct put *put, const struct bus_host *host, const struct session_view *session);

/* a(sa{ss}d): what metrics_list() lists. */
void describe_metrics(struct put *put, const struct bus_host *host, const struct caller *caller);

/* as: those in use, of probe, uevent, udev and pcsc. */
void describe_sources(struct put *put, const struct bus_host *host);
