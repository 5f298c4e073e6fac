/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/setup_loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "daemon/events.h"
#include "daemon/reload.h"
#include "daemon/wiring.h"
#include "lib/log.h"
#include "lib/loop.h"

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info _unused_,
		  void *userdata _unused_)
{
	sd_notify(false, "STOPPING=1");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_hangup(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_,
		     void *userdata)
{
	reload_again(userdata);
	return 0;
}

static int setup_signals(struct daemon *daemon)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	r = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_end, daemon);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGINT, on_end, daemon);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGHUP, on_hangup, daemon);
	return r;
}

static int on_watchdog(sd_event_source *timer, uint64_t usec _unused_, void *userdata)
{
	struct daemon *daemon = userdata;
	int r;

	sd_notify(false, "WATCHDOG=1");
	r = sd_event_source_set_time_relative(timer, daemon->watchdog_usec);
	return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/*
 * Not sd_event_set_watchdog(): after some seconds without a wakeup it notifies as soon as the loop wakes, before
 * anything is dispatched, and so on the way of a removal. This one lets the probe go first.
 */
static int setup_watchdog(struct daemon *daemon)
{
	uint64_t limit;
	int r;

	r = sd_watchdog_enabled(false, &limit);
	/* WatchdogSec=infinity comes as a number that libsystemd refuses: no notification is due then either. */
	if (r <= 0)
		return r == -EINVAL ? 0 : r;
	daemon->watchdog_usec = limit / 2;
	r = sd_event_add_time_relative(daemon->event, &daemon->watchdog, CLOCK_MONOTONIC,
				       daemon->watchdog_usec, 0, on_watchdog, daemon);
	return r < 0 ? r : sd_event_source_set_priority(daemon->watchdog, PRIORITY_SOURCE);
}

int setup_loop(struct daemon *daemon)
{
	int r;

	r = sd_event_default(&daemon->event);
	if (r >= 0)
		r = setup_watchdog(daemon);
	if (r >= 0)
		r = setup_signals(daemon);
	if (r >= 0)
		r = events_new(daemon);
	if (r >= 0)
		r = reload_new(daemon);
	if (r < 0)
		log_error("cannot set up the event loop: %s", strerror(-r));
	return r;
}
