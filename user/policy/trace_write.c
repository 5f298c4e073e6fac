/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings, written. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/macro.h"
#include "policy/trace_keys.h"

struct writer {
	char *line;
	size_t used;
};

static void put(struct writer *writer, const char *format, ...) _printf_(2, 3);
static void put(struct writer *writer, const char *format, ...)
{
	char *end = writer->line + writer->used;
	va_list arguments;

	*end = '\0';
	va_start(arguments, format);
	vsnprintf(end, TRACE_LINE_MAX - writer->used, format, arguments);
	va_end(arguments);
	writer->used += strlen(end);
}

/* ---- values --------------------------------------------------------------------------------------------- */

const char *trace_escape(const char *text, char *buffer, size_t size)
{
	size_t used = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c > ' ' && c < 0x7f && c != '%';
		size_t length = plain ? 1 : 3;

		if (used + length >= size)
			break;
		if (plain)
			buffer[used] = (char)c;
		else
			snprintf(buffer + used, size - used, "%%%02X", c);
		used += length;
	}
	buffer[used] = '\0';
	return buffer;
}

static void put_escaped(struct writer *writer, const char *text)
{
	trace_escape(text, writer->line + writer->used, TRACE_LINE_MAX - writer->used);
	writer->used += strlen(writer->line + writer->used);
}

/* Its size, then its bytes. */
static void put_hex(struct writer *writer, const uint8_t *field)
{
	for (size_t i = 1; i <= field[0]; i++)
		put(writer, "%02X", field[i]);
}

static void put_kind(struct writer *writer, unsigned kind)
{
	const char *between = "";

	for (unsigned bit = 0; session_kind_name(bit); bit++) {
		if (!(kind & 1U << bit))
			continue;
		put(writer, "%s%s", between, session_kind_name(bit));
		between = ",";
	}
}

static void put_usb(struct writer *writer, struct usb_address usb)
{
	put(writer, "%u:%u", usb.bus, usb.device);
}

static void put_field(struct writer *writer, enum trace_value type, const void *field)
{
	switch (type) {
	case VALUE_TEXT:
		put_escaped(writer, field);
		break;
	case VALUE_HEX:
		put_hex(writer, field);
		break;
	case VALUE_BYTE:
		put(writer, "%u", *(const uint8_t *)field);
		break;
	case VALUE_COUNTER:
		put(writer, "%u", *(const uint16_t *)field);
		break;
	case VALUE_TIME:
		put(writer, "%lluns", (unsigned long long)*(const uint64_t *)field);
		break;
	case VALUE_USB:
		put_usb(writer, *(const struct usb_address *)field);
		break;
	case VALUE_CARD:
		put(writer, "%s", trace_card_names[*(const enum card_state *)field]);
		break;
	case VALUE_KIND:
		put_kind(writer, *(const unsigned *)field);
		break;
	case VALUE_YES:
		put(writer, "yes"); /* "no" is left out, see is_empty() */
		break;
	case VALUE_ACTION:
		put(writer, "%s", action_name(*(const enum action *)field));
		break;
	case VALUE_FALLBACK:
		put(writer, "%s", *(const enum fallback *)field == FALLBACK_LOGOUT ? "logout" : "warn");
		break;
	case VALUE_LOCK:
		put(writer, "%s", *(const bool *)field ? "lock" : "ignore");
		break;
	case VALUE_BIND:
		put(writer, "%s", *(const bool *)field ? "first" : "none");
		break;
	case VALUE_SOURCE:
		put(writer, "%s", login_source_name(*(const enum login_source *)field));
		break;
	}
}

/* Only texts, times, bytes, sources and yes or no are optional. */
static bool is_empty(enum trace_value type, const void *field)
{
	if (type == VALUE_SOURCE)
		return *(const enum login_source *)field == LOGIN_LOCAL;
	return type == VALUE_TIME ? *(const uint64_t *)field == 0 : *(const uint8_t *)field == 0;
}

static void put_key(struct writer *writer, const char *prefix, const struct trace_key *key, const void *field)
{
	if (key->optional && is_empty(key->type, field))
		return;
	put(writer, " %s%s=", prefix, key->name);
	put_field(writer, key->type, field);
}

/* ---- events --------------------------------------------------------------------------------------------- */

static bool is_default(const struct trace_key *key, const void *field, const void *usual)
{
	switch (key->type) {
	case VALUE_TIME:
		return *(const uint64_t *)field == *(const uint64_t *)usual;
	case VALUE_BIND:
		return *(const bool *)field == *(const bool *)usual;
	default:
		return *(const char *)field == '\0';
	}
}

static void put_settings(struct writer *writer, const char *prefix, const struct settings *settings)
{
	static const struct settings usual = SETTINGS_DEFAULT;

	for (unsigned i = 0; i < TRACE_SETTING_COUNT; i++) {
		struct trace_key key = trace_settings[i];
		const void *field = trace_setting_value(settings, i);

		if (key.optional && is_default(&key, field, trace_setting_value(&usual, i)))
			continue;
		key.optional = false;
		put_key(writer, prefix, &key, field);
	}
}

static bool does_something(const struct settings *settings)
{
	return settings->action != ACTION_NONE || settings->then != ACTION_NONE || settings->unit[0];
}

