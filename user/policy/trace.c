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
	[EVENT_SETTINGS] = "settings",
	[EVENT_SESSION_KIND] = "session-kind",
	[EVENT_PROBE] = "probe",
	[EVENT_SLEEP] = "sleep",
	[EVENT_RESUME] = "resume",
	[EVENT_SESSION_ENDED] = "session-ended",
	[EVENT_SESSION_LOCKED] = "session-locked",
	[EVENT_SESSION_UNLOCKED] = "session-unlocked",
	[EVENT_ACTION_DONE] = "action-done",
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

/* ---- the settings' keys, for writing and reading alike ---- */

enum value_type { VALUE_ACTION, VALUE_TIME, VALUE_FALLBACK, VALUE_BOOL, VALUE_UNIT, VALUE_RULE };

static const struct {
	const char *name;
	enum value_type type;
	size_t offset;
} settings_keys[] = {
	{"action", VALUE_ACTION, offsetof(struct settings, action)},
	{"then", VALUE_ACTION, offsetof(struct settings, then)},
	{"after", VALUE_TIME, offsetof(struct settings, after)},
	{"settle", VALUE_TIME, offsetof(struct settings, settle)},
	{"confirm", VALUE_TIME, offsetof(struct settings, confirm)},
	{"lock-timeout", VALUE_TIME, offsetof(struct settings, lock_timeout)},
	{"when-lock-fails", VALUE_FALLBACK, offsetof(struct settings, when_lock_fails)},
	{"when-cannot-lock", VALUE_FALLBACK, offsetof(struct settings, when_cannot_lock)},
	{"pcsc-lost", VALUE_BOOL, offsetof(struct settings, lock_when_pcsc_lost)},
	{"unit", VALUE_UNIT, offsetof(struct settings, unit)},
	{"rule", VALUE_RULE, offsetof(struct settings, rule)},
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

static void put_setting(struct writer *writer, const char *prefix, size_t key, const struct settings *settings)
{
	const void *field = (const char *)settings + settings_keys[key].offset;
	char name[64];

	snprintf(name, sizeof(name), "%s%s", prefix, settings_keys[key].name);
	switch (settings_keys[key].type) {
	case VALUE_ACTION:
		put(writer, " %s=%s", name, action_name(*(const enum action *)field));
		break;
	case VALUE_TIME:
		put(writer, " %s=%lluns", name, (unsigned long long)*(const uint64_t *)field);
		break;
	case VALUE_FALLBACK:
		put(writer, " %s=%s", name, *(const enum fallback *)field == FALLBACK_LOGOUT ? "logout" : "warn");
		break;
	case VALUE_BOOL:
		put(writer, " %s=%s", name, *(const bool *)field ? "lock" : "ignore");
		break;
	case VALUE_UNIT:
	case VALUE_RULE:
		if (*(const char *)field)
			put_text(writer, name, field);
		break;
	}
}

static void put_settings(struct writer *writer, const char *prefix, const struct settings *settings)
{
	for (size_t key = 0; key < ELEMENTS(settings_keys); key++)
		put_setting(writer, prefix, key, settings);
}

static void put_governance(struct writer *writer, const struct governance *governance)
{
	const struct settings *common = governance->by_cause[0];

	if (!common)
		return;
	put_settings(writer, "", common);
	for (int cause = 1; cause < CAUSE_COUNT; cause++) {
		char prefix[16];

		if (governance->by_cause[cause] == common)
			continue;
		snprintf(prefix, sizeof(prefix), "%s.", cause_name((enum cause)cause));
		put_settings(writer, prefix, governance->by_cause[cause]);
	}
}

static void put_record(struct writer *writer, const struct event *event)
{
	const struct login_record *login = event->record.login;

	put_text(writer, "session", login->session);
	put_text(writer, "user", login->user);
	put_reader(writer, &login->card);
	if (login->usb_path[0])
		put_text(writer, "path", login->usb_path);
	if (login->usb_id[0])
		put_text(writer, "id", login->usb_id);
	if (event->record.away)
		put(writer, " away=yes");
	put_governance(writer, &event->record.governance);
}

static void put_kind(struct writer *writer, unsigned kind)
{
	const char *between = "";

	put(writer, " kind=");
	for (unsigned bit = 0; session_kind_name(bit); bit++) {
		if (!(kind & 1U << bit))
			continue;
		put(writer, "%s%s", between, session_kind_name(bit));
		between = ",";
	}
}

const char *trace_format(const struct event *event, char line[static TRACE_LINE_MAX])
{
	struct writer writer = {.line = line};

	put(&writer, "%lluns %s %s", (unsigned long long)event->stamp, event_source_name(event->source),
	    type_names[event->type]);
	if (event->now && event->now != event->stamp)
		put(&writer, " now=%lluns", (unsigned long long)event->now);
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
		put_record(&writer, event);
		break;
	case EVENT_SETTINGS:
		put_text(&writer, "session", event->change.session);
		put_governance(&writer, &event->change.governance);
		break;
	case EVENT_SESSION_KIND:
		put_text(&writer, "session", event->change.session);
		put_kind(&writer, event->change.kind);
		break;
	case EVENT_SESSION_ENDED:
	case EVENT_SESSION_LOCKED:
	case EVENT_SESSION_UNLOCKED:
	case EVENT_ACTION_DONE:
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
		put(&writer, " %s", step_name(verdict->step));
		break;
	case VERDICT_ARM:
		for (int step = 0; step < STEP_COUNT; step++) {
			if (verdict->steps & 1U << step)
				put(&writer, " %s", step_name((enum step)step));
		}
		break;
	case VERDICT_BOUND:
		put(&writer, " usb=%u:%u counter=%u", verdict->login->card.usb.bus, verdict->login->card.usb.device,
		    verdict->login->card.event_counter);
		break;
	case VERDICT_ACTION:
	case VERDICT_CANCELLED:
		put(&writer, " %s", action_name(verdict->action));
		break;
	case VERDICT_COUNTDOWN:
		put(&writer, " %s %llums", action_name(verdict->action),
		    (unsigned long long)(verdict->later / NSEC_PER_MSEC));
		break;
	case VERDICT_UNIT:
		put(&writer, " %s", verdict->settings->unit);
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

void trace_append_verdict(const struct verdict *verdict, char *buffer, size_t size, size_t *used)
{
	char line[TRACE_LINE_MAX];
	int length = snprintf(buffer + *used, size - *used, "= %s\n", trace_format_verdict(verdict, line));

	if (length > 0 && (size_t)length < size - *used)
		*used += (size_t)length;
	else
		buffer[*used] = '\0';
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

static bool read_action(const char *value, enum action *ret)
{
	for (enum action action = ACTION_NONE; action < ACTION_COUNT; action++) {
		if (strcmp(action_name(action), value) != 0)
			continue;
		*ret = action;
		return true;
	}
	return false;
}

static bool read_choice(const char *value, const char *no, const char *yes, bool *ret)
{
	*ret = strcmp(value, yes) == 0;
	return *ret || strcmp(value, no) == 0;
}

static bool read_setting(size_t key, const char *value, struct settings *settings)
{
	void *field = (char *)settings + settings_keys[key].offset;
	bool chosen, good;

	switch (settings_keys[key].type) {
	case VALUE_ACTION:
		return read_action(value, field);
	case VALUE_TIME:
		return read_nsec(value, field);
	case VALUE_FALLBACK:
		good = read_choice(value, "warn", "logout", &chosen);
		*(enum fallback *)field = chosen ? FALLBACK_LOGOUT : FALLBACK_WARN;
		return good;
	case VALUE_BOOL:
		return read_choice(value, "ignore", "lock", field);
	case VALUE_UNIT:
		return read_text(value, field, UNIT_NAME_SIZE);
	case VALUE_RULE:
		return read_text(value, field, RULE_NAME_SIZE);
	}
	return false;
}

/* "action" for every cause, "reader.action" for one. */
static bool read_settings(struct trace_event *trace, const char *key, const char *value)
{
	const char *dot = strchr(key, '.'), *name = dot ? dot + 1 : key;
	bool found = false;

	for (int cause = 0; cause < CAUSE_COUNT; cause++) {
		size_t length = strlen(cause_name((enum cause)cause));

		if (dot && (strncmp(key, cause_name((enum cause)cause), length) != 0 || key + length != dot))
			continue;
		for (size_t i = 0; i < ELEMENTS(settings_keys); i++) {
			if (strcmp(settings_keys[i].name, name) != 0)
				continue;
			if (!read_setting(i, value, &trace->settings[cause]))
				return false;
			found = true;
		}
	}
	return found;
}

static bool read_kind(char *value, unsigned *ret)
{
	char *rest = NULL;

	*ret = 0;
	for (char *word = strtok_r(value, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		unsigned bit = 0;

		while (session_kind_name(bit) && strcmp(session_kind_name(bit), word) != 0)
			bit++;
		if (!session_kind_name(bit))
			return false;
		*ret |= 1U << bit;
	}
	return true;
}

static bool read_card(const char *value, enum card_state *ret)
{
	int index = name_index(card_names, ELEMENTS(card_names), value);

	if (index >= 0)
		*ret = (enum card_state)index;
	return index >= 0;
}

static bool read_small(const char *value, unsigned long long most, void *ret, size_t size)
{
	unsigned long long number = 0;

	if (!read_number(value, most, &number))
		return false;
	if (size == sizeof(uint8_t))
		*(uint8_t *)ret = (uint8_t)number;
	else
		*(uint16_t *)ret = (uint16_t)number;
	return true;
}

/* Every key is read into its place; which of them count is for the event's type to say. */
static bool read_value(struct trace_event *trace, const char *key, char *value)
{
	struct reader_state *reader = &trace->reader;
	bool chosen;

	if (strcmp(key, "now") == 0)
		return read_nsec(value, &trace->event.now);
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
		return read_hex(value, trace->slots, sizeof(trace->slots), &trace->slot_bytes);
	if (strcmp(key, "slot") == 0)
		return read_small(value, 31, &reader->slot, sizeof(reader->slot));
	if (strcmp(key, "counter") == 0)
		return read_small(value, UINT16_MAX, &reader->event_counter, sizeof(reader->event_counter));
	if (strcmp(key, "card") == 0)
		return read_card(value, &reader->card);
	if (strcmp(key, "kind") == 0)
		return read_kind(value, &trace->kind);
	if (strcmp(key, "away") == 0) {
		bool good = read_choice(value, "no", "yes", &chosen);

		trace->away = chosen;
		return good;
	}
	return read_settings(trace, key, value);
}

static void point_at_settings(struct trace_event *trace, struct governance *governance)
{
	for (int cause = 0; cause < CAUSE_COUNT; cause++)
		governance->by_cause[cause] = &trace->settings[cause];
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
		event->slot_change.bytes = trace->slot_bytes;
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
		event->record.away = trace->away;
		point_at_settings(trace, &event->record.governance);
		break;
	case EVENT_SETTINGS:
	case EVENT_SESSION_KIND:
		event->change.session = trace->session;
		event->change.kind = trace->kind;
		point_at_settings(trace, &event->change.governance);
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
	/* Every record names one: what is told of a session without a name could not be carried out. */
	if (trace->event.type == EVENT_RECORD && !trace->session[0])
		return fail(error, "no session", "record");
	return true;
}

int trace_parse(const char *line, struct trace_event *ret, struct trace_error *ret_error)
{
	char copy[TRACE_LINE_MAX];

	*ret = (struct trace_event){0};
	for (int cause = 0; cause < CAUSE_COUNT; cause++)
		ret->settings[cause] = (struct settings)SETTINGS_DEFAULT;
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
