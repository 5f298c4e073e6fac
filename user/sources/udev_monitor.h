/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* One of the two sockets on which libudev reports uevents: the kernel's own, or udevd's. */
#include <libudev.h>
#include <systemd/sd-event.h>

#include "policy/event.h"
#include "sources/loader.h"
#include "sources/probe_keep.h"

struct monitor {
	enum event_source source; /* SOURCE_UEVENT or SOURCE_UDEV */
	struct udev_monitor *monitor;
	sd_event_source *io;
	/* `device` is NULL when messages were lost. */
	void (*heard)(void *userdata, enum event_source source, struct udev_device *device);
	void *userdata;
};

/* The caller has set source, heard and userdata. 0, or a negative errno; monitor_stop() then too. */
int monitor_start(struct monitor *monitor, struct udev *udev, sd_event *event, struct kept *kept,
		  struct loader *loader);
void monitor_stop(struct monitor *monitor);
