/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/events.h"

#include <string.h>

#include "daemon/wiring.h"
#include "lib/log.h"
#include "lib/loop.h"

/* At the start, PC/SC may not be there yet: the first event after that asks it. */
static void ask_pcsc(struct daemon *daemon)
{
	if (!daemon->reread || !daemon->pcsc)
		return;
	pcsc_source_recheck(daemon->pcsc, daemon->locate);
	daemon->reread = daemon->locate = false;
}

static void recheck_all(struct daemon *daemon)
{
	int r;

	daemon->recheck = false;
	daemon->reread = daemon->locate = true;
	if (daemon->udev) {
		r = udev_source_list(daemon->udev);
		if (r < 0)
			log_error("cannot list USB devices: %s", strerror(-r));
	}
	ask_pcsc(daemon);
}

/*
 * Once a step was taken, the next milliseconds belong to the bus and logind. A question to PC/SC keeps pcscd and its
 * clients busy, so it waits that long.
 */
static void rest_pcsc(struct daemon *daemon)
{
	daemon->resting = daemon->resting ||
			  (sd_event_source_set_time_relative(daemon->rest, TRAIL_REST / NSEC_PER_USEC) >= 0 &&
			   sd_event_source_set_enabled(daemon->rest, SD_EVENT_ONESHOT) >= 0);
}

static int on_pcsc_rested(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	struct daemon *daemon = userdata;

	daemon->resting = false;
	ask_pcsc(daemon);
	return 0;
}

static void set_deadline(struct daemon *daemon)
{
	uint64_t deadline = world_deadline(daemon->world);

	if (deadline == UINT64_MAX) {
		sd_event_source_set_enabled(daemon->deadline, SD_EVENT_OFF);
		return;
	}
	/* Rounded up: an early EVENT_TIME would only ask for the same moment again. */
	sd_event_source_set_time(daemon->deadline, deadline / NSEC_PER_USEC + 1);
	sd_event_source_set_enabled(daemon->deadline, SD_EVENT_ONESHOT);
}

void events_take(void *userdata, const struct event *reported)
{
	struct daemon *daemon = userdata;
	struct event event = *reported;
	bool refused;
	int r;

	event.now = monotonic_now();
	daemon->acted = false;
	daemon->metrics.lost += event.type == EVENT_LOST;
	if (event.type == EVENT_LOST && daemon->records)
		record_source_reread(daemon->records);
	daemon->refused = false;
	r = world_event(daemon->world, &event);
	refused = daemon->refused || r < 0;
	if (r < 0) {
		/* The core took in nothing of it: look at everything again, and it may be reported once more. */
		log_error("out of memory: comparing every session again");
		daemon->recheck = true;
	}
	if (daemon->recorder)
		recorder_event(daemon->recorder, &event);
	/* A session that waits for a contradiction has PC/SC asked at once. */
	if (daemon->acted && world_deadline(daemon->world) > event.now + 3 * TRAIL_REST)
		rest_pcsc(daemon);
	if (daemon->recheck)
		recheck_all(daemon);
	if (!daemon->resting)
		ask_pcsc(daemon);
	/* Whatever a recorded session needs to be watched is watched by now. */
	if (event.type == EVENT_PCSC_LISTED && daemon->probe)
		probe_forget_others(daemon->probe);
	set_deadline(daemon);
	/* A recheck has taken in events of its own. */
	daemon->refused = refused;
	if (daemon->deaf)
		deaf_event(daemon->deaf, event.type);
}

static int on_deadline(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	events_take(userdata,
		    &(struct event){.type = EVENT_TIME, .source = SOURCE_DAEMON, .stamp = monotonic_now()});
	return 0;
}

int events_new(struct daemon *daemon)
{
	int r;

	r = sd_event_add_time(daemon->event, &daemon->deadline, CLOCK_MONOTONIC, 0, 0, on_deadline, daemon);
	if (r >= 0)
		r = sd_event_source_set_enabled(daemon->deadline, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(daemon->event, &daemon->rest, CLOCK_MONOTONIC, 0, 1, on_pcsc_rested,
				      daemon);
	if (r >= 0)
		r = sd_event_source_set_enabled(daemon->rest, SD_EVENT_OFF);
	return r;
}

void events_free(struct daemon *daemon)
{
	sd_event_source_disable_unref(daemon->rest);
	sd_event_source_disable_unref(daemon->deadline);
}
