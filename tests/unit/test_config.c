/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files below a root of their own: what they give, or the one sentence that refuses them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "config/config_keys.h"
#include "lib/cleanup.h"
#include "shell.h"

static char root[] = "/tmp/scpolicyd-config-XXXXXX";

static void write_file(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	file = fopen(full, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(full, 0644), 0);
}

static int fresh_root(void **state _unused_)
{
	shell("rm -rf %s && mkdir -p %s/etc/scpolicyd.conf.d %s%s", root, root, root, VENDORDIR);
	return 0;
}

static void clear(struct config *config)
{
	config_free(config);
}

static struct config read_config(void)
{
	struct config_error error = {""};
	struct config config;

	if (config_read(root, &config, &error) < 0)
		fail_msg("%s", error.text);
	return config;
}

static enum action read_action(void)
{
	_cleanup_(clear) struct config config = read_config();

	return rules_policy(config.rules)->action;
}

static void expect_error(const char *expected)
{
	struct config config = {.rules = (struct rules *)&config};
	struct config_error error = {""};

	if (config_read(root, &config, &error) >= 0)
		fail_msg("taken, and not refused with \"%s\"", expected);
	if (strcmp(error.text, expected) != 0)
		fail_msg("\"%s\" is not \"%s\"", error.text, expected);
	assert_ptr_equal(config.rules, &config);
}

static void expect_file_error(const char *why)
{
	char expected[512];

	snprintf(expected, sizeof(expected), "%s/etc/scpolicyd.conf: %s", root, why);
	expect_error(expected);
}

/* ---- layers -------------------------------------------------------------------------------------------- */

static void test_defaults_lock(void **state _unused_)
{
	_cleanup_(clear) struct config config = read_config();
	const struct settings *policy = rules_policy(config.rules);

	assert_int_equal(policy->action, ACTION_LOCK);
	assert_int_equal(policy->then, ACTION_NONE);
	assert_int_equal(policy->after, 0);
	assert_int_equal(policy->settle, 0);
	assert_int_equal(policy->confirm, 500 * NSEC_PER_MSEC);
	assert_int_equal(policy->lock_timeout, 3 * NSEC_PER_SEC);
	assert_int_equal(policy->when_lock_fails, FALLBACK_WARN);
	assert_int_equal(policy->when_cannot_lock, FALLBACK_WARN);
	assert_false(policy->lock_when_pcsc_lost);
	assert_string_equal(policy->unit, "");
	assert_string_equal(rules_pcsc(config.rules), "xrdp");
	assert_int_equal(rules_count(config.rules), 0);
}

/* What the vendor's file shows is what the daemon does without it. */
static void test_vendor_file(void **state _unused_)
{
	_cleanup_(clear) struct config without = read_config();
	_cleanup_(clear) struct config with = {NULL};

	shell("cp user/data/scpolicyd.conf %s%s/", root, VENDORDIR);
	with = read_config();
	assert_int_equal(rules_count(with.rules), 0);
	assert_memory_equal(rules_policy(with.rules), rules_policy(without.rules), sizeof(struct settings));
	/* Uncommented, its keys are understood and say the same. */
	shell("sed -Ei 's/^#([A-Z][A-Za-z]*=)/\\1/; /^#\\[Rule/,$d' %s%s/scpolicyd.conf", root, VENDORDIR);
	config_free(&with);
	with = read_config();
	assert_memory_equal(rules_policy(with.rules), rules_policy(without.rules), sizeof(struct settings));
	assert_string_equal(rules_pcsc(with.rules), rules_pcsc(without.rules));
	/* So is its example. */
	shell("sed -E '/^#\\[Rule/,$ s/^#(\\[|[A-Z][A-Za-z]*=)/\\1/' user/data/scpolicyd.conf > "
	      "%s%s/scpolicyd.conf",
	      root, VENDORDIR);
	config_free(&with);
	with = read_config();
	assert_int_equal(rules_count(with.rules), 1);
}

static void test_layers(void **state _unused_)
{
	write_file(VENDORDIR "/scpolicyd.conf", "[Policy]\nAction=none\n");
	assert_int_equal(read_action(), ACTION_NONE);
	write_file("/etc/scpolicyd.conf", "# nothing is said here\n[Policy]\n");
	assert_int_equal(read_action(), ACTION_LOCK);
	write_file("/etc/scpolicyd.conf.d/50-b.conf", "[Policy]\nAction = none\n");
	assert_int_equal(read_action(), ACTION_NONE);
	write_file("/etc/scpolicyd.conf.d/60-c.conf", "[Policy]\nAction=lock ; a comment\n");
	assert_int_equal(read_action(), ACTION_LOCK);
	write_file("/etc/scpolicyd.conf.d/70-d.conf.bak", "nonsense");
	write_file("/etc/scpolicyd.conf.d/.conf", "nonsense");
	assert_int_equal(read_action(), ACTION_LOCK);
}

static const struct rule *find_rule(const struct config *config, const char *name)
{
	const struct rule *rule = rules_find(config->rules, name);

	assert_non_null(rule);
	return rule;
}

static const char *decider(const struct config *config, const char *user)
{
	struct session_facts facts = {.user = user};

	return rules_resolve(config->rules, &facts).by_cause[CAUSE_CARD]->rule;
}

