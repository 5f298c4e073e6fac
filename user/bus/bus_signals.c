/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/bus_signals.h"

#include <string.h>

#include <utlist.h>

#include "bus/bus_message.h"
#include "lib/cleanup.h"
#include "lib/log.h"

struct subscriber {
	struct signals *signals;
	char *name;
	uid_t uid;
	sd_bus_slot *leaving, *there;
	struct subscriber *prev, *next;
};

struct signals {
	sd_bus *bus;
	struct subscriber *subscribers;
};

/* ---- subscribers ----------------------------------------------------------------------------------------- */

static struct subscriber *subscriber_free(struct subscriber *subscriber)
{
	if (!subscriber)
		return NULL;
	sd_bus_slot_unref(subscriber->leaving);
	sd_bus_slot_unref(subscriber->there);
	free(subscriber->name);
	free(subscriber);
	return NULL;
}

DEFINE_CLEANUP(struct subscriber *, subscriber_free)

static struct subscriber *subscriber_find(const struct signals *signals, const char *name)
{
	struct subscriber *subscriber;

	DL_FOREACH(signals->subscribers, subscriber) {
		if (strcmp(subscriber->name, name) == 0)
			break;
	}
	return subscriber;
}

static bool is_full(const struct signals *signals, uid_t uid)
{
	const struct subscriber *subscriber;
	unsigned all = 0, own = 0;

	DL_FOREACH(signals->subscribers, subscriber) {
		all++;
		own += subscriber->uid == uid;
	}
	return all >= SUBSCRIBERS_MAX || own >= SUBSCRIBERS_USER;
}

static void drop(struct subscriber *subscriber)
{
	DL_DELETE(subscriber->signals->subscribers, subscriber);
	subscriber_free(subscriber);
}

static int on_left(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	const char *name, *from, *to;

	/* A match's messages have no destination; anybody may send us others. */
	if (!sd_bus_message_get_destination(message) &&
	    sd_bus_message_read(message, "sss", &name, &from, &to) >= 0 && !*to)
		drop(userdata);
	return 0;
}

/* Asked after the match: who left before it was in place is found gone. */
static int on_still_there(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	int there;

	if (sd_bus_message_read(reply, "b", &there) >= 0 && !there)
		drop(userdata);
	return 0;
}

static int watch(struct subscriber *subscriber)
{
	sd_bus *bus = subscriber->signals->bus;
	char match[256];
	int r;

	snprintf(match, sizeof(match),
		 "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
		 "member='NameOwnerChanged',arg0='%s'",
		 subscriber->name);
	r = sd_bus_add_match_async(bus, &subscriber->leaving, match, on_left, NULL, subscriber);
	return r < 0 ? r
		     : sd_bus_call_method_async(bus, &subscriber->there, "org.freedesktop.DBus",
						"/org/freedesktop/DBus", "org.freedesktop.DBus",
						"NameHasOwner", on_still_there, subscriber, "s",
						subscriber->name);
}

int signals_subscribe(struct signals *signals, const struct caller *caller)
{
	_cleanup_(subscriber_free_p) struct subscriber *subscriber = NULL;
	int r;

	if (caller->privileged || subscriber_find(signals, caller->name))
		return 0;
	if (is_full(signals, caller->uid))
		return -ENOBUFS;
	subscriber = calloc(1, sizeof(*subscriber));
	if (!subscriber)
		return -ENOMEM;
	subscriber->signals = signals;
	subscriber->uid = caller->uid;
	subscriber->name = strdup(caller->name);
	if (!subscriber->name)
		return -ENOMEM;
	r = watch(subscriber);
	if (r < 0)
		return r;
	DL_APPEND(signals->subscribers, subscriber);
	(void)steal_pointer(subscriber);
	return 0;
}

void signals_unsubscribe(struct signals *signals, const char *caller)
{
	struct subscriber *subscriber = subscriber_find(signals, caller);

	if (subscriber)
		drop(subscriber);
}

/* ---- sending --------------------------------------------------------------------------------------------- */

static void put_trail(struct put *put, const struct trail_entry *entry)
{
	put_open(put, 'a', "{sv}");
	put_text(put, "Message", entry->message);
	for (int i = 0; i < TRAIL_TEXT_COUNT; i++)
		put_text(put, trail_text_names[i].bus, entry->text[i]);
	for (int i = 0; i < TRAIL_NUMBER_COUNT; i++)
		if (entry->numbers & 1U << i)
			put_uint64(put, trail_number_names[i].bus, entry->number[i]);
	put_close(put);
}

