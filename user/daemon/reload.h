/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The configuration, and the domain's group policy within it: read at the start, and again while sessions live. */
#include <stdint.h>

struct daemon;

/* SSSD, Samba and adsys replace their files piece by piece: a look that found them incomplete is repeated after so long. */
#define GPO_AGAIN_USEC (10 * 1000 * 1000ULL)

/* Reads the configuration for the first time. 0, or a negative errno, logged. */
int reload_first(struct daemon *daemon);

/* The group policy's timer. 0, or a negative errno. */
int reload_new(struct daemon *daemon);
void reload_free(struct daemon *daemon);

/* Looks at the group policy after so long, if it is a source of rules at all. */
void reload_look_at_gpo(struct daemon *daemon, uint64_t delay_usec);

/*
 * Reads the configuration again, and puts every session under it; `userdata` is the daemon. 0, or a negative errno with
 * the status saying why: the policy in force stays.
 */
int reload_again(void *userdata);