/* A later file's rule of the same name stands in the earlier one's place, whole; [Policy] may come last. */
static void test_rules_in_layers(void **state _unused_)
{
	_cleanup_(clear) struct config config = {NULL};
	char path[512];

	write_file("/etc/scpolicyd.conf",
		   "[Rule a]\nUser=anna\nAction=logout\nThen=disconnect\n[Rule z]\nUser=*\n");
	write_file("/etc/scpolicyd.conf.d/1.conf",
		   "[Rule n]\nUser=*\n\n[Rule a]\nUser=bert\nAction=disconnect\n");
	write_file("/etc/scpolicyd.conf.d/2.conf", "[Policy]\nThen=logout\nAfter=1min\n");
	config = read_config();
	assert_int_equal(rules_count(config.rules), 3);
	assert_string_equal(decider(&config, "anna"), "z");
	assert_string_equal(decider(&config, "bert"), "a");
	assert_int_equal(find_rule(&config, "a")->settings.action, ACTION_DISCONNECT);
	assert_int_equal(find_rule(&config, "a")->settings.then, ACTION_LOGOUT);
	assert_int_equal(find_rule(&config, "a")->settings.after, 60 * NSEC_PER_SEC);
	assert_int_equal(find_rule(&config, "z")->settings.action, ACTION_LOCK);
	snprintf(path, sizeof(path), "%s/etc/scpolicyd.conf.d/1.conf", root);
	assert_string_equal(find_rule(&config, "a")->file, path);
	assert_int_equal(find_rule(&config, "a")->line, 4);
	assert_int_equal(find_rule(&config, "z")->line, 5);
}

static void test_errors_name_their_file(void **state _unused_)
{
	char expected[512];

	write_file("/etc/scpolicyd.conf", "[Policy]\n");
	write_file("/etc/scpolicyd.conf.d/1.conf", "[Policy]\nAction=lock\n");
	write_file("/etc/scpolicyd.conf.d/2.conf", "[Policy]\n\nAction=\n");
	snprintf(
		expected, sizeof(expected),
		"%s/etc/scpolicyd.conf.d/2.conf:3: key Action=: \"\" is not none, lock, logout or disconnect",
		root);
	expect_error(expected);
}

/* ---- one file's text ----------------------------------------------------------------------------------- */

static int parse_bytes(const char *text, size_t size, struct config *config, struct config_error *error)
{
	_cleanup_fclose_ FILE *stream = fmemopen((void *)text, size, "r");

	assert_non_null(stream);
	assert_int_equal(rules_new(&config->rules), 0);
	return config_parse(stream, "a.conf", config->rules, error);
}

static struct config parse(const char *text)
{
	struct config config = {NULL};
	struct config_error error;

	if (parse_bytes(text, strlen(text), &config, &error) < 0)
		fail_msg("%s: %s", text, error.text);
	rules_complete(config.rules);
	return config;
}

static void expect_bytes_refused(const char *text, size_t size, const char *expected)
{
	_cleanup_(clear) struct config config = {NULL};
	struct config_error error;

	if (parse_bytes(text, size, &config, &error) >= 0)
		fail_msg("taken, and not refused with \"%s\": %s", expected, text);
	if (strcmp(error.text, expected) != 0)
		fail_msg("\"%s\" is not \"%s\"", error.text, expected);
}

static void expect_refused(const char *text, const char *expected)
{
	expect_bytes_refused(text, strlen(text), expected);
}

