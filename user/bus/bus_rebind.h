/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Rebind: a person signed in to their own session's locker, which runs as that person. */
#include "bus/bus_access.h"
#include "bus/bus_host.h"

/* Answers a call of which access_find_session() has said where it comes from. */
int bus_rebind(const struct bus_host *host, sd_bus_message *call, const struct caller *caller);
