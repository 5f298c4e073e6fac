/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings: how an event is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/trace_text.h"

/* Its size, then its bytes. */
static void put_hex(struct trace_text *text, const uint8_t *field)
{
	for (size_t i = 1; i <= field[0]; i++)
		trace_put(text, "%02X", field[i]);
}

static void put_kind(struct trace_text *text, unsigned kind)
{
	const char *between = "";

	for (unsigned bit = 0; session_kind_name(bit); bit++) {
		if (!(kind & 1U << bit))
			continue;
		trace_put(text, "%s%s", between, session_kind_name(bit));
		between = ",";
	}
}

static void put_field(struct trace_text *text, enum trace_value type, const void *field)
{
	switch (type) {
	case VALUE_TEXT:
		trace_put_escaped(text, field);
		break;
	case VALUE_HEX:
		put_hex(text, field);
		break;
	case VALUE_BYTE:
		trace_put(text, "%u", *(const uint8_t *)field);
		break;
	case VALUE_COUNTER:
		trace_put(text, "%u", *(const uint16_t *)field);
		break;
	case VALUE_PROCESS:
		trace_put(text, "%d", *(const pid_t *)field);
		break;
	case VALUE_TIME:
		trace_put(text, "%lluns", (unsigned long long)*(const uint64_t *)field);
		break;
	case VALUE_USB:
		trace_put_usb(text, *(const struct usb_address *)field);
		break;
	case VALUE_CARD:
		trace_put(text, "%s", trace_card_names[*(const enum card_state *)field]);
		break;
	case VALUE_KIND:
		put_kind(text, *(const unsigned *)field);
		break;
	case VALUE_YES:
		trace_put(text, "%s", *(const bool *)field ? "yes" : "no");
		break;
	case VALUE_ACTION:
		trace_put(text, "%s", action_name(*(const enum action *)field));
		break;
	case VALUE_FALLBACK:
		trace_put(text, "%s", *(const enum fallback *)field == FALLBACK_LOGOUT ? "logout" : "warn");
		break;
	case VALUE_LOCK:
		trace_put(text, "%s", *(const bool *)field ? "lock" : "ignore");
		break;
	case VALUE_BIND:
		trace_put(text, "%s", *(const bool *)field ? "first" : "none");
		break;
	case VALUE_SOURCE:
		trace_put(text, "%s", login_source_name(*(const enum login_source *)field));
		break;
	}
}

/* Only texts, times, processes, bytes, sources and yes or no are optional. */
static bool is_empty(enum trace_value type, const void *field)
{
	if (type == VALUE_SOURCE)
		return *(const enum login_source *)field == LOGIN_LOCAL;
	if (type == VALUE_PROCESS)
		return *(const pid_t *)field == 0;
	return type == VALUE_TIME ? *(const uint64_t *)field == 0 : *(const uint8_t *)field == 0;
}

static void put_key(struct trace_text *text, const char *prefix, const struct trace_key *key,
		    const void *field)
{
	if (key->optional && is_empty(key->type, field))
		return;
	trace_put(text, " %s%s=", prefix, key->name);
	put_field(text, key->type, field);
}

/* ---- events --------------------------------------------------------------------------------------------- */

/* Texts count up to their NUL, and the rule's name is no setting. */
static bool is_usual(const struct settings *settings, const struct settings *usual, unsigned index)
{
	if (trace_settings[index].type == VALUE_TEXT)
		return strcmp(trace_setting_value(settings, index), trace_setting_value(usual, index)) == 0;
	return setting_equal(settings, usual, (enum setting)index);
}

/* `usual`: what a reader takes for those that are left out. */
static void put_settings(struct trace_text *text, const char *prefix, const struct settings *settings,
			 const struct settings *usual)
{
	for (unsigned i = 0; i < TRACE_SETTING_COUNT; i++) {
		struct trace_key key = trace_settings[i];

		if (key.optional && is_usual(settings, usual, i))
			continue;
		key.optional = false;
		put_key(text, prefix, &key, trace_setting_value(settings, i));
	}
}

static bool does_something(const struct settings *settings)
{
	return settings->action != ACTION_NONE || settings->then != ACTION_NONE || settings->unit[0];
}

static void put_governance(struct trace_text *text, const struct governance *governance)
{
	static const struct settings built_in = SETTINGS_DEFAULT;
	const struct settings *common = governance->by_cause[0];

	if (!common)
		return;
	put_settings(text, "", common, &built_in);
	for (enum cause cause = 1; cause < CAUSE_COUNT; cause++) {
		bool any = cause_of_any_rule() & 1U << cause;
		char prefix[16];

		if (any ? governance->by_cause[cause] == common
			: !does_something(governance->by_cause[cause]))
			continue;
		snprintf(prefix, sizeof(prefix), "%s.", cause_name(cause));
		put_settings(text, prefix, governance->by_cause[cause], any ? common : &built_in);
	}
}

