/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config_keys.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/macro.h"
#include "lib/places.h"
#include "lib/record.h"

#define NSEC_PER_MIN  (60 * NSEC_PER_SEC)
#define NSEC_PER_HOUR (60 * NSEC_PER_MIN)
#define TIME_EXPECTED "a time such as 500ms, 3s or 1min 30s"

/* ---- values -------------------------------------------------------------------------------------------- */

static const struct word actions[] = {
	{"none", ACTION_NONE},
	{"lock", ACTION_LOCK},
	{"logout", ACTION_LOGOUT},
	{"disconnect", ACTION_DISCONNECT},
	{NULL, 0},
};
static const struct word second_actions[] = {
	{"none", ACTION_NONE},
	{"logout", ACTION_LOGOUT},
	{"disconnect", ACTION_DISCONNECT},
	{NULL, 0},
};
static const struct word fallbacks[] = {{"warn", FALLBACK_WARN}, {"logout", FALLBACK_LOGOUT}, {NULL, 0}};
static const struct word pcsc_lost[] = {{"ignore", false}, {"lock", true}, {NULL, 0}};
static const struct word binds[] = {{"first", true}, {"none", false}, {NULL, 0}};
static const struct word keep[] = {{"last", false}, {"any", true}, {NULL, 0}};
static const struct word sources[] = {{"local", false}, {"gpo", true}, {NULL, 0}};
static const struct word yes_or_no[] = {{"no", false}, {"yes", true}, {NULL, 0}};
static const struct word kinds[] = {
	{"local", KIND_LOCAL},
	{"remote", KIND_REMOTE},
	{"graphical", KIND_GRAPHICAL},
	{"tty", KIND_TTY},
	{NULL, 0},
};

/* The word of `length` bytes at `text`. */
static const struct word *find_word(const struct word *words, const char *text, size_t length)
{
	for (; words->text; words++)
		if (strlen(words->text) == length && strncmp(words->text, text, length) == 0)
			return words;
	return NULL;
}

static const char *parse_word(const struct key *key, const char *value, void *field)
{
	const struct word *word = find_word(key->words, value, strlen(value));

	if (!word)
		return key->expected;
	*(unsigned *)field = word->value; /* what GCC makes of an enum without negative values */
	return NULL;
}

static const char *parse_bool(const struct key *key, const char *value, void *field)
{
	const struct word *word = find_word(key->words, value, strlen(value));

	if (!word)
		return key->expected;
	*(bool *)field = word->value;
	return NULL;
}

/* The bit of one element of a list; 0: it is none. */
typedef unsigned (*element_bit)(const struct key *key, const char *text, size_t length);

static unsigned bit_of_word(const struct key *key, const char *text, size_t length)
{
	const struct word *word = find_word(key->words, text, length);

	return word ? word->value : 0;
}

static unsigned bit_of_cause(const struct key *key _unused_, const char *text, size_t length)
{
	enum cause cause;

	return cause_find(text, length, &cause) ? 1U << cause : 0;
}

static const char *parse_bits(const struct key *key, const char *value, unsigned *field, element_bit bit_of)
{
	unsigned mask = 0;

	for (value += strspn(value, BLANKS); *value; value += strspn(value, BLANKS)) {
		size_t length = strcspn(value, BLANKS);
		unsigned bit = bit_of(key, value, length);

		if (!bit)
			return key->expected;
		mask |= bit;
		value += length;
	}
	*field |= mask;
	return NULL;
}

static const char *parse_words(const struct key *key, const char *value, void *field)
{
	return parse_bits(key, value, field, bit_of_word);
}

static const char *parse_causes(const struct key *key, const char *value, void *field)
{
	return parse_bits(key, value, field, bit_of_cause);
}

static const char *parse_patterns(const struct key *key, const char *value, void *field)
{
	int r = patterns_add(field, value);

	return r == -ENOMEM ? KEY_NO_MEMORY : r < 0 ? key->expected : NULL;
}

static const struct unit {
	const char *name;
	uint64_t nsec;
} units[] = {
	{"us", NSEC_PER_USEC},	   {"usec", NSEC_PER_USEC},  {"\u00b5s", NSEC_PER_USEC},
	{"ms", NSEC_PER_MSEC},	   {"msec", NSEC_PER_MSEC},  {"s", NSEC_PER_SEC},
	{"sec", NSEC_PER_SEC},	   {"second", NSEC_PER_SEC}, {"seconds", NSEC_PER_SEC},
	{"m", NSEC_PER_MIN},	   {"min", NSEC_PER_MIN},    {"minute", NSEC_PER_MIN},
	{"minutes", NSEC_PER_MIN}, {"h", NSEC_PER_HOUR},     {"hr", NSEC_PER_HOUR},
	{"hour", NSEC_PER_HOUR},   {"hours", NSEC_PER_HOUR},
};

