/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Every key of scpolicyd.conf, what it takes and where that is kept. */
#include "policy/rules.h"

/* What separates the elements of a list. */
#define BLANKS " \t"

/* Where a key may stand. */
enum {
	KEY_IN_POLICY = 1 << 0,
	KEY_IN_RULE = 1 << 1,
	KEY_IN_REMOTE = 1 << 2,
};

/* Room for a time in words; everything else has its own text. */
#define VALUE_SIZE 64

/* What a parser answers when it cannot tell. */
#define KEY_NO_MEMORY ""

struct word {
	const char *text; /* NULL: the end of the list */
	unsigned value;
};

struct key {
	const char *name;
	unsigned sections;
	/* Stores what `value` says at `field`. NULL; what the value is not ("none or lock"); KEY_NO_MEMORY.
	 */
	const char *(*parse)(const struct key *key, const char *value, void *field);
	/* Of a setting: what is at `field`, as the configuration writes it, in `buffer` if need be. */
	const char *(*format)(const struct key *key, const void *field, char buffer[static VALUE_SIZE]);
	const char *expected;
	bool *(*of_rules)(struct rules *rules);	     /* of [Policy] alone, and no setting: where it is kept */
	char *(*text_of_rules)(struct rules *rules); /* … of [Remote] alone; PLACES_SIZE bytes */
	const struct word *words;
	uint64_t minimum, maximum;
	bool list;	      /* parsing again adds; may not be empty */
	enum setting setting; /* of a key of [Policy] or [Remote]; SETTING_COUNT: it has one of these */
	size_t offset;	      /* in struct rule, of a key of [Rule ...] alone */
};

extern const struct key config_keys[];

/* NULL: there is none. */
const struct key *config_key(const char *name);

/* The one that sets it. */
const struct key *config_setting_key(enum setting setting);

/* systemd's spans, "1min 30s"; returns `buffer`. */
const char *config_format_time(uint64_t nsec, char buffer[static VALUE_SIZE]);
