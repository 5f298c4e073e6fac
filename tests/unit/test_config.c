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

#include "cleanup.h"
#include "config.h"

static char root[] = "/tmp/scpolicyd-config-XXXXXX";

static void shell(const char *format, ...) _printf_(1, 2);
static void shell(const char *format, ...)
{
	char command[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	assert_int_equal(system(command), 0);
}

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

static enum action read_action(void)
{
	struct config_error error = {""};
	struct config config;

	if (config_read(root, &config, &error) < 0)
		fail_msg("%s", error.text);
	return config.settings.action;
}

static void expect_error(const char *expected)
{
	struct config config = {.settings.action = 99};
	struct config_error error = {""};

	assert_true(config_read(root, &config, &error) < 0);
	if (!strstr(error.text, expected))
		fail_msg("\"%s\" does not say \"%s\"", error.text, expected);
	assert_int_equal(config.settings.action, 99);
}

static void test_defaults_lock(void **state _unused_)
{
	assert_int_equal(read_action(), ACTION_LOCK);
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

static const struct {
	const char *text, *expected;
} bad[] = {
	{"[Policy]\nAction=shout\n", "/etc/scpolicyd.conf:2: key Action=: \"shout\" is not"},
	{"[Policy]\n\nAction=\n", "/etc/scpolicyd.conf:3: key Action=: \"\" is not"},
	{"[Policy]\nAktion=lock\n", "/etc/scpolicyd.conf:2: unknown key Aktion="},
	{"[Policy]\naction=lock\n", "/etc/scpolicyd.conf:2: unknown key action="},
	{"[Policy]\nAction=lock\nAction=lock\n", "/etc/scpolicyd.conf:3: key Action= is given twice"},
	{"[Politics]\nAction=lock\n", "/etc/scpolicyd.conf:2: unknown section [Politics]"},
	{"Action=lock\n", "/etc/scpolicyd.conf:1: key Action= stands before any section"},
	{"[Policy]\nAction\n", "/etc/scpolicyd.conf:2: neither a section nor a key"},
	{"[Policy\nAction=lock\n", "/etc/scpolicyd.conf:1: neither a section nor a key"},
	{"[Policy]\nAction=lock\n  none\n", "/etc/scpolicyd.conf:3: "},
};

static void test_bad_lines(void **state _unused_)
{
	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		write_file("/etc/scpolicyd.conf", bad[i].text);
		expect_error(bad[i].expected);
	}
}

static void test_long_line(void **state _unused_)
{
	_cleanup_free_ char *text = malloc(100000);

	assert_non_null(text);
	memset(text, 'x', 99999);
	text[99999] = '\0';
	memcpy(text, "[Policy]\nAction=", 16);
	write_file("/etc/scpolicyd.conf", text);
	expect_error("/etc/scpolicyd.conf:2: ");
}

static void test_unsafe_files(void **state _unused_)
{
	write_file("/etc/scpolicyd.conf", "[Policy]\n");
	shell("chmod 0666 %s/etc/scpolicyd.conf", root);
	expect_error("writable by group or others");
	shell("chmod 0644 %s/etc/scpolicyd.conf && chown 1:0 %s/etc/scpolicyd.conf", root, root);
	expect_error("not owned by root");
	shell("rm %s/etc/scpolicyd.conf && ln -s /dev/null %s/etc/scpolicyd.conf", root, root);
	expect_error("symbolic link");
	shell("rm %s/etc/scpolicyd.conf && mkfifo %s/etc/scpolicyd.conf", root, root);
	expect_error("not a regular file");
	shell("rm %s/etc/scpolicyd.conf && truncate -s 5M %s/etc/scpolicyd.conf", root, root);
	expect_error("larger than");
}

static int remove_root(void **state _unused_)
{
	shell("rm -rf %s", root);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_defaults_lock, fresh_root), cmocka_unit_test_setup(test_layers, fresh_root),
		cmocka_unit_test_setup(test_bad_lines, fresh_root),	cmocka_unit_test_setup(test_long_line, fresh_root),
		cmocka_unit_test_setup(test_unsafe_files, fresh_root),
	};

	if (!mkdtemp(root))
		return 1;
	return cmocka_run_group_tests_name("config", tests, NULL, remove_root);
}