static void test_every_key(void **state _unused_)
{
	_cleanup_(clear) struct config config = parse("[Policy]\n"
						      "Action=disconnect\n"
						      "Then=logout\n"
						      "After=1min 30s\n"
						      "Settle=250ms\n"
						      "Confirm=1s\n"
						      "LockTimeout=5s\n"
						      "WhenLockFails=logout\n"
						      "WhenCannotLock=logout\n"
						      "PcscLost=lock\n"
						      "Keep=any\n"
						      "HealPcscd=yes\n"
						      "Source=local\n"
						      "Unit=note@.service\n"
						      "CardWithin=1min\n"
						      "[Remote]\n"
						      "Grace=2min\n"
						      "Bind=none\n"
						      "ClientGrace=1h\n"
						      "Pcsc=xrdp /run/user/%i/pcscd.comm %h/.x%d\n"
						      "[Rule night-shift]\n"
						      "User=a* b\n"
						      "Group=night\n"
						      "Service=sshd\n"
						      "Reader=\"Foo Reader*\" Bar\n"
						      "Session=remote tty\n"
						      "Cause=card pcsc-lost\n"
						      "Action=none\n"
						      "Then=none\n"
						      "After=0s\n"
						      "Settle=1us\n"
						      "Confirm=2s\n"
						      "LockTimeout=4s\n"
						      "WhenLockFails=warn\n"
						      "WhenCannotLock=warn\n"
						      "PcscLost=ignore\n"
						      "Keep=last\n"
						      "Unit=\n"
						      "CardWithin=0s\n");
	const struct settings *policy = rules_policy(config.rules), *own;
	const struct rule *rule = find_rule(&config, "night-shift");

	assert_int_equal(policy->action, ACTION_DISCONNECT);
	assert_int_equal(policy->then, ACTION_LOGOUT);
	assert_int_equal(policy->after, 90 * NSEC_PER_SEC);
	assert_int_equal(policy->settle, 250 * NSEC_PER_MSEC);
	assert_int_equal(policy->confirm, NSEC_PER_SEC);
	assert_int_equal(policy->lock_timeout, 5 * NSEC_PER_SEC);
	assert_int_equal(policy->when_lock_fails, FALLBACK_LOGOUT);
	assert_int_equal(policy->when_cannot_lock, FALLBACK_LOGOUT);
	assert_true(policy->lock_when_pcsc_lost);
	assert_true(policy->keep_any);
	assert_string_equal(policy->unit, "note@.service");
	assert_int_equal(policy->card_within, 60 * NSEC_PER_SEC);
	assert_int_equal(policy->grace, 120 * NSEC_PER_SEC);
	assert_false(policy->bind_first);
	assert_int_equal(policy->client_grace, 3600 * NSEC_PER_SEC);
	assert_string_equal(policy->rule, "");
	assert_true(*rules_heal_pcscd(config.rules));
	assert_string_equal(rules_pcsc(config.rules), "xrdp /run/user/%i/pcscd.comm %h/.x%d");

	own = &rule->settings;
	assert_int_equal(own->action, ACTION_NONE);
	assert_int_equal(own->then, ACTION_NONE);
	assert_int_equal(own->after, 0);
	assert_int_equal(own->settle, NSEC_PER_USEC);
	assert_int_equal(own->confirm, 2 * NSEC_PER_SEC);
	assert_int_equal(own->lock_timeout, 4 * NSEC_PER_SEC);
	assert_int_equal(own->when_lock_fails, FALLBACK_WARN);
	assert_int_equal(own->when_cannot_lock, FALLBACK_WARN);
	assert_false(own->lock_when_pcsc_lost);
	assert_false(own->keep_any);
	assert_string_equal(own->unit, "");
	assert_int_equal(own->card_within, 0);
	assert_false(own->bind_first); /* [Remote] alone has it */
	assert_string_equal(own->rule, "night-shift");

	assert_int_equal(rule->user.size, 5);
	assert_memory_equal(rule->user.globs, "a*\0b", 5);
	assert_string_equal(rule->group.globs, "night");
	assert_string_equal(rule->service.globs, "sshd");
	assert_int_equal(rule->reader.size, 16);
	assert_memory_equal(rule->reader.globs, "Foo Reader*\0Bar", 16);
	assert_int_equal(rule->kinds, KIND_REMOTE | KIND_TTY);
	assert_int_equal(rule->causes, 1 << CAUSE_CARD | 1 << CAUSE_PCSC_LOST);
	assert_int_equal(rule->set, (1U << SETTING_GRACE) - 1);
	assert_string_equal(rule->file, "a.conf");
	assert_int_equal(rule->line, 21);
}

/* Each gives the rule "a b" the action logout. */
static const char *const forms[] = {
	"[Rule a b]\nAction=logout\n",
	"  [Rule   a b]  \r\n\tAction\t=  logout  \r\n",
	"[Rule a b] # a comment\nAction=logout\t# [another]\n",
	"[Rule a b] ; a comment\n; Action=none\n#Action=none\n   # Action=none\n\n \t\nAction=logout",
	"[Policy]\n[Rule a b]\n    User=anna\n    Action=logout\n", /* indented, and no list */
	"[Policy]\nAction=logout\n[Rule a b]\n",
	"[Rule a b]\n[Policy]\nAction=logout\n",
	"[Policy]\nAfter=1s\n[Rule a b]\nAction=logout\n[Policy]\nSettle=1s\n",
};

static void test_forms(void **state _unused_)
{
	for (size_t i = 0; i < ELEMENTS(forms); i++) {
		_cleanup_(clear) struct config config = parse(forms[i]);

		if (find_rule(&config, "a b")->settings.action != ACTION_LOGOUT)
			fail_msg("%s", forms[i]);
	}
}

static void test_continued_lists(void **state _unused_)
{
	_cleanup_(clear) struct config config = parse("[Rule a]\nUser=a b\n c\n\n\t# none\n\t\"[d=]\" # yes\n"
						      "Cause=card\n reader\n absent\nReader=\"a = # b\"\n");
	const struct rule *rule = find_rule(&config, "a");

	assert_int_equal(rule->user.size, 11);
	assert_memory_equal(rule->user.globs, "a\0b\0c\0[d=]", 11);
	assert_string_equal(rule->reader.globs, "a = # b");
	assert_int_equal(rule->causes, 1 << CAUSE_CARD | 1 << CAUSE_READER | 1 << CAUSE_ABSENT);
}

#define MIN (60 * NSEC_PER_SEC)

static const struct {
	const char *text;
	uint64_t nsec;
} times[] = {
	{"0s", 0},
	{"5us", 5000},
	{"7usec", 7000},
	{"1\u00b5s", 1000},
	{"500ms", 500000000},
	{"3 s", 3 * NSEC_PER_SEC},
	{"2sec", 2 * NSEC_PER_SEC},
	{"1second", NSEC_PER_SEC},
	{"2seconds", 2 * NSEC_PER_SEC},
	{"2min", 2 * MIN},
	{"2m", 2 * MIN},
	{"1minute", MIN},
	{"2minutes", 2 * MIN},
	{"1h", 60 * MIN},
	{"1hr", 60 * MIN},
	{"1hour", 60 * MIN},
	{"24hours", 1440 * MIN},
	{"1min 30s", 90 * NSEC_PER_SEC},
	{"1min30s", 90 * NSEC_PER_SEC},
	{"1 min\t30  s 1ms", 90001 * NSEC_PER_MSEC},
	{"0001s", NSEC_PER_SEC},
};

