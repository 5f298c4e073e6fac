/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Asks the connector (user/connect) for the PC/SC of a session's client. Nothing here waits for it. */
#include <stddef.h>
#include <systemd/sd-event.h>

#include "lib/connect_message.h"

/* A question that is open. */
struct connector;

/*
 * The answer, always one that can be used or that says what is wrong. The descriptors, as connect_message.h has them, are closed
 * afterwards; the question is over.
 */
typedef void (*connector_taker)(void *userdata, const struct connect_answer *answer, const int *fds,
				size_t count);

/* Asks; `take` is called once, unless this fails or the question is freed before. 0, or a negative errno. */
int connector_ask(sd_event *event, const struct connect_request *request, connector_taker take,
		  void *userdata, struct connector **ret);
struct connector *connector_free(struct connector *connector);