static void copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static void spread_record(const struct event *event, struct trace_event *trace)
{
	const struct login_record *login = event->record.login;

	copy_text(trace->session, sizeof(trace->session), login->session);
	copy_text(trace->login.user, sizeof(trace->login.user), login->user);
	copy_text(trace->path, sizeof(trace->path), login->usb_path);
	copy_text(trace->id, sizeof(trace->id), login->usb_id);
	trace->reader = login->card;
	trace->login.seen = login->seen;
	trace->login.leader = login->leader;
	trace->login.source = login->source;
	trace->login.late = login->late;
	trace->login.awaiting = login->awaiting;
	trace->login.usb_token = login->usb_token;
	trace->away = event->record.away;
}

static void spread_slots(const struct event *event, struct trace_event *trace)
{
	size_t size = event->slot_change.bytes;

	trace->reader.usb = event->slot_change.usb;
	trace->endpoint = event->slot_change.endpoint;
	trace->slots.size = (uint8_t)(size < sizeof(trace->slots.bytes) ? size : sizeof(trace->slots.bytes));
	memcpy(trace->slots.bytes, event->slot_change.slots, trace->slots.size);
}

/* Writes each value of the event to its key's place: the reverse of connect() in trace_read.c. */
static void spread(const struct event *event, struct trace_event *trace)
{
	trace->event.now = event->now != event->stamp ? event->now : 0;
	switch (event->type) {
	case EVENT_DEVICE_ADD:
	case EVENT_DEVICE_REMOVE:
		trace->reader.usb = event->device.usb;
		copy_text(trace->path, sizeof(trace->path), event->device.path);
		copy_text(trace->id, sizeof(trace->id), event->device.id);
		break;
	case EVENT_SLOT_CHANGE:
		spread_slots(event, trace);
		break;
	case EVENT_READER:
	case EVENT_READER_GONE:
		trace->reader = *event->reader;
		break;
	case EVENT_RECORD:
		spread_record(event, trace);
		break;
	case EVENT_SETTINGS:
	case EVENT_SESSION_KIND:
		copy_text(trace->session, sizeof(trace->session), event->change.session);
		trace->kind = event->change.kind;
		break;
	case EVENT_REMOTE_UP:
	case EVENT_REMOTE_DOWN:
	case EVENT_REMOTE_SILENT:
	case EVENT_REMOTE_HEARD:
	case EVENT_REMOTE_READER:
	case EVENT_REMOTE_READER_GONE:
	case EVENT_REMOTE_LISTED:
		copy_text(trace->session, sizeof(trace->session), event->remote.session);
		trace->known = event->type == EVENT_REMOTE_UP && event->remote.known;
		if (event->type == EVENT_REMOTE_READER || event->type == EVENT_REMOTE_READER_GONE)
			trace->reader = *event->remote.reader;
		break;
	case EVENT_SESSION_ENDED:
	case EVENT_SESSION_LOCKED:
	case EVENT_SESSION_UNLOCKED:
	case EVENT_SESSION_REBIND:
	case EVENT_ACTION_DONE:
	case EVENT_ACTION_FAILED:
		copy_text(trace->session, sizeof(trace->session), event->session);
		break;
	case EVENT_DEVICES_LISTED:
	case EVENT_PCSC_UP:
	case EVENT_PCSC_DOWN:
	case EVENT_PCSC_LISTED:
	case EVENT_PROBE:
	case EVENT_SLEEP:
	case EVENT_RESUME:
	case EVENT_LOST:
	case EVENT_TIME:
		break;
	}
}

const char *trace_format(const struct event *event, char line[static TRACE_LINE_MAX])
{
	const struct trace_line *has = &trace_lines[event->type];
	struct trace_event trace = {0};
	struct trace_text text = {.line = line};

	spread(event, &trace);
	trace_put(&text, "%lluns %s %s", (unsigned long long)event->stamp, event_source_name(event->source),
		  has->name);
	for (enum trace_key_id key = 0; key < KEY_COUNT; key++) {
		if (has->keys & 1U << key)
			put_key(&text, "", &trace_keys[key], (const char *)&trace + trace_keys[key].offset);
	}
	if (has->settings)
		put_governance(&text, event->type == EVENT_RECORD ? &event->record.governance
								  : &event->change.governance);
	return line;
}
