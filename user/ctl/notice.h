/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * One session's notification on the desktop (org.freedesktop.Notifications on the user's bus): shown,
 * replaced, counted down second by second, closed. It works without a notification daemon, and with one that
 * restarts. Nothing waits, and nothing runs unless there is a countdown.
 */
#include "ctl/ctl.h"

struct notice;

/* What to show. `until` (CLOCK_MONOTONIC, µs) is the end of the countdown; 0: there is none. */
struct notice_text {
	const char *
		summary; /* "You will be logged out in %s: unlock to stay": with the time that is left; else plain */
	const char *after; /* the summary once the time is over; NULL: it is not counted down */
	const char *body;  /* markup, by the specification */
	uint64_t until;
};

/* `bus` is the user's, attached to a loop. 0, or a negative errno. */
int notice_new(sd_bus *bus, struct notice **ret);
/* Closes the notification that it shows. */
struct notice *notice_free(struct notice *notice);

/* Shows this notification in place of the previous one. The strings are copied. 0, or a negative errno. */
int notice_show(struct notice *notice, const struct notice_text *text);
void notice_close(struct notice *notice);

/* The desktop closed the notification `id`. By the user's hand, it is not shown again until notice_show(). */
void notice_closed(struct notice *notice, uint32_t id, bool by_hand);
