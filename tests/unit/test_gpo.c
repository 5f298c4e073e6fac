/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows security templates: what each says, or why it is refused; which of those that SSSD or adsys keep counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "config/gpo.h"
#include "config/gpo_list.h"
#include "lib/cleanup.h"
#include "shell.h"

#define KEY	"MACHINE\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon\\ScRemoveOption"
#define HEAD	"[Unicode]\r\nUnicode=yes\r\n[Registry Values]\r\n"
#define NOT_SET SC_REMOVE_NOT_SET

/* ---- one template --------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum sc_remove_option option;
	unsigned line;
	const char *error; /* NULL: it is taken */
} templates[] = {
	{"", NOT_SET, 0, NULL},
	{HEAD, NOT_SET, 0, NULL},
	{HEAD KEY "=1,\"0\"\r\n", SC_REMOVE_NONE, 4, NULL},
	{HEAD KEY "=1,\"1\"\r\n", SC_REMOVE_LOCK, 4, NULL},
	{HEAD KEY "=1,\"2\"\r\n", SC_REMOVE_LOGOFF, 4, NULL},
	{HEAD KEY "=1,\"3\"", SC_REMOVE_DISCONNECT, 4, NULL},
	{HEAD KEY "=1,1\n", SC_REMOVE_LOCK, 4, NULL},
	{HEAD " " KEY " = 1 , \"2\" \n", SC_REMOVE_LOGOFF, 4, NULL},
	{"[registry values]\nmachine\\software\\MICROSOFT\\windows nt\\currentversion\\winlogon\\scremoveoption=1,\"1\"\n",
	 SC_REMOVE_LOCK, 2, NULL},
	/* Elsewhere, or another key, it is somebody else's. */
	{"[Other]\n" KEY "=1,\"1\"\n", NOT_SET, 0, NULL},
	{KEY "=1,\"1\"\n" HEAD, NOT_SET, 0, NULL},
	{HEAD "[Version]\n" KEY "=1,\"9\"\n", NOT_SET, 0, NULL},
	{HEAD KEY "s=1,\"1\"\n", NOT_SET, 0, NULL},
	{HEAD ";" KEY "=1,\"1\"\n", NOT_SET, 0, NULL},
	{HEAD "no key here\n=\n", NOT_SET, 0, NULL},
	/* [MS-GPSB] 2.2.5: names in quotes, the other root, every type that holds a text or a number. */
	{HEAD "\"" KEY "\"=1,\"1\"\n", SC_REMOVE_LOCK, 4, NULL},
	{HEAD "\"" KEY "=1,\"1\"\n", NOT_SET, 0, NULL},
	{HEAD "HKEY_LOCAL_" KEY "=1,\"2\"\n", SC_REMOVE_LOGOFF, 4, NULL},
	{HEAD "USER" KEY "=1,\"2\"\n", NOT_SET, 0, NULL},
	{HEAD KEY "=2,\"1\"\n", SC_REMOVE_LOCK, 4, NULL},
	{HEAD KEY "=01,\"1\"\n", SC_REMOVE_LOCK, 4, NULL},
	{HEAD KEY "=7,1\n", SC_REMOVE_LOCK, 4, NULL},
	{HEAD KEY "=7,1,2\n", NOT_SET, 4, "ScRemoveOption: \"1,2\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=4,1\n", SC_REMOVE_LOCK, 4, NULL},
	{HEAD KEY "=4,0x00000002\n", SC_REMOVE_LOGOFF, 4, NULL},
	{HEAD KEY "=4,4\n", NOT_SET, 4, "ScRemoveOption: \"4\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=4,-1\n", NOT_SET, 4, "ScRemoveOption: \"-1\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=4,99999999999999999999\n", NOT_SET, 4,
	 "ScRemoveOption: \"99999999999999999999\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=3,31\n", NOT_SET, 4, "ScRemoveOption: type \"3\" is no text and no number"},
	{HEAD KEY "=x,1\n", NOT_SET, 4, "ScRemoveOption: type \"x\" is no text and no number"},
	{HEAD KEY "=1,\"lock\"\n", NOT_SET, 4, "ScRemoveOption: \"lock\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=1,\"\"\n", NOT_SET, 4, "ScRemoveOption: \"\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=1,\"1\" ; to lock\n", SC_REMOVE_LOCK, 4, NULL},
	{HEAD KEY "=1,\"1 ;\"\n", NOT_SET, 4, "ScRemoveOption: \"1 ;\" is not 0, 1, 2 or 3"},
	{"[ Registry Values ] ; these\n" KEY "=1,\"1\"\n", SC_REMOVE_LOCK, 2, NULL},
	{HEAD KEY "=1\n", NOT_SET, 4, "ScRemoveOption: \"1\" is not a type and a value, as in 1,\"1\""},
	{HEAD KEY "=\n", NOT_SET, 4, "ScRemoveOption: \"\" is not a type and a value, as in 1,\"1\""},
	{HEAD KEY "=1,\n", NOT_SET, 4, "ScRemoveOption: \"\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=1,\"4\"\n", NOT_SET, 4, "ScRemoveOption: \"4\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=1,\"-1\"\n", NOT_SET, 4, "ScRemoveOption: \"-1\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=1,\"01\"\n", NOT_SET, 4, "ScRemoveOption: \"01\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=1,\"1\n", NOT_SET, 4, "ScRemoveOption: one quote alone"},
	{HEAD KEY "=1,1\"\n", NOT_SET, 4, "ScRemoveOption: one quote alone"},
	{HEAD KEY "=1,\"\n", NOT_SET, 4, "ScRemoveOption: one quote alone"},
	{HEAD KEY "=1,\"\033]0;\303\251\"\n", NOT_SET, 4, "ScRemoveOption: \"?]0;??\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=1,\"0123456789012345678901234567890\"\n", NOT_SET, 4,
	 "ScRemoveOption: \"012345678901234567890...\" is not 0, 1, 2 or 3"},
	{HEAD KEY "=1,\"1\"\n" KEY "=1,\"1\"\n", SC_REMOVE_LOCK, 5, NULL},
	{HEAD KEY "=1,\"1\"\n" KEY "=1,\"2\"\n", SC_REMOVE_LOGOFF, 5, NULL},
	{HEAD KEY "=1,\"1\"\n" KEY "=1,\"9\"\n", NOT_SET, 5, "ScRemoveOption: \"9\" is not 0, 1, 2 or 3"},
};

