/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/rules.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* uthash must report an allocation that failed instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "lib/macro.h"
#include "lib/places.h"

#define ALL_CAUSES ((1U << CAUSE_COUNT) - 1)

struct file_name {
	struct file_name *next;
	char path[];
};

struct entry {
	struct rule rule;
	UT_hash_handle hh;
};

struct rules {
	struct settings policy;
	struct settings
		unnamed; /* [Policy] without what it does: of a cause that only a rule with its name governs */
	bool from_gpo, heal_pcscd;
	char pcsc[PLACES_SIZE];
	struct origin policy_origins[SETTING_COUNT];
	struct entry *entries; /* by name; uthash walks them in the order in which they were added */
	struct file_name *files;
};

/* ---- patterns ------------------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Moves one element from *text to *end, its quotes left out and its backslashes kept for fnmatch(). */
static bool take_element(const char **text, char **end)
{
	const char *from = *text;
	char *to = *end;
	bool quoted = false;

	for (; *from && (quoted || !is_blank(*from)); from++) {
		if (*from == '"') {
			quoted = !quoted;
			continue;
		}
		if (*from == '\\') {
			*to++ = *from++;
			if (!*from)
				return false;
		}
		*to++ = *from;
	}
	if (quoted || to == *end)
		return false;
	*to++ = '\0';
	*text = from;
	*end = to;
	return true;
}

int patterns_add(struct patterns *patterns, const char *text)
{
	/* Each element loses nothing but quotes, and its separator becomes its NUL. */
	char *globs = realloc(patterns->globs, patterns->size + strlen(text) + 1);
	char *end;

	if (!globs)
		return -ENOMEM;
	patterns->globs = globs;
	end = globs + patterns->size;
	for (;;) {
		while (is_blank(*text))
			text++;
		if (!*text)
			break;
		if (!take_element(&text, &end))
			return -EINVAL;
	}
	if (end == globs + patterns->size)
		return -EINVAL;
	patterns->size = (size_t)(end - globs);
	return 0;
}

bool pattern_matches(const char *glob, const char *text)
{
	return strcmp(glob, text) == 0 || fnmatch(glob, text, 0) == 0;
}

static bool patterns_match(const struct patterns *patterns, const char *text)
{
	const char *end = patterns->globs + patterns->size;

	for (const char *glob = patterns->globs; glob < end; glob += strlen(glob) + 1)
		if (pattern_matches(glob, text))
			return true;
	return false;
}

/* ---- one rule ------------------------------------------------------------------------------------------ */

enum sessions { ANY_SESSION, REMOTE_SESSION };

#define MEMBER(number, name, where, sessions, ...)                                                           \
	[SETTING_##number] = {offsetof(struct settings, name), sizeof(((struct settings *)NULL)->name),      \
			      sessions},

static const struct {
	size_t offset, size;
	enum sessions sessions;
} members[SETTING_COUNT] = {EVERY_SETTING(MEMBER)};

void *setting_field(struct settings *settings, enum setting setting)
{
	return (char *)settings + members[setting].offset;
}

const void *setting_value(const struct settings *settings, enum setting setting)
{
	return (const char *)settings + members[setting].offset;
}

bool setting_equal(const struct settings *a, const struct settings *b, enum setting setting)
{
	return memcmp(setting_value(a, setting), setting_value(b, setting), members[setting].size) == 0;
}

bool setting_is_remote(enum setting setting)
{
	return members[setting].sessions == REMOTE_SESSION;
}

void rule_clear(struct rule *rule)
{
	free(rule->user.globs);
	free(rule->group.globs);
	free(rule->service.globs);
	free(rule->reader.globs);
	*rule = (struct rule){.name = ""};
}

static bool fact_matches(const struct patterns *patterns, const char *fact)
{
	return !patterns->size || (fact && patterns_match(patterns, fact));
}

static bool groups_match(const struct patterns *patterns, const struct session_facts *facts)
{
	if (!patterns->size)
		return true;
	for (size_t i = 0; i < facts->group_count; i++)
		if (patterns_match(patterns, facts->groups[i]))
			return true;
	return false;
}

/* Whatever the cause. */
static bool rule_matches(const struct rule *rule, const struct session_facts *facts)
{
	return (!rule->kinds || (rule->kinds & facts->kind)) &&
	       fact_matches(&rule->service, facts->service) && fact_matches(&rule->user, facts->user) &&
	       fact_matches(&rule->reader, facts->reader) && groups_match(&rule->group, facts);
}

/* ---- all of them --------------------------------------------------------------------------------------- */