static void put_removal(struct put *put, const struct trail_entry *entry)
{
	put_string(put, entry->text[TRAIL_SESSION]);
	put_string(put, entry->text[TRAIL_USER]);
	put_string(put, entry->text[TRAIL_READER]);
	put_string(put, entry->text[TRAIL_CAUSE]);
	put_string(put, entry->text[TRAIL_SOURCE]);
	put_plain_uint64(put, entry->number[TRAIL_MONOTONIC]);
}

static void put_action(struct put *put, const struct trail_entry *entry, const char *outcome)
{
	put_string(put, entry->text[TRAIL_SESSION]);
	put_string(put, entry->text[TRAIL_ACTION]);
	put_string(put, outcome);
}

static void put_sent(struct put *put, const struct trail_entry *entry)
{
	put_action(put, entry, "sent");
}

static void put_outcome(struct put *put, const struct trail_entry *entry)
{
	put_action(put, entry, entry->text[TRAIL_OUTCOME]);
}

static void put_cancelled(struct put *put, const struct trail_entry *entry)
{
	put_action(put, entry, "cancelled");
}

static void put_countdown(struct put *put, const struct trail_entry *entry)
{
	uint64_t left = entry->number[TRAIL_LATER] * NSEC_PER_USEC;

	put_string(put, entry->text[TRAIL_SESSION]);
	put_string(put, entry->text[TRAIL_ACTION]);
	put_plain_uint32(put, (uint32_t)trail_seconds(left));
}

/* What could not be sent, or was nothing, is no action; the former has an outcome. */
static bool was_sent(const struct trail_entry *entry)
{
	return entry->numbers & 1U << TRAIL_LATENCY;
}

/* Which entries are heard as a signal of their own, and with what. */
static const struct signal {
	const char *event, *member;
	void (*put)(struct put *put, const struct trail_entry *entry);
	bool (*applies)(const struct trail_entry *entry); /* NULL: to all of them */
} own_signals[] = {
	{"removal", "Removal", put_removal, NULL},	 {"action", "Action", put_sent, was_sent},
	{"outcome", "Action", put_outcome, NULL},	 {"cancelled", "Action", put_cancelled, NULL},
	{"countdown", "Countdown", put_countdown, NULL},
};
static const struct signal trail_signal = {NULL, "Trail", put_trail, NULL};

/* `destination`: NULL for a broadcast. */
static void send_signal(struct signals *signals, const char *path, const char *destination,
			const struct signal *kind, const struct trail_entry *entry)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
	struct put put = {0};
	int r;

	r = sd_bus_message_new_signal(signals->bus, &signal, path, BUS_INTERFACE, kind->member);
	if (r >= 0) {
		put.message = signal;
		kind->put(&put, entry);
		r = put.error;
	}
	if (r >= 0 && destination)
		r = sd_bus_message_set_destination(signal, destination);
	if (r >= 0)
		r = sd_bus_send(signals->bus, signal, NULL);
	if (r < 0)
		log_debug("cannot send signal %s: %s", kind->member, strerror(-r));
}

static void send_all(struct signals *signals, const char *path, const char *destination,
		     const struct trail_entry *entry)
{
	const char *event = entry->text[TRAIL_EVENT];

	send_signal(signals, path, destination, &trail_signal, entry);
	for (size_t i = 0; event && i < ELEMENTS(own_signals); i++)
		if (strcmp(own_signals[i].event, event) == 0 &&
		    (!own_signals[i].applies || own_signals[i].applies(entry)))
			send_signal(signals, path, destination, &own_signals[i], entry);
}

void signals_send(struct signals *signals, const struct trail_entry *entry)
{
	const struct subscriber *subscriber;

	send_all(signals, BUS_PATH, NULL, entry);
	if (!entry->login)
		return;
	DL_FOREACH(signals->subscribers, subscriber) {
		if (subscriber->uid == entry->login->uid)
			send_all(signals, BUS_OWN_PATH, subscriber->name, entry);
	}
}

/* ---- life ------------------------------------------------------------------------------------------------ */

int signals_new(sd_bus *bus, struct signals **ret)
{
	struct signals *signals = calloc(1, sizeof(*signals));

	if (!signals)
		return -ENOMEM;
	signals->bus = sd_bus_ref(bus);
	*ret = signals;
	return 0;
}

struct signals *signals_free(struct signals *signals)
{
	if (!signals)
		return NULL;
	while (signals->subscribers)
		drop(signals->subscribers);
	sd_bus_unref(signals->bus);
	free(signals);
	return NULL;
}
