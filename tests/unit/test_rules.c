/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Globs, matching, first match for each cause, and what a rule takes from [Policy]. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "policy/rules.h"

#define ALL_BYTES                                                                                            \
	"\x01\x1b[31m\xff\xfe 12345678901234567890123456789012345678901234567890"                            \
	"123456789012345678901234567890123456789012345678901234567890"

/* Bit n: in this test only a rule that names cause n governs it, whatever the table says. */
static unsigned unnamed;

unsigned __real_cause_of_any_rule(void);
unsigned __wrap_cause_of_any_rule(void);

unsigned __wrap_cause_of_any_rule(void)
{
	return __real_cause_of_any_rule() & ~unnamed;
}

static struct rules *fresh_rules(void)
{
	struct rules *rules;

	assert_int_equal(rules_new(&rules), 0);
	return rules;
}

static void add_patterns(struct patterns *patterns, const char *text)
{
	if (text)
		assert_int_equal(patterns_add(patterns, text), 0);
}

/* ---- one rule, one session ----------------------------------------------------------------------------- */

static const char *const two_groups[] = {"users", "night shift"};

#define EVERYTHING                                                                                           \
	{.user = "anna",                                                                                     \
	 .service = "gdm-smartcard",                                                                         \
	 .reader = "Foo Reader [CCID] 00 01",                                                                \
	 .groups = two_groups,                                                                               \
	 .group_count = 2,                                                                                   \
	 .kind = KIND_LOCAL | KIND_GRAPHICAL}

static const struct {
	const char *user, *group, *service, *reader; /* of the rule */
	unsigned kinds;
	bool matches;
	struct session_facts facts;
} matching[] = {
	/* Nothing asked. */
	{.matches = true, .facts = EVERYTHING},
	{.matches = true},
	/* Each key, and all of them together. */
	{.user = "anna", .matches = true, .facts = EVERYTHING},
	{.user = "ann", .facts = EVERYTHING},
	{.user = "Anna", .facts = EVERYTHING},
	{.user = "bert an*", .matches = true, .facts = EVERYTHING},
	{.user = "bert [!a]*", .facts = EVERYTHING},
	{.user = "\tanna ", .matches = true, .facts = EVERYTHING},
	{.user = "EXAMPLE*", .matches = true, .facts = {.user = "EXAMPLE/.anna"}},
	{.group = "users", .matches = true, .facts = EVERYTHING},
	{.group = "wheel \"night shift\"", .matches = true, .facts = EVERYTHING},
	{.group = "night shift", .facts = EVERYTHING},
	{.group = "wheel", .facts = EVERYTHING},
	{.service = "sshd gdm-*", .matches = true, .facts = EVERYTHING},
	{.service = "gdm", .facts = EVERYTHING},
	{.reader = "\"Foo Reader*\"", .matches = true, .facts = EVERYTHING},
	{.reader = "Foo\" Reader\"*", .matches = true, .facts = EVERYTHING},
	{.reader = "Foo\\ Reader\\ \\[CCID\\]\\ 00\\ 01", .matches = true, .facts = EVERYTHING},
	{.reader = "\"Foo Reader \\[CCID] 00 01\"", .matches = true, .facts = EVERYTHING},
	{.reader = "\"Foo Reader [CCID] 00 01\"", .matches = true, .facts = EVERYTHING}, /* itself */
	{.reader = "\"Foo Reader [CCID]*\"", .facts = EVERYTHING}, /* one of C, C, I, D */
	{.reader = "Foo*01", .matches = true, .facts = EVERYTHING},
	{.reader = "Foo*00", .facts = EVERYTHING},
	{.reader = "Foo Reader", .facts = EVERYTHING},
	{.kinds = KIND_LOCAL, .matches = true, .facts = EVERYTHING},
	{.kinds = KIND_REMOTE | KIND_GRAPHICAL, .matches = true, .facts = EVERYTHING},
	{.kinds = KIND_REMOTE | KIND_TTY, .facts = EVERYTHING},
	{"anna", "users", "gdm*", "Foo*", KIND_LOCAL, true, EVERYTHING},
	{"anna", "users", "gdm*", "Bar*", KIND_LOCAL, false, EVERYTHING},
	{"anna", "users", "sshd", "Foo*", KIND_LOCAL, false, EVERYTHING},
	{"anna", "wheel", "gdm*", "Foo*", KIND_LOCAL, false, EVERYTHING},
	{"bert", "users", "gdm*", "Foo*", KIND_LOCAL, false, EVERYTHING},
	{"anna", "users", "gdm*", "Foo*", KIND_REMOTE, false, EVERYTHING},
	/* What is not known matches nothing. */
	{.user = "*"},
	{.group = "*"},
	{.service = "*"},
	{.reader = "*"},
	{.kinds = KIND_LOCAL | KIND_REMOTE | KIND_GRAPHICAL | KIND_TTY},
	/* A reader's name may be any 127 bytes. */
	{.reader = "\"Lecteur d'identit\u00e9*\"",
	 .matches = true,
	 .facts = {.reader = "Lecteur d'identit\u00e9 2"}},
	{.reader = "\"*\xff*890\"", .matches = true, .facts = {.reader = ALL_BYTES}},
	{.reader = "\"*\xff*89\"", .facts = {.reader = ALL_BYTES}},
	{.reader = "\"a \\\"b\\\"\"", .matches = true, .facts = {.reader = "a \"b\""}},
	{.reader = "a\\\\b", .matches = true, .facts = {.reader = "a\\b"}},
};

