/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/session_kind.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/macro.h"

static bool is_graphical(const char *type)
{
	return strcmp(type, "x11") == 0 || strcmp(type, "wayland") == 0 || strcmp(type, "mir") == 0;
}

/* xrdp's datagram needs the display's number. */
static bool is_x_display(const char *display)
{
	return display[0] == ':' && isdigit((unsigned char)display[1]);
}

/* A person's session has class user, user-early, user-incomplete or user-light; "": that is not known. */
static bool is_persons(const char *class)
{
	return !*class || strncmp(class, "user", strlen("user")) == 0;
}

/*
 * logind's Remote is that PAM_RHOST was set, and is not localhost (pam_systemd); xrdp sets it since 0.10 only,
 * yet nobody sits at its sessions' machine.
 */
unsigned session_kind(const struct session_properties *properties)
{
	bool xrdp = strcmp(properties->service, "xrdp-sesman") == 0;
	bool remote = properties->remote || xrdp;
	bool tty = strcmp(properties->type, "tty") == 0;
	unsigned kind = remote ? KIND_REMOTE : KIND_LOCAL;

	if (is_graphical(properties->type))
		kind |= KIND_GRAPHICAL;
	if (tty)
		kind |= KIND_TTY;
	if (xrdp && is_x_display(properties->display))
		kind |= KIND_XRDP;
	if (remote && strcmp(properties->service, "sshd") == 0)
		kind |= KIND_SSH;
	/* An older logind refuses no class, and a session of class background may have a locker. */
	if (properties->refuses_lock)
		kind |= KIND_NO_LOCK;
	if (!remote && tty && properties->active && properties->vtnr > 0 && *properties->seat &&
	    *properties->class && is_persons(properties->class))
		kind |= KIND_CONSOLE;
	return kind;
}

static int read_string(sd_bus_message *message, void *target)
{
	const char *text;
	int r;

	r = sd_bus_message_read(message, "v", "s", &text);
	if (r < 0)
		return r;
	snprintf(target, PROPERTY_SIZE, "%s", strlen(text) < PROPERTY_SIZE ? text : "");
	return r;
}

static int read_seat(sd_bus_message *message, void *target)
{
	const char *seat;
	int r;

	r = sd_bus_message_read(message, "v", "(so)", &seat, NULL);
	if (r >= 0)
		snprintf(target, PROPERTY_SIZE, "%s", seat);
	return r;
}

static int read_boolean(sd_bus_message *message, void *target)
{
	return sd_bus_message_read(message, "v", "b", target);
}

static int read_negated(sd_bus_message *message, void *target)
{
	int value, r = sd_bus_message_read(message, "v", "b", &value);

	if (r >= 0)
		*(int *)target = !value;
	return r;
}

static int read_uint32(sd_bus_message *message, void *target)
{
	return sd_bus_message_read(message, "v", "u", target);
}

static const struct property {
	const char *name;
	int (*read)(sd_bus_message *message, void *target);
	size_t offset;
} property_readers[] = {
	{"LockedHint", read_boolean, offsetof(struct session_properties, locked_hint)},
	{"Active", read_boolean, offsetof(struct session_properties, active)},
	{"Remote", read_boolean, offsetof(struct session_properties, remote)},
	{"CanLock", read_negated, offsetof(struct session_properties, refuses_lock)},
	{"Leader", read_uint32, offsetof(struct session_properties, leader)},
	{"VTNr", read_uint32, offsetof(struct session_properties, vtnr)},
	{"Type", read_string, offsetof(struct session_properties, type)},
	{"Class", read_string, offsetof(struct session_properties, class)},
	{"Service", read_string, offsetof(struct session_properties, service)},
	{"TTY", read_string, offsetof(struct session_properties, tty)},
	{"Display", read_string, offsetof(struct session_properties, display)},
	{"Seat", read_seat, offsetof(struct session_properties, seat)},
};

static int read_property(sd_bus_message *message, const char *name, struct session_properties *properties)
{
	for (size_t i = 0; i < ELEMENTS(property_readers); i++) {
		if (strcmp(property_readers[i].name, name) == 0)
			return property_readers[i].read(message,
							(char *)properties + property_readers[i].offset);
	}
	return sd_bus_message_skip(message, "v");
}

int session_properties_read(sd_bus_message *message, struct session_properties *properties)
{
	const char *name;
	int r;

	r = sd_bus_message_enter_container(message, 'a', "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		r = sd_bus_message_read(message, "s", &name);
		if (r >= 0)
			r = read_property(message, name, properties);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}
