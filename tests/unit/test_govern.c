/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known about sessions, as it arrives bit by bit, and what follows for their rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/govern.h"
#include "lib/cleanup.h"

DEFINE_CLEANUP(struct govern *, govern_free)

static struct govern *fresh_govern(void)
{
	struct govern *govern;

	assert_int_equal(govern_new(&govern), 0);
	return govern;
}

static struct login_record record(const char *session, const char *user, const char *service,
				  const char *reader)
{
	struct login_record login = {.uid = 1000, .leader = 42};

	snprintf(login.session, sizeof(login.session), "%s", session);
	snprintf(login.user, sizeof(login.user), "%s", user);
	snprintf(login.service, sizeof(login.service), "%s", service);
	snprintf(login.card.name, sizeof(login.card.name), "%s", reader);
	return login;
}

static int tell(struct govern *govern, const char *session, const char *user, const char *service,
		const char *reader)
{
	struct login_record login = record(session, user, service, reader);

	return govern_record(govern, &login);
}

static void test_facts_are_copied(void **state _unused_)
{
	_cleanup_(govern_free_p) struct govern *govern = fresh_govern();
	char first[] = "users", second[] = "wheel";
	const char *groups[] = {first, second};
	const struct session_facts *facts;

	assert_int_equal(tell(govern, "1", "anna", "login", "Foo"), 1);
	assert_int_equal(govern_groups(govern, "1", groups, 2), 1);
	first[0] = second[0] = 'x';
	facts = govern_facts(govern, "1");
	assert_string_equal(facts->user, "anna");
	assert_string_equal(facts->service, "login");
	assert_string_equal(facts->reader, "Foo");
	assert_int_equal(facts->group_count, 2);
	assert_string_equal(facts->groups[0], "users");
	assert_string_equal(facts->groups[1], "wheel");
	assert_int_equal(facts->kind, 0);
}

static void test_only_changes_are_told(void **state _unused_)
{
	_cleanup_(govern_free_p) struct govern *govern = fresh_govern();
	const char *groups[] = {"users", "wheel"}, *other[] = {"users", "staff"};

	assert_int_equal(tell(govern, "1", "anna", "login", "Foo"), 1);
	assert_int_equal(tell(govern, "1", "anna", "login", "Foo"), 0);
	assert_int_equal(govern_kind(govern, "1", KIND_TTY | KIND_LOCAL), 1);
	assert_int_equal(govern_kind(govern, "1", KIND_TTY | KIND_LOCAL), 0);
	assert_int_equal(govern_kind(govern, "1", KIND_TTY | KIND_LOCAL | KIND_CONSOLE), 1);
	assert_int_equal(govern_groups(govern, "1", NULL, 0), 0);
	assert_int_equal(govern_groups(govern, "1", groups, 2), 1);
	assert_int_equal(govern_groups(govern, "1", groups, 2), 0);
	assert_int_equal(govern_groups(govern, "1", other, 2), 1);
	assert_int_equal(govern_groups(govern, "1", groups, 1), 1);
	assert_int_equal(govern_groups(govern, "1", NULL, 0), 1);
}

/* Unlocked with another reader: bound again, other facts stay. The id used again by another person: none stays. */
static void test_written_anew(void **state _unused_)
{
	_cleanup_(govern_free_p) struct govern *govern = fresh_govern();
	const char *groups[] = {"users"};
	struct login_record login = record("1", "anna", "login", "Foo");
	const struct session_facts *facts;

	assert_int_equal(govern_record(govern, &login), 1);
	govern_kind(govern, "1", KIND_TTY);
	govern_groups(govern, "1", groups, 1);
	strcpy(login.card.name, "Bar Reader");
	strcpy(login.service, "unlock");
	assert_int_equal(govern_record(govern, &login), 1);
	facts = govern_facts(govern, "1");
	assert_string_equal(facts->reader, "Bar Reader");
	assert_string_equal(facts->service, "unlock");
	assert_int_equal(facts->kind, KIND_TTY);
	assert_int_equal(facts->group_count, 1);
	login.leader++;
	assert_int_equal(govern_record(govern, &login), 1);
	facts = govern_facts(govern, "1");
	assert_int_equal(facts->kind, 0);
	assert_int_equal(facts->group_count, 0);
}

static const struct {
	const char *service;
	unsigned logind, kind;
} kinds[] = {
	{"gdm-smartcard", 0, 0},
	{"gdm-smartcard", KIND_LOCAL | KIND_GRAPHICAL, KIND_LOCAL | KIND_GRAPHICAL},
	{"login", KIND_LOCAL | KIND_TTY | KIND_CONSOLE, KIND_LOCAL | KIND_TTY | KIND_CONSOLE},
	{"other", KIND_REMOTE | KIND_TTY, KIND_REMOTE | KIND_TTY},
	{"xrdp-sesman", 0, KIND_REMOTE},
	{"xrdp-sesman", KIND_LOCAL | KIND_GRAPHICAL | KIND_CONSOLE, KIND_REMOTE | KIND_GRAPHICAL},
	{"xrdp-sesman", KIND_REMOTE | KIND_GRAPHICAL | KIND_XRDP, KIND_REMOTE | KIND_GRAPHICAL | KIND_XRDP},
	{"sshd", 0, 0},
	{"sshd", KIND_LOCAL | KIND_TTY, KIND_LOCAL | KIND_TTY}, /* from this very machine */
	{"sshd", KIND_REMOTE | KIND_TTY | KIND_SSH, KIND_REMOTE | KIND_TTY | KIND_SSH},
};