static void test_times(void **state _unused_)
{
	char text[64];

	for (size_t i = 0; i < ELEMENTS(times); i++) {
		_cleanup_(clear) struct config config = {NULL};

		snprintf(text, sizeof(text), "[Policy]\nAfter=%s\n", times[i].text);
		config = parse(text);
		if (rules_policy(config.rules)->after != times[i].nsec)
			fail_msg("%s", times[i].text);
	}
}

#define X60    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X62    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define GLOBS  "a list of globs: separated by spaces, one that has spaces in double quotes"
#define PLACES "none, or a list of xrdp and absolute paths"
#define TIME   "a time such as 500ms, 3s or 1min 30s"
#define UNIT   "a template unit such as note@.service"

/* Each with the one sentence that refuses it. */
static const struct {
	const char *text, *expected;
} bad[] = {
	/* Sections. */
	{"Action=lock\n", "a.conf:1: key Action= stands before any section"},
	{"[Politics]\nAction=lock\n", "a.conf:1: unknown section [Politics]"},
	{"[Politics]\n", "a.conf:1: unknown section [Politics]"},
	{"[policy]\n", "a.conf:1: unknown section [policy]"},
	{"[]\n", "a.conf:1: unknown section []"},
	{"[Rules a]\n", "a.conf:1: unknown section [Rules a]"},
	{"[Policy\nAction=lock\n", "a.conf:1: neither a section nor a key with a value"},
	{"[Policy] Action=lock\n", "a.conf:1: neither a section nor a key with a value"},
	{"[Policy]]\n", "a.conf:1: neither a section nor a key with a value"},
	{"[Rule a[b]]\n", "a.conf:1: neither a section nor a key with a value"},
	/* Rules. */
	{"[Rule]\n", "a.conf:1: a rule needs a name, as in [Rule night-shift]"},
	{"\n[Rule \t ]\n", "a.conf:2: a rule needs a name, as in [Rule night-shift]"},
	{"[Rule xx" X62 "]\n", "a.conf:1: the name of rule \"xx" X62 "\" is longer than 63 bytes"},
	{"[Rule a]\n[Rule b]\n[Rule a]\n",
	 "a.conf:3: rule \"a\" is given twice in this file, first in line 1"},
	{"[Rule a]\nUser=a\n[Rule a]\nGroup=b\n",
	 "a.conf:3: rule \"a\" is given twice in this file, first in line 1"},
	{"[Rule a]\n[Policy]\n[Rule  a]\n",
	 "a.conf:3: rule \"a\" is given twice in this file, first in line 1"},
	{"[Rule a\x1b]\n", "a.conf:1: a control character in the line"},
	{"[Rule a\x7f]\n", "a.conf:1: a control character in the line"},
	{"[Rule a\tb]\n", "a.conf:1: a control character in the name of rule \"a?b\""},
	{"[Rule a]\n[Rule a ]\n", "a.conf:2: rule \"a\" is given twice in this file, first in line 1"},
	/* Lines. */
	{"[Policy]\nAction\n", "a.conf:2: neither a section nor a key with a value"},
	{"[Policy]\nAction:lock\n", "a.conf:2: neither a section nor a key with a value"},
	{"[Policy]\nAction=lock\n  none\n", "a.conf:3: neither a section nor a key with a value"},
	{"[Rule a]\n  anna\n", "a.conf:2: neither a section nor a key with a value"},
	{"[Rule a]\nUser=anna\n  Action: logout\n", "a.conf:3: neither a section nor a key with a value"},
	{"[Rule a]\nUser=anna\n  Action logout\n", "a.conf:3: neither a section nor a key with a value"},
	{"[Rule a]\nUser=anna\nbert\n", "a.conf:3: neither a section nor a key with a value"},
	{"[Rule a]\nUser=anna\n[Rule b]\n bert\n", "a.conf:4: neither a section nor a key with a value"},
	{"\xef\xbb\xbf[Policy]\n", "a.conf:1: neither a section nor a key with a value"},
	{"[Policy]\nAction=lo\x01k\n", "a.conf:2: a control character in the line"},
	/* Keys. */
	{"[Policy]\nAktion=lock\n", "a.conf:2: unknown key Aktion= in section [Policy]"},
	{"[Policy]\naction=lock\n", "a.conf:2: unknown key action= in section [Policy]"},
	{"[Policy]\n=lock\n", "a.conf:2: unknown key = in section [Policy]"},
	{"[Rule a]\nUsers=a\n", "a.conf:2: unknown key Users= in section [Rule ...]"},
	{"[Rule a]\nUser=a\n[Policy]\nUser=a\n", "a.conf:4: key User= may not stand in section [Policy]"},
	{"[Rule a]\nSource=local\n", "a.conf:2: key Source= may not stand in section [Rule ...]"},
	{"[Policy]\nAction=lock\nAction=lock\n", "a.conf:3: key Action= is given twice in this file"},
	{"[Policy]\nAction=lock\n[Rule a]\n[Policy]\nAction=lock\n",
	 "a.conf:5: key Action= is given twice in this file"},
	{"[Policy]\nUnit=\nUnit=\n", "a.conf:3: key Unit= is given twice in this file"},
	{"[Policy]\nSource=local\nSource=local\n", "a.conf:3: key Source= is given twice in this file"},
	{"[Rule a]\nAction=lock\nUser=b\nAction=lock\n", "a.conf:4: key Action= is given twice in this rule"},
	{"[Rule a]\nUser=b\nUser=c\n", "a.conf:3: key User= is given twice in this rule"},
	{"[Rule a]\nUser=b\n c\nUser=d\n", "a.conf:4: key User= is given twice in this rule"},
	/* Values. */
	{"[Policy]\nAction=shout\n",
	 "a.conf:2: key Action=: \"shout\" is not none, lock, logout or disconnect"},
	{"[Policy]\nAction=lock#x\n",
	 "a.conf:2: key Action=: \"lock#x\" is not none, lock, logout or disconnect"},
	{"[Policy]\nAction=Lock\n",
	 "a.conf:2: key Action=: \"Lock\" is not none, lock, logout or disconnect"},
	{"[Policy]\nAction=\n", "a.conf:2: key Action=: \"\" is not none, lock, logout or disconnect"},
	{"[Policy]\nThen=lock\n", "a.conf:2: key Then=: \"lock\" is not none, logout or disconnect"},
	{"[Policy]\nWhenLockFails=lock\n", "a.conf:2: key WhenLockFails=: \"lock\" is not warn or logout"},
	{"[Policy]\nWhenCannotLock=no\n", "a.conf:2: key WhenCannotLock=: \"no\" is not warn or logout"},
	{"[Policy]\nKeep=all\n", "a.conf:2: key Keep=: \"all\" is not last or any"},
	{"[Policy]\nPcscLost=logout\n", "a.conf:2: key PcscLost=: \"logout\" is not ignore or lock"},
	{"[Policy]\nHealPcscd=maybe\n", "a.conf:2: key HealPcscd=: \"maybe\" is not yes or no"},
	{"[Rule a]\nHealPcscd=yes\n", "a.conf:2: key HealPcscd= may not stand in section [Rule ...]"},
	{"[Policy]\nSource=ldap\n", "a.conf:2: key Source=: \"ldap\" is not local or gpo"},
	{"[Rule a]\nSource=gpo\n", "a.conf:2: key Source= may not stand in section [Rule ...]"},
	{"[Rule a]\nThen=lock\n", "a.conf:2: key Then=: \"lock\" is not none, logout or disconnect"},
	/* Times. */
	{"[Policy]\nConfirm=500\n",
	 "a.conf:2: key Confirm=: \"500\" is not a time with its unit, such as 500ms, 3s or 1min 30s"},
	{"[Policy]\nAfter=0\n",
	 "a.conf:2: key After=: \"0\" is not a time with its unit, such as 500ms, 3s or 1min 30s"},
	{"[Policy]\nAfter=1min 30\n",
	 "a.conf:2: key After=: \"1min 30\" is not a time with its unit, such as 500ms, 3s or 1min 30s"},
	{"[Policy]\nAfter=\n", "a.conf:2: key After=: \"\" is not " TIME},
	{"[Policy]\nAfter=soon\n", "a.conf:2: key After=: \"soon\" is not " TIME},
	{"[Policy]\nAfter=-1s\n", "a.conf:2: key After=: \"-1s\" is not " TIME},
	{"[Policy]\nAfter=+1s\n", "a.conf:2: key After=: \"+1s\" is not " TIME},
	{"[Policy]\nAfter=1.5s\n", "a.conf:2: key After=: \"1.5s\" is not " TIME},
	{"[Policy]\nAfter=1S\n", "a.conf:2: key After=: \"1S\" is not " TIME},
	{"[Policy]\nAfter=1s,\n", "a.conf:2: key After=: \"1s,\" is not " TIME},
	{"[Policy]\nAfter=infinity\n", "a.conf:2: key After=: \"infinity\" is not " TIME},
	{"[Policy]\nAfter=24h 1us\n", "a.conf:2: key After=: \"24h 1us\" is not a time of at most 24h"},
	{"[Policy]\nSettle=61s\n", "a.conf:2: key Settle=: \"61s\" is not a time of at most 1min"},
	{"[Policy]\nConfirm=2min\n", "a.conf:2: key Confirm=: \"2min\" is not a time of at most 1min"},
	{"[Policy]\nLockTimeout=1h\n", "a.conf:2: key LockTimeout=: \"1h\" is not a time from 1ms to 1min"},
	{"[Policy]\nLockTimeout=0s\n", "a.conf:2: key LockTimeout=: \"0s\" is not a time from 1ms to 1min"},
	{"[Policy]\nSettle=18446744073709551616us\n",
	 "a.conf:2: key Settle=: \"18446744073709551616us\" is not a time of at most 1min"},
	{"[Policy]\nSettle=92233720368547758080us\n",
	 "a.conf:2: key Settle=: \"92233720368547758080us\" is not a time of at most 1min"},
	{"[Policy]\nSettle=18446744073709551617us\n",
	 "a.conf:2: key Settle=: \"18446744073709551617us\" is not a time of at most 1min"},
	{"[Policy]\nSettle=18446744073709552us\n",
	 "a.conf:2: key Settle=: \"18446744073709552us\" is not a time of at most 1min"},
	{"[Policy]\nSettle=18446744073s 1s\n",
	 "a.conf:2: key Settle=: \"18446744073s 1s\" is not a time of at most 1min"},
	/* Units. */
	{"[Policy]\nUnit=note\n", "a.conf:2: key Unit=: \"note\" is not " UNIT},
	{"[Policy]\nUnit=note.service\n", "a.conf:2: key Unit=: \"note.service\" is not " UNIT},
	{"[Policy]\nUnit=note@x.service\n", "a.conf:2: key Unit=: \"note@x.service\" is not " UNIT},
	{"[Policy]\nUnit=@.service\n", "a.conf:2: key Unit=: \"@.service\" is not " UNIT},
	{"[Policy]\nUnit=note@.serv\n", "a.conf:2: key Unit=: \"note@.serv\" is not " UNIT},
	{"[Policy]\nUnit=a/b@.service\n", "a.conf:2: key Unit=: \"a/b@.service\" is not " UNIT},
	{"[Policy]\nUnit=a b@.service\n", "a.conf:2: key Unit=: \"a b@.service\" is not " UNIT},
	{"[Policy]\nUnit=a@b@.service\n", "a.conf:2: key Unit=: \"a@b@.service\" is not " UNIT},
	{"[Policy]\nUnit=" X62 X62 X60 "@.service\n",
	 "a.conf:2: key Unit=: \"" X62 X62 X60 "@.service\" is not short enough for a unit's name"},
	/* Matches. */
	{"[Rule a]\nUser=\n", "a.conf:2: key User= is an empty match: without the key, anything matches"},
	{"[Rule a]\nGroup=  # all\n",
	 "a.conf:2: key Group= is an empty match: without the key, anything matches"},
	{"[Rule a]\nService=\t\n",
	 "a.conf:2: key Service= is an empty match: without the key, anything matches"},
	{"[Rule a]\nReader=\n", "a.conf:2: key Reader= is an empty match: without the key, anything matches"},
	{"[Rule a]\nSession=\n",
	 "a.conf:2: key Session= is an empty match: without the key, anything matches"},
	{"[Rule a]\nCause=\n", "a.conf:2: key Cause= is an empty match: without the key, anything matches"},
	{"[Rule a]\nUser=\"\"\n", "a.conf:2: key User=: \"\"\"\" is not " GLOBS},
	{"[Rule a]\nReader=\"Foo\n", "a.conf:2: key Reader=: \"\"Foo\" is not " GLOBS},
	{"[Rule a]\nReader=\"a ; b\"\n", "a.conf:2: key Reader=: \"\"a\" is not " GLOBS},
	{"[Rule a]\nReader=a\n \"b\n", "a.conf:3: key Reader=: \"\"b\" is not " GLOBS},
	{"[Rule a]\nReader=Foo\\\n", "a.conf:2: key Reader=: \"Foo\\\" is not " GLOBS},
	{"[Rule a]\nSession=x11\n",
	 "a.conf:2: key Session=: \"x11\" is not a list of local, remote, graphical and tty"},
	{"[Rule a]\nSession=local,tty\n",
	 "a.conf:2: key Session=: \"local,tty\" is not a list of local, remote, graphical and tty"},
	{"[Rule a]\nCause=card usb\n", "a.conf:2: key Cause=: \"card usb\" is not a list of " CAUSES_AND},
	/* Places of a client's PC/SC. */
	{"[Remote]\nPcsc=%h/.x%n\n",
	 "a.conf:2: key Pcsc=: \"%h/.x%n\" is not a list of paths in which % stands before h, u, i, d or %"},
	{"[Remote]\nPcsc=xrdp /run/%\n",
	 "a.conf:2: key Pcsc=: \"xrdp /run/%\" is not a list of paths in which % stands before h, u, i, d or %"},
	{"[Remote]\nPcsc=pcscd.comm\n", "a.conf:2: key Pcsc=: \"pcscd.comm\" is not " PLACES},
	{"[Remote]\nPcsc=/run/x %u/y\n", "a.conf:2: key Pcsc=: \"/run/x %u/y\" is not " PLACES},
	{"[Remote]\nPcsc=\n", "a.conf:2: key Pcsc=: \"\" is not " PLACES},
	{"[Remote]\nPcsc=xrdp none\n",
	 "a.conf:2: key Pcsc=: \"xrdp none\" is not none alone, nor a list without none"},
	{"[Remote]\nPcsc=/" X62 "/" X62 "\n",
	 "a.conf:2: key Pcsc=: \"/" X62 "/" X62 "\" is not a list of paths of at most 107 bytes"},
	{"[Remote]\nPcsc=none\nPcsc=none\n", "a.conf:3: key Pcsc= is given twice in this file"},
	{"[Policy]\nPcsc=none\n", "a.conf:2: key Pcsc= may not stand in section [Policy]"},
	{"[Rule a]\nPcsc=none\n", "a.conf:2: key Pcsc= may not stand in section [Rule ...]"},
	/* The first counts. */
	{"[Policy]\nAction=lock\nAction\nConfirm=1\n", "a.conf:3: neither a section nor a key with a value"},
	{"[Policy]\nConfirm=1x\nAction\n", "a.conf:2: key Confirm=: \"1x\" is not " TIME},
};

