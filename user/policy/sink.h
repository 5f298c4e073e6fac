/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Sources and actions report to a sink. Each registers with the loop in its _new(), reports in events, and
 * knows nothing about policy. Events and what they point to belong to the reporter; the sink copies what it
 * keeps. Everything is torn down in _free(), which takes NULL.
 */
#include "policy/event.h"

typedef void (*event_sink)(void *userdata, const struct event *event);

struct sink {
	event_sink send;
	void *userdata;
};
