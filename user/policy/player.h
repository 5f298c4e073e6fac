/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A core of its own for events that come as lines. The core borrows the settings of a record or of new
 * settings; the player keeps them as long as the core may use them. So the caller may free an event as soon
 * as it was played, and memory is bounded by the number of sessions. After each event the player checks the
 * core.
 */
#include "lib/macro.h"
#include "policy/world.h"

struct player;

/* `handler` is called as world_new() says. 0, or -ENOMEM. */
int player_new(verdict_handler handler, void *userdata, struct player **ret);
struct player *player_free(struct player *player);
DEFINE_CLEANUP(struct player *, player_free)

/* 0; -ENOMEM; -ENOTRECOVERABLE if the core's state is broken after the event: *ret_broken says how. */
int player_event(struct player *player, const struct event *event, const char **ret_broken);

/* To ask it, not to pass it events. */
const struct world *player_world(const struct player *player);
