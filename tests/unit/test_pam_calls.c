/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PAM module in a real libpam stack, in calls that are no plain sign-in: unlocking, second attempts, programs inside a
 * session, users of other kinds, and what a helper gets of the program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/unit/pam_stage.h"

/* ---- unlocking --------------------------------------------------------------------------------------------
 */

static const struct {
	const char *name;
	bool authenticate;
	bool open; /* the handle is that of the session's own sign-in */
	int flag;
	const char *asker;
	const char *environment[2];
	const char *asked;
} unlocks[] = {
	{"new worker",
	 true,
	 false,
	 PAM_REINITIALIZE_CRED,
	 NULL,
	 {NULL},
	 "UID=0\nUSER=root\nTIMEOUT=2000\nNOTE=" NOTE "\n"},
	{"refresh",
	 true,
	 false,
	 PAM_REFRESH_CRED,
	 NULL,
	 {NULL},
	 "UID=0\nUSER=root\nTIMEOUT=2000\nNOTE=" NOTE "\n"},
	{"silent",
	 true,
	 false,
	 PAM_REINITIALIZE_CRED | PAM_SILENT,
	 NULL,
	 {NULL},
	 "UID=0\nUSER=root\nTIMEOUT=2000\nNOTE=" NOTE "\n"},
	{"known session",
	 true,
	 false,
	 PAM_REINITIALIZE_CRED,
	 NULL,
	 {"XDG_SESSION_ID=3"},
	 "SESSION=3\nUID=0\nUSER=root\nTIMEOUT=2000\nNOTE=" NOTE "\n"},
	{"token label alone",
	 false,
	 false,
	 PAM_REINITIALIZE_CRED,
	 NULL,
	 {"PKCS11_LOGIN_TOKEN_NAME=Jane"},
	 "UID=0\nUSER=root\nTOKEN=Jane\nTIMEOUT=2000\n"},
	{"asks for themselves",
	 true,
	 false,
	 PAM_REINITIALIZE_CRED,
	 "root",
	 {NULL},
	 "UID=0\nUSER=root\nTIMEOUT=2000\nNOTE=" NOTE "\n"},
	{"by password", false, false, PAM_REINITIALIZE_CRED, NULL, {NULL}, ""},
	{"establish", true, false, PAM_ESTABLISH_CRED, NULL, {NULL}, ""},
	{"delete", true, false, PAM_DELETE_CRED, NULL, {NULL}, ""},
	{"sudo by another", true, false, PAM_REINITIALIZE_CRED, "jane", {NULL}, ""},
	{"login, which does so after opening",
	 true,
	 true,
	 PAM_REINITIALIZE_CRED,
	 NULL,
	 {"XDG_SESSION_ID=3", "PKCS11_LOGIN_TOKEN_NAME=Jane"},
	 ""},
};

static void unlock(size_t i)
{
	pam_handle_t *pamh = pam_stage_start("", "root");

	pam_stage_set_helper(GOOD_HELPER);
	if (unlocks[i].asker)
		assert_int_equal(pam_set_item(pamh, PAM_RUSER, unlocks[i].asker), PAM_SUCCESS);
	if (unlocks[i].authenticate)
		assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	pam_stage_put_environment(pamh, unlocks[i].environment, ELEMENTS(unlocks[i].environment));
	if (unlocks[i].open)
		assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, unlocks[i].flag), PAM_SUCCESS);
	if (strcmp(pam_stage_asked("rebind"), unlocks[i].asked) != 0)
		fail_msg("%s: asked \"%s\"", unlocks[i].name, pam_stage_asked("rebind"));
	pam_end(pamh, PAM_SUCCESS);
}

static void test_unlocks(_unused_ void **state)
{
	for (size_t i = 0; i < ELEMENTS(unlocks); i++)
		unlock(i);
}

/* A locker that runs as the person has the daemon asked, however that person signed in to it, and for itself alone. */
static void test_locker_of_the_person(_unused_ void **state)
{
	static const struct {
		const char *arguments, *user;
		bool authenticate;
		int flag;
		const char *asked;
	} lockers[] = {
		{"", "daemon", true, PAM_REFRESH_CRED, "TIMEOUT=2000\n"},
		{"token timeout=300", "daemon", true, PAM_REINITIALIZE_CRED, "TIMEOUT=300\n"},
		{"", "daemon", false, PAM_REFRESH_CRED, ""}, /* swaylock, when something ended it */
		{"", "daemon", true, PAM_ESTABLISH_CRED, ""},
		{"", "bin", true, PAM_REFRESH_CRED, ""},
		{"odd", "daemon", true, PAM_REFRESH_CRED, ""},
	};

	assert_int_equal(chmod(pam_stage_folder, 0777), 0);
	for (size_t i = 0; i < ELEMENTS(lockers); i++) {
		pam_handle_t *pamh = pam_stage_start(lockers[i].arguments, lockers[i].user);

		pam_stage_set_helper(GOOD_HELPER);
		assert_int_equal(seteuid(getpwnam("daemon")->pw_uid), 0);
		if (lockers[i].authenticate)
			assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
		assert_int_equal(pam_setcred(pamh, lockers[i].flag), PAM_SUCCESS);
		assert_int_equal(seteuid(0), 0);
		assert_string_equal(pam_stage_asked("ask"), lockers[i].asked);
		assert_string_equal(pam_stage_asked("look"), "");
		assert_string_equal(pam_stage_asked("rebind"), "");
		pam_end(pamh, PAM_SUCCESS);
	}
}