/* The only rule of `matching` has no Cause=. */
static const char *governs(bool matches, enum cause cause)
{
	return matches && cause_of_any_rule() & 1U << cause ? "one" : "";
}

static void test_matching(void **state _unused_)
{
	for (size_t i = 0; i < ELEMENTS(matching); i++) {
		_cleanup_(rules_free_p) struct rules *rules = fresh_rules();
		struct rule rule = {.name = "one", .kinds = matching[i].kinds};
		struct governance governance;

		add_patterns(&rule.user, matching[i].user);
		add_patterns(&rule.group, matching[i].group);
		add_patterns(&rule.service, matching[i].service);
		add_patterns(&rule.reader, matching[i].reader);
		assert_int_equal(rules_put(rules, &rule), 0);
		rules_complete(rules);
		governance = rules_resolve(rules, &matching[i].facts);
		for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
			if (strcmp(governance.by_cause[cause]->rule, governs(matching[i].matches, cause)) !=
			    0)
				fail_msg("case %zu, cause %d: \"%s\"", i, cause,
					 governance.by_cause[cause]->rule);
	}
}

static void test_bad_patterns(void **state _unused_)
{
	static const char *const bad[] = {"",	      "  \t", "\"a",	 "a \"b c", "\"\"",
					  "a \"\" b", "a\\",  "\"a\\\"", "a \\"};
	struct patterns patterns = {NULL, 0};

	add_patterns(&patterns, "first second");
	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		assert_int_equal(patterns_add(&patterns, bad[i]), -EINVAL);
		assert_int_equal(patterns.size, 13);
		assert_memory_equal(patterns.globs, "first\0second", 13);
	}
	free(patterns.globs);
}

/* ---- several rules ------------------------------------------------------------------------------------- */

static void put(struct rules *rules, const char *name, unsigned causes, const char *user)
{
	struct rule rule = {.causes = causes};

	snprintf(rule.name, sizeof(rule.name), "%s", name);
	add_patterns(&rule.user, user);
	assert_int_equal(rules_put(rules, &rule), 0);
	assert_null(rule.user.globs);
}

static void expect(const struct rules *rules, const char *user, const char *card, const char *reader,
		   const char *absent, const char *pcsc_lost)
{
	struct session_facts facts = {.user = user};
	struct governance governance = rules_resolve(rules, &facts);

	assert_string_equal(governance.by_cause[CAUSE_CARD]->rule, card);
	assert_string_equal(governance.by_cause[CAUSE_READER]->rule, reader);
	assert_string_equal(governance.by_cause[CAUSE_ABSENT]->rule, absent);
	assert_string_equal(governance.by_cause[CAUSE_PCSC_LOST]->rule, pcsc_lost);
}

static void test_first_match_for_each_cause(void **state _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = fresh_rules();

	expect(rules, "anna", "", "", "", "");
	put(rules, "a-card", 1 << CAUSE_CARD, "anna");
	put(rules, "any-absent", 1 << CAUSE_ABSENT | 1 << CAUSE_CARD, NULL);
	put(rules, "bert", 0, "bert");
	put(rules, "a-lost", 1 << CAUSE_PCSC_LOST, "anna");
	rules_complete(rules);
	expect(rules, "anna", "a-card", "", "any-absent", "a-lost");
	expect(rules, "bert", "any-absent", "bert", "any-absent", "bert");
	expect(rules, "carl", "any-absent", "", "any-absent", "");
	put(rules, "late-card", 1 << CAUSE_CARD, NULL);
	put(rules, "rest", 0, NULL);
	expect(rules, "anna", "a-card", "rest", "any-absent", "a-lost");
	expect(rules, NULL, "any-absent", "rest", "any-absent", "rest");
	assert_int_equal(rules_count(rules), 6);
	/* Nothing is left to decide for the rule after it. */
	put(rules, "every", (1U << CAUSE_COUNT) - 1, NULL);
	put(rules, "last", 0, NULL);
	expect(rules, NULL, "any-absent", "rest", "any-absent", "rest");
}

