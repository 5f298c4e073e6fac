/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/restart_pcscd.h"

#include "actions/session_calls.h"
#include "lib/log.h"

static int on_restarted(sd_bus_message *reply, void *userdata _unused_, sd_bus_error *error _unused_)
{
	if (sd_bus_message_is_method_error(reply, NULL))
		log_error("cannot have pcscd restarted: %s", calls_why_refused(reply));
	return 0;
}

int restart_pcscd(sd_bus *bus)
{
	int r = sd_bus_call_method_async(bus, NULL, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "RestartUnit",
					 on_restarted, NULL, "ss", "pcscd.service", "replace");

	return r < 0 ? r : 0;
}
