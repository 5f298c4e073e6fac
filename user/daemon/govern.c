/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/govern.h"

#include <errno.h>
#include <string.h>

/* uthash must report an allocation that failed instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "lib/cleanup.h"

struct session_rules {
	char session[SESSION_ID_SIZE];
	char user[USER_NAME_SIZE];
	char service[SERVICE_NAME_SIZE];
	char reader[READER_NAME_SIZE];
	uid_t uid;
	pid_t leader;
	unsigned logind_kind;
	struct session_facts
		facts; /* of the above; the groups are one allocation, names behind the pointers */
	UT_hash_handle hh;
};

struct govern {
	struct session_rules *sessions;
};

static struct session_rules *session_rules_find(const struct govern *govern, const char *session)
{
	struct session_rules *entry;

	HASH_FIND_STR(govern->sessions, session, entry);
	return entry;
}

static void drop_groups(struct session_rules *entry)
{
	free((void *)entry->facts.groups);
	entry->facts.groups = NULL;
	entry->facts.group_count = 0;
}

/* xrdp 0.9 does not tell PAM of a remote host, so that logind takes its sessions for local ones. */
static unsigned kind_of(const struct session_rules *entry)
{
	unsigned kind = entry->logind_kind;

	if (strcmp(entry->service, "xrdp-sesman") == 0)
		return (kind & ~(unsigned)(KIND_LOCAL | KIND_CONSOLE)) | KIND_REMOTE;
	return kind;
}

int govern_new(struct govern **ret)
{
	struct govern *govern = calloc(1, sizeof(*govern));

	if (!govern)
		return -ENOMEM;
	*ret = govern;
	return 0;
}

struct govern *govern_free(struct govern *govern)
{
	struct session_rules *entry, *next;

	if (!govern)
		return NULL;
	HASH_ITER(hh, govern->sessions, entry, next)
		govern_forget(govern, entry->session);
	free(govern);
	return NULL;
}

/* `session` is a record's: it fits. */
static struct session_rules *session_rules_add(struct govern *govern, const char *session)
{
	struct session_rules *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	memcpy(entry->session, session, strlen(session) + 1);
	HASH_ADD_STR(govern->sessions, session, entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	entry->facts.user = entry->user;
	return entry;
}

/* Whether it changed. */
static bool renew(char *text, const char *with, size_t size)
{
	if (strncmp(text, with, size) == 0)
		return false;
	memcpy(text, with, strnlen(with, size - 1) + 1);
	text[size - 1] = '\0';
	return true;
}

int govern_record(struct govern *govern, const struct login_record *login)
{
	struct session_rules *entry = session_rules_find(govern, login->session);
	bool changed = !entry;

	if (!entry)
		entry = session_rules_add(govern, login->session);
	if (!entry)
		return -ENOMEM;
	if (entry->uid != login->uid || entry->leader != login->leader) {
		entry->uid = login->uid;
		entry->leader = login->leader;
		entry->logind_kind = 0;
		drop_groups(entry);
		changed = true;
	}
	changed |= renew(entry->user, login->user, sizeof(entry->user));
	changed |= renew(entry->service, login->service, sizeof(entry->service));
	changed |= renew(entry->reader, login->card.name, sizeof(entry->reader));
	entry->facts.service = entry->service[0] ? entry->service : NULL;
	entry->facts.reader = entry->reader[0] ? entry->reader : NULL;
	entry->facts.kind = kind_of(entry);
	return changed;
}

int govern_kind(struct govern *govern, const char *session, unsigned kind)
{
	struct session_rules *entry = session_rules_find(govern, session);
	unsigned before;

	if (!entry)
		return -ENOENT;
	before = entry->facts.kind;
	entry->logind_kind = kind;
	entry->facts.kind = kind_of(entry);
	return entry->facts.kind != before;
}

static bool same_groups(const struct session_facts *facts, const char *const *names, size_t count)
{
	if (facts->group_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(facts->groups[i], names[i]) != 0)
			return false;
	return true;
}

/* One allocation: pointers, then the names they point to. */
static const char **copy_names(const char *const *names, size_t count)
{
	size_t size = count * sizeof(*names);
	const char **copy;
	char *to;

	for (size_t i = 0; i < count; i++)
		size += strlen(names[i]) + 1;
	copy = malloc(size);
	if (!copy)
		return NULL;
	to = (char *)(copy + count);
	for (size_t i = 0; i < count; i++) {
		copy[i] = to;
		to = stpcpy(to, names[i]) + 1;
	}
	return copy;
}

int govern_groups(struct govern *govern, const char *session, const char *const *names, size_t count)
{
	struct session_rules *entry = session_rules_find(govern, session);
	const char **copy = NULL;

	if (!entry)
		return -ENOENT;
	if (same_groups(&entry->facts, names, count))
		return 0;
	if (count > 0) {
		copy = copy_names(names, count);
		if (!copy)
			return -ENOMEM;
	}
	drop_groups(entry);
	entry->facts.groups = copy;
	entry->facts.group_count = count;
	return 1;
}

void govern_forget(struct govern *govern, const char *session)
{
	struct session_rules *entry = session_rules_find(govern, session);

	if (!entry)
		return;
	HASH_DELETE(hh, govern->sessions, entry);
	drop_groups(entry);
	free(entry);
}

const struct session_facts *govern_facts(const struct govern *govern, const char *session)
{
	struct session_rules *entry = session_rules_find(govern, session);

	return entry ? &entry->facts : NULL;
}

struct governance govern_resolve(const struct govern *govern, const struct rules *rules, const char *session)
{
	static const struct session_facts nothing;
	const struct session_facts *facts = govern_facts(govern, session);

	return rules_resolve(rules, facts ? facts : &nothing);
}

const char *govern_next(const struct govern *govern, const char *session)
{
	struct session_rules *entry = govern->sessions;

	if (session) {
		entry = session_rules_find(govern, session);
		entry = entry ? entry->hh.next : NULL;
	}
	return entry ? entry->session : NULL;
}