static void test_bad_text(void **state _unused_)
{
	for (size_t i = 0; i < ELEMENTS(bad); i++)
		expect_refused(bad[i].text, bad[i].expected);
}

static void test_nul_bytes(void **state _unused_)
{
	static const char within[] = "[Policy]\nAction=lock\0 # none\n",
			  last[] = "[Policy]\nAction=lock\0none";

	expect_bytes_refused(within, sizeof(within) - 1, "a.conf:2: a NUL byte in the line");
	expect_bytes_refused(last, sizeof(last) - 1, "a.conf:2: a NUL byte in the line");
}

static void test_bytes_in_names(void **state _unused_)
{
	_cleanup_(clear) struct config config = parse("[Rule \u00e9t\u00e9 x"
						      "]\nReader=\"Lecteur \u00e9*\"\n"
						      "[Rule x" X62 "]\nUnit=a-b_c:d.e\\x2f@.target\n"
						      "[Rule longest]\nUnit=" X62 X62 X60 "@.target\n");

	assert_string_equal(find_rule(&config, "\u00e9t\u00e9 x")->reader.globs, "Lecteur \u00e9*");
	assert_string_equal(find_rule(&config, "x" X62)->settings.unit, "a-b_c:d.e\\x2f@.target");
}

/* A reader's name of 127 bytes fits a line; the longest line is read whole, one byte more is refused. */
static void test_long_lines(void **state _unused_)
{
	char text[1024];
	const char head[] = "[Rule a]\nUser=";

	snprintf(text, sizeof(text), "%s%.193s\n\t# %s%s%s", head, X62 X62 X62 "abcdefg", X62, X62,
		 X62 X62 "\n");
	{
		_cleanup_(clear) struct config config = parse(text);

		assert_int_equal(find_rule(&config, "a")->user.size, 194);
	}
	snprintf(text, sizeof(text), "%s%.194s   \t # cut\n", head, X62 X62 X62 "abcdefgh");
	{
		_cleanup_(clear) struct config config = parse(text);

		assert_int_equal(find_rule(&config, "a")->user.size, 195);
	}
	snprintf(text, sizeof(text), "%s%.195s\n", head, X62 X62 X62 "abcdefghi");
	expect_refused(text, "a.conf:2: the line is longer than 199 bytes");
	snprintf(text, sizeof(text), "[Policy]\n[%s]\n", X62 X62 X62 X62);
	expect_refused(text, "a.conf:2: unknown section [" X62 X62 X62 X62 "]");
}

