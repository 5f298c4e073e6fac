/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Carries verdicts out through logind. Each governed session has its D-Bus call marshalled and sealed in
 * advance, on a connection that is used for nothing else, so that a removal costs one look-up and one
 * sendmsg(): no allocation, no reply waited for.
 */
#include <systemd/sd-bus.h>

#include "source.h"
#include "verdict.h"

struct enforcer;

/* `bus` must be a connection of its own; replies that are errors come to the sink as ACTION_FAILED. */
int enforcer_new(sd_bus *bus, struct sink sink, struct enforcer **ret);
struct enforcer *enforcer_free(struct enforcer *enforcer);

/* Makes the session's call ready, or anew after it was sent. Not for the hot path. 0, or a negative errno. */
int enforcer_arm(struct enforcer *enforcer, const char *session, enum action action);
void enforcer_disarm(struct enforcer *enforcer, const char *session);

/*
 * The hot path. Writes the session's call to the bus. Returns the moment (CLOCK_MONOTONIC, ns) at which it
 * was written, 0 when it was not: not armed, or the bus is gone.
 */
uint64_t enforcer_act(struct enforcer *enforcer, const char *session);

/* When the session's last call was written; 0: none was. For the audit, after the fact. */
uint64_t enforcer_sent(const struct enforcer *enforcer, const char *session);
