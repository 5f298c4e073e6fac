/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A pcscd that is deaf: it does not serve a reader that udev has marked, or still names one whose device is gone. One that
 * was frozen while its reader was unplugged and plugged in again stays so for ever; only a restart helps.
 */
#include <systemd/sd-bus.h>

#include "policy/world.h"
#include "sources/udev.h"

#define DEAF_TEXT_SIZE 128

struct deaf;

/* What it looks at, and whom it tells: all borrowed. `heals` is asked when pcscd was found deaf. */
struct deaf_host {
	const struct world *world;
	const struct udev_source *udev; /* NULL: USB is not known */
	sd_bus *bus;
	bool (*heals)(void *userdata); /* HealPcscd= */
	void (*report)(void *userdata, const char *text);
	void *userdata;
};

int deaf_new(sd_event *event, const struct deaf_host *host, struct deaf **ret);
struct deaf *deaf_free(struct deaf *deaf);

/* After each event: what concerns readers or USB has both compared once they had their time to settle. */
void deaf_event(struct deaf *deaf, enum event_type type);

/* One clause for people: what pcscd does not know; "": nothing. */
const char *deaf_text(const struct deaf *deaf);
