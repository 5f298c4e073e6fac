/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"

static const char *const type_names[] = {
	[EVENT_DEVICE_ADD] = "device-add",
	[EVENT_DEVICE_REMOVE] = "device-remove",
	[EVENT_DEVICES_LISTED] = "devices-listed",
	[EVENT_SLOT_CHANGE] = "slot-change",
	[EVENT_PCSC_UP] = "pcsc-up",
	[EVENT_PCSC_DOWN] = "pcsc-down",
	[EVENT_READER] = "reader",
	[EVENT_READER_GONE] = "reader-gone",
	[EVENT_PCSC_LISTED] = "pcsc-listed",
	[EVENT_RECORD] = "record",
	[EVENT_SESSION_ENDED] = "session-ended",
	[EVENT_SESSION_LOCKED] = "session-locked",
	[EVENT_SESSION_UNLOCKED] = "session-unlocked",
	[EVENT_ACTION_FAILED] = "action-failed",
	[EVENT_LOST] = "lost",
	[EVENT_TIME] = "time",
};

static const char *const card_names[] = {
	[CARD_UNAVAILABLE] = "unavailable",
	[CARD_EMPTY] = "empty",
	[CARD_PRESENT] = "present",
};

static const char *const verdict_names[] = {
	[VERDICT_ACT] = "act",
	[VERDICT_ARM] = "arm",
	[VERDICT_DISARM] = "disarm",
	[VERDICT_WATCH] = "watch",
	[VERDICT_UNWATCH] = "unwatch",
	[VERDICT_RECHECK] = "recheck",
	[VERDICT_REREAD] = "reread",
	[VERDICT_REMOVAL] = "removal",
	[VERDICT_ACTION] = "action",
	[VERDICT_OUTCOME] = "outcome",
	[VERDICT_HEARD] = "heard",
	[VERDICT_CONTRADICTED] = "contradicted",
	[VERDICT_COMM_ERROR] = "comm-error",
	[VERDICT_RESTORED] = "restored",
	[VERDICT_RECHECKED] = "rechecked",
};

/* ---- writing -------------------------------------------------------------------------------------------- */

struct writer {
	char *line;
	size_t used;
};

static void put(struct writer *writer, const char *format, ...) _printf_(2, 3);
static void put(struct writer *writer, const char *format, ...)
{
	size_t left = TRACE_LINE_MAX - writer->used;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(writer->line + writer->used, left, format, arguments);
	va_end(arguments);
	if (length > 0)
		writer->used += (size_t)length < left ? (size_t)length : left - 1;
}

static void put_text(struct writer *writer, const char *key, const char *value)
{
	put(writer, " %s=", key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c <= ' ' || c >= 0x7f || c == '%')
			put(writer, "%%%02X", c);
		else
			put(writer, "%c", c);
	}
}

static void put_hex(struct writer *writer, const char *key, const uint8_t *bytes, size_t size)
{
	put(writer, " %s=", key);
	for (size_t i = 0; i < size; i++)
		put(writer, "%02X", bytes[i]);
}

static void put_usb(struct writer *writer, struct usb_address usb)
{
	put(writer, " usb=%u:%u", usb.bus, usb.device);
}

static void put_reader(struct writer *writer, const struct reader_state *reader)
{
	put_text(writer, "name", reader->name);
	put(writer, " slot=%u", reader->slot);
	put_usb(writer, reader->usb);
	put(writer, " card=%s counter=%u", card_names[reader->card], reader->event_counter);
	put_hex(writer, "atr", reader->atr.bytes, reader->atr.size);
}

static void put_record(struct writer *writer, const struct login_record *login, const struct settings *settings)
{
	put_text(writer, "session", login->session);
	put_text(writer, "user", login->user);
	put_reader(writer, &login->card);
	if (login->usb_path[0])
		put_text(writer, "path", login->usb_path);
	if (login->usb_id[0])
		put_text(writer, "id", login->usb_id);
	if (!settings)
		return;
	put(writer, " action=%s confirm=%lluns lock-timeout=%lluns", action_name(settings->action),
	    (unsigned long long)settings->confirm, (unsigned long long)settings->lock_timeout);
}

