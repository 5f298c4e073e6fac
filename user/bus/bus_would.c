/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/bus_would.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/config_keys.h"

static void say(char *text, const char *format, ...) _printf_(2, 3);
static void say(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, WOULD_SIZE - used, format, arguments);
	va_end(arguments);
}

static const char *done(enum step step)
{
	static const char *const words[] = {
		[STEP_LOCK] = "locked",
		[STEP_TERMINATE] = "logged out",
		[STEP_KILL_LEADER] = "ended by closing its connection",
		[STEP_XRDP_DISCONNECT] = "disconnected",
		[STEP_CONSOLE_LOCK] = "its console locked",
	};
	ASSERT_ROWS(words, STEP_COUNT);

	return words[step];
}

/* The last step waits for agreement where it loses work, the others never. */
static void say_steps(const struct simulation *simulation, char *text)
{
	char time[VALUE_SIZE];

	for (unsigned i = 0; i < simulation->count; i++) {
		bool waits = simulation->after_agreement && i + 1 == simulation->count;

		if (waits && i > 0)
			say(text, " at once");
		say(text, "%s%s", i > 0 ? " and " : "", done(simulation->steps[i]));
		if (waits)
			say(text, " once a second source agrees or %s passed",
			    config_format_time(simulation->settings->confirm, time));
	}
	if (!simulation->after_agreement)
		say(text, " at once");
	if (simulation->cannot_lock && simulation->steps[0] == STEP_LOCK)
		say(text, ", though nothing is known to lock it");
}

static const char *then_done(enum action action)
{
	return action == ACTION_DISCONNECT ? "disconnected" : "logged out";
}

const char *would_text(const struct simulation *simulation, char text[static WOULD_SIZE])
{
	const struct settings *settings = simulation->settings;
	char time[VALUE_SIZE];

	text[0] = '\0';
	if (simulation->settle)
		say(text,
		    "if the card is not back within %s: ", config_format_time(simulation->settle, time));
	if (simulation->count)
		say_steps(simulation, text);
	else if (simulation->cannot_lock)
		say(text, "nothing is done, as logind refuses to lock it");
	else
		say(text, "nothing is done");
	if (simulation->then != ACTION_NONE)
		say(text, "; %s %s later unless it is unlocked%s", then_done(simulation->then),
		    config_format_time(settings->after, time),
		    simulation->then_if_seen ? ", and only if its locker reports the lock" : "");
	if (simulation->starts_unit)
		say(text, "; an instance of %s is started", settings->unit);
	return text;
}
