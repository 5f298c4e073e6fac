/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads recordings, whoever wrote them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/macro.h"
#include "policy/trace_keys.h"

/* Room for the longest word that is written: a user's name, or a unit's, each byte of it as %XX. */
#define WORD_SIZE 1024

/* A line and the word at hand. */
struct line {
	const char *text;
	size_t size, at;
	char word[WORD_SIZE];
	unsigned column;
	const char *flaw; /* of the word: the word itself cannot be examined */
	struct trace_error *error;
};

static bool fail_at(struct line *line, unsigned column, const char *what, const char *word)
{
	snprintf(line->error->text, sizeof(line->error->text), "%s%s%.60s", what, *word ? ": " : "", word);
	line->error->column = column;
	return false;
}

static bool refuse_word(struct line *line, const char *what)
{
	return fail_at(line, line->column, line->flaw ? line->flaw : what, line->word);
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t';
}

/* False at the end of the line. A word that cannot be read is left empty, so that nothing accepts it. */
static bool next_word(struct line *line)
{
	const char *word;
	size_t length;

	while (line->at < line->size && is_separator(line->text[line->at]))
		line->at++;
	word = line->text + line->at;
	line->column = (unsigned)line->at + 1;
	while (line->at < line->size && !is_separator(line->text[line->at]))
		line->at++;
	length = (size_t)(line->text + line->at - word);
	if (memchr(word, '\0', length))
		line->flaw = "a NUL byte";
	else if (length >= sizeof(line->word))
		line->flaw = "too long a word";
	if (line->flaw)
		length = 0;
	memcpy(line->word, word, length);
	line->word[length] = '\0';
	return length > 0 || line->flaw;
}

/* ---- keys ----------------------------------------------------------------------------------------------- */

static bool cause_is(enum cause cause, const char *name, size_t length)
{
	return strlen(cause_name(cause)) == length && strncmp(cause_name(cause), name, length) == 0;
}

/* "action" for every cause but those that only a rule with their name governs, "reader.action" for one. */
static bool read_setting(struct trace_event *trace, const char *name, char *text)
{
	const char *dot = strchr(name, '.'), *rest = dot ? dot + 1 : name;
	bool found = false;
	unsigned index = 0;

	while (index < TRACE_SETTING_COUNT && strcmp(trace_settings[index].name, rest) != 0)
		index++;
	if (index == TRACE_SETTING_COUNT)
		return false;
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
		if (dot ? !cause_is(cause, name, (size_t)(dot - name)) : !(cause_of_any_rule() & 1U << cause))
			continue;
		if (!trace_read_value(&trace_settings[index], text,
				      trace_setting_field(&trace->settings[cause], index)))
			return false;
		found = true;
	}
	return found;
}

/* Every key is read into its place; the event's type says which of them count. */
static bool read_key(struct trace_event *trace, const char *name, char *text, unsigned *seen)
{
	for (enum trace_key_id key = 0; key < KEY_COUNT; key++) {
		if (strcmp(trace_keys[key].name, name) != 0)
			continue;
		*seen &= ~(1U << key);
		if (*text)
			*seen |= 1U << key;
		return trace_read_value(&trace_keys[key], text, (char *)trace + trace_keys[key].offset);
	}
	return read_setting(trace, name, text);
}

static bool read_keys(struct line *line, struct trace_event *trace, unsigned *seen)
{
	while (next_word(line)) {
		char *equals = strchr(line->word, '=');

		if (!equals)
			return refuse_word(line, "not KEY=VALUE");
		*equals = '\0';
		if (!read_key(trace, line->word, equals + 1, seen))
			return refuse_word(line, "unknown key or bad value");
	}
	return true;
}

/* ---- lines ---------------------------------------------------------------------------------------------- */

static bool read_source(const char *word, enum event_source *ret)
{
	for (enum event_source source = 0; source < SOURCE_COUNT; source++) {
		if (strcmp(event_source_name(source), word) != 0)
			continue;
		*ret = source;
		return true;
	}
	return false;
}

static bool read_type(const char *word, enum event_type *ret)
{
	for (enum event_type type = 0; type < TRACE_EVENT_TYPES; type++) {
		if (strcmp(trace_lines[type].name, word) != 0)
			continue;
		*ret = type;
		return true;
	}
	return false;
}

