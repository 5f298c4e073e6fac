/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"

#define DBUS	  "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"

struct listener {
	sd_bus *bus;
	struct listener_handler handler;
	sd_bus_slot *owner_match, *signal_match, *owner_call, *subscribe_call;
	char *owner; /* the daemon's unique name; NULL while it does not run */
};

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct listener *listener = userdata;
	const char *sender = sd_bus_message_get_sender(message);

	if (listener->owner && sender && strcmp(sender, listener->owner) == 0)
		listener->handler.signal(listener->handler.userdata, sd_bus_message_get_member(message),
					 message);
	return 0;
}

/* ---- is it there ---------------------------------------------------------------------------------------- */

static int on_subscribed(sd_bus_message *answer, void *userdata, sd_bus_error *error _unused_)
{
	struct listener *listener = userdata;
	const sd_bus_error *refusal = sd_bus_message_get_error(answer);

	listener->subscribe_call = sd_bus_slot_unref(listener->subscribe_call);
	if (!refusal)
		listener->handler.presence(listener->handler.userdata, true);
	/* Otherwise it is gone again: on_owner_changed() reports that. */
	else if (!sd_bus_error_has_name(refusal, SD_BUS_ERROR_SERVICE_UNKNOWN) &&
		 !sd_bus_error_has_name(refusal, SD_BUS_ERROR_NO_REPLY))
		listener->handler.refused(listener->handler.userdata,
					  refusal->message ? refusal->message : refusal->name);
	return 0;
}

static int subscribe(struct listener *listener)
{
	sd_bus_message *call = NULL;
	int r = sd_bus_message_new_method_call(listener->bus, &call, listener->owner, BUS_PATH, BUS_INTERFACE,
					       "Subscribe");

	if (r >= 0)
		r = sd_bus_call_async(listener->bus, &listener->subscribe_call, call, on_subscribed, listener,
				      0);
	sd_bus_message_unref(call);
	return r;
}

/* `owner` "": the daemon does not run. If another owner replaces it, the daemon ended and started. */
static int set_owner(struct listener *listener, const char *owner)
{
	bool ran = listener->owner;

	free(listener->owner);
	listener->owner = NULL;
	listener->subscribe_call = sd_bus_slot_unref(listener->subscribe_call);
	if (ran || !*owner)
		listener->handler.presence(listener->handler.userdata, false);
	if (!*owner)
		return 0;
	listener->owner = strdup(owner);
	return listener->owner ? subscribe(listener) : -ENOMEM;
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct listener *listener = userdata;
	const char *name, *before, *owner;
	int r = sd_bus_message_read(message, "sss", &name, &before, &owner);

	/* The answer to the question at the start is older than this. */
	listener->owner_call = sd_bus_slot_unref(listener->owner_call);
	return r < 0 ? r : set_owner(listener, owner);
}

static int on_owner(sd_bus_message *answer, void *userdata, sd_bus_error *error _unused_)
{
	struct listener *listener = userdata;
	const char *owner = "";

	listener->owner_call = sd_bus_slot_unref(listener->owner_call);
	if (!sd_bus_message_is_method_error(answer, NULL) && sd_bus_message_read(answer, "s", &owner) < 0)
		owner = "";
	return set_owner(listener, owner);
}

/* ---- its life ------------------------------------------------------------------------------------------- */

static int listen_all(struct listener *listener)
{
	int r = sd_bus_add_match(listener->bus, &listener->owner_match,
				 "type='signal',sender='" DBUS "',interface='" DBUS
				 "',member='NameOwnerChanged',arg0='" BUS_NAME "'",
				 on_owner_changed, listener);

	if (r >= 0)
		r = sd_bus_add_match(listener->bus, &listener->signal_match,
				     "type='signal',sender='" BUS_NAME "',interface='" BUS_INTERFACE "'",
				     on_signal, listener);
	if (r >= 0)
		r = sd_bus_call_method_async(listener->bus, &listener->owner_call, DBUS, DBUS_PATH, DBUS,
					     "GetNameOwner", on_owner, listener, "s", BUS_NAME);
	return r;
}

int listener_new(sd_bus *bus, const struct listener_handler *handler, struct listener **ret)
{
	_cleanup_(listener_free_p) struct listener *listener = calloc(1, sizeof(*listener));
	int r;

	if (!listener)
		return -ENOMEM;
	listener->bus = sd_bus_ref(bus);
	listener->handler = *handler;
	r = listen_all(listener);
	if (r < 0)
		return r;
	*ret = steal_pointer(listener);
	return 0;
}

struct listener *listener_free(struct listener *listener)
{
	if (!listener)
		return NULL;
	sd_bus_slot_unref(listener->owner_match);
	sd_bus_slot_unref(listener->signal_match);
	sd_bus_slot_unref(listener->owner_call);
	sd_bus_slot_unref(listener->subscribe_call);
	sd_bus_unref(listener->bus);
	free(listener->owner);
	free(listener);
	return NULL;
}
