/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Carries out verdicts. Each governed session has a call for every step that may be needed, marshalled and
 * sealed in advance. The connection serves nothing else. So a removal costs one look-up and one write:
 * nothing waits for a reply, and only sd_bus_send() allocates, 32 bytes. Every failure reaches the sink as
 * ACTION_FAILED, from the loop, never from within a call of this file.
 */
#include <systemd/sd-bus.h>

#include "policy/sink.h"
#include "policy/verdict.h"

/* What the unit of STEP_CONSOLE_LOCK runs on the foreground console. */
#define CONSOLE_LOCKER "/usr/bin/physlock"

struct enforcer;

/* `bus` must be a connection of its own, and on an event loop already. */
int enforcer_new(sd_bus *bus, struct sink sink, struct enforcer **ret);
struct enforcer *enforcer_free(struct enforcer *enforcer);

/* Whether CONSOLE_LOCKER is installed: if not, STEP_CONSOLE_LOCK locks nothing, without any error. */
bool enforcer_can_lock_console(void);

/*
 * Makes the calls of `steps` (bit n: enum step n) ready for the session, and drops its other calls. Without
 * any bit it drops the session. A call that is ready already stays. `display` is logind's Display, for
 * STEP_XRDP_DISCONNECT alone; else it may be NULL. Not for the hot path. 0, or a negative errno: then
 * enforcer_act() makes the missing call on the spot.
 */
int enforcer_arm(struct enforcer *enforcer, const struct login_record *login, unsigned steps,
		 const char *display);
void enforcer_disarm(struct enforcer *enforcer, const char *session);

/*
 * The hot path. Takes the step. Returns the moment (CLOCK_MONOTONIC, ns) of the write. Returns 0 if nothing
 * was written (not armed, nobody listens, or the bus is gone); ACTION_FAILED follows. A step may be taken
 * again at once, at a cost: its call is prepared again when the reply arrives, or else on the spot.
 */
uint64_t enforcer_act(struct enforcer *enforcer, const char *session, enum step step);

/* The stamp of the session's last enforcer_act(); 0: none, or it failed. For the audit, after the fact. */
uint64_t enforcer_sent(const struct enforcer *enforcer, const char *session);

/* … and the moment at which it was called. */
uint64_t enforcer_decided(const struct enforcer *enforcer, const char *session);

/*
 * Has systemd start the instance of `unit_template` ("note@.service") that has the session's id as its name.
 * It waits for nothing; later failures are logged. -EINVAL: not a template unit.
 */
int enforcer_start_unit(struct enforcer *enforcer, const char *unit_template, const char *session);
