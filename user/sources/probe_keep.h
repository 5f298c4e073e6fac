/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What a daemon leaves to the next one: systemd keeps the probe's descriptors (sd_pid_notify_with_fds(3),
 * FileDescriptorStoreMax=) through a crash, a restart and an upgrade, until the service is stopped.
 *
 * A descriptor's name carries what it fits: a map's the form of what is in it, a link's the kind and the build
 * of its programs. So the next daemon takes the maps over if it reads the same form, and the programs if they
 * are its own.
 */
#include <stddef.h>

#include "sources/probe_load.h"

struct kept {
	size_t count;
	struct kept_part {
		int fd; /* -1: was taken */
		char *name;
	} *parts;
};

/* What systemd passed to this process, at the first call; nothing when there is none. */
void kept_receive(struct kept *ret);

/* Moves the parts that this daemon can use to `parts`: both maps or none, both links or none. The links' kind, or -1. */
int kept_take(struct kept *kept, int parts[static PROBE_PARTS]);

/* A descriptor of another kind; -1: none is kept. */
int kept_take_named(struct kept *kept, const char *name);
void kept_add_named(struct kept *kept, const char *name, int fd);

/* Has systemd keep a part under its name. What was left of one with this name is dropped first. */
void kept_add(struct kept *kept, enum probe_part part, int kind, int fd);

/* Has systemd drop whatever was not taken, and frees it. If nobody else has one of its programs, that ends. */
void kept_drop(struct kept *kept);
