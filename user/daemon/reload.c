/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/reload.h"

#include <systemd/sd-daemon.h>

#include "daemon/newcomers.h"
#include "daemon/resolve.h"
#include "daemon/wiring.h"
#include "lib/log.h"
#include "lib/loop.h"

static void report_reload(struct daemon *daemon, const char *text, bool refused)
{
	struct trail_entry entry;

	trail_config(text, refused, &entry);
	trail_queue_add(daemon->trail, &entry, 0);
}

static void warn_passed_over(const struct config *config)
{
	if (config->passed_over.text[0])
		log_warning("Source=gpo, skipped: %s", config->passed_over.text);
}

int reload_first(struct daemon *daemon)
{
	struct config_error error;
	int r;

	r = config_read("", &daemon->config, &error);
	if (r < 0)
		log_error("%s", error.text);
	else
		warn_passed_over(&daemon->config);
	return r;
}

/* ---- the domain's policy -------------------------------------------------------------------------------- */

void reload_look_at_gpo(struct daemon *daemon, uint64_t delay_usec)
{
	if (*rules_from_gpo(daemon->config.rules) &&
	    (sd_event_source_set_time_relative(daemon->gpo, delay_usec) < 0 ||
	     sd_event_source_set_enabled(daemon->gpo, SD_EVENT_ONESHOT) < 0))
		log_warning("cannot look at the group policy");
}

static int on_gpo(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	struct daemon *daemon = userdata;
	int r = config_refresh(&daemon->config, daemon->last_look);

	if (r > 0) {
		resolve_all(daemon);
		report_reload(daemon, "the domain's policy was read again and is in force for every session",
			      false);
	}
	if (r > 0 || (r < 0 && daemon->last_look))
		warn_passed_over(&daemon->config);
	daemon->last_look = r < 0 && !daemon->last_look;
	if (daemon->last_look)
		reload_look_at_gpo(daemon, GPO_AGAIN_USEC);
	return 0;
}

int reload_new(struct daemon *daemon)
{
	int r;

	r = sd_event_add_time(daemon->event, &daemon->gpo, CLOCK_MONOTONIC, 0, 1, on_gpo, daemon);
	return r < 0 ? r : sd_event_source_set_enabled(daemon->gpo, SD_EVENT_OFF);
}

void reload_free(struct daemon *daemon)
{
	sd_event_source_disable_unref(daemon->gpo);
}

/* ---- a reload ------------------------------------------------------------------------------------------- */

/* Sessions borrow from the old rules, so each is put under the new ones before the old ones are freed. */
static void use_config(struct daemon *daemon, struct config *config)
{
	struct config old = daemon->config;

	daemon->config = *config;
	resolve_all(daemon);
	config_free(&old);
	if (!daemon->config.gpo_stamp)
		reload_look_at_gpo(daemon, GPO_AGAIN_USEC);
}

int reload_again(void *userdata)
{
	struct daemon *daemon = userdata;
	struct config config;
	int r;

	sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)(monotonic_now() / NSEC_PER_USEC));
	r = config_read("", &config, &daemon->status.refused);
	if (r < 0)
		report_reload(daemon, daemon->status.refused.text, true);
	else {
		warn_passed_over(&config);
		(void)config_keep_gpo(&config, &daemon->config);
		use_config(daemon, &config);
		report_reload(daemon, "the policy was read again and is in force for every session", false);
	}
	newcomers_look(daemon);
	bus_reloaded(daemon->callers);
	sd_notify(false, "READY=1");
	return r;
}
