/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "client.h"
#include "output.h"

static const char *sessions_none = "No session was opened with a card.";

static const struct column session_columns[] = {
	{"session", "SESSION", 0, NULL}, {"user", "USER", 0, NULL},	{"service", "SERVICE", 0, NULL},
	{"state", "STATE", 0, NULL},	 {"action", "ACTION", 0, NULL}, {"rule", "RULE", 0, NULL},
	{"reader", "READER", SCOLS_FL_TRUNC, NULL},
};

static const struct column reader_columns[] = {
	{"name", "READER", SCOLS_FL_TRUNC, NULL}, {"present", "CARD", 0, NULL},	    {"watched", "PROBE", 0, NULL},
	{"usb_path", "USB", 0, NULL},		  {"sessions", "SESSIONS", 0, NULL},
};

int verb_sessions(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	_cleanup_tree_ struct json_object *sessions = NULL;
	int status = client_call(ctl, "ListSessions", NULL, 0, &sessions);

	return status ? status
		      : output_rows(ctl, "sessions", sessions, session_columns, ELEMENTS(session_columns), sessions_none);
}

int verb_readers(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	_cleanup_tree_ struct json_object *readers = NULL;
	int status = client_call(ctl, "ListReaders", NULL, 0, &readers);

	return status ? status
		      : output_rows(ctl, "readers", readers, reader_columns, ELEMENTS(reader_columns),
				    "No reader is known to pcscd.");
}

int verb_status(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	_cleanup_tree_ struct json_object *daemon = NULL;
	int status = client_call(ctl, "GetStatus", NULL, 0, &daemon);

	if (status == EXIT_FINE)
		output_json(daemon);
	return status;
}

int verb_reload(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	return client_call(ctl, "Reload", NULL, 0, NULL);
}
