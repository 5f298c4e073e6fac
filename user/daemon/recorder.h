/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Keeps what was reported to the core and what it decided, for user/policy/replay.h: one line an event, as
 * user/policy/trace.h writes it; below it, each behind "= ", the verdicts that followed.
 */
#include "policy/verdict.h"

struct recorder;

/* Appends to `path`, made 0600. 0, or a negative errno. */
int recorder_new(const char *path, struct recorder **ret);
struct recorder *recorder_free(struct recorder *recorder);

/* A verdict of the event at hand: kept in memory until that is written. */
void recorder_verdict(struct recorder *recorder, const struct verdict *verdict);
/* The event, once the core has taken it in, and its verdicts. Errors end the recording, logged once. */
void recorder_event(struct recorder *recorder, const struct event *event);