static void test_cards_are_needed_only_when_asked_for(void **state _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = fresh_rules();
	struct rule timed = {.name = "timed",
			     .causes = 1 << CAUSE_NO_CARD,
			     .set = 1U << SETTING_CARD_WITHIN,
			     .settings = {.card_within = 1}};

	assert_false(rules_need_cards(rules));
	put(rules, "card", 1 << CAUSE_CARD, NULL);
	put(rules, "untimed", 1 << CAUSE_NO_CARD, NULL);
	assert_false(rules_need_cards(rules));
	assert_int_equal(rules_put(rules, &timed), 0);
	assert_true(rules_need_cards(rules));
}

static void test_rules_are_walked_in_their_order(void **state _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = fresh_rules();
	const struct rule *first, *second;

	assert_null(rules_next(rules, NULL));
	put(rules, "first", 0, NULL);
	put(rules, "second", 0, NULL);
	put(rules, "first", 0, "anna");
	first = rules_next(rules, NULL);
	assert_string_equal(first->name, "first");
	second = rules_next(rules, first);
	assert_string_equal(second->name, "second");
	assert_null(rules_next(rules, second));
	/* One that is not among them has none after it. */
	assert_null(rules_next(rules, &(struct rule){.name = "third"}));
}

static int name_all(void **state _unused_)
{
	unnamed = 0;
	return 0;
}

static void test_only_its_name_governs_a_cause(void **state _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = fresh_rules();
	const struct session_facts anna = {.user = "anna"}, bert = {.user = "bert"};
	const struct settings *settings;

	unnamed = 1 << CAUSE_ABSENT;
	*rules_policy(rules) = (struct settings){
		.action = ACTION_LOCK, .then = ACTION_LOGOUT, .confirm = 3, .unit = "policy@.service"};
	put(rules, "any", 0, NULL);
	put(rules, "named", 1 << CAUSE_ABSENT, "anna");
	rules_complete(rules);
	expect(rules, "anna", "any", "any", "named", "any");
	expect(rules, "bert", "any", "any", "", "any");
	settings = rules_resolve(rules, &anna).by_cause[CAUSE_ABSENT];
	assert_int_equal(settings->action, ACTION_LOCK);
	settings = rules_resolve(rules, &bert).by_cause[CAUSE_ABSENT];
	assert_int_equal(settings->action, ACTION_NONE);
	assert_int_equal(settings->then, ACTION_NONE);
	assert_string_equal(settings->unit, "");
	assert_int_equal(settings->confirm, 3);
}

/* … and no line of a file says so: [Policy] has other words for it. */
static void test_nothing_says_what_an_unnamed_cause_does(void **state _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = fresh_rules();
	const struct session_facts facts = {.user = "anna"};
	const struct settings *settings;

	unnamed = 1 << CAUSE_ABSENT;
	rules_note_policy(rules, SETTING_ACTION, rules_file(rules, "a.conf"), 2);
	rules_note_policy(rules, SETTING_CONFIRM, rules_file(rules, "a.conf"), 3);
	rules_complete(rules);
	settings = rules_resolve(rules, &facts).by_cause[CAUSE_ABSENT];
	assert_string_equal(rules_origin(rules, settings, SETTING_ACTION).file, "");
	assert_string_equal(rules_origin(rules, settings, SETTING_CONFIRM).file, "a.conf");
	settings = rules_resolve(rules, &facts).by_cause[CAUSE_CARD];
	assert_string_equal(rules_origin(rules, settings, SETTING_ACTION).file, "a.conf");
	/* It would do nothing under this [Policy] either, which has a line that says so. */
	rules_policy(rules)->action = ACTION_NONE;
	rules_complete(rules);
	settings = rules_resolve(rules, &facts).by_cause[CAUSE_ABSENT];
	assert_string_equal(rules_origin(rules, settings, SETTING_ACTION).file, "a.conf");
}