int rules_new(struct rules **ret)
{
	struct rules *rules = calloc(1, sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	rules->policy = (struct settings)SETTINGS_DEFAULT;
	strcpy(rules->pcsc, PLACE_XRDP);
	for (enum setting setting = 0; setting < SETTING_COUNT; setting++)
		rules->policy_origins[setting] = (struct origin){.rule = "", .file = ""};
	*ret = rules;
	return 0;
}

struct rules *rules_free(struct rules *rules)
{
	struct entry *entry, *next_entry;

	if (!rules)
		return NULL;
	HASH_ITER(hh, rules->entries, entry, next_entry) {
		HASH_DELETE(hh, rules->entries, entry);
		rule_clear(&entry->rule);
		free(entry);
	}
	while (rules->files) {
		struct file_name *file = rules->files;

		rules->files = file->next;
		free(file);
	}
	free(rules);
	return NULL;
}

struct settings *rules_policy(struct rules *rules)
{
	return &rules->policy;
}

bool *rules_from_gpo(struct rules *rules)
{
	return &rules->from_gpo;
}

bool *rules_heal_pcscd(struct rules *rules)
{
	return &rules->heal_pcscd;
}

char *rules_pcsc(struct rules *rules)
{
	return rules->pcsc;
}

const char *rules_file(struct rules *rules, const char *path)
{
	size_t size = strlen(path) + 1;
	struct file_name **end = &rules->files;

	for (; *end; end = &(*end)->next)
		if (strcmp((*end)->path, path) == 0)
			return (*end)->path;
	*end = malloc(sizeof(**end) + size);
	if (!*end)
		return NULL;
	(*end)->next = NULL;
	memcpy((*end)->path, path, size);
	return (*end)->path;
}

const char *rules_next_file(const struct rules *rules, const char *file)
{
	const struct file_name *name = rules->files;

	while (name && file && strcmp(name->path, file) != 0)
		name = name->next;
	if (name && file)
		name = name->next;
	return name ? name->path : NULL;
}

static struct entry *find(const struct rules *rules, const char *name)
{
	struct entry *entry;

	HASH_FIND_STR(rules->entries, name, entry);
	return entry;
}

const struct rule *rules_find(const struct rules *rules, const char *name)
{
	struct entry *entry = find(rules, name);

	return entry ? &entry->rule : NULL;
}

static struct entry *add(struct rules *rules, const char *name)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	memcpy(entry->rule.name, name, sizeof(entry->rule.name));
	HASH_ADD_STR(rules->entries, rule.name, entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	return entry;
}

void rules_note_policy(struct rules *rules, enum setting setting, const char *file, unsigned line)
{
	rules->policy_origins[setting] = (struct origin){.rule = "", .file = file, .line = line};
}

struct origin rules_origin(const struct rules *rules, const struct settings *settings, enum setting setting)
{
	const struct rule *rule = *settings->rule ? rules_find(rules, settings->rule) : NULL;

	if (settings == &rules->unnamed && !setting_equal(settings, &rules->policy, setting))
		return (struct origin){.rule = "", .file = ""};
	if (!rule || !(rule->set & 1U << setting))
		return rules->policy_origins[setting];
	return (struct origin){.rule = rule->name, .file = rule->file, .line = rule->lines[setting]};
}

int rules_put(struct rules *rules, struct rule *rule)
{
	struct entry *entry = find(rules, rule->name);

	if (!entry)
		entry = add(rules, rule->name);
	if (!entry)
		return -ENOMEM;
	rule_clear(&entry->rule);
	entry->rule = *rule;
	memcpy(entry->rule.settings.rule, rule->name, sizeof(rule->name));
	*rule = (struct rule){.name = ""};
	return 0;
}

static void complete(struct rule *rule, struct settings *policy)
{
	for (enum setting setting = 0; setting < SETTING_COUNT; setting++)
		if (!(rule->set & 1U << setting))
			memcpy(setting_field(&rule->settings, setting), setting_field(policy, setting),
			       members[setting].size);
}

void rules_complete(struct rules *rules)
{
	struct entry *entry, *next;

	rules->unnamed = rules->policy;
	rules->unnamed.action = rules->unnamed.then = ACTION_NONE;
	rules->unnamed.unit[0] = '\0';
	HASH_ITER(hh, rules->entries, entry, next)
		complete(&entry->rule, &rules->policy);
}

struct governance rules_resolve(const struct rules *rules, const struct session_facts *facts)
{
	const unsigned any = cause_of_any_rule();
	struct governance governance;
	unsigned open = ALL_CAUSES; /* causes that no rule has decided yet */

	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		governance.by_cause[cause] = any & 1U << cause ? &rules->policy : &rules->unnamed;
	for (const struct entry *entry = rules->entries; entry && open; entry = entry->hh.next) {
		unsigned decides = open & (entry->rule.causes ? entry->rule.causes : any);

		if (!decides || !rule_matches(&entry->rule, facts))
			continue;
		open &= ~decides;
		for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
			if (decides & 1U << cause)
				governance.by_cause[cause] = &entry->rule.settings;
	}
	return governance;
}

bool rules_need_groups(const struct rules *rules)
{
	for (const struct entry *entry = rules->entries; entry; entry = entry->hh.next)
		if (entry->rule.group.size)
			return true;
	return false;
}

bool rules_need_cards(const struct rules *rules)
{
	for (const struct entry *entry = rules->entries; entry; entry = entry->hh.next)
		if (entry->rule.causes & 1U << CAUSE_NO_CARD && entry->rule.settings.card_within)
			return true;
	return false;
}

size_t rules_count(const struct rules *rules)
{
	return HASH_COUNT(rules->entries);
}

const struct rule *rules_next(const struct rules *rules, const struct rule *rule)
{
	struct entry *entry = rule ? find(rules, rule->name) : NULL;

	if (!rule)
		entry = rules->entries;
	else if (entry)
		entry = entry->hh.next;
	return entry ? &entry->rule : NULL;
}
