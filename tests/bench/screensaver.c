// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * screensaver NAME: the part of a GNOME session that gsd-smartcard talks to, on the session bus: it registers
 * with org.gnome.SessionManager, and asks org.gnome.ScreenSaver to lock. "NANOSECONDS signal NAME" is printed
 * when that call comes in.
 */
#include <stdint.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "lib/cleanup.h"

static const char *name;

static int on_lock(sd_bus_message *call, void *userdata _unused_, sd_bus_error *error _unused_)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%llu signal %s\n", (unsigned long long)(now.tv_sec * UINT64_C(1000000000) + now.tv_nsec),
	       name);
	return sd_bus_reply_method_return(call, "");
}

static int on_register(sd_bus_message *call, void *userdata _unused_, sd_bus_error *error _unused_)
{
	return sd_bus_reply_method_return(call, "o", "/org/gnome/SessionManager/Client1");
}

static const sd_bus_vtable screensaver[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Lock", "", "", on_lock, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("RegisterClient", "ss", "o", on_register, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static int own_names(sd_bus *bus)
{
	int r;

	r = sd_bus_add_object_vtable(bus, NULL, "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver",
				     screensaver, NULL);
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, NULL, "/org/gnome/SessionManager",
					     "org.gnome.SessionManager", manager, NULL);
	if (r >= 0)
		r = sd_bus_request_name(bus, "org.gnome.ScreenSaver", 0);
	return r < 0 ? r : sd_bus_request_name(bus, "org.gnome.SessionManager", 0);
}

int main(int argc, char **argv)
{
	sd_bus *bus;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: screensaver NAME, with a session bus\n");
		return 2;
	}
	name = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = sd_bus_open_user(&bus);
	if (r >= 0)
		r = own_names(bus);
	while (r >= 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	fprintf(stderr, "screensaver: %s\n", strerror(-r));
	return 1;
}