static void test_replacing_keeps_the_place(void **state _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = fresh_rules();

	put(rules, "first", 0, "anna");
	put(rules, "second", 0, NULL);
	put(rules, "first", 0, "bert");
	assert_int_equal(rules_count(rules), 2);
	expect(rules, "anna", "second", "second", "second", "second");
	expect(rules, "bert", "first", "first", "first", "first");
	assert_non_null(rules_find(rules, "first"));
	assert_null(rules_find(rules, "third"));
}

static void test_unset_keys_come_from_policy(void **state _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = fresh_rules();
	const struct settings own = {0};
	struct settings policy;

	/* Every byte differs. */
	memset(&policy, 1, sizeof(policy));
	policy.rule[0] = '\0';
	*rules_policy(rules) = policy;
	for (enum setting setting = 0; setting <= SETTING_COUNT; setting++) {
		struct rule rule = {.set = setting < SETTING_COUNT ? 1U << setting : 0, .settings = own};
		const struct settings *got;
		char name[RULE_NAME_SIZE];

		snprintf(name, sizeof(name), "rule %d", (int)setting);
		strcpy(rule.name, name);
		assert_int_equal(rules_put(rules, &rule), 0);
		rules_complete(rules);
		got = &rules_find(rules, name)->settings;
		for (enum setting other = 0; other < SETTING_COUNT; other++) {
			assert_true(setting_equal(got, other == setting ? &own : &policy, other));
			assert_false(setting_equal(got, other == setting ? &policy : &own, other));
		}
		assert_string_equal(got->rule, name);
	}
}

/* Keep= concerns every session, though it came after CardWithin=. */
static void test_some_settings_concern_only_remote_sessions(void **state _unused_)
{
	for (enum setting setting = 0; setting < SETTING_COUNT; setting++)
		assert_int_equal(setting_is_remote(setting),
				 setting == SETTING_CARD_WITHIN || setting == SETTING_GRACE ||
					 setting == SETTING_BIND || setting == SETTING_CLIENT_GRACE);
}

static void test_groups_are_needed_only_when_asked_for(void **state _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = fresh_rules();
	struct rule rule = {.name = "group"};

	put(rules, "user", 0, "anna");
	assert_false(rules_need_groups(rules));
	add_patterns(&rule.group, "wheel");
	assert_int_equal(rules_put(rules, &rule), 0);
	assert_true(rules_need_groups(rules));
}

/* Ten thousand rules, none of which matches but the last: every one is looked at, once for all causes. */
static void test_ten_thousand_rules(void **state _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = fresh_rules();
	char text[32];

	for (int i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "user%d", i);
		put(rules, text, 0, text);
	}
	rules_complete(rules);
	assert_int_equal(rules_count(rules), 10000);
	expect(rules, "user0", "user0", "user0", "user0", "user0");
	expect(rules, "user9999", "user9999", "user9999", "user9999", "user9999");
	expect(rules, "user10000", "", "", "", "");
}

static void test_files_are_kept_once(void **state _unused_)
{
	_cleanup_(rules_free_p) struct rules *rules = fresh_rules();
	char path[] = "/etc/a.conf";
	const char *kept = rules_file(rules, path);

	path[5] = 'b';
	assert_string_equal(kept, "/etc/a.conf");
	assert_ptr_equal(rules_file(rules, "/etc/a.conf"), kept);
	assert_ptr_not_equal(rules_file(rules, "/etc/b.conf"), kept);
	assert_ptr_equal(rules_next_file(rules, NULL), kept);
	assert_string_equal(rules_next_file(rules, kept), "/etc/b.conf");
	assert_null(rules_next_file(rules, "/etc/b.conf"));
	assert_null(rules_next_file(rules, "/etc/c.conf"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matching),
		cmocka_unit_test(test_bad_patterns),
		cmocka_unit_test(test_first_match_for_each_cause),
		cmocka_unit_test(test_rules_are_walked_in_their_order),
		cmocka_unit_test(test_cards_are_needed_only_when_asked_for),
		cmocka_unit_test_teardown(test_only_its_name_governs_a_cause, name_all),
		cmocka_unit_test_teardown(test_nothing_says_what_an_unnamed_cause_does, name_all),
		cmocka_unit_test(test_replacing_keeps_the_place),
		cmocka_unit_test(test_unset_keys_come_from_policy),
		cmocka_unit_test(test_some_settings_concern_only_remote_sessions),
		cmocka_unit_test(test_groups_are_needed_only_when_asked_for),
		cmocka_unit_test(test_ten_thousand_rules),
		cmocka_unit_test(test_files_are_kept_once),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
