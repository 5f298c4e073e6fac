/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/notice.h"

#include <stdio.h>
#include <string.h>

#include "ctl/words.h"
#include "lib/cleanup.h"

#define NOTIFICATIONS	   "org.freedesktop.Notifications"
#define NOTIFICATIONS_PATH "/org/freedesktop/Notifications"

#define TEXT_SIZE      256
#define NEVER_EXPIRES  0
#define DAEMONS_CHOICE (-1)
enum urgency { URGENCY_NORMAL = 1, URGENCY_CRITICAL = 2 };

struct notice {
	sd_bus *bus;
	char summary[TEXT_SIZE], after[TEXT_SIZE], body[TEXT_SIZE];
	uint64_t until;
	uint32_t id;	   /* the desktop's; 0: none is shown */
	sd_bus_slot *call; /* Notify, not yet answered: until then the id is not known */
	bool shown_anew;   /* … and the notification is out of date meanwhile */
	bool closing;	   /* … and it is to be closed */
	sd_event_source *tick;
};

static int notify(struct notice *notice);

/* ---- the desktop's answers ------------------------------------------------------------------------------ */

static void close_shown(struct notice *notice)
{
	if (notice->id)
		sd_bus_call_method_async(notice->bus, NULL, NOTIFICATIONS, NOTIFICATIONS_PATH, NOTIFICATIONS,
					 "CloseNotification", NULL, NULL, "u", notice->id);
	notice->id = 0;
}

static int on_notified(sd_bus_message *answer, void *userdata, sd_bus_error *error _unused_)
{
	struct notice *notice = userdata;

	notice->call = sd_bus_slot_unref(notice->call);
	/* Without a notification daemon there is no id; the next second tries again. */
	if (sd_bus_message_is_method_error(answer, NULL) || sd_bus_message_read(answer, "u", &notice->id) < 0)
		notice->id = 0;
	if (notice->closing)
		close_shown(notice);
	else if (notice->shown_anew)
		notify(notice);
	notice->closing = notice->shown_anew = false;
	return 0;
}

/* ---- showing -------------------------------------------------------------------------------------------- */

/* The summary has at most one "%s", for the time that is left. */
static void compose_summary(const struct notice *notice, char *buffer, size_t size)
{
	const char *place = strstr(notice->summary, "%s");
	uint64_t now = monotonic_usec(), left = notice->until > now ? notice->until - now : 0;
	char span[SPAN_SIZE];

	/* Rounded: a second shows about when it begins, a little early or late. */
	left = (left + USEC_PER_SEC / 2) / USEC_PER_SEC * USEC_PER_SEC;
	if (!place || !notice->until)
		snprintf(buffer, size, "%s", notice->summary);
	else if (left == 0)
		snprintf(buffer, size, "%s", notice->after);
	else
		snprintf(buffer, size, "%.*s%s%s", (int)(place - notice->summary), notice->summary,
			 span_text(left, span), place + 2);
}

/* GNOME's lock screen hides the text of a notification unless this hint of GNOME's says that it is about the machine. */
static int append_hints(sd_bus_message *call, enum urgency urgency)
{
	return sd_bus_message_append(call, "a{sv}", 3, "urgency", "y", (int)urgency, "desktop-entry", "s",
				     "scpolicyctl-notify", "x-gnome-privacy-scope", "s", "system");
}

static int notify(struct notice *notice)
{
	bool counts = notice->until;
	sd_bus_message *call = NULL;
	char summary[TEXT_SIZE + SPAN_SIZE];
	int r = sd_bus_message_new_method_call(notice->bus, &call, NOTIFICATIONS, NOTIFICATIONS_PATH,
					       NOTIFICATIONS, "Notify");

	compose_summary(notice, summary, sizeof(summary));
	if (r >= 0)
		r = sd_bus_message_append(call, "susssas", "scpolicyd", notice->id, "dialog-warning", summary,
					  notice->body, 0);
	if (r >= 0)
		r = append_hints(call, counts ? URGENCY_CRITICAL : URGENCY_NORMAL);
	if (r >= 0)
		r = sd_bus_message_append(call, "i", counts ? NEVER_EXPIRES : DAEMONS_CHOICE);
	if (r >= 0)
		r = sd_bus_call_async(notice->bus, &notice->call, call, on_notified, notice, 0);
	sd_bus_message_unref(call);
	return r;
}

static void stop_ticking(struct notice *notice)
{
	notice->tick = sd_event_source_disable_unref(notice->tick);
}

static int on_tick(sd_event_source *tick, uint64_t usec, void *userdata)
{
	struct notice *notice = userdata;

	if (!notice->call)
		notify(notice);
	if (usec >= notice->until) {
		stop_ticking(notice);
		return 0;
	}
	sd_event_source_set_time(tick, usec + USEC_PER_SEC);
	return sd_event_source_set_enabled(tick, SD_EVENT_ONESHOT);
}

static int start_ticking(struct notice *notice)
{
	sd_event *event = sd_bus_get_event(notice->bus);
	uint64_t now = monotonic_usec();

	/* Its seconds end when the countdown does. */
	return sd_event_add_time(event, &notice->tick, CLOCK_MONOTONIC,
				 now + (notice->until - now) % USEC_PER_SEC, USEC_PER_SEC / 20, on_tick,
				 notice);
}

int notice_show(struct notice *notice, const struct notice_text *text)
{
	int r = 0;

	stop_ticking(notice);
	snprintf(notice->summary, sizeof(notice->summary), "%s", text->summary);
	snprintf(notice->after, sizeof(notice->after), "%s", text->after ? text->after : "");
	snprintf(notice->body, sizeof(notice->body), "%s", text->body);
	notice->until = text->until;
	notice->closing = false;
	if (notice->call)
		notice->shown_anew = true;
	else
		r = notify(notice);
	if (r >= 0 && notice->until > monotonic_usec())
		r = start_ticking(notice);
	return r < 0 ? r : 0;
}

void notice_close(struct notice *notice)
{
	stop_ticking(notice);
	if (notice->call)
		notice->closing = true;
	else
		close_shown(notice);
}

void notice_closed(struct notice *notice, uint32_t id, bool by_hand)
{
	if (!id || id != notice->id)
		return;
	notice->id = 0;
	if (by_hand)
		stop_ticking(notice);
}

/* ---- its life ------------------------------------------------------------------------------------------- */

int notice_new(sd_bus *bus, struct notice **ret)
{
	struct notice *notice = calloc(1, sizeof(*notice));

	if (!notice)
		return -ENOMEM;
	notice->bus = sd_bus_ref(bus);
	*ret = notice;
	return 0;
}

struct notice *notice_free(struct notice *notice)
{
	if (!notice)
		return NULL;
	stop_ticking(notice);
	close_shown(notice);
	sd_bus_slot_unref(notice->call);
	sd_bus_unref(notice->bus);
	free(notice);
	return NULL;
}