static void expect(const char *bytes, size_t size, size_t i)
{
	struct gpt_tmpl template;
	int r = gpt_tmpl_parse(bytes, size, &template);

	if (template.option != templates[i].option || template.line != templates[i].line ||
	    strcmp(template.error, templates[i].error ? templates[i].error : "") != 0)
		fail_msg("row %zu: option %u, line %u, \"%s\"", i, template.option, template.line,
			 template.error);
	assert_int_equal(r, templates[i].error ? -EBADMSG : 0);
}

/* As Windows writes it. What is not ASCII is one character there, and two bytes in UTF-8. */
static size_t widen(const char *text, char *wide)
{
	size_t size = 0;

	memcpy(wide, "\xff\xfe", 2);
	for (size = 2; *text; text++, size += 2) {
		wide[size] = *text;
		wide[size + 1] = 0;
	}
	return size;
}

static void test_templates(void **state _unused_)
{
	char other[2048];

	for (size_t i = 0; i < ELEMENTS(templates); i++) {
		const char *text = templates[i].text;

		expect(text, strlen(text), i);
		expect(other, widen(text, other), i);
		snprintf(other, sizeof(other), "\xef\xbb\xbf%s", text);
		expect(other, strlen(other), i);
	}
}

/* The other forms of UTF-16, and bytes that are no text: each costs its own line at most. */
static size_t swap_bytes(const char *wide, size_t size, char *swapped)
{
	for (size_t i = 0; i < size; i += 2) {
		swapped[i] = wide[i + 1];
		swapped[i + 1] = wide[i];
	}
	return size;
}

static void expect_lock(const char *bytes, size_t size, unsigned line)
{
	struct gpt_tmpl template;

	assert_int_equal(gpt_tmpl_parse(bytes, size, &template), 0);
	assert_int_equal(template.option, SC_REMOVE_LOCK);
	assert_int_equal(template.line, line);
}

static void test_encodings(void **state _unused_)
{
	char wide[1024], swapped[1024];
	size_t size = widen(HEAD KEY "=1,\"1\"\r\n", wide);

	expect_lock(swapped, swap_bytes(wide, size, swapped), 4);
	expect_lock(wide + 2, size - 2, 4);
	expect_lock(swapped + 2, size - 2, 4);
	/* The file was cut off within the last character, or an odd byte was added. */
	expect_lock(wide, size - 1, 4);
	wide[size] = 'x';
	expect_lock(wide, size + 1, 4);
}