static void test_kinds(void **state _unused_)
{
	for (size_t i = 0; i < ELEMENTS(kinds); i++) {
		_cleanup_(govern_free_p) struct govern *govern = fresh_govern();

		assert_int_equal(tell(govern, "1", "anna", kinds[i].service, "Foo"), 1);
		assert_int_equal(govern_kind(govern, "1", kinds[i].logind), kinds[i].logind != 0);
		assert_int_equal(govern_facts(govern, "1")->kind, kinds[i].kind);
	}
}

static void test_unknown_sessions(void **state _unused_)
{
	_cleanup_(govern_free_p) struct govern *govern = fresh_govern();
	_cleanup_(rules_free_p) struct rules *rules = NULL;

	assert_int_equal(rules_new(&rules), 0);
	assert_int_equal(govern_kind(govern, "1", KIND_TTY), -ENOENT);
	assert_int_equal(govern_groups(govern, "1", NULL, 0), -ENOENT);
	assert_null(govern_facts(govern, "1"));
	assert_null(govern_next(govern, NULL));
	govern_forget(govern, "1");
	assert_ptr_equal(govern_resolve(govern, rules, "1").by_cause[CAUSE_CARD], rules_policy(rules));
}

/* An empty service or reader of a record is one that is not known. */
static void test_empty_is_not_known(void **state _unused_)
{
	_cleanup_(govern_free_p) struct govern *govern = fresh_govern();

	assert_int_equal(tell(govern, "1", "anna", "", ""), 1);
	assert_null(govern_facts(govern, "1")->service);
	assert_null(govern_facts(govern, "1")->reader);
}

static void test_longest_strings(void **state _unused_)
{
	_cleanup_(govern_free_p) struct govern *govern = fresh_govern();
	struct login_record login = {.uid = 1};
	const struct session_facts *facts;

	memset(login.session, 's', sizeof(login.session) - 1);
	memset(login.user, 'u', sizeof(login.user) - 1);
	memset(login.service, 'v', sizeof(login.service) - 1);
	memset(login.card.name, '\xff', sizeof(login.card.name) - 1);
	assert_int_equal(govern_record(govern, &login), 1);
	assert_int_equal(govern_record(govern, &login), 0);
	facts = govern_facts(govern, login.session);
	assert_string_equal(facts->user, login.user);
	assert_string_equal(facts->service, login.service);
	assert_string_equal(facts->reader, login.card.name);
}

static void test_resolving_and_walking(void **state _unused_)
{
	_cleanup_(govern_free_p) struct govern *govern = fresh_govern();
	_cleanup_(rules_free_p) struct rules *rules = NULL;
	struct rule by_user = {.name = "by-user"}, by_group = {.name = "by-group"},
		    by_kind = {.name = "by-kind"};
	const char *groups[] = {"users", "night"};
	const char *session = NULL;
	char id[12];

	assert_int_equal(rules_new(&rules), 0);
	by_kind.kinds = KIND_REMOTE;
	assert_int_equal(patterns_add(&by_user.user, "anna"), 0);
	assert_int_equal(patterns_add(&by_group.group, "night"), 0);
	assert_int_equal(rules_put(rules, &by_user), 0);
	assert_int_equal(rules_put(rules, &by_group), 0);
	assert_int_equal(rules_put(rules, &by_kind), 0);
	rules_complete(rules);

	/* Two sessions on one card: each its own rule. */
	tell(govern, "1", "anna", "login", "Foo");
	tell(govern, "2", "bert", "login", "Foo");
	assert_string_equal(govern_resolve(govern, rules, "1").by_cause[CAUSE_CARD]->rule, "by-user");
	assert_string_equal(govern_resolve(govern, rules, "2").by_cause[CAUSE_CARD]->rule, "");
	govern_kind(govern, "2", KIND_REMOTE);
	assert_string_equal(govern_resolve(govern, rules, "2").by_cause[CAUSE_CARD]->rule, "by-kind");
	govern_groups(govern, "2", groups, 2);
	assert_string_equal(govern_resolve(govern, rules, "2").by_cause[CAUSE_CARD]->rule, "by-group");

	for (int i = 3; i <= 100; i++) {
		snprintf(id, sizeof(id), "%d", i);
		tell(govern, id, "carl", "login", "Foo");
	}
	govern_forget(govern, "2");
	assert_null(govern_facts(govern, "2"));
	for (int i = 1; i <= 100; i++) {
		if (i == 2)
			continue;
		session = govern_next(govern, session);
		assert_non_null(session);
		assert_int_equal(atoi(session), i);
	}
	assert_null(govern_next(govern, session));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_are_copied), cmocka_unit_test(test_only_changes_are_told),
		cmocka_unit_test(test_written_anew),	 cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_unknown_sessions), cmocka_unit_test(test_empty_is_not_known),
		cmocka_unit_test(test_longest_strings),	 cmocka_unit_test(test_resolving_and_walking),
	};

	return cmocka_run_group_tests_name("govern", tests, NULL, NULL);
}
