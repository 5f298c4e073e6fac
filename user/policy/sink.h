/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Where sources and actions hand in what they learn. Each registers itself with the loop in its _new(), reports to the
 * sink as an event, and knows nothing of policy. Events and what they point to are the reporter's; the sink copies what
 * it keeps. Everything is torn down in _free(), which takes NULL.
 */
#include "policy/event.h"

typedef void (*event_sink)(void *userdata, const struct event *event);

struct sink {
	event_sink send;
	void *userdata;
};