static void test_bad_bytes(void **state _unused_)
{
	static const char head[] = HEAD, key[] = KEY "=1,\"1\"\r\n";
	char text[1024];
	size_t size;

	for (unsigned byte = 0; byte < 0x100; byte++) {
		if (byte == '\n' || byte == '[')
			continue;
		size = (size_t)snprintf(text, sizeof(text), "%sNotice=1,_\r\n%s", head, key);
		*strchr(text, '_') = (char)byte;
		expect_lock(text, size, 5);
	}
	size = (size_t)snprintf(text, sizeof(text), "%s%s", head, key);
	memcpy(text + size, "\0\0\0\x1a", 4);
	expect_lock(text, size + 4, 4);
}

/* Wherever a download stopped: the option, none, or an error in its line. */
static void test_truncated(void **state _unused_)
{
	char wide[1024];
	size_t size = widen(HEAD KEY "=1,\"1\"", wide);

	for (size_t cut = 0; cut < size; cut++) {
		struct gpt_tmpl template;
		_cleanup_free_ char *copy = malloc(cut + 1);

		assert_non_null(copy);
		memcpy(copy, wide, cut);
		if (gpt_tmpl_parse(copy, cut, &template) < 0)
			assert_int_equal(template.line, 4);
		assert_int_equal(template.option, NOT_SET);
	}
}

/* ---- adsys's list --------------------------------------------------------------------------------------- */

static int collect(void *userdata, const char *id)
{
	strcat(strcat(userdata, id), " ");
	return 0;
}

static const struct {
	const char *text, *ids, *error; /* error NULL: it is taken */
} lists[] = {
	{"gpos:\n    - id: '{B}'\n      name: second\n      rules: {}\n    - id: '{A}'\n      name: first\n",
	 "{B} {A} ", NULL},
	{"", "", NULL},
	{"gpos: []\n", "", NULL},
	{"other:\n  - id: '{A}'\ngpos:\n  - name: id\n    id: '{B}'\nmore:\n  - id: '{C}'\n", "{B} ", NULL},
	/* What rules hold is theirs. */
	{"gpos:\n  - rules:\n      dconf:\n        - id: '{X}'\n          key: id\n        - [id, '{Y}']\n    id: '{B}'\n",
	 "{B} ", NULL},
	{"gpos:\n  - name: |\n      - id: '{X}'\n    id: '{B}'\n", "{B} ", NULL},
	{"gpos:\n  - id: ../../etc\n", "", "line 2: the id is not a GUID in braces"},
	{"gpos:\n  - id: '{../x}'\n", "", "line 2: the id is not a GUID in braces"},
	{"gpos:\n  - id: '{A}'\n  - id: '{}'\n", "{A} ", "line 3: the id is not a GUID in braces"},
	{"gpos: [\n", "", "line 2: did not find expected node content"},
};

static void test_lists(void **state _unused_)
{
	for (size_t i = 0; i < ELEMENTS(lists); i++) {
		char ids[128] = "", error[96] = "";
		int r = gpo_list_read(lists[i].text, strlen(lists[i].text), collect, ids, error,
				      sizeof(error));

		if (strcmp(ids, lists[i].ids) != 0 ||
		    strcmp(error, lists[i].error ? lists[i].error : "") != 0)
			fail_msg("row %zu: \"%s\", \"%s\"", i, ids, error);
		assert_int_equal(r, lists[i].error ? -EBADMSG : 0);
	}
}

/* ---- below a root --------------------------------------------------------------------------------------- */

#define SSSD  "/var/lib/sss/gpo_cache/example.org/Policies/"
#define ADSYS "/var/cache/adsys/sysvol/Policies/"
#define LIST  "/var/cache/adsys/policies/desk/policies"

static char root[] = "/tmp/scpolicyd-[gpo]-XXXXXX";

static int fresh_root(void **state _unused_)
{
	shell("rm -rf '%s' && mkdir -p '%s/etc' && echo desk > '%s/etc/hostname'", root, root, root);
	return 0;
}

static void write_file(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	shell("mkdir -p \"$(dirname '%s')\"", full);
	file = fopen(full, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(full, 0600), 0);
}

