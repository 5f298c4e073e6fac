/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "ctl/client.h"
#include "ctl/listener.h"
#include "ctl/output.h"
#include "ctl/words.h"

struct monitor {
	struct ctl *ctl;
	sd_event *event;
	bool listening; /* the daemon was there: from then on, it may end and start */
};

/* ---- one line an event ---------------------------------------------------------------------------------- */

/*
 * When a trail entry's event happened, CLOCK_MONOTONIC; and how long after the removal, if the entry says so.
 */
static uint64_t when(struct json_object *entry, uint64_t *ret_since, bool *ret_known)
{
	static const char *const after[] = {"latency_usec", "later_usec"};
	uint64_t stamp = tree_number(entry, "monotonic_usec");
	bool waits =
		strcmp(tree_string(entry, "event"), "countdown") == 0; /* its later_usec is what is left */

	*ret_known = strcmp(tree_string(entry, "event"), "removal") == 0;
	*ret_since = 0;
	for (size_t i = 0; i < ELEMENTS(after) && !waits; i++) {
		if (!tree_has(entry, after[i]))
			continue;
		*ret_since = tree_number(entry, after[i]);
		*ret_known = true;
	}
	return *ret_known && stamp ? stamp + *ret_since : monotonic_usec();
}

/* The wall clock of a moment of CLOCK_MONOTONIC. */
static uint64_t wall_clock(uint64_t monotonic)
{
	return realtime_usec() - monotonic_usec() + monotonic;
}

static const char *clock_text(uint64_t realtime, char buffer[static SPAN_SIZE])
{
	time_t seconds = (time_t)(realtime / 1000000);
	struct tm parts;

	localtime_r(&seconds, &parts);
	snprintf(buffer, SPAN_SIZE, "%02d:%02d:%02d.%03u", parts.tm_hour, parts.tm_min, parts.tm_sec,
		 (unsigned)(realtime / 1000 % 1000));
	return buffer;
}

/* The words for people, without what has its own columns: "Session 3 of user anna: ". */
static const char *what_happened(struct json_object *entry)
{
	const char *message = tree_string(entry, "message"), *colon = strstr(message, ": ");

	return *tree_string(entry, "session") && colon ? colon + 2 : message;
}

/* "…: the locker did not answer", if there is more to say. */
static const char *detail_of(struct json_object *entry)
{
	static const char before[] = " after the removal";
	const char *at = strstr(tree_string(entry, "message"), before);

	return at ? at + strlen(before) : "";
}

static void print_what(const struct ctl *ctl, struct json_object *entry, uint64_t since)
{
	const char *event = tree_string(entry, "event"), *action = tree_string(entry, "action");
	const char *outcome = tree_string(entry, "outcome");
	char span[SPAN_SIZE];

	if (strcmp(event, "removal") == 0)
		printf("%s%s%s", output_paint(ctl, PAINT_BOLD), what_happened(entry),
		       output_paint(ctl, PAINT_OFF));
	else if (strcmp(event, "action") == 0 && tree_has(entry, "latency_usec"))
		printf("decided %s, %s sent%s", offset_text(tree_number(entry, "decided_usec"), span), action,
		       detail_of(entry));
	else if (strcmp(event, "heard") == 0)
		printf("%s%s heard of a removal%s", output_paint(ctl, PAINT_DIM),
		       tree_string(entry, "source"), output_paint(ctl, PAINT_OFF));
	else if (strcmp(event, "outcome") == 0 && since)
		printf("%s%s %s%s%s",
		       output_paint(ctl, strcmp(outcome, "verified") == 0 ? PAINT_GOOD
					 : strcmp(outcome, "failed") == 0 ? PAINT_BAD
									  : PAINT_WARN),
		       action, outcome, output_paint(ctl, PAINT_OFF), detail_of(entry));
	else
		fputs(what_happened(entry), stdout);
}

/* A column of `width` places and two blanks; its text to the right for a negative width. */
static void print_cell(const char *text, int width)
{
	wchar_t wide[128];
	size_t length = mbstowcs(wide, text, ELEMENTS(wide));
	int places = length < ELEMENTS(wide) ? wcswidth(wide, length) : -1;

	if (places < 0)
		places = (int)strlen(text);
	if (width < 0)
		printf("%*s%s  ", places < -width ? -width - places : 0, "", text);
	else
		printf("%s%*s  ", text, places < width ? width - places : 0, "");
}

