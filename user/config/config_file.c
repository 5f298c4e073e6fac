/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config_file.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "config/config_keys.h"
#include "lib/cleanup.h"
#include "lib/log.h"

/* More than anybody needs, and few enough to resolve a session against them in a few ms. */
#define RULES_MAX 20000

/* One file being read. */
struct reading {
	const char *path; /* rules_file()'s */
	FILE *stream;
	char *text; /* the line, as it is in the file; getline()'s */
	size_t text_size;
	unsigned line;
	struct rules *rules;
	struct config_error *error; /* the first one counts */
	int failure;		    /* 0, or a negative errno that is not the file's fault */
	unsigned section;	    /* KEY_IN_POLICY, KEY_IN_RULE; 0: none yet */
	struct rule rule;	    /* the one being read, while in a rule */
	/* Bit n: config_keys[n] was given, in this file's [Policy], in this rule. */
	unsigned policy_seen, seen;
	const struct key *last; /* the section's last key; NULL: none yet */
	bool continued;		/* the line is more of its list */
};

static void refuse_line(struct reading *reading, const char *format, ...) _printf_(2, 3);
static void refuse_line(struct reading *reading, const char *format, ...)
{
	struct config_error *error = reading->error;
	va_list arguments;
	int used;

	if (error->text[0])
		return;
	used = snprintf(error->text, sizeof(error->text), "%s:%u: ", reading->path, reading->line);
	if (used >= 0 && (size_t)used < sizeof(error->text)) {
		va_start(arguments, format);
		vsnprintf(error->text + used, sizeof(error->text) - (size_t)used, format, arguments);
		va_end(arguments);
	}
	log_safe(error->text, error->text, sizeof(error->text));
}

static bool refused(const struct reading *reading)
{
	return reading->failure < 0 || reading->error->text[0];
}

static void fail_reading(struct reading *reading, int error)
{
	if (!reading->failure)
		reading->failure = error;
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

static bool key_may_stand(struct reading *reading, const struct key *key, const char *name)
{
	const char *section = reading->section == KEY_IN_RULE	  ? "[Rule ...]"
			      : reading->section == KEY_IN_REMOTE ? "[Remote]"
								  : "[Policy]";

	if (!reading->section)
		refuse_line(reading, "key %s= stands before any section", name);
	else if (!key)
		refuse_line(reading, "unknown key %s= in section %s", name, section);
	else if (!(key->sections & reading->section))
		refuse_line(reading, "key %s= may not stand in section %s", name, section);
	return !refused(reading);
}

/* Where it is set. */
static void note_setting(struct reading *reading, enum setting setting)
{
	if (reading->section != KEY_IN_RULE) {
		rules_note_policy(reading->rules, setting, reading->path, reading->line);
		return;
	}
	reading->rule.set |= 1U << setting;
	reading->rule.lines[setting] = reading->line;
}

static void store(struct reading *reading, const struct key *key, const char *value)
{
	bool in_rule = reading->section == KEY_IN_RULE;
	struct settings *settings = in_rule ? &reading->rule.settings : rules_policy(reading->rules);
	void *field = NULL;
	const char *expected;

	if (key->sections == KEY_IN_RULE)
		field = (char *)&reading->rule + key->offset;
	else if (key->setting < SETTING_COUNT)
		field = setting_field(settings, key->setting);
	else if (key->of_rules)
		field = key->of_rules(reading->rules);
	else
		field = key->text_of_rules(reading->rules);
	expected = key->parse(key, value, field);
	if (expected && strcmp(expected, KEY_NO_MEMORY) == 0)
		fail_reading(reading, -ENOMEM);
	else if (expected)
		refuse_line(reading, "key %s=: \"%s\" is not %s", key->name, value, expected);
	else if (key->sections != KEY_IN_RULE && key->setting < SETTING_COUNT)
		note_setting(reading, key->setting);
}

/* libinih's view of a line that next_config_line() has let through: 0 refuses it. */
static int on_line(void *userdata, const char *section _unused_, const char *name, const char *value)
{
	struct reading *reading = userdata;
	const struct key *key = config_key(name);
	unsigned *seen = reading->section == KEY_IN_RULE ? &reading->seen : &reading->policy_seen;
	unsigned bit;

	if (refused(reading) || !key_may_stand(reading, key, name))
		return 0;
	bit = 1U << (key - config_keys);
	if (*seen & bit && !reading->continued)
		refuse_line(reading, "key %s= is given twice in this %s", name,
			    reading->section == KEY_IN_RULE ? "rule" : "file");
	else if (key->list && !*value)
		refuse_line(reading, "key %s= is an empty match: without the key, anything matches", name);
	else
		store(reading, key, value);
	*seen |= bit;
	reading->last = key;
	return !refused(reading);
}

/* Cuts off the line's end, blanks and a comment. In quotes only ';' begins one: libinih cuts there itself. */
static void trim_end(char *text)
{
	char *end = text;
	bool quoted = false, blank = true;

	for (char *c = text; *c && !(blank && strchr(quoted ? ";" : "#;", *c)); c++) {
		quoted ^= *c == '"';
		blank = isspace((unsigned char)*c);
		if (!blank)
			end = c + 1;
	}
	*end = '\0';
}

/* ---- sections ------------------------------------------------------------------------------------------ */

static void end_section(struct reading *reading)
{
	if (reading->section == KEY_IN_RULE && !refused(reading) &&
	    rules_put(reading->rules, &reading->rule) < 0)
		fail_reading(reading, -ENOMEM);
	rule_clear(&reading->rule);
	reading->section = 0;
	reading->seen = 0;
	reading->last = NULL;
}

/* `name` is cut out of its line, blanks around it. */
static void begin_rule(struct reading *reading, char *name)
{
	const struct rule *same;

	name += strspn(name, BLANKS);
	trim_end(name);
	same = rules_find(reading->rules, name);
	if (!*name)
		refuse_line(reading, "a rule needs a name, as in [Rule night-shift]");
	else if (strlen(name) >= sizeof(reading->rule.name))
		refuse_line(reading, "the name of rule \"%s\" is longer than %zu bytes", name,
			    sizeof(reading->rule.name) - 1);
	else if (strchr(name, '\t'))
		refuse_line(reading, "a control character in the name of rule \"%s\"", name);
	else if (same && same->file == reading->path)
		refuse_line(reading, "rule \"%s\" is given twice in this file, first in line %u", name,
			    same->line);
	else if (!same && rules_count(reading->rules) >= RULES_MAX)
		refuse_line(reading, "more than %d rules", RULES_MAX);
	if (refused(reading))
		return;
	reading->section = KEY_IN_RULE;
	reading->rule = (struct rule){.file = reading->path, .line = reading->line};
	strcpy(reading->rule.name, name);
}

static void begin_section(struct reading *reading, const char *header)
{
	size_t length = strcspn(header + 1, "[]");
	_cleanup_free_ char *name = strndup(header + 1, length);

	end_section(reading);
	if (refused(reading))
		return;
	if (!name)
		fail_reading(reading, -ENOMEM);
	else if (strcmp(header + 1 + length, "]") != 0)
		refuse_line(reading, "neither a section nor a key with a value");
	else if (strcmp(name, "Policy") == 0)
		reading->section = KEY_IN_POLICY;
	else if (strcmp(name, "Remote") == 0)
		reading->section = KEY_IN_REMOTE;
	else if (strncmp(name, "Rule", 4) == 0 && (!name[4] || strchr(BLANKS, name[4])))
		begin_rule(reading, name + 4);
	else
		refuse_line(reading, "unknown section [%s]", name);
}

/* ---- lines --------------------------------------------------------------------------------------------- */

static bool has_control_character(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return true;
	return false;
}

/* A key without its "=" does not continue the list before it. */
static bool begins_with_key(const char *text)
{
	char word[32];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, BLANKS ":"), text);
	return config_key(word) != NULL;
}