static const struct unit *find_unit(const char *name, size_t length)
{
	for (size_t i = 0; i < ELEMENTS(units); i++)
		if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
			return &units[i];
	return NULL;
}

/*
 * Adds the time of one "30s". Returns NULL, or what the text should have been; "" for a time that is too
 * large.
 */
static const char *take_span(const char **value, uint64_t *sum)
{
	const char *from = *value;
	uint64_t number = 0;
	bool overflow = false;
	const struct unit *unit;
	size_t length;

	if (!isdigit((unsigned char)*from))
		return TIME_EXPECTED;
	for (; isdigit((unsigned char)*from); from++) {
		overflow |= __builtin_mul_overflow(number, 10, &number);
		overflow |= __builtin_add_overflow(number, (uint64_t)(*from - '0'), &number);
	}
	from += strspn(from, BLANKS);
	length = strcspn(from, BLANKS "0123456789");
	if (!length)
		return "a time with its unit, such as 500ms, 3s or 1min 30s";
	unit = find_unit(from, length);
	if (!unit)
		return TIME_EXPECTED;
	overflow |= __builtin_mul_overflow(number, unit->nsec, &number);
	overflow |= __builtin_add_overflow(*sum, number, sum);
	from += length;
	*value = from + strspn(from, BLANKS);
	return overflow ? "" : NULL;
}

/* systemd.time(7)'s spans, without fractions: "1min 30s". */
static const char *parse_time(const struct key *key, const char *value, void *field)
{
	const char *expected = *value ? NULL : TIME_EXPECTED;
	uint64_t sum = 0;

	while (*value && !expected)
		expected = take_span(&value, &sum);
	if (expected)
		return *expected ? expected : key->expected;
	if (sum < key->minimum || sum > key->maximum)
		return key->expected;
	*(uint64_t *)field = sum;
	return NULL;
}