static void print_columns(const char *time, const char *since, const char *session, const char *user)
{
	print_cell(time, 12);
	print_cell(since, -10);
	print_cell(session, 7);
	print_cell(user, 12);
}

static void print_entry(const struct ctl *ctl, struct json_object *entry)
{
	const char *session = tree_string(entry, "session"), *user = tree_string(entry, "user");
	char clock[SPAN_SIZE], offset[SPAN_SIZE] = "";
	uint64_t since;
	bool known;
	uint64_t at = when(entry, &since, &known);

	if (known)
		offset_text(since, offset);
	print_columns(clock_text(wall_clock(at), clock), offset, *session ? session : "-",
		      *user ? user : "-");
	print_what(ctl, entry, since);
	putchar('\n');
	fflush(stdout);
}

static void print_entry_json(struct json_object *entry)
{
	uint64_t since;
	bool known;
	uint64_t at = when(entry, &since, &known);

	json_object_object_add(entry, "realtime_usec", json_object_new_uint64(wall_clock(at)));
	output_json_line(entry);
}

static void deliver_entry(const struct monitor *monitor, struct json_object *entry)
{
	if (monitor->ctl->json)
		print_entry_json(entry);
	else
		print_entry(monitor->ctl, entry);
}

/* ---- what is heard -------------------------------------------------------------------------------------- */

static void monitor_on_signal(void *userdata, const char *name, sd_bus_message *message)
{
	const struct monitor *monitor = userdata;
	_cleanup_tree_ struct json_object *entry = NULL;

	/* The other signals repeat what the trail says. */
	if (strcmp(name, "Trail") == 0 && tree_read(message, monitor->ctl->json, &entry) >= 0)
		deliver_entry(monitor, entry);
}

static void tell_presence(const struct monitor *monitor, const char *event, const char *message)
{
	_cleanup_tree_ struct json_object *entry = json_object_new_object();

	tree_add_text(entry, "event", event, true);
	tree_add_text(entry, "message", message, true);
	deliver_entry(monitor, entry);
}

static void monitor_on_presence(void *userdata, bool runs)
{
	struct monitor *monitor = userdata;

	if (!runs && !monitor->listening) {
		sd_event_exit(monitor->event, client_complain(monitor->ctl, -EHOSTUNREACH, NULL));
		return;
	}
	if (!monitor->listening && !monitor->ctl->json) {
		print_columns("TIME", "SINCE", "SESSION", "USER");
		puts("WHAT");
	}
	if (runs)
		tell_presence(monitor, "listening", "scpolicyd runs, listening");
	else
		tell_presence(monitor, "stopped", "scpolicyd has stopped; waiting for it");
	monitor->listening = true;
}

static void monitor_on_refused(void *userdata, const char *why)
{
	struct monitor *monitor = userdata;

	output_error("scpolicyd does not let us listen: %s", why);
	sd_event_exit(monitor->event, EXIT_FAULT);
}

/* ---- its life ------------------------------------------------------------------------------------------- */

DEFINE_CLEANUP(sd_event *, sd_event_unref)

static int monitor_until_end(struct monitor *monitor)
{
	const struct listener_handler handler = {monitor_on_signal, monitor_on_presence, monitor_on_refused,
						 monitor};
	_cleanup_(listener_free_p) struct listener *listener = NULL;
	int r = listener_new(monitor->ctl->bus, &handler, &listener);

	return r < 0 ? r : sd_event_loop(monitor->event);
}

int verb_monitor(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	_cleanup_(sd_event_unref_p) sd_event *event = NULL;
	struct monitor monitor = {.ctl = ctl};
	int r = client_open(ctl);

	if (r < 0)
		return client_complain(ctl, r, NULL);
	r = sd_event_new(&event);
	if (r >= 0)
		r = sd_bus_attach_event(ctl->bus, event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_set_exit_on_disconnect(ctl->bus, true);
	monitor.event = event;
	if (r >= 0)
		r = monitor_until_end(&monitor);
	if (r < 0)
		output_error("cannot listen: %s", strerror(-r));
	return r < 0 ? EXIT_FAULT : r;
}