/* A missing key is reported at the event's own word. */
static bool has_needed(struct line *line, unsigned column, const struct trace_line *has, unsigned seen)
{
	for (enum trace_key_id key = 0; key < KEY_COUNT; key++) {
		char what[32];

		if (!(has->needed & ~seen & 1U << key))
			continue;
		snprintf(what, sizeof(what), "no %s", trace_keys[key].name);
		return fail_at(line, column, what, has->name);
	}
	return true;
}

static bool read_line(struct line *line, struct trace_event *trace)
{
	unsigned column, seen = 0;

	next_word(line);
	if (!trace_read_nsec(line->word, &trace->event.stamp))
		return refuse_word(line, "not a stamp");
	next_word(line);
	if (!read_source(line->word, &trace->event.source))
		return refuse_word(line, "unknown source");
	next_word(line);
	if (!read_type(line->word, &trace->event.type))
		return refuse_word(line, "unknown event");
	column = line->column;
	return read_keys(line, trace, &seen) &&
	       has_needed(line, column, &trace_lines[trace->event.type], seen);
}

static void point_at_settings(struct trace_event *trace, struct governance *governance)
{
	for (int cause = 0; cause < CAUSE_COUNT; cause++)
		governance->by_cause[cause] = &trace->settings[cause];
}

static void connect_record(struct trace_event *trace)
{
	struct event *event = &trace->event;

	trace->login.card = trace->reader;
	memcpy(trace->login.session, trace->session, sizeof(trace->session));
	memcpy(trace->login.usb_path, trace->path, sizeof(trace->path));
	memcpy(trace->login.usb_id, trace->id, sizeof(trace->id));
	event->record.login = &trace->login;
	event->record.away = trace->away;
	point_at_settings(trace, &event->record.governance);
}

static void connect_slots(struct trace_event *trace)
{
	struct event *event = &trace->event;

	event->slot_change.usb = trace->reader.usb;
	event->slot_change.endpoint = trace->endpoint;
	event->slot_change.bytes = trace->slots.size;
	event->slot_change.slots = trace->slots.bytes;
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
		connect_slots(trace);
		break;
	case EVENT_READER:
	case EVENT_READER_GONE:
		event->reader = &trace->reader;
		break;
	case EVENT_RECORD:
		connect_record(trace);
		break;
	case EVENT_SETTINGS:
	case EVENT_SESSION_KIND:
		event->change.session = trace->session;
		event->change.kind = trace->kind;
		point_at_settings(trace, &event->change.governance);
		break;
	case EVENT_REMOTE_UP:
	case EVENT_REMOTE_DOWN:
	case EVENT_REMOTE_SILENT:
	case EVENT_REMOTE_HEARD:
	case EVENT_REMOTE_READER:
	case EVENT_REMOTE_READER_GONE:
	case EVENT_REMOTE_LISTED:
		event->remote.session = trace->session;
		event->remote.reader = &trace->reader;
		event->remote.known = trace->known;
		break;
	case EVENT_SESSION_ENDED:
	case EVENT_SESSION_LOCKED:
	case EVENT_SESSION_UNLOCKED:
	case EVENT_SESSION_REBIND:
	case EVENT_ACTION_DONE:
	case EVENT_ACTION_FAILED:
		event->session = trace->session;
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

int trace_parse_bytes(const char *line, size_t size, struct trace_event *ret, struct trace_error *ret_error)
{
	struct line reading = {.text = line, .size = size, .error = ret_error};

	*ret = (struct trace_event){0};
	for (int cause = 0; cause < CAUSE_COUNT; cause++) {
		ret->settings[cause] = (struct settings)SETTINGS_DEFAULT;
		if (!(cause_of_any_rule() & 1U << cause))
			ret->settings[cause].action = ACTION_NONE;
	}
	if (!read_line(&reading, ret))
		return -EBADMSG;
	connect(ret);
	return 0;
}

int trace_parse(const char *line, struct trace_event *ret, struct trace_error *ret_error)
{
	return trace_parse_bytes(line, strlen(line), ret, ret_error);
}
