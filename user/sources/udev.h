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

/* Whether udevd's own events arrive, not only the kernel's. */
bool udev_source_has_udevd(const struct udev_source *source);