const char *trace_format(const struct event *event, char line[static TRACE_LINE_MAX])
{
	struct writer writer = {.line = line};

	put(&writer, "%lluns %s %s", (unsigned long long)event->stamp, event_source_name(event->source),
	    type_names[event->type]);
	switch (event->type) {
	case EVENT_DEVICE_ADD:
	case EVENT_DEVICE_REMOVE:
		put_usb(&writer, event->device.usb);
		if (event->device.path)
			put_text(&writer, "path", event->device.path);
		if (event->device.id)
			put_text(&writer, "id", event->device.id);
		break;
	case EVENT_SLOT_CHANGE:
		put_usb(&writer, event->slot_change.usb);
		put_hex(&writer, "slots", event->slot_change.slots, event->slot_change.bytes);
		break;
	case EVENT_READER:
	case EVENT_READER_GONE:
		put_reader(&writer, event->reader);
		break;
	case EVENT_RECORD:
		put_record(&writer, event->record.login, event->record.settings);
		break;
	case EVENT_SESSION_ENDED:
	case EVENT_SESSION_LOCKED:
	case EVENT_SESSION_UNLOCKED:
	case EVENT_ACTION_FAILED:
		put_text(&writer, "session", event->session);
		break;
	default:
		break;
	}
	return line;
}