/* A line that says `token` stands where a password gets too. */
static void test_token(_unused_ void **state)
{
	pam_handle_t *pamh = pam_stage_start("token", "root");

	pam_stage_set_helper(GOOD_HELPER);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_stage_asked("look"), "");
	assert_null(pam_getenv(pamh, "SCPOLICYD_NOTE"));
	assert_int_equal(pam_putenv(pamh, "PKCS11_LOGIN_TOKEN_NAME=Jane"), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "SCPOLICYD_NOTE"), NOTE);
	pam_end(pamh, PAM_SUCCESS);
}

#define NOT_PROVEN KEEP_REQUEST "[ \"$1\" = prove ] && echo RESULT=nothing || echo RESULT=done"

/* The seconds of BEGAN= that the helper was last asked about. */
static int64_t asked_began(void)
{
	int64_t began = -1;

	assert_int_equal(sscanf(pam_stage_asked("prove"),
				"UID=0\nCACHE=FILE:/tmp/cache\nBEGAN=%" SCNd64 "\nTIMEOUT=2000\n", &began),
			 1);
	return began;
}

/* In one line for card and password the card is noted if the ticket shows it. */
static void test_proof(_unused_ void **state)
{
	pam_handle_t *pamh = pam_stage_start("proof=pkinit", "root");

	pam_stage_set_helper(GOOD_HELPER);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_stage_asked("prove"), "");
	assert_null(pam_getenv(pamh, "SCPOLICYD_NOTE"));
	assert_int_equal(pam_putenv(pamh, "KRB5CCNAME=FILE:/tmp/cache"), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "SCPOLICYD_NOTE"), NOTE);
	assert_true(asked_began() > time(NULL) - 60 && asked_began() <= time(NULL));

	pam_stage_set_helper(NOT_PROVEN);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_stage_asked("look"), "");
	assert_null(pam_getenv(pamh, "SCPOLICYD_NOTE"));
	assert_int_equal(pam_putenv(pamh, "XDG_SESSION_ID=3"), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), IGNORED);
	assert_string_equal(pam_stage_asked("record"), "");
	pam_end(pamh, PAM_SUCCESS);
}

/* A ticket of before the last call on this handle proves nothing. */
static void test_proof_is_new(_unused_ void **state)
{
	pam_handle_t *pamh = pam_stage_start("proof=pkinit", "root");
	time_t started = time(NULL);

	pam_stage_set_helper(GOOD_HELPER);
	assert_int_equal(pam_putenv(pamh, "KRB5CCNAME=FILE:/tmp/cache"), PAM_SUCCESS);
	while (time(NULL) == started)
		usleep(1000);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_true(asked_began() <= started);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_true(asked_began() > started);
	pam_end(pamh, PAM_SUCCESS);
}

/* An attempt that finds no card takes back what an earlier one on the same handle noted. */
static void test_second_attempt(_unused_ void **state)
{
	pam_handle_t *pamh = pam_stage_start("", "root");

	pam_stage_set_helper(GOOD_HELPER);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "SCPOLICYD_NOTE"), NOTE);
	pam_stage_set_helper("echo RESULT=nothing");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_null(pam_getenv(pamh, "SCPOLICYD_NOTE"));
	assert_int_equal(pam_putenv(pamh, "XDG_SESSION_ID=3"), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), IGNORED);
	pam_end(pamh, PAM_SUCCESS);
}

/* The first look knows what the card's module has just left. */
static void test_look_asks(_unused_ void **state)
{
	static const char *const left[] = {"PKCS11_LOGIN_TOKEN_NAME=Jane", "PKCS11_LOGIN_CERT_ISSUER=/CN=CA",
					   "PKCS11_LOGIN_CERT_SERIAL=0B"};
	pam_handle_t *pamh = pam_stage_start("pkcs11_module=/lib/module.so", "root");

	pam_stage_set_helper(GOOD_HELPER);
	pam_stage_put_environment(pamh, left, ELEMENTS(left));
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_stage_asked("look"), "USER=root\nTOKEN=Jane\nISSUER=/CN=CA\nSERIAL=0B\n"
						     "PKCS11_MODULE=/lib/module.so\nTIMEOUT=2000\n");
	pam_end(pamh, PAM_SUCCESS);
}