/* Each line is looked at once, each rule's name found by its hash; and there is an end to it. */
static void test_many_rules(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	for (int i = 1; i <= 10000; i++)
		fprintf(stream, "[Rule %d]\nUser=user%d\nReader=\"Foo Reader *\"\nAction=logout\n", i, i);
	fflush(stream);
	{
		_cleanup_(clear) struct config config = parse(text);

		assert_int_equal(rules_count(config.rules), 10000);
		assert_int_equal(find_rule(&config, "10000")->line, 39997);
	}
	for (int i = 10001; i <= 20001; i++)
		fprintf(stream, "[Rule %d]\n", i);
	fclose(stream);
	expect_refused(text, "a.conf:50001: more than 20000 rules");
}

static void test_what_is_refused_is_printable(void **state _unused_)
{
	_cleanup_(clear) struct config config = {NULL};
	struct config_error error;
	_cleanup_fclose_ FILE *stream = fmemopen((void *)"[x\ty]\n", 6, "r");

	assert_non_null(stream);
	assert_int_equal(rules_new(&config.rules), 0);
	assert_true(config_parse(stream, "a\nb.conf", config.rules, &error) < 0);
	assert_string_equal(error.text, "a?b.conf:1: unknown section [x?y]");
}

/* ---- files --------------------------------------------------------------------------------------------- */