static void put_governance(struct writer *writer, const struct governance *governance)
{
	const struct settings *common = governance->by_cause[0];

	if (!common)
		return;
	put_settings(writer, "", common);
	for (enum cause cause = 1; cause < CAUSE_COUNT; cause++) {
		bool any = cause_of_any_rule() & 1U << cause;
		char prefix[16];

		if (any ? governance->by_cause[cause] == common
			: !does_something(governance->by_cause[cause]))
			continue;
		snprintf(prefix, sizeof(prefix), "%s.", cause_name(cause));
		put_settings(writer, prefix, governance->by_cause[cause]);
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
	trace->login.source = login->source;
	trace->login.late = login->late;
	trace->login.awaiting = login->awaiting;
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
	struct writer writer = {.line = line};

	spread(event, &trace);
	put(&writer, "%lluns %s %s", (unsigned long long)event->stamp, event_source_name(event->source),
	    has->name);
	for (enum trace_key_id key = 0; key < KEY_COUNT; key++) {
		if (has->keys & 1U << key)
			put_key(&writer, "", &trace_keys[key], (const char *)&trace + trace_keys[key].offset);
	}
	if (has->settings)
		put_governance(&writer, event->type == EVENT_RECORD ? &event->record.governance
								    : &event->change.governance);
	return line;
}

/* ---- verdicts ------------------------------------------------------------------------------------------- */

static const char *const verdict_names[VERDICT_TYPE_COUNT] = {
	[VERDICT_ACT] = "act",
	[VERDICT_ARM] = "arm",
	[VERDICT_DISARM] = "disarm",
	[VERDICT_WATCH] = "watch",
	[VERDICT_UNWATCH] = "unwatch",
	[VERDICT_RECHECK] = "recheck",
	[VERDICT_REREAD] = "reread",
	[VERDICT_LOCATE] = "locate",
	[VERDICT_BOUND] = "bound",
	[VERDICT_DEALT] = "dealt",
	[VERDICT_REMOVAL] = "removal",
	[VERDICT_ACTION] = "action",
	[VERDICT_OUTCOME] = "outcome",
	[VERDICT_HEARD] = "heard",
	[VERDICT_CONTRADICTED] = "contradicted",
	[VERDICT_COMM_ERROR] = "comm-error",
	[VERDICT_RESTORED] = "restored",
	[VERDICT_RECHECKED] = "rechecked",
	[VERDICT_UNIT] = "unit",
	[VERDICT_SETTLED] = "settled",
	[VERDICT_COUNTDOWN] = "countdown",
	[VERDICT_CANCELLED] = "cancelled",
	[VERDICT_CANNOT_LOCK] = "cannot-lock",
	[VERDICT_UNGUARDED] = "unguarded",
};

static void put_steps(struct writer *writer, unsigned steps)
{
	for (enum step step = 0; step < STEP_COUNT; step++) {
		if (steps & 1U << step)
			put(writer, " %s", step_name(step));
	}
}

static void put_verdict(struct writer *writer, const struct verdict *verdict)
{
	switch (verdict->type) {
	case VERDICT_ACT:
		put(writer, " %s", step_name(verdict->step));
		break;
	case VERDICT_ARM:
		put_steps(writer, verdict->steps);
		break;
	case VERDICT_BOUND:
		put(writer, " usb=");
		put_usb(writer, verdict->login->card.usb);
		put(writer, " counter=%u", verdict->login->card.event_counter);
		break;
	case VERDICT_DEALT:
		put(writer, " %s", verdict->dealt ? "yes" : "no");
		break;
	case VERDICT_ACTION:
	case VERDICT_CANCELLED:
		put(writer, " %s", action_name(verdict->action));
		break;
	case VERDICT_COUNTDOWN:
		put(writer, " %s %llums", action_name(verdict->action),
		    (unsigned long long)(verdict->later / NSEC_PER_MSEC));
		break;
	case VERDICT_UNIT:
		put(writer, " ");
		put_escaped(writer, verdict->settings->unit);
		break;
	case VERDICT_REMOVAL:
	case VERDICT_HEARD:
	case VERDICT_CONTRADICTED:
		put(writer, " %s %s", cause_name(verdict->cause), event_source_name(verdict->source));
		break;
	case VERDICT_OUTCOME:
		put(writer, " %s %s", action_name(verdict->action), outcome_name(verdict->outcome));
		break;
	case VERDICT_WATCH:
	case VERDICT_UNWATCH:
		put(writer, " usb=");
		put_usb(writer, verdict->usb);
		break;
	case VERDICT_DISARM:
	case VERDICT_RECHECK:
	case VERDICT_REREAD:
	case VERDICT_LOCATE:
	case VERDICT_COMM_ERROR:
	case VERDICT_RESTORED:
	case VERDICT_RECHECKED:
	case VERDICT_SETTLED:
	case VERDICT_CANNOT_LOCK:
	case VERDICT_UNGUARDED:
	case VERDICT_TYPE_COUNT:
		break;
	}
}

const char *trace_format_verdict(const struct verdict *verdict, char line[static TRACE_LINE_MAX])
{
	struct writer writer = {.line = line};

	put(&writer, "%s", verdict_names[verdict->type]);
	if (verdict->login) {
		put(&writer, " ");
		put_escaped(&writer, verdict->login->session);
	}
	put_verdict(&writer, verdict);
	return line;
}

static int make_room(struct trace_buffer *buffer, size_t size)
{
	char *text;

	if (size <= buffer->size)
		return 0;
	size = size > 2 * buffer->size ? size : 2 * buffer->size;
	text = realloc(buffer->text, size);
	if (!text)
		return -ENOMEM;
	buffer->text = text;
	buffer->size = size;
	return 0;
}

int trace_append_verdict(const struct verdict *verdict, struct trace_buffer *buffer)
{
	char line[TRACE_LINE_MAX];
	size_t length = strlen(trace_format_verdict(verdict, line)) + strlen("= \n");
	int r = make_room(buffer, buffer->used + length + 1);

	if (r < 0)
		return r;
	snprintf(buffer->text + buffer->used, length + 1, "= %s\n", line);
	buffer->used += length;
	return 0;
}
