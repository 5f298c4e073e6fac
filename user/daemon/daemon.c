/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/daemon.h"

#include <string.h>

#include <systemd/sd-daemon.h>

#include "daemon/events.h"
#include "daemon/looks.h"
#include "daemon/newcomers.h"
#include "daemon/realtime.h"
#include "daemon/reload.h"
#include "daemon/setup.h"
#include "daemon/wiring.h"
#include "lib/cleanup.h"
#include "lib/log.h"

DEFINE_CLEANUP(struct daemon *, daemon_free)

int daemon_new(const struct daemon_options *options, struct daemon **ret)
{
	_cleanup_(daemon_free_p) struct daemon *daemon = calloc(1, sizeof(*daemon));
	int r;

	if (!daemon)
		return -ENOMEM;
	daemon->recording = options->record;
	r = setup_run(daemon);
	if (r < 0)
		return r;
	*ret = steal_pointer(daemon);
	return 0;
}

struct daemon *daemon_free(struct daemon *daemon)
{
	if (!daemon)
		return NULL;
	trail_queue_free(daemon->trail);
	record_source_free(daemon->records);
	newcomers_free(daemon);
	looks_free(daemon);
	logind_source_free(daemon->logind);
	groups_source_free(daemon->groups);
	kernel_audit_free(daemon->kernel_audit);
	journal_free(daemon->journal);
	daemon->deaf = deaf_free(daemon->deaf);
	pcsc_source_free(daemon->pcsc);
	udev_source_free(daemon->udev);
	remote_source_free(daemon->remote);
	probe_free(daemon->probe);
	bus_free(daemon->callers);
	world_free(daemon->world);
	govern_free(daemon->govern);
	config_free(&daemon->config);
	recorder_free(daemon->recorder);
	enforcer_free(daemon->enforcer);
	sd_bus_flush_close_unref(daemon->enforce_bus);
	sd_bus_flush_close_unref(daemon->bus);
	sd_event_source_disable_unref(daemon->watchdog);
	reload_free(daemon);
	sd_event_source_disable_unref(daemon->resolve);
	events_free(daemon);
	diagnostics_free(daemon->diagnostics);
	sd_event_unref(daemon->event);
	free(daemon);
	return NULL;
}

static void report_sources(struct daemon *daemon)
{
	struct trail_entry entry;
	char line[256];

	snprintf(line, sizeof(line), "scpolicyd " VERSION ", hearing removals from: %s%s%s%spcsc%s",
		 daemon->probe ? "probe (" : "", daemon->probe ? probe_kind(daemon->probe) : "",
		 daemon->probe ? "), " : "",
		 !daemon->udev			       ? ""
		 : udev_source_has_udevd(daemon->udev) ? "uevent, udev, "
						       : "uevent, ",
		 daemon->probe ? "" : "; no kernel probe: removals are heard later");
	trail_sources(!daemon->probe, line, &entry);
	trail_queue_add(daemon->trail, &entry, 0);
	log_debug("%s", line);
	sd_notifyf(false, "READY=1\nSTATUS=%s", strchr(line, ',') + 2);
}

int daemon_run(struct daemon *daemon)
{
	int r;

	report_sources(daemon);
	r = realtime_start();
	if (r < 0)
		log_info("no realtime priority, or memory not locked: %s", strerror(-r));
	r = realtime_loop(daemon->event);
	if (r < 0)
		log_error("the event loop failed: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : r;
}