static void test_unsafe_files(void **state _unused_)
{
	write_file("/etc/scpolicyd.conf", "[Policy]\n");
	shell("chmod 0666 %s/etc/scpolicyd.conf", root);
	expect_file_error("writable by group or others");
	shell("chmod 0644 %s/etc/scpolicyd.conf && chown 1:0 %s/etc/scpolicyd.conf", root, root);
	expect_file_error("not owned by root");
	shell("rm %s/etc/scpolicyd.conf && ln -s /dev/null %s/etc/scpolicyd.conf", root, root);
	expect_file_error("a symbolic link");
	shell("rm %s/etc/scpolicyd.conf && mkfifo %s/etc/scpolicyd.conf", root, root);
	expect_file_error("not a regular file");
	shell("rm %s/etc/scpolicyd.conf && truncate -s 5M %s/etc/scpolicyd.conf", root, root);
	expect_file_error("larger than 4 MiB");
}

/* ---- papers -------------------------------------------------------------------------------------------- */

/* The text of a paper's block that begins with a section, from after its opening fence; NULL: no more. */
static char *next_example(FILE *paper)
{
	char line[512], text[4096] = "";
	bool inside = false;

	while (fgets(line, sizeof(line), paper)) {
		if (strncmp(line, "```", 3) == 0) {
			inside = !inside;
			if (!inside && text[0] == '[')
				return strdup(text);
			text[0] = '\0';
		} else if (inside) {
			strncat(text, line, sizeof(text) - strlen(text) - 1);
		}
	}
	return NULL;
}