/*
 * Returns what libinih is to see of the line. libinih would cut long section names, not report sections
 * without a key, accept "key: value", stop at a NUL, and read any indented line as part of the last value.
 * Here an indented line continues only a list, and only if it is neither a section nor a key.
 */
static char *check_line(struct reading *reading, char *text, size_t length)
{
	char *start;

	reading->continued = false;
	if (strlen(text) != length)
		refuse_line(reading, "a NUL byte in the line");
	trim_end(text);
	start = text + strspn(text, BLANKS);
	if (has_control_character(start))
		refuse_line(reading, "a control character in the line");
	if (refused(reading) || !*start)
		return start;
	if (*start == '[')
		begin_section(reading, start);
	else if (start[strcspn(start, "=:\"")] == '=')
		return start;
	else if (start > text && reading->last && reading->last->list && !begins_with_key(start))
		reading->continued = true;
	else
		refuse_line(reading, "neither a section nor a key with a value");
	return reading->continued ? start - 1 : start;
}

/* Feeds libinih, which continues after an error: an early end of the file stops it. */
static char *next_config_line(char *buffer, int size, void *userdata)
{
	struct reading *reading = userdata;
	ssize_t length;
	char *text;

	if (refused(reading))
		return NULL;
	errno = 0;
	length = getline(&reading->text, &reading->text_size, reading->stream);
	if (length < 0) {
		if (!feof(reading->stream))
			fail_reading(reading, errno ? -errno : -EIO);
		return NULL;
	}
	reading->line++;
	text = check_line(reading, reading->text, (size_t)length);
	if (!refused(reading) && strlen(text) >= (size_t)size)
		refuse_line(reading, "the line is longer than %d bytes", size - 1);
	return refused(reading) ? NULL : strcpy(buffer, text);
}

int config_parse(FILE *stream, const char *path, struct rules *rules, struct config_error *ret_error)
{
	struct reading reading = {
		.path = rules_file(rules, path), .stream = stream, .rules = rules, .error = ret_error};
	int r;

	ret_error->text[0] = '\0';
	if (!reading.path)
		return -ENOMEM;
	r = ini_parse_stream(next_config_line, &reading, on_line, &reading);
	if (r < 0)
		fail_reading(&reading, -ENOMEM);
	else if (r > 0 && !refused(&reading))
		refuse_line(&reading, "neither a section nor a key with a value");
	end_section(&reading);
	free(reading.text);
	if (reading.error->text[0])
		return -EBADMSG;
	if (reading.failure < 0)
		refuse_line(&reading, "%s", strerror(-reading.failure));
	return reading.failure;
}
