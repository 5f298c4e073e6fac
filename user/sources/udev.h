/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * USB devices as sysfs lists them, as the kernel's uevents report them (SOURCE_UEVENT), and as udevd reports
 * them after its rules have run (SOURCE_UDEV).
 */
#include <systemd/sd-event.h>

#include "policy/sink.h"
#include "sources/loader.h"
#include "sources/probe_keep.h"

struct udev_source;

/* Subscribes: udev_source_list() is to follow. 0, or a negative errno. */
int udev_source_new(sd_event *event, struct sink sink, struct kept *kept, struct loader *loader,
		    struct udev_source **ret);
struct udev_source *udev_source_free(struct udev_source *source);

/* Lists: DEVICE_ADD for every USB device, then DEVICES_LISTED. 0, or a negative errno. */
int udev_source_list(struct udev_source *source);

/* A USB device that is there and authorised, and that our rules have marked. Its path is borrowed. */
struct marked_reader {
	const char *path; /* "1-4.1" */
	struct usb_address usb;
	bool ignored; /* PCSCLITE_IGNORE: pcscd leaves it alone */
};

/* Visits each of them. Reads sysfs and udev's database: not on a removal's way. */
void udev_source_marked(const struct udev_source *source,
			void (*visit)(void *userdata, const struct marked_reader *reader), void *userdata);
/* Whether a device is at that port, at that address. */
bool udev_source_has(const struct udev_source *source, const char *path, struct usb_address usb);

/* Whether udevd's own events arrive, not only the kernel's. */
bool udev_source_has_udevd(const struct udev_source *source);
