/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/ask.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "lib/cleanup.h"
#include "lib/names.h"

#define NO_SESSION BUS_NAME ".Error.NoSuchSession"
#define NOT_BOUND  BUS_NAME ".Error.NotBound"

/* Not started for this: a daemon that does not run guards nothing. */
static int call_rebind(sd_bus *bus, unsigned int timeout_ms, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	int r;

	r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, BUS_PATH, BUS_INTERFACE, "Rebind");
	if (r >= 0)
		r = sd_bus_message_set_auto_start(call, false);
	return r < 0 ? r : sd_bus_call(bus, call, timeout_ms * 1000ULL, error, NULL);
}

int ask_rebind(unsigned int timeout_ms, char ret_text[static ASK_TEXT_SIZE])
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	int r;

	ret_text[0] = '\0';
	r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = call_rebind(bus, timeout_ms, &error);
	if (r >= 0)
		return 1;
	if (sd_bus_error_has_name(&error, NO_SESSION) ||
	    sd_bus_error_has_name(&error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
	    sd_bus_error_has_name(&error, SD_BUS_ERROR_SERVICE_UNKNOWN))
		return 0;
	snprintf(ret_text, ASK_TEXT_SIZE, "%s", error.message ? error.message : strerror(-r));
	return sd_bus_error_has_name(&error, NOT_BOUND) ? 0 : r;
}
