/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict.h"

const char *event_source_name(enum event_source source)
{
	static const char *const names[] = {
		[SOURCE_PROBE] = "probe",     [SOURCE_UEVENT] = "uevent", [SOURCE_UDEV] = "udev",
		[SOURCE_PCSC] = "pcsc",	      [SOURCE_STARTUP] = "startup", [SOURCE_LOGIND] = "logind",
		[SOURCE_RECORD] = "record", [SOURCE_DAEMON] = "daemon",
	};

	return names[source];
}

const char *action_name(enum action action)
{
	static const char *const names[] = {
		[ACTION_NONE] = "none",
		[ACTION_LOCK] = "lock",
	};

	return names[action];
}

const char *cause_name(enum cause cause)
{
	static const char *const names[] = {
		[CAUSE_CARD] = "card",
		[CAUSE_READER] = "reader",
		[CAUSE_ABSENT] = "absent",
	};

	return names[cause];
}

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_VERIFIED] = "verified",
		[OUTCOME_UNVERIFIED] = "unverified",
		[OUTCOME_FAILED] = "failed",
	};

	return names[outcome];
}
