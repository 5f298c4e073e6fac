/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/udev_monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/macro.h"

/* Enough for plugging in or removing a dock with all its devices while the daemon is not scheduled. */
#define RECEIVE_BUFFER (1024 * 1024)
/* More messages than such a buffer holds. */
#define WAITING_MAX 65536

DEFINE_CLEANUP(struct udev_device *, udev_device_unref)

/* ---- hearing -------------------------------------------------------------------------------------------- */

static int on_readable(sd_event_source *io _unused_, int fd _unused_, uint32_t revents _unused_,
		       void *userdata)
{
	const struct monitor *monitor = userdata;
	_cleanup_(udev_device_unref_p) struct udev_device *device = NULL;

	errno = 0;
	device = udev_monitor_receive_device(monitor->monitor);
	if (device || errno == ENOBUFS)
		monitor->heard(monitor->userdata, monitor->source, device);
	return 0;
}

/* ---- setting up ----------------------------------------------------------------------------------------- */

/* What waited is older than the list of devices that follows. The socket does not block. */
static void drain_monitor(int fd)
{
	char byte;

	for (unsigned i = 0; i < WAITING_MAX; i++) {
		if (read(fd, &byte, sizeof(byte)) < 0 && errno != ENOBUFS)
			return;
	}
}

/* The last daemon's, which systemd kept; else a new one of the loader's. */
static int find_socket(const struct monitor *monitor, struct kept *kept, struct loader *loader)
{
	bool kernel = monitor->source == SOURCE_UEVENT;
	const char *name = kernel ? "uevents-kernel" : "uevents-udev";
	int fd = kept_take_named(kept, name);

	if (fd >= 0) {
		drain_monitor(fd);
		return fd;
	}
	fd = loader_open_uevents(loader, kernel ? LOADER_UEVENT : LOADER_UDEV);
	if (fd >= 0)
		kept_add_named(kept, name, fd);
	return fd;
}

/*
 * The service has a network of its own, which the kernel's messages reach and udevd's do not: the loader's sockets are
 * of the host's network. libudev cannot be given a socket, so this one takes the place of its own. A daemon that was
 * started by hand is in the host's network itself, and has no loader.
 */
static int monitor_adopt(struct monitor *monitor, struct kept *kept, struct loader *loader)
{
	_cleanup_close_ int fd = find_socket(monitor, kept, loader);

	if (fd < 0) {
		if (fd != -ENOENT)
			log_warning("cannot get a socket for uevents from the loader: %s", strerror(-fd));
		return 0;
	}
	if (dup3(fd, udev_monitor_get_fd(monitor->monitor), O_CLOEXEC) < 0)
		return -errno;
	return udev_monitor_filter_update(monitor->monitor);
}

int monitor_start(struct monitor *monitor, struct udev *udev, sd_event *event, struct kept *kept,
		  struct loader *loader)
{
	const char *name = monitor->source == SOURCE_UEVENT ? "kernel" : "udev";
	int r;

	monitor->monitor = udev_monitor_new_from_netlink(udev, name);
	if (!monitor->monitor)
		return -errno;
	r = udev_monitor_filter_add_match_subsystem_devtype(monitor->monitor, "usb", NULL);
	if (r < 0)
		return r;
	/*
	 * Fails without CAP_NET_ADMIN. Then the default size has to suffice, and ENOBUFS leads to a full
	 * re-check.
	 */
	udev_monitor_set_receive_buffer_size(monitor->monitor, RECEIVE_BUFFER);
	r = udev_monitor_enable_receiving(monitor->monitor);
	if (r >= 0)
		r = monitor_adopt(monitor, kept, loader);
	if (r >= 0)
		r = sd_event_add_io(event, &monitor->io, udev_monitor_get_fd(monitor->monitor), EPOLLIN,
				    on_readable, monitor);
	if (r < 0)
		return r;
	sd_event_source_set_description(monitor->io, name);
	return sd_event_source_set_priority(monitor->io, PRIORITY_SOURCE);
}

void monitor_stop(struct monitor *monitor)
{
	monitor->io = sd_event_source_disable_unref(monitor->io);
	monitor->monitor = udev_monitor_unref(monitor->monitor);
}
