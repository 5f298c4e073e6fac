/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/deaf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/restart_pcscd.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"

/* pcscd takes a new reader within a second or two, on a busy machine within five. */
#define SETTLE_USEC (10 * 1000 * 1000ULL)
/* Each restart ends every client's work with its card. */
#define HEAL_NSEC (10 * 60 * NSEC_PER_SEC)

struct deaf {
	struct deaf_host host;
	sd_event_source *look;
	char text[DEAF_TEXT_SIZE];
	uint64_t healed; /* CLOCK_MONOTONIC, ns; 0: never */
};

DEFINE_CLEANUP(struct deaf *, deaf_free)

/* ---- comparing ------------------------------------------------------------------------------------------- */

/*
 * Whether PC/SC has a reader at the address. One whose address nobody knows, such as one that another program holds for
 * itself, may be any of them.
 */
static bool serves(const struct world *world, struct usb_address usb)
{
	struct reader_view reader;

	for (bool more = world_next_reader(world, NULL, &reader); more;
	     more = world_next_reader(world, reader.state->name, &reader))
		if (!usb_address_is_set(reader.state->usb) || usb_address_equal(reader.state->usb, usb))
			return true;
	return false;
}

static void check_device(void *userdata, const struct marked_reader *device)
{
	struct deaf *deaf = userdata;

	/* PCSCLITE_IGNORE: the administrator's wish, which doctor shows. */
	if (!deaf->text[0] && !device->ignored && !serves(deaf->host.world, device->usb))
		snprintf(deaf->text, sizeof(deaf->text), "pcscd does not serve the reader at USB port %s",
			 device->path);
}

static void check_readers(struct deaf *deaf)
{
	struct reader_view reader;

	for (bool more = world_next_reader(deaf->host.world, NULL, &reader); more && !deaf->text[0];
	     more = world_next_reader(deaf->host.world, reader.state->name, &reader))
		if (usb_address_is_set(reader.state->usb) && *reader.usb_path &&
		    !udev_source_has(deaf->host.udev, reader.usb_path, reader.state->usb))
			snprintf(deaf->text, sizeof(deaf->text),
				 "pcscd still names the reader that was at USB port %s", reader.usb_path);
}

/* ---- what follows ---------------------------------------------------------------------------------------- */

static void heal(struct deaf *deaf)
{
	uint64_t now = monotonic_now();
	int r;

	if (!deaf->host.heals(deaf->host.userdata) || (deaf->healed && now < deaf->healed + HEAL_NSEC))
		return;
	deaf->healed = now;
	r = restart_pcscd(deaf->host.bus);
	if (r < 0)
		log_error("cannot have pcscd restarted: %s", strerror(-r));
	else
		log_warning("%s: it is restarted", deaf->text);
}

static int on_look(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	struct deaf *deaf = userdata;
	char before[DEAF_TEXT_SIZE];

	memcpy(before, deaf->text, sizeof(before));
	deaf->text[0] = '\0';
	/* That pcscd is away is reported as such. */
	if (world_pcsc_up(deaf->host.world)) {
		udev_source_marked(deaf->host.udev, check_device, deaf);
		check_readers(deaf);
	}
	if (deaf->text[0] && strcmp(before, deaf->text) != 0)
		deaf->host.report(deaf->host.userdata, deaf->text);
	else if (before[0] && !deaf->text[0])
		log_info("pcscd serves every reader again");
	if (deaf->text[0])
		heal(deaf);
	return 0;
}

void deaf_event(struct deaf *deaf, enum event_type type)
{
	bool concerns = type == EVENT_DEVICE_ADD || type == EVENT_DEVICE_REMOVE ||
			type == EVENT_DEVICES_LISTED || type == EVENT_READER_GONE || type == EVENT_PCSC_UP;

	/* A reader that is served at last ends it; a policy that was read again may heal it. */
	concerns |= deaf->text[0] && (type == EVENT_READER || type == EVENT_SETTINGS);
	if (!concerns || !deaf->host.udev)
		return;
	sd_event_source_set_time_relative(deaf->look, SETTLE_USEC);
	sd_event_source_set_enabled(deaf->look, SD_EVENT_ONESHOT);
}

const char *deaf_text(const struct deaf *deaf)
{
	return deaf->text;
}

/* ---- life ------------------------------------------------------------------------------------------------ */

int deaf_new(sd_event *event, const struct deaf_host *host, struct deaf **ret)
{
	_cleanup_(deaf_free_p) struct deaf *deaf = calloc(1, sizeof(*deaf));
	int r;

	if (!deaf)
		return -ENOMEM;
	deaf->host = *host;
	r = sd_event_add_time_relative(event, &deaf->look, CLOCK_MONOTONIC, SETTLE_USEC, NSEC_PER_SEC / 1000,
				       on_look, deaf);
	if (r >= 0)
		r = sd_event_source_set_priority(deaf->look, PRIORITY_REST + 50);
	if (r >= 0)
		r = sd_event_source_set_enabled(deaf->look, host->udev ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	if (r < 0)
		return r;
	*ret = steal_pointer(deaf);
	return 0;
}

struct deaf *deaf_free(struct deaf *deaf)
{
	if (!deaf)
		return NULL;
	sd_event_source_disable_unref(deaf->look);
	free(deaf);
	return NULL;
}