static void test_papers(void **state _unused_)
{
	static const char *const papers[] = {"user/man/scpolicyd.conf.5.scd", "README.md"};

	for (size_t i = 0; i < ELEMENTS(papers); i++) {
		_cleanup_fclose_ FILE *paper = fopen(papers[i], "re");
		size_t examples = 0;

		assert_non_null(paper);
		for (;; examples++) {
			_cleanup_free_ char *text = next_example(paper);
			struct config config;

			if (!text)
				break;
			config = parse(text);
			config_free(&config);
		}
		assert_true(examples > 2);
	}
}

static int remove_root(void **state _unused_)
{
	shell("rm -rf %s", root);
	return 0;
}

/* ---- where each setting was written ---------------------------------------------------------------------- */

static void expect_origin(const struct config *config, const struct settings *settings, enum setting setting,
			  const char *rule, const char *file, unsigned line, const char *value)
{
	struct origin origin = rules_origin(config->rules, settings, setting);
	const struct key *key = config_setting_key(setting);
	char buffer[VALUE_SIZE];

	assert_string_equal(origin.rule, rule);
	if (*file)
		assert_non_null(strstr(origin.file, file));
	else
		assert_string_equal(origin.file, "");
	assert_int_equal(origin.line, line);
	assert_string_equal(key->format(key, setting_value(settings, setting), buffer), value);
}

static void test_origins(void **state _unused_)
{
	_cleanup_(clear) struct config config = {0};
	const struct settings *policy, *settings;

	write_file("/etc/scpolicyd.conf",
		   "[Policy]\n# a comment\nAction=logout\nAfter=90s\nThen=disconnect\n");
	write_file("/etc/scpolicyd.conf.d/10-more.conf",
		   "\n[Rule r]\nUser=a*\nSettle=1500ms\nUnit=note@.service\n"
		   "[Policy]\nAfter=2min\nPcscLost=lock\n");
	config = read_config();
	policy = rules_policy(config.rules);
	settings = &rules_find(config.rules, "r")->settings;
	expect_origin(&config, policy, SETTING_ACTION, "", "/etc/scpolicyd.conf", 3, "logout");
	expect_origin(&config, policy, SETTING_AFTER, "", "10-more.conf", 7, "2min");
	expect_origin(&config, policy, SETTING_THEN, "", "/etc/scpolicyd.conf", 5, "disconnect");
	expect_origin(&config, policy, SETTING_SETTLE, "", "", 0, "0s");
	expect_origin(&config, policy, SETTING_CONFIRM, "", "", 0, "500ms");
	expect_origin(&config, policy, SETTING_PCSC_LOST, "", "10-more.conf", 8, "lock");
	expect_origin(&config, policy, SETTING_UNIT, "", "", 0, "");
	expect_origin(&config, settings, SETTING_SETTLE, "r", "10-more.conf", 4, "1s 500ms");
	expect_origin(&config, settings, SETTING_UNIT, "r", "10-more.conf", 5, "note@.service");
	expect_origin(&config, settings, SETTING_ACTION, "", "/etc/scpolicyd.conf", 3, "logout");
}

/* Every file that was read, also one that says nothing, in the order in which they were. */
static void test_files(void **state _unused_)
{
	_cleanup_(clear) struct config config = {0};
	const char *file = NULL;

	write_file("/etc/scpolicyd.conf", "");
	write_file("/etc/scpolicyd.conf.d/20-b.conf", "[Policy]\n");
	write_file("/etc/scpolicyd.conf.d/10-a.conf", "# nothing\n");
	config = read_config();
	for (const char *const *end =
		     (const char *const[]){"/etc/scpolicyd.conf", "/10-a.conf", "/20-b.conf", NULL};
	     *end; end++) {
		file = rules_next_file(config.rules, file);
		assert_non_null(file);
		assert_non_null(strstr(file, *end));
	}
	assert_null(rules_next_file(config.rules, file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_defaults_lock, fresh_root),
		cmocka_unit_test_setup(test_vendor_file, fresh_root),
		cmocka_unit_test_setup(test_layers, fresh_root),
		cmocka_unit_test_setup(test_rules_in_layers, fresh_root),
		cmocka_unit_test_setup(test_errors_name_their_file, fresh_root),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_continued_lists),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_nul_bytes),
		cmocka_unit_test(test_bytes_in_names),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_what_is_refused_is_printable),
		cmocka_unit_test_setup(test_unsafe_files, fresh_root),
		cmocka_unit_test_setup(test_origins, fresh_root),
		cmocka_unit_test_setup(test_files, fresh_root),
		cmocka_unit_test(test_papers),
	};

	if (!mkdtemp(root))
		return 1;
	return cmocka_run_group_tests_name("config", tests, NULL, remove_root);
}