/* su and sudo inside a session, signed in by the card. */
static void test_inside_a_session(_unused_ void **state)
{
	pam_handle_t *pamh = pam_stage_start("require", "root");

	pam_stage_set_helper(GOOD_HELPER);
	assert_int_equal(pam_set_item(pamh, PAM_RUSER, "jane"), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), IGNORED);
	pam_end(pamh, PAM_SUCCESS);
}

static void test_unknown_user(_unused_ void **state)
{
	pam_handle_t *pamh = pam_stage_start("require", "nobody-of-that-name");

	pam_stage_set_helper(GOOD_HELPER);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_putenv(pamh, "XDG_SESSION_ID=3"), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	assert_non_null(strstr(pam_stage_logged, "user nobody-of-that-name is not known"));
	pam_end(pamh, PAM_SUCCESS);
}

/* In another process: the answer to uid 0 is not to be asked of a locker that runs as its user. */
static void test_not_root(_unused_ void **state)
{
	pam_handle_t *pamh = pam_stage_start("require", "root");
	pid_t pid;
	int status;

	pam_stage_set_helper(GOOD_HELPER);
	assert_int_equal(pam_putenv(pamh, "XDG_SESSION_ID=3"), PAM_SUCCESS);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (seteuid(65534) < 0)
			_exit(1);
		_exit(pam_authenticate(pamh, 0) != PAM_SUCCESS || pam_getenv(pamh, "SCPOLICYD_NOTE") ||
		      pam_open_session(pamh, 0) != IGNORED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(pam_stage_asked("record"), "");
	pam_end(pamh, PAM_SUCCESS);
}

/* IGNORE decides nothing: neither a denial nor a permission is changed by our line. */
static void test_decides_nothing(_unused_ void **state)
{
	static const struct {
		const char *other;
		int result;
	} cases[] = {{"pam_permit.so", PAM_SUCCESS}, {"pam_deny.so", PAM_AUTH_ERR}};
	static const struct pam_conv conversation = {.conv = pam_stage_answer_nothing};

	pam_stage_set_helper(GOOD_HELPER);
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		pam_handle_t *pamh = NULL;

		pam_stage_put("service", 0644, "auth required %s\nauth required %s\n", cases[i].other,
			      pam_stage_module);
		assert_int_equal(pam_start_confdir("service", "root", &conversation, pam_stage_folder, &pamh),
				 PAM_SUCCESS);
		assert_int_equal(pam_authenticate(pamh, 0), cases[i].result);
		pam_end(pamh, PAM_SUCCESS);
	}
}

/* The helper sees nothing of the program: no descriptor, no variable, no blocked signal. */
static void test_clean_helper(_unused_ void **state)
{
	_cleanup_close_ int leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
	pam_handle_t *pamh = pam_stage_start("", "root");
	sigset_t blocked;
	char text[1024];

	setenv("SECRET", "1", 1);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	pam_stage_set_helper(
		"exec 2>&1 > \"${0%/*}/look\"\nenv\nls /proc/self/fd\ngrep SigBlk /proc/self/status\n");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	unsetenv("SECRET");
	snprintf(text, sizeof(text), "%s", pam_stage_asked("look"));
	assert_non_null(strstr(text, "LC_ALL=C"));
	assert_null(strstr(text, "SECRET"));
	assert_non_null(strstr(text, "0\n1\n2\n3\nSigBlk:\t0000000000000000\n")); /* 3: ls itself */
	pam_end(pamh, PAM_SUCCESS);
}

/* A program that has closed its standard descriptors. */
static void test_closed_descriptors(_unused_ void **state)
{
	pam_handle_t *pamh = pam_stage_start("", "root");
	int saved[3], r;

	pam_stage_set_helper(GOOD_HELPER);
	for (int fd = 0; fd < 3; fd++)
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	r = pam_authenticate(pamh, 0);
	for (int fd = 0; fd < 3; fd++) {
		dup2(saved[fd], fd);
		close(saved[fd]);
	}
	assert_int_equal(r, PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "SCPOLICYD_NOTE"), NOTE);
	pam_end(pamh, PAM_SUCCESS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unlocks),
		cmocka_unit_test(test_locker_of_the_person),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_proof_is_new),
		cmocka_unit_test(test_second_attempt),
		cmocka_unit_test(test_look_asks),
		cmocka_unit_test(test_inside_a_session),
		cmocka_unit_test(test_unknown_user),
		cmocka_unit_test(test_not_root),
		cmocka_unit_test(test_decides_nothing),
		cmocka_unit_test(test_clean_helper),
		cmocka_unit_test(test_closed_descriptors),
	};

	if (geteuid() != 0) {
		puts("skipped: the module does nothing unless it runs as root");
		return 0;
	}
	return cmocka_run_group_tests(tests, pam_stage_make, pam_stage_remove);
}
