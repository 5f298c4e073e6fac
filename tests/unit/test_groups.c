/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The groups of users: from the real id(1), and from programs of every bad kind in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "sources/groups.h"

struct answers {
	struct groups_source *source;
	unsigned count;
	char session[64];
	size_t names;
	char first[64], last[64];
	char forget[64]; /* a session to forget when an answer comes */
};

static sd_event *event;

static void on_groups(void *userdata, const char *session, const char *const *names, size_t count)
{
	struct answers *answers = userdata;

	answers->count++;
	snprintf(answers->session, sizeof(answers->session), "%s", session);
	answers->names = count;
	snprintf(answers->first, sizeof(answers->first), "%s", count ? names[0] : "");
	snprintf(answers->last, sizeof(answers->last), "%s", count ? names[count - 1] : "");
	if (*answers->forget)
		groups_source_forget(answers->source, answers->forget);
}

static int setup(void **state _unused_)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return sd_event_new(&event) < 0;
}

static int teardown(void **state _unused_)
{
	sd_event_unref(event);
	return 0;
}

static void wait_for(const struct answers *answers, unsigned count)
{
	for (int i = 0; i < 600 && answers->count < count; i++)
		assert_true(sd_event_run(event, 50 * 1000) >= 0);
	assert_int_equal(answers->count, count);
}

/* Asks `program` for one user. */
static struct answers ask(const char *program, const char *user)
{
	struct groups_source *source;
	struct answers answers = {0};

	assert_int_equal(groups_source_new(event, program, on_groups, &answers, &source), 0);
	assert_int_equal(groups_source_ask(source, "7", user), 0);
	assert_int_equal(answers.count, 0); /* from the loop alone */
	wait_for(&answers, 1);
	assert_string_equal(answers.session, "7");
	groups_source_free(source);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
	return answers;
}

/* A program in the place of id, of one shell line. */
static const char *script(const char *line)
{
	static char path[] = "/tmp/scpolicyd-test-XXXXXX";
	int fd;

	memcpy(path + strlen(path) - 6, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	dprintf(fd, "#!/bin/sh\n%s\n", line);
	fchmod(fd, 0700);
	close(fd);
	return path;
}

static struct answers ask_script(const char *line)
{
	const char *path = script(line);
	struct answers answers = ask(path, "anna");

	unlink(path);
	return answers;
}

static void test_real(void **state _unused_)
{
	const struct passwd *self = getpwuid(getuid());
	const struct group *group = self ? getgrgid(self->pw_gid) : NULL;
	struct answers answers;

	if (!group)
		skip();
	answers = ask(GROUPS_PROGRAM, self->pw_name);
	assert_true(answers.names >= 1);
	assert_string_equal(answers.first, group->gr_name);
}

static void test_no_such_user(void **state _unused_)
{
	static const char *const names[] = {"",		  "nobody-of-that-name",
					    "-u",	  "--help",
					    "--version",  "-",
					    "--",	  "root root",
					    "root\nroot", "$(id)",
					    "`id`",	  "root;id",
					    "root:root",  "../root",
					    "0",	  "+0",
					    "00",	  "\xff\xfe",
					    "\x1b[2J"};

	for (size_t i = 0; i < ELEMENTS(names); i++)
		assert_int_equal(ask(GROUPS_PROGRAM, names[i]).names, 0);
}

static void test_answers(void **state _unused_)
{
	static const struct {
		const char *line;
		size_t names;
		const char *first, *last;
	} cases[] = {
		{"printf 'a\\0b c\\0d\\0'", 3, "a", "d"},
		{"printf '%s\\0' \"$1\" \"$2\" \"$3\" $#", 4, "-zGn", "3"},
		{"printf 'a\\0001234\\0'; exit 1", 2, "a", "1234"}, /* a group without a name */
		{"printf 'a\\0'; sleep 100 & exit 0", 1, "a", "a"}, /* somebody keeps the pipe open */
		{"printf 'a\\0b'", 0, "", ""},			    /* cut off */
		{"exit 0", 0, "", ""},
		{"exit 1", 0, "", ""},
		{"printf 'a\\0'; kill -9 $$", 0, "", ""},
		{"yes | tr '\\n' '\\0'", 0, "", ""}, /* without an end */
		{"env >&2; exit 3", 0, "", ""},
		{"[ \"$LC_ALL\" = C ] && [ -z \"$HOME\" ] && printf 'clean\\0'", 1, "clean", "clean"},
	};
	struct answers answers;

	setenv("HOME", "/somewhere", 1);
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		answers = ask_script(cases[i].line);
		assert_int_equal(answers.names, cases[i].names);
		assert_string_equal(answers.first, cases[i].first);
		assert_string_equal(answers.last, cases[i].last);
	}
}

static void test_no_program(void **state _unused_)
{
	assert_int_equal(ask("/nonexistent/id", "anna").names, 0);
	assert_int_equal(ask("/dev/null", "anna").names, 0);
}

/* It takes its time: killed, and no groups. */
static void test_hangs(void **state _unused_)
{
	uint64_t before, after;

	sd_event_now(event, CLOCK_MONOTONIC, &before);
	assert_int_equal(ask_script("printf 'a\\0'; exec sleep 100").names, 0);
	sd_event_now(event, CLOCK_MONOTONIC, &after);
	assert_in_range(after - before, GROUPS_LIMIT_USEC - 1000000, GROUPS_LIMIT_USEC + 5000000);
}

static unsigned children(void)
{
	char path[64], line[4096] = "";
	unsigned count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "r");
	if (file) {
		if (fgets(line, sizeof(line), file))
			for (const char *at = line; *at; at++)
				count += *at == ' ';
		fclose(file);
	}
	return count;
}

/* Twenty at once: never more than GROUPS_RUN_MAX processes, each answered. */
static void test_many(void **state _unused_)
{
	const char *path = script("sleep 0.05; printf 'a\\0'");
	struct groups_source *source;
	struct answers answers = {0};
	unsigned most = 0;
	char session[8];

	assert_int_equal(groups_source_new(event, path, on_groups, &answers, &source), 0);
	for (int i = 0; i < 20; i++) {
		snprintf(session, sizeof(session), "%d", i);
		assert_int_equal(groups_source_ask(source, session, "old"), 0);
		assert_int_equal(groups_source_ask(source, session, "anna"), 0); /* replaces it */
	}
	for (int i = 0; i < 1000 && answers.count < 20; i++) {
		sd_event_run(event, 50 * 1000);
		if (children() > most)
			most = children();
	}
	assert_int_equal(answers.count, 20);
	assert_in_range(most, 1, GROUPS_RUN_MAX);
	groups_source_free(source);
	unlink(path);
}

static void test_forgotten(void **state _unused_)
{
	const char *path = script("printf 'a\\0'");
	struct groups_source *source;
	struct answers answers = {0};

	assert_int_equal(groups_source_new(event, path, on_groups, &answers, &source), 0);
	answers.source = source;
	groups_source_ask(source, "1", "anna");
	groups_source_forget(source, "1");
	groups_source_forget(source, "unheard of");
	groups_source_ask(source, "2", "anna");
	strcpy(answers.forget, "2"); /* from within its own answer */
	wait_for(&answers, 1);
	assert_string_equal(answers.session, "2");
	groups_source_ask(source, "3", "anna");
	sd_event_run(event, 0); /* it runs, or is about to: freed with the source */
	groups_source_free(source);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),	cmocka_unit_test(test_no_such_user),
		cmocka_unit_test(test_answers), cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_many),	cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_hangs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
