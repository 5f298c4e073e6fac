/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/verdict.h"

const char *event_source_name(enum event_source source)
{
	static const char *const names[] = {
		[SOURCE_PROBE] = "probe",   [SOURCE_UEVENT] = "uevent",	  [SOURCE_UDEV] = "udev",
		[SOURCE_PCSC] = "pcsc",	    [SOURCE_STARTUP] = "startup", [SOURCE_LOGIND] = "logind",
		[SOURCE_RECORD] = "record", [SOURCE_DAEMON] = "daemon",
	};
	ASSERT_ROWS(names, SOURCE_COUNT);

	return names[source];
}

const char *action_name(enum action action)
{
	static const char *const names[] = {
		[ACTION_NONE] = "none",
		[ACTION_LOCK] = "lock",
		[ACTION_LOGOUT] = "logout",
		[ACTION_DISCONNECT] = "disconnect",
	};
	ASSERT_ROWS(names, ACTION_COUNT);

	return action < ACTION_COUNT ? names[action] : NULL;
}

const char *step_name(enum step step)
{
	static const char *const names[] = {
		[STEP_LOCK] = "lock",
		[STEP_TERMINATE] = "terminate",
		[STEP_KILL_LEADER] = "kill-leader",
		[STEP_XRDP_DISCONNECT] = "xrdp-disconnect",
		[STEP_CONSOLE_LOCK] = "console-lock",
	};
	ASSERT_ROWS(names, STEP_COUNT);

	return names[step];
}

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_VERIFIED] = "verified",
		[OUTCOME_UNVERIFIED] = "unverified",
		[OUTCOME_FAILED] = "failed",
	};
	ASSERT_ROWS(names, OUTCOME_COUNT);

	return names[outcome];
}

const char *session_kind_name(unsigned bit)
{
	static const char *const names[] = {"local", "remote", "graphical", "tty",
					    "xrdp",  "ssh",    "console",   "no-lock"};

	return bit < ELEMENTS(names) ? names[bit] : NULL;
}