const char *trace_format_verdict(const struct verdict *verdict, char line[static TRACE_LINE_MAX])
{
	struct writer writer = {.line = line};

	put(&writer, "%s", verdict_names[verdict->type]);
	if (verdict->login)
		put(&writer, " %s", verdict->login->session);
	switch (verdict->type) {
	case VERDICT_ACT:
	case VERDICT_ARM:
	case VERDICT_ACTION:
		put(&writer, " %s", action_name(verdict->action));
		break;
	case VERDICT_REMOVAL:
	case VERDICT_HEARD:
	case VERDICT_CONTRADICTED:
		put(&writer, " %s %s", cause_name(verdict->cause), event_source_name(verdict->source));
		break;
	case VERDICT_OUTCOME:
		put(&writer, " %s %s", action_name(verdict->action), outcome_name(verdict->outcome));
		break;
	case VERDICT_WATCH:
	case VERDICT_UNWATCH:
		put_usb(&writer, verdict->usb);
		break;
	default:
		break;
	}
	return line;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static bool fail(struct trace_error *error, const char *what, const char *word)
{
	snprintf(error->text, sizeof(error->text), "%s: %.60s", what, word);
	return false;
}

static int name_index(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (names[i] && strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

static bool read_number(const char *text, unsigned long long most, unsigned long long *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *ret <= most;
}

static bool read_nsec(const char *text, uint64_t *ret)
{
	static const struct {
		const char *unit;
		uint64_t nsec;
	} units[] = {{"ns", 1}, {"us", NSEC_PER_USEC}, {"ms", NSEC_PER_MSEC}, {"s", NSEC_PER_SEC}};
	char *end;
	uint64_t value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	for (size_t i = 0; errno == 0 && i < ELEMENTS(units); i++) {
		if (strcmp(end, units[i].unit) == 0)
			return !__builtin_mul_overflow(value, units[i].nsec, ret);
	}
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool read_hex(const char *text, uint8_t *bytes, size_t most, uint8_t *ret_size)
{
	size_t size = 0;

	for (; *text; text += 2, size++) {
		if (size == most || hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0)
			return false;
		bytes[size] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
	}
	*ret_size = (uint8_t)size;
	return true;
}

static bool read_text(const char *text, char *value, size_t size)
{
	size_t used = 0;

	while (*text) {
		char c = *text++;

		if (c == '%') {
			if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0)
				return false;
			c = (char)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
			text += 2;
		}
		if (!c || used + 1 >= size)
			return false;
		value[used++] = c;
	}
	value[used] = '\0';
	return true;
}

static bool read_usb(const char *text, struct usb_address *ret)
{
	unsigned bus, device;
	char rest;

	if (sscanf(text, "%4u:%4u%c", &bus, &device, &rest) != 2)
		return false;
	*ret = (struct usb_address){(uint16_t)bus, (uint16_t)device};
	return true;
}

/* Every key is read into its place; which of them count is for the event's type to say. */
static bool read_value(struct trace_event *trace, const char *key, const char *value)
{
	struct reader_state *reader = &trace->reader;
	unsigned long long number = 0;
	uint64_t nsec = 0;
	int index;

	if (strcmp(key, "usb") == 0)
		return read_usb(value, &reader->usb);
	if (strcmp(key, "path") == 0)
		return read_text(value, trace->path, sizeof(trace->path));
	if (strcmp(key, "id") == 0)
		return read_text(value, trace->id, sizeof(trace->id));
	if (strcmp(key, "session") == 0)
		return read_text(value, trace->session, sizeof(trace->session));
	if (strcmp(key, "user") == 0)
		return read_text(value, trace->login.user, sizeof(trace->login.user));
	if (strcmp(key, "name") == 0)
		return read_text(value, reader->name, sizeof(reader->name));
	if (strcmp(key, "atr") == 0)
		return read_hex(value, reader->atr.bytes, ATR_SIZE, &reader->atr.size);
	if (strcmp(key, "slots") == 0)
		return read_hex(value, trace->slots, sizeof(trace->slots), &trace->event.slot_change.bytes);
	if (strcmp(key, "slot") == 0 && read_number(value, 31, &number)) {
		reader->slot = (uint8_t)number;
		return true;
	}
	if (strcmp(key, "counter") == 0 && read_number(value, UINT16_MAX, &number)) {
		reader->event_counter = (uint16_t)number;
		return true;
	}
	if (strcmp(key, "card") == 0) {
		index = name_index(card_names, ELEMENTS(card_names), value);
		reader->card = index < 0 ? CARD_UNAVAILABLE : (enum card_state)index;
		return index >= 0;
	}
	if (strcmp(key, "action") == 0) {
		for (enum action action = ACTION_NONE; action <= ACTION_LOCK; action++) {
			trace->settings.action = action;
			if (strcmp(action_name(action), value) == 0)
				return true;
		}
		return false;
	}
	if (strcmp(key, "confirm") == 0 && read_nsec(value, &nsec)) {
		trace->settings.confirm = nsec;
		return true;
	}
	if (strcmp(key, "lock-timeout") == 0 && read_nsec(value, &nsec)) {
		trace->settings.lock_timeout = nsec;
		return true;
	}
	return false;
}

/* Points the event at what was read. */
static void connect(struct trace_event *trace)
{
	struct event *event = &trace->event;

	switch (event->type) {
	case EVENT_DEVICE_ADD:
	case EVENT_DEVICE_REMOVE:
		event->device = (struct device_facts){
			.usb = trace->reader.usb,
			.path = trace->path[0] ? trace->path : NULL,
			.id = trace->id[0] ? trace->id : NULL,
		};
		break;
	case EVENT_SLOT_CHANGE:
		event->slot_change.usb = trace->reader.usb;
		event->slot_change.slots = trace->slots;
		break;
	case EVENT_READER:
	case EVENT_READER_GONE:
		event->reader = &trace->reader;
		break;
	case EVENT_RECORD:
		trace->login.card = trace->reader;
		memcpy(trace->login.session, trace->session, sizeof(trace->session));
		memcpy(trace->login.usb_path, trace->path, sizeof(trace->path));
		memcpy(trace->login.usb_id, trace->id, sizeof(trace->id));
		event->record.login = &trace->login;
		event->record.settings = &trace->settings;
		break;
	default:
		event->session = trace->session;
		break;
	}
}

static bool read_head(struct trace_event *trace, char **rest, struct trace_error *error)
{
	const char *word = strtok_r(NULL, " \t", rest);
	int source = -1, type;

	for (int i = SOURCE_PROBE; word && i <= SOURCE_DAEMON; i++) {
		if (strcmp(event_source_name((enum event_source)i), word) == 0)
			source = i;
	}
	if (source < 0)
		return fail(error, "unknown source", word ? word : "");
	word = strtok_r(NULL, " \t", rest);
	type = word ? name_index(type_names, ELEMENTS(type_names), word) : -1;
	if (type < 0)
		return fail(error, "unknown event", word ? word : "");
	trace->event.source = (enum event_source)source;
	trace->event.type = (enum event_type)type;
	return true;
}

static bool read_words(struct trace_event *trace, char *line, struct trace_error *error)
{
	char *rest = NULL, *word = strtok_r(line, " \t", &rest), *equals;

	if (!word || !read_nsec(word, &trace->event.stamp))
		return fail(error, "not a stamp", word ? word : "");
	if (!read_head(trace, &rest, error))
		return false;
	while ((word = strtok_r(NULL, " \t", &rest))) {
		equals = strchr(word, '=');
		if (!equals)
			return fail(error, "not KEY=VALUE", word);
		*equals = '\0';
		if (!read_value(trace, word, equals + 1))
			return fail(error, "unknown key or bad value", word);
	}
	return true;
}

int trace_parse(const char *line, struct trace_event *ret, struct trace_error *ret_error)
{
	char copy[TRACE_LINE_MAX];

	*ret = (struct trace_event){.settings = SETTINGS_DEFAULT};
	if (strlen(line) >= sizeof(copy)) {
		fail(ret_error, "line too long", line);
		return -EBADMSG;
	}
	strcpy(copy, line);
	if (!read_words(ret, copy, ret_error))
		return -EBADMSG;
	connect(ret);
	return 0;
}
