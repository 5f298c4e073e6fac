/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is written to a session's terminal, and what is no terminal of that session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/announce.h"
#include "lib/cleanup.h"

/* Opens a pty; its name as logind has it, "pts/3". Raw: what is written comes out as it went in. */
static int pty_open(char tty[static 32])
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);

	assert_true(fd >= 0);
	assert_int_equal(grantpt(fd), 0);
	assert_int_equal(unlockpt(fd), 0);
	snprintf(tty, 32, "%s", ptsname(fd) + strlen("/dev/"));
	return fd;
}

static void assert_reads(int fd, const char *expected)
{
	char text[512] = "";
	ssize_t size = read(fd, text, sizeof(text) - 1);

	assert_true(size > 0);
	assert_non_null(strstr(text, expected));
}

static void test_line(void **state _unused_)
{
	char tty[32];
	_cleanup_close_ int fd = pty_open(tty);

	assert_int_equal(announce_write(tty, getuid(), "out with \x1b[2J\nit"), 0);
	assert_reads(fd, "\aout with ?[2J?it\r");
}

static void test_verdicts(void **state _unused_)
{
	const struct login_record login = {.session = "3", .uid = getuid(), .user = "anna"};
	static const struct {
		struct verdict verdict;
		const char *text;
	} cases[] = {
		{{.type = VERDICT_COUNTDOWN, .action = ACTION_LOGOUT, .later = 29999999999},
		 "session will end in 30 s unless it is unlocked."},
		{{.type = VERDICT_COUNTDOWN, .action = ACTION_DISCONNECT, .later = NSEC_PER_SEC},
		 "session will be disconnected in 1 s"},
		{{.type = VERDICT_CANCELLED, .action = ACTION_LOGOUT, .detail = "it was unlocked"},
		 "will not end: it was unlocked."},
		{{.type = VERDICT_CANCELLED, .action = ACTION_LOGOUT}, "will not end: cancelled."},
		{{.type = VERDICT_CANNOT_LOCK}, "nothing here can lock"},
		{{.type = VERDICT_UNGUARDED}, "This session is not guarded: lock it yourself"},
	};
	struct verdict verdict;
	char tty[32], byte;
	_cleanup_close_ int fd = pty_open(tty);

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		verdict = cases[i].verdict;
		verdict.login = &login;
		announce_verdict(&verdict, tty);
		assert_reads(fd, cases[i].text);
	}
	verdict.type = VERDICT_REMOVAL;
	announce_verdict(&verdict, tty);
	verdict.type = VERDICT_COUNTDOWN;
	announce_verdict(&verdict, "");
	announce_verdict(&verdict, "../etc/passwd"); /* one line in the log */
	verdict.login = NULL;
	announce_verdict(&verdict, tty);
	assert_int_equal(read(fd, &byte, 1), -1);
}

static void test_not_its_terminal(void **state _unused_)
{
	static const char *const names[] = {
		"",	     "tty",	    "pts/",   "pts/ptmx", "pts/1/../0", "../dev/pts/0", "null",
		"/dev/null", "tty/../null", "pts/-1", "tty 1",	  "ttyü",	"console"};
	char tty[32], longer[300] = "tty";
	_cleanup_close_ int fd = pty_open(tty);

	for (size_t i = 0; i < ELEMENTS(names); i++)
		assert_int_equal(announce_write(names[i], getuid(), "x"), -EINVAL);
	memset(longer + 3, '1', sizeof(longer) - 4);
	assert_int_equal(announce_write(longer, getuid(), "x"), -EINVAL);
	assert_int_equal(announce_write("pts/999999999", getuid(), "x"), -ENOENT);
	assert_int_equal(announce_write(tty, getuid() + 1, "x"), -EPERM);
}

/* Nobody reads, or somebody pressed ^S: an error instead of a wait. */
static void test_full(void **state _unused_)
{
	char tty[32];
	_cleanup_close_ int fd = pty_open(tty);
	int r = 0;

	for (int i = 0; i < 100000 && r == 0; i++)
		r = announce_write(tty, getuid(), "a line that nobody reads, again and again and again");
	assert_int_equal(r, -EAGAIN);
}

static void test_hung_up(void **state _unused_)
{
	char tty[32];
	int fd = pty_open(tty);

	close(fd);
	assert_true(announce_write(tty, getuid(), "x") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_not_its_terminal),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_hung_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