static void write_policy(const char *folder, const char *id, const char *option)
{
	char path[256], text[256];

	snprintf(path, sizeof(path), "%s{%s}/Machine/Microsoft/Windows NT/SecEdit/GptTmpl.inf", folder, id);
	snprintf(text, sizeof(text), HEAD "%s%s\n", *option ? KEY "=1," : "", option);
	write_file(path, text);
}

static struct gpo find(void)
{
	struct gpo gpo;
	char error[512];

	if (gpo_find(root, &gpo, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	assert_string_equal(error, "");
	return gpo;
}

/* `winner` is a part of its path; NULL: there is none. */
static void expect_winner(size_t count, const char *winner, enum gpo_keeper keeper, bool disagree)
{
	_cleanup_(gpo_clear) struct gpo gpo = find();

	assert_int_equal(gpo.count, count);
	assert_int_equal(gpo.disagree, disagree);
	if (!winner) {
		assert_int_equal(gpo.winner, GPO_NO_WINNER);
		return;
	}
	assert_true(gpo.winner < count);
	assert_non_null(strstr(gpo.files[gpo.winner].path, winner));
	assert_int_equal(gpo.files[gpo.winner].keeper, keeper);
}

static void test_none_is_kept(void **state _unused_)
{
	expect_winner(0, NULL, GPO_SSSD, false);
	shell("mkdir -p '%s" SSSD "{A}/Machine'", root);
	expect_winner(0, NULL, GPO_SSSD, false);
}

static void test_sssd(void **state _unused_)
{
	write_policy(SSSD, "A", "");
	expect_winner(1, NULL, GPO_SSSD, false);
	write_policy(SSSD, "B", "\"1\"");
	expect_winner(2, "{B}", GPO_SSSD, false);
	write_policy(SSSD, "C", "\"1\"");
	expect_winner(3, "{B}", GPO_SSSD, false);
	write_policy(SSSD, "A", "\"0\"");
	expect_winner(3, "{B}", GPO_SSSD, true);
	write_policy(SSSD, "D", "\"2\"");
	write_policy(SSSD, "E", "\"3\"");
	expect_winner(5, "{D}", GPO_SSSD, true);
}

static void test_samba(void **state _unused_)
{
	static const char template[] = HEAD KEY "=1,\"1\"\n";

	write_file(
		"/var/cache/samba/gpo_cache/EXAMPLE.ORG/POLICIES/{A}/MACHINE/MICROSOFT/WINDOWS NT/SECEDIT/GPTTMPL.INF",
		template);
	expect_winner(1, "{A}", GPO_SAMBA, false);
	write_file(
		"/var/lib/samba/gpo_cache/EXAMPLE.ORG/POLICIES/{B}/MACHINE/MICROSOFT/WINDOWS NT/SECEDIT/GPTTMPL.INF",
		template);
	expect_winner(2, "{A}", GPO_SAMBA, false);
	write_policy(SSSD, "C", "\"2\"");
	expect_winner(3, "{C}", GPO_SSSD, true);
	write_policy(ADSYS, "D", "\"0\"");
	write_file(LIST, "gpos:\n- id: '{D}'\n");
	expect_winner(1, "{D}", GPO_ADSYS, false);
}

static void test_any_case(void **state _unused_)
{
	write_file(
		"/var/lib/sss/gpo_cache/example.org/policies/{A}/MACHINE/microsoft/Windows nt/secedit/gpttmpl.INF",
		HEAD KEY "=1,\"1\"\n");
	expect_winner(1, "{A}", GPO_SSSD, false);
}

static void test_adsys(void **state _unused_)
{
	write_policy(ADSYS, "A", "\"2\"");
	write_policy(ADSYS, "B", "\"1\"");
	write_policy(ADSYS, "C", "");
	write_policy(SSSD, "S", "\"3\"");
	expect_winner(1, "{S}", GPO_SSSD, false);
	write_file(LIST, "gpos:\n- id: '{C}'\n- id: '{missing}'\n- id: '{B}'\n- id: '{A}'\n");
	expect_winner(3, "{B}", GPO_ADSYS, false);
	write_file(LIST, "gpos:\n- id: '{C}'\n");
	expect_winner(1, NULL, GPO_ADSYS, false);
}

/* adsys has the machine under the name that it calls itself, with or without its domain. */
static void test_adsys_host(void **state _unused_)
{
	write_policy(ADSYS, "A", "\"2\"");
	write_file(LIST, "gpos:\n- id: '{A}'\n");
	write_file("/etc/hostname", "desk.example.org\n");
	expect_winner(1, "{A}", GPO_ADSYS, false);
	write_file("/etc/hostname", "\n# the reception's\n\n  desk  \n");
	expect_winner(1, "{A}", GPO_ADSYS, false);
	write_file("/etc/hostname", "desk\r\n");
	expect_winner(1, "{A}", GPO_ADSYS, false);
	write_file("/etc/hostname", "#desk\nother\n");
	expect_winner(0, NULL, GPO_ADSYS, false);
	write_file("/etc/hostname", "other\n");
	expect_winner(0, NULL, GPO_ADSYS, false);
	write_file("/etc/hostname", "../policies/desk\n");
	expect_winner(0, NULL, GPO_ADSYS, false);
}

static void expect_list_error(const char *why)
{
	char error[512], expected[512];
	struct gpo gpo;

	assert_int_not_equal(gpo_find(root, &gpo, error, sizeof(error)), 0);
	snprintf(expected, sizeof(expected), "%s" LIST ": %s", root, why);
	assert_string_equal(error, expected);
}

static void test_bad_lists(void **state _unused_)
{
	write_file(LIST, "gpos:\n- id: /etc\n");
	expect_list_error("line 2: the id is not a GUID in braces");
	shell("chmod 622 '%s" LIST "'", root);
	expect_list_error("owned or writable by others");
}

/* A wrong file is reported, and the next one counts. */
static void expect_file_error(const char *why)
{
	_cleanup_(gpo_clear) struct gpo gpo = find();
	char text[512], expected[512];

	assert_int_equal(gpo.count, 2);
	assert_int_equal(gpo.winner, 1);
	snprintf(expected, sizeof(expected), "%s%s", gpo.files[0].path, why);
	assert_string_equal(gpo_error_text(&gpo.files[0], text, sizeof(text)), expected);
}

static void test_bad_files(void **state _unused_)
{
	static const char file[] = SSSD "{A}/Machine/Microsoft/Windows NT/SecEdit/GptTmpl.inf";

	write_policy(SSSD, "B", "\"1\"");
	write_policy(SSSD, "A", "\"9\"");
	expect_file_error(":4: ScRemoveOption: \"9\" is not 0, 1, 2 or 3");
	write_policy(SSSD, "A", "\"2\"");
	shell("chmod 666 '%s%s'", root, file);
	expect_file_error(": owned or writable by others");
	shell("chmod 600 '%s%s' && chown 12345 '%s%s'", root, file, root, file);
	expect_file_error(": owned or writable by others");
	shell("rm '%s%s' && mkdir '%s%s'", root, file, root, file);
	expect_file_error(": not a regular file");
	shell("rmdir '%s%s' && ln -s /etc/passwd '%s%s'", root, file, root, file);
	expect_file_error(": Too many levels of symbolic links");
	shell("rm '%s%s' && truncate -s 1M '%s%s' && echo >> '%s%s'", root, file, root, file, root, file);
	expect_file_error(": larger than any such file is");
	shell("truncate -s 100M '%s%s'", root, file);
	expect_file_error(": larger than any such file is");
}

/* SSSD may run as a user of its own. */
static void test_owner(void **state _unused_)
{
	write_policy(SSSD, "A", "\"2\"");
	shell("chown -R 12345 '%s/var/lib/sss/gpo_cache'", root);
	expect_winner(1, "{A}", GPO_SSSD, false);
	write_policy(SSSD, "A", "\"1\"");
	write_policy(SSSD, "B", "\"1\"");
	shell("chown 54321 '%s" SSSD "{A}/Machine/Microsoft/Windows NT/SecEdit/GptTmpl.inf'", root);
	expect_file_error(": owned or writable by others");
	/* adsys runs as root. */
	write_policy(ADSYS, "A", "\"1\"");
	write_policy(ADSYS, "B", "\"1\"");
	write_file(LIST, "gpos:\n- id: '{A}'\n- id: '{B}'\n");
	shell("chown 12345 '%s" ADSYS "{A}/Machine/Microsoft/Windows NT/SecEdit/GptTmpl.inf'", root);
	expect_file_error(": owned or writable by others");
}

/* ---- Source=gpo ----------------------------------------------------------------------------------------- */

static void clear(struct config *config)
{
	config_free(config);
}

static struct config read_config(void)
{
	struct config_error error;
	struct config config;

	if (config_read(root, &config, &error) < 0)
		fail_msg("%s", error.text);
	return config;
}

static void expect_action(enum action action, const char *file, unsigned line)
{
	_cleanup_(clear) struct config config = read_config();
	struct settings *policy = rules_policy(config.rules);
	struct origin origin = rules_origin(config.rules, policy, SETTING_ACTION);

	assert_int_equal(policy->action, action);
	assert_non_null(strstr(origin.file, file));
	assert_int_equal(origin.line, line);
	assert_int_equal(config.from_gpo, strcmp(file, "GptTmpl.inf") == 0);
}

static void test_source(void **state _unused_)
{
	write_policy(SSSD, "A", "\"2\"");
	write_file("/etc/scpolicyd.conf", "[Policy]\nAction=none\n");
	expect_action(ACTION_NONE, "scpolicyd.conf", 2);
	write_file("/etc/scpolicyd.conf",
		   "[Policy]\nAction=none\nSource=gpo\n[Rule a]\nUser=x\n[Rule b]\nAction=lock\n");
	expect_action(ACTION_LOGOUT, "GptTmpl.inf", 4);
	/* Rules that set no action have the domain's, others their own. */
	{
		_cleanup_(clear) struct config config = read_config();

		assert_int_equal(rules_find(config.rules, "a")->settings.action, ACTION_LOGOUT);
		assert_int_equal(rules_find(config.rules, "b")->settings.action, ACTION_LOCK);
		assert_string_equal(config.passed_over.text, "");
	}
	write_policy(SSSD, "A", "");
	expect_action(ACTION_NONE, "scpolicyd.conf", 2);
}

static void test_source_passed_over(void **state _unused_)
{
	char expected[512];

	write_file("/etc/scpolicyd.conf", "[Policy]\nSource=gpo\nAction=logout\n");
	write_policy(SSSD, "A", "\"x\"");
	expect_action(ACTION_LOGOUT, "scpolicyd.conf", 3);
	{
		_cleanup_(clear) struct config config = read_config();

		snprintf(
			expected, sizeof(expected),
			"%s" SSSD
			"{A}/Machine/Microsoft/Windows NT/SecEdit/GptTmpl.inf:4: ScRemoveOption: \"x\" is not 0, 1, 2 or 3",
			root);
		assert_string_equal(config.passed_over.text, expected);
	}
	write_file(LIST, "gpos: {");
	expect_action(ACTION_LOGOUT, "scpolicyd.conf", 3);
}

static uint64_t stamp(void)
{
	_cleanup_(gpo_clear) struct gpo gpo = find();

	return gpo.stamp;
}

static void test_stamp(void **state _unused_)
{
	uint64_t before;

	write_policy(SSSD, "A", "\"1\"");
	before = stamp();
	assert_true(stamp() == before);
	write_policy(SSSD, "A", "\"2\"");
	assert_true(stamp() != before);
	before = stamp();
	shell("chmod 666 '%s" SSSD "{A}/Machine/Microsoft/Windows NT/SecEdit/GptTmpl.inf'", root);
	assert_true(stamp() != before);
	before = stamp();
	write_policy(SSSD, "B", "");
	assert_true(stamp() != before);
	before = stamp();
	shell("rm -r '%s" SSSD "{A}'", root);
	assert_true(stamp() != before);
	before = stamp();
	write_file(LIST, "gpos: []\n");
	assert_true(stamp() != before);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_bad_bytes),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_lists),
		cmocka_unit_test_setup(test_none_is_kept, fresh_root),
		cmocka_unit_test_setup(test_sssd, fresh_root),
		cmocka_unit_test_setup(test_samba, fresh_root),
		cmocka_unit_test_setup(test_any_case, fresh_root),
		cmocka_unit_test_setup(test_adsys, fresh_root),
		cmocka_unit_test_setup(test_adsys_host, fresh_root),
		cmocka_unit_test_setup(test_bad_lists, fresh_root),
		cmocka_unit_test_setup(test_bad_files, fresh_root),
		cmocka_unit_test_setup(test_owner, fresh_root),
		cmocka_unit_test_setup(test_source, fresh_root),
		cmocka_unit_test_setup(test_source_passed_over, fresh_root),
		cmocka_unit_test_setup(test_stamp, fresh_root),
	};
	int failed;

	if (!mkdtemp(root))
		return EXIT_FAILURE;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	shell("rm -rf '%s'", root);
	return failed;
}