/* systemd's rule for unit names (unit_name_is_valid()), for what can be started with an instance. */
static const char *parse_unit(const struct key *key, const char *value, void *field)
{
	static const char valid[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\";
	size_t prefix = strspn(value, valid), length = strlen(value);
	const char *suffix = value + prefix;

	if (length > 0 &&
	    (prefix == 0 || (strcmp(suffix, "@.service") != 0 && strcmp(suffix, "@.target") != 0)))
		return key->expected;
	/* Room for the instance, a session id. */
	if (length + SESSION_ID_SIZE > UNIT_NAME_SIZE)
		return "short enough for a unit's name";
	memcpy(field, value, length + 1);
	return NULL;
}

static const char *parse_places(const struct key *key _unused_, const char *value, void *field)
{
	const char *wrong = places_wrong(value);

	if (!wrong)
		memcpy(field, value, strlen(value) + 1);
	return wrong;
}

/* ---- … and back ---------------------------------------------------------------------------------------- */

static const char *word_of(const struct key *key, unsigned value)
{
	const struct word *word = key->words;

	while (word->text && word->value != value)
		word++;
	return word->text;
}

static const char *format_word(const struct key *key, const void *field,
			       char buffer[static VALUE_SIZE] _unused_)
{
	return word_of(key, *(const unsigned *)field);
}

static const char *format_bool(const struct key *key, const void *field,
			       char buffer[static VALUE_SIZE] _unused_)
{
	return word_of(key, *(const bool *)field);
}

static const char *format_unit(const struct key *key _unused_, const void *field,
			       char buffer[static VALUE_SIZE] _unused_)
{
	return field;
}

const char *config_format_time(uint64_t nsec, char buffer[static VALUE_SIZE])
{
	static const struct unit spans[] = {
		{"h", NSEC_PER_HOUR},  {"min", NSEC_PER_MIN}, {"s", NSEC_PER_SEC},
		{"ms", NSEC_PER_MSEC}, {"us", NSEC_PER_USEC},
	};
	size_t used = 0;

	snprintf(buffer, VALUE_SIZE, "0s");
	for (size_t i = 0; i < ELEMENTS(spans); i++) {
		if (nsec < spans[i].nsec)
			continue;
		used += (size_t)snprintf(buffer + used, VALUE_SIZE - used, "%s%llu%s", used ? " " : "",
					 (unsigned long long)(nsec / spans[i].nsec), spans[i].name);
		nsec %= spans[i].nsec;
	}
	return buffer;
}

static const char *format_time(const struct key *key _unused_, const void *field,
			       char buffer[static VALUE_SIZE])
{
	return config_format_time(*(const uint64_t *)field, buffer);
}

/* ---- the table ----------------------------------------------------------------------------------------- */

/* What a value may be: the last columns of settings.h. */
#define FIRST_STAGE    WORD(word, actions, "none, lock, logout or disconnect")
#define SECOND_STAGE   WORD(word, second_actions, "none, logout or disconnect")
#define WARN_OR_LOGOUT WORD(word, fallbacks, "warn or logout")
#define IGNORE_OR_LOCK WORD(bool, pcsc_lost, "ignore or lock")
#define UP_TO_MINUTE   TIME(0, NSEC_PER_MIN, "a time of at most 1min")
#define FIRST_OR_NONE  WORD(bool, binds, "first or none")
#define LAST_OR_ANY    WORD(bool, keep, "last or any")
#define UP_TO_HOUR     TIME(0, NSEC_PER_HOUR, "a time of at most 1h")
#define UP_TO_DAY      TIME(0, 24 * NSEC_PER_HOUR, "a time of at most 24h")
#define SOME_TIME      TIME(NSEC_PER_MSEC, NSEC_PER_MIN, "a time from 1ms to 1min")
#define UNIT_TEMPLATE                                                                                        \
	.parse = parse_unit, .format = format_unit, .expected = "a template unit such as note@.service"
#define WORD(type, words_, expected_)                                                                        \
	.parse = parse_##type, .format = format_##type, .words = (words_), .expected = (expected_)
#define TIME(least, most, expected_)                                                                         \
	.parse = parse_time, .format = format_time, .minimum = (least), .maximum = (most),                   \
	.expected = (expected_)

#define IN_RULE	  (KEY_IN_POLICY | KEY_IN_RULE)
#define IN_REMOTE KEY_IN_REMOTE
#define SETTING(number, member, where, sessions, lines, key, word, type, values, ...)                        \
	{.name = key, .sections = IN_##where, .setting = SETTING_##number, values},
#define POLICY_ONLY(name_, of_rules_, words_, expected_)                                                     \
	{.name = (name_),                                                                                    \
	 .sections = KEY_IN_POLICY,                                                                          \
	 .setting = SETTING_COUNT,                                                                           \
	 .of_rules = (of_rules_),                                                                            \
	 .parse = parse_bool,                                                                                \
	 .words = (words_),                                                                                  \
	 .expected = (expected_)}
#define REMOTE_ONLY(name_, text_of_rules_, parse_)                                                           \
	{.name = (name_),                                                                                    \
	 .sections = KEY_IN_REMOTE,                                                                          \
	 .setting = SETTING_COUNT,                                                                           \
	 .text_of_rules = (text_of_rules_),                                                                  \
	 .parse = (parse_)}
#define MATCH(name_, member, parse_, ...)                                                                    \
	{.name = (name_),                                                                                    \
	 .sections = KEY_IN_RULE,                                                                            \
	 .list = true,                                                                                       \
	 .offset = offsetof(struct rule, member),                                                            \
	 .parse = (parse_),                                                                                  \
	 __VA_ARGS__}
#define GLOBS .expected = "a list of globs: separated by spaces, one that has spaces in double quotes"

const struct key config_keys[] = {
	EVERY_SETTING(SETTING) POLICY_ONLY("HealPcscd", rules_heal_pcscd, yes_or_no, "yes or no"),
	POLICY_ONLY("Source", rules_from_gpo, sources, "local or gpo"),
	REMOTE_ONLY("Pcsc", rules_pcsc, parse_places),
	MATCH("User", user, parse_patterns, GLOBS),
	MATCH("Group", group, parse_patterns, GLOBS),
	MATCH("Service", service, parse_patterns, GLOBS),
	MATCH("Reader", reader, parse_patterns, GLOBS),
	MATCH("Session", kinds, parse_words, .words = kinds,
	      .expected = "a list of local, remote, graphical and tty"),
	MATCH("Cause", causes, parse_causes, .expected = "a list of " CAUSES_AND),
};

const struct key *config_key(const char *name)
{
	for (size_t i = 0; i < ELEMENTS(config_keys); i++)
		if (strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

const struct key *config_setting_key(enum setting setting)
{
	const struct key *key = config_keys;

	while (!key->format || key->setting != setting)
		key++;
	return key;
}
