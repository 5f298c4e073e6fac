/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The rules of scpolicyd.conf: [Policy], and [Rule …] sections in file order. Pure: the configuration reader
 * fills them in, sessions are resolved against them; no name service, no file.
 */
#include <stddef.h>

#include "settings.h"

/* What kind of session it is; from logind, so not known at once. */
enum session_kind {
	KIND_LOCAL = 1 << 0,
	KIND_REMOTE = 1 << 1,	 /* logind's Remote, or a service that is remote by its nature (xrdp-sesman) */
	KIND_GRAPHICAL = 1 << 2, /* type x11, wayland, mir */
	KIND_TTY = 1 << 3,
	KIND_XRDP = 1 << 4,	   /* a remote session that xrdp can disconnect */
	KIND_SSH = 1 << 5,	   /* a remote one that has no detached state and no locker */
	KIND_CONSOLE = 1 << 6,	   /* a tty session on the active local console */
};

/* What a rule may ask about a session. Strings are borrowed; NULL: not known, and no pattern matches it. */
struct session_facts {
	const char *user;
	const char *service;
	const char *reader;
	const char *const *groups; /* names; `group_count` of them */
	size_t group_count;
	unsigned kind; /* enum session_kind bits; 0: not known yet */
};

struct rules;

/* With [Policy] at its defaults and no rule. */
int rules_new(struct rules **ret);
struct rules *rules_free(struct rules *rules);

/* [Policy], to be filled in. */
struct settings *rules_policy(struct rules *rules);

/*
 * What one [Rule …] matches and sets, as the configuration reader puts it together. Patterns are globs, space
 * separated; an empty string matches anything. `set` has bit n for the n-th key of rules.c's settings table
 * that the rule gives itself; the others come from [Policy].
 */
struct rule {
	char name[RULE_NAME_SIZE];
	char *user, *group, *service, *reader; /* malloc()ed, or NULL */
	unsigned kinds;	 /* Session=: KIND_LOCAL … KIND_TTY bits, all of one word of the list; 0: any */
	unsigned causes; /* Cause=: bit n for enum cause n; 0: any */
	uint32_t set;
	struct settings settings;
	const char *file; /* where it stands, for explain; owned by the rules */
	unsigned line;
};

/* Appends a rule, taking what it points to. -ENOMEM: not taken. */
int rules_append(struct rules *rules, const struct rule *rule);

/* Fills what each rule leaves unset from [Policy]: to be called once, after everything was read. */
void rules_complete(struct rules *rules);

/* First match decides, for each cause of its own. The settings live as long as the rules. */
struct governance rules_resolve(const struct rules *rules, const struct session_facts *facts);

/* Whether any rule asks for groups: if not, none need be looked up. */
bool rules_need_groups(const struct rules *rules);
size_t rules_count(const struct rules *rules);
