/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The rules of scpolicyd.conf: [Policy], and [Rule …] sections in file order. Pure: the configuration reader
 * fills them in, sessions are resolved against them; no name service, no file.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/macro.h"
#include "policy/settings.h"

/* What kind of session it is; from logind, so not known at once. */
enum session_kind {
	KIND_LOCAL = 1 << 0,
	KIND_REMOTE = 1 << 1, /* logind's Remote, or a service that is remote by its nature (xrdp-sesman) */
	KIND_GRAPHICAL = 1 << 2, /* type x11, wayland, mir */
	KIND_TTY = 1 << 3,
	KIND_XRDP = 1 << 4,    /* a remote session that xrdp can disconnect */
	KIND_SSH = 1 << 5,     /* a remote one that has no detached state and no locker */
	KIND_CONSOLE = 1 << 6, /* a tty session on the active local console */
	KIND_NO_LOCK = 1 << 7, /* logind refuses to lock it */
};

/* The word for bit `bit` of it: "local", …; NULL after the last. */
const char *session_kind_name(unsigned bit);

/* What a rule may ask about a session. Strings are borrowed; NULL: not known, and no pattern matches it. */
struct session_facts {
	const char *user;
	const char *service;
	const char *reader;
	const char *const *groups; /* names; `group_count` of them */
	size_t group_count;
	unsigned kind; /* enum session_kind bits; 0: not known yet, and no Session= matches it */
};

/* A list of globs, one after another, each with its NUL, `size` bytes in all. None: matches anything. */
struct patterns {
	char *globs; /* malloc()ed, or NULL */
	size_t size;
};

/*
 * Appends the globs of `text`. They are fnmatch(3)'s without flags, bytes for characters, separated by spaces
 * and tabs. Double quotes hold an element together ("Foo Reader*", or any part of it, as in a shell); a
 * backslash makes the next byte an ordinary one, a space or a quote too. 0; -EINVAL for a quote that is not
 * closed, an empty element, a backslash at the end, or no element at all; -ENOMEM. Unchanged on failure.
 */
int patterns_add(struct patterns *patterns, const char *text);

/*
 * Whether one glob matches: an exact text matches itself, whatever it holds, as the name of a reader with brackets does.
 */
bool pattern_matches(const char *glob, const char *text);

/* The member of `settings` that holds it. */
void *setting_field(struct settings *settings, enum setting setting);
const void *setting_value(const struct settings *settings, enum setting setting);
/* Whether both have the same there. After the end of a text they may differ, and then this may be false. */
bool setting_equal(const struct settings *a, const struct settings *b, enum setting setting);

/* REMOTE_SESSION of the table: the setting concerns only sessions whose card is at their client. */
bool setting_is_remote(enum setting setting);

/* What one [Rule …] matches and sets. All that is asked must match. */
struct rule {
	char name[RULE_NAME_SIZE];
	struct patterns user, group, service, reader; /* a group: any of the session's */
	unsigned kinds;	 /* Session=: KIND_LOCAL … KIND_TTY bits, any one of them; 0: not asked */
	unsigned causes; /* Cause=: bit n for enum cause n; 0: cause_of_any_rule() */
	unsigned set;	 /* bit n: enum setting n is this rule's own; the others come from [Policy] */
	unsigned lines[SETTING_COUNT]; /* where each of those stands in `file` */
	struct settings settings;
	const char *file; /* where it stands, for explain; from rules_file() */
	unsigned line;
};

/* Frees what it points to and empties it. */
void rule_clear(struct rule *rule);

/* Where a setting's value was written. */
struct origin {
	const char *rule; /* "": [Policy] */
	const char *file; /* "": nowhere, it is built in */
	unsigned line;	  /* 0 then */
};

struct rules;

/* With [Policy] at its defaults and no rule. */
int rules_new(struct rules **ret);
struct rules *rules_free(struct rules *rules);
DEFINE_CLEANUP(struct rules *, rules_free)

/* [Policy], to be filled in. */
struct settings *rules_policy(struct rules *rules);

/* Source=gpo: Action= of [Policy] is what the group policy says, where that says anything. */
bool *rules_from_gpo(struct rules *rules);

/* HealPcscd=: a pcscd that has gone deaf is restarted. */
bool *rules_heal_pcscd(struct rules *rules);

/* Pcsc=: where the PC/SC of a session's client is looked for (lib/places.h); PLACES_SIZE bytes. */
char *rules_pcsc(struct rules *rules);

/* Notes where [Policy] sets it; `file` from rules_file(). */
void rules_note_policy(struct rules *rules, enum setting setting, const char *file, unsigned line);

/* Of settings that were resolved from these rules. Lives as long as the rules. */
struct origin rules_origin(const struct rules *rules, const struct settings *settings, enum setting setting);

/* A copy of `path` that lives as long as the rules; the same one for the same path. NULL: out of memory. */
const char *rules_file(struct rules *rules, const char *path);
/* Those paths, in the order in which they came: the first for NULL, then the one after `file`. */
const char *rules_next_file(const struct rules *rules, const char *file);

/*
 * Takes what the rule points to and empties it. One of the same name is replaced and its place kept; any
 * other comes after those there are. -ENOMEM: not taken.
 */
int rules_put(struct rules *rules, struct rule *rule);
const struct rule *rules_find(const struct rules *rules, const char *name);

/* Fills what each rule leaves unset from [Policy]: after everything was read, and before any resolving. */
void rules_complete(struct rules *rules);

/*
 * First match decides, for each cause of its own; where none does, [Policy], and for a cause that only a rule with
 * Cause= governs nothing is done. One pass over the rules. The settings live as long as the rules.
 */
struct governance rules_resolve(const struct rules *rules, const struct session_facts *facts);

/* Whether any rule asks for groups: if not, none need be looked up. */
bool rules_need_groups(const struct rules *rules);
/* Whether any rule says what is done with a remote session that shows no card in time. */
bool rules_need_cards(const struct rules *rules);
size_t rules_count(const struct rules *rules);
/* In the order in which they are asked: the first for NULL, then the one after `rule`; NULL after the last. */
const struct rule *rules_next(const struct rules *rules, const struct rule *rule);
