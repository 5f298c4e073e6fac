/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PAM module in a real libpam stack, with a shell script for a helper: what it asks, what it returns, and
 * that no helper, however bad, keeps or harms the program that loaded the module.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/unit/pam_stage.h"

#define FIFTY	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define HUNDRED FIFTY FIFTY

/* ---- a sign-in, in all variants ---------------------------------------------------------------------------
 */

/* Arguments that are wrong; a helper that is. Neither keeps the person from signing in. */
#define WRONG(name, arguments, logged) BAD_HELPER(name, arguments, GOOD_HELPER, logged)
#define BAD_HELPER(name, arguments, helper, logged)                                                          \
	{name, arguments, helper, true, {"XDG_SESSION_ID=3"}, IGNORED, "", logged}

static const struct {
	const char *name, *arguments;
	const char *helper; /* NULL: there is none */
	bool authenticate;  /* the auth line is reached */
	const char *environment[4];
	int result;
	const char *asked; /* of what record was sent; "": record was not run */
	const char *logged;
} sign_ins[] = {
	{"with the card",
	 "",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 PAM_SUCCESS,
	 "NOTE=" NOTE "\n",
	 "look: done it\nrecord: done it\n"},
	{"every field",
	 "reader=Read* timeout=3000 pkcs11_module=/lib/module.so",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3", "PKCS11_LOGIN_TOKEN_NAME=Jane", "PKCS11_LOGIN_CERT_ISSUER=/CN=CA",
	  "PKCS11_LOGIN_CERT_SERIAL=0B"},
	 PAM_SUCCESS,
	 "SESSION=3\nUID=0\nUSER=root\nSERVICE=service\nLEADER=%d\nTOKEN=Jane\nISSUER=/CN=CA\nSERIAL=0B\n"
	 "PKCS11_MODULE=/lib/module.so\nTIMEOUT=3000\nREADER_GLOB=Read*\nNOTE=" NOTE "\n",
	 ""},
	{"an issuer too long, a serial number of nonsense",
	 "",
	 GOOD_HELPER,
	 false,
	 {"XDG_SESSION_ID=3", "PKCS11_LOGIN_TOKEN_NAME=Jane",
	  "PKCS11_LOGIN_CERT_ISSUER=/CN=" HUNDRED HUNDRED HUNDRED, "PKCS11_LOGIN_CERT_SERIAL=x\ny"},
	 PAM_SUCCESS,
	 "TOKEN=Jane\nISSUER=/CN=" HUNDRED HUNDRED FIFTY "x\nSERIAL=x?y\nTIMEOUT=2000\n",
	 ""},
	{"by password", "", GOOD_HELPER, false, {"XDG_SESSION_ID=3"}, IGNORED, "", ""},
	{"by password, debug",
	 "debug",
	 GOOD_HELPER,
	 false,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "no card was used to sign in, session 3 is not recorded"},
	{"by password, require",
	 "require",
	 GOOD_HELPER,
	 false,
	 {"XDG_SESSION_ID=3"},
	 PAM_SESSION_ERR,
	 "",
	 "session 3 refused"},
	{"by password, always",
	 "always",
	 GOOD_HELPER,
	 false,
	 {"XDG_SESSION_ID=3"},
	 PAM_SUCCESS,
	 "LEADER=%d\n",
	 ""},
	{"token label alone",
	 "",
	 GOOD_HELPER,
	 false,
	 {"XDG_SESSION_ID=3", "PKCS11_LOGIN_TOKEN_NAME=Jane"},
	 PAM_SUCCESS,
	 "LEADER=%d\nTOKEN=Jane\nTIMEOUT=2000\n",
	 ""},
	{"long and unprintable label",
	 "",
	 GOOD_HELPER,
	 false,
	 {"XDG_SESSION_ID=3", "PKCS11_LOGIN_TOKEN_NAME=J\nUID=1 0123456789012345678901234567890"},
	 PAM_SUCCESS,
	 "TOKEN=J?UID=1 012345678901234567890123\n",
	 ""},
	{"note from the environment",
	 "",
	 GOOD_HELPER,
	 false,
	 {"XDG_SESSION_ID=3", "SCPOLICYD_NOTE=" NOTE},
	 PAM_SUCCESS,
	 "NOTE=" NOTE "\n",
	 ""},
	{"data before environment",
	 "",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3", "SCPOLICYD_NOTE=READER=x\t"},
	 PAM_SUCCESS,
	 "NOTE=" NOTE "\n",
	 ""},
	{"a note with a line of its own",
	 "",
	 GOOD_HELPER,
	 false,
	 {"XDG_SESSION_ID=3", "SCPOLICYD_NOTE=x\nUID=1"},
	 IGNORED,
	 "",
	 "field NOTE= holds a control character"},
	{"no session", "", GOOD_HELPER, true, {NULL}, IGNORED, "", ""},
	{"no session, require",
	 "require",
	 GOOD_HELPER,
	 true,
	 {NULL},
	 PAM_SESSION_ERR,
	 "",
	 "pam_systemd has opened no session"},
	{"no session, by password, require", "require", GOOD_HELPER, false, {NULL}, IGNORED, "", ""},
	{"no session, always, by password, require",
	 "require always",
	 GOOD_HELPER,
	 false,
	 {NULL},
	 IGNORED,
	 "",
	 ""},
	{"session id that is none",
	 "require",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=../3"},
	 PAM_SESSION_ERR,
	 "",
	 "field SESSION= is not a session id"},
	{"no card",
	 "",
	 KEEP_REQUEST "printf 'RESULT=nothing\\nTEXT=there is no card\\n'",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "look: there is no card"},
	{"no card, require",
	 "require",
	 KEEP_REQUEST "printf 'RESULT=nothing\\nTEXT=there is no card\\n'",
	 true,
	 {"XDG_SESSION_ID=3"},
	 PAM_SESSION_ERR,
	 "",
	 "look: there is no card"},
	{"look failed, record looks again",
	 "",
	 KEEP_REQUEST "[ $1 = look ] && echo RESULT=failed || echo RESULT=done",
	 true,
	 {"XDG_SESSION_ID=3"},
	 PAM_SUCCESS,
	 "LEADER=%d\n",
	 ""},
	{"record failed",
	 "",
	 KEEP_REQUEST "printf 'RESULT=failed\\nTEXT=disk full\\n'",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "LEADER=%d\n",
	 "record: disk full"},
	{"record failed, require",
	 "require",
	 KEEP_REQUEST "printf 'RESULT=failed\\nTEXT=disk full\\n'",
	 true,
	 {"XDG_SESSION_ID=3"},
	 PAM_SESSION_ERR,
	 "LEADER=%d\n",
	 "record: disk full"},

	WRONG("unknown argument", "foo", "unknown argument foo"),
	{"unknown argument, require",
	 "require always=1",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 PAM_SESSION_ERR,
	 "",
	 "unknown argument always=1"},
	WRONG("time limit too short", "timeout=99",
	      "argument timeout=99: not a number of milliseconds from 100 to 60000"),
	WRONG("time limit too long", "timeout=60001", "60001: not"),
	WRONG("time limit no number", "timeout=1s", "1s: not"),
	WRONG("time limit empty", "timeout=", "timeout=: not"),
	WRONG("module empty", "pkcs11_module=", "pkcs11_module=: not an absolute path of at most 255 bytes"),
	WRONG("module by a relative path", "pkcs11_module=opensc-pkcs11.so",
	      "opensc-pkcs11.so: not an absolute path"),
	WRONG("module too long", "pkcs11_module=/" HUNDRED HUNDRED HUNDRED,
	      "not an absolute path of at most 255 bytes"),
	WRONG("reader empty", "reader=", "reader=: not"),
	WRONG("a proof that there is not", "proof=password", "argument proof=password: not pkinit"),

	BAD_HELPER("helper missing", "", NULL, "helper: No such file or directory"),
	{"helper missing, require",
	 "require",
	 NULL,
	 true,
	 {"XDG_SESSION_ID=3"},
	 PAM_SESSION_ERR,
	 "",
	 "No such file"},
	BAD_HELPER("helper sleeps", "timeout=300", "exec sleep 1000", "did not answer within 300 ms"),
	BAD_HELPER("helper sleeps, deaf", "timeout=300", "trap '' TERM HUP INT\nexec sleep 1000",
		   "did not answer within 300 ms"),
	BAD_HELPER("helper closes its output and sleeps", "timeout=300", "exec >&-\nexec sleep 1000",
		   "no good answer: field RESULT= is missing"),
	BAD_HELPER("helper's child keeps the pipe", "timeout=300", "sleep 2 & echo RESULT=done",
		   "did not answer within 300 ms"),
	BAD_HELPER("helper prints 1 MB", "", "exec head -c 1000000 /dev/zero",
		   "printed more than 4096 bytes"),
	BAD_HELPER("helper prints no end", "", "exec yes", "printed more than 4096 bytes"),
	BAD_HELPER("helper says nothing", "", "exit 0", "RESULT= is missing"),
	BAD_HELPER("helper says nonsense", "", "echo hello", "no good answer: line 1: is not FIELD=value"),
	BAD_HELPER("helper says something else", "", "echo RESULT=maybe",
		   "field RESULT= is not done, nothing or failed"),
	BAD_HELPER("helper crashes", "", "kill -SEGV $$", "RESULT= is missing"),
	BAD_HELPER("helper cannot be run", "", "#!/nonexistent\n", "cannot run "),
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void assert_no_children(const char *name)
{
	if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD)
		fail_msg("%s: a child was left", name);
}

/* Puts our process id where the text says "LEADER=%d". */
static void expect_leader(const char *text, char *expected, size_t size)
{
	const char *mark = strstr(text, "%d");

	if (mark)
		snprintf(expected, size, "%.*s%d%s", (int)(mark - text), text, getpid(), mark + 2);
	else
		snprintf(expected, size, "%s", text);
}

static void check_sign_in(size_t i, pam_handle_t *pamh, int result)
{
	char expected[1024];

	expect_leader(sign_ins[i].asked, expected, sizeof(expected));
	if (result != sign_ins[i].result)
		fail_msg("%s: returned %d, logged \"%s\"", sign_ins[i].name, result, pam_stage_logged);
	if (sign_ins[i].asked[0] ? !strstr(pam_stage_asked("record"), expected)
				 : pam_stage_asked("record")[0])
		fail_msg("%s: asked \"%s\"", sign_ins[i].name, pam_stage_asked("record"));
	if (!strstr(pam_stage_logged, sign_ins[i].logged))
		fail_msg("%s: logged \"%s\"", sign_ins[i].name, pam_stage_logged);
	if (pam_getenv(pamh, "SCPOLICYD_NOTE"))
		fail_msg("%s: the note leaks into the session", sign_ins[i].name);
}

static void sign_in(size_t i)
{
	pam_handle_t *pamh = pam_stage_start(sign_ins[i].arguments, "root");
	int64_t began = now_ms();
	int r;

	pam_stage_set_helper(sign_ins[i].helper);
	if (sign_ins[i].authenticate)
		assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	pam_stage_put_environment(pamh, sign_ins[i].environment, ELEMENTS(sign_ins[i].environment));
	if (sign_ins[i].authenticate)
		assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	r = pam_open_session(pamh, 0);
	check_sign_in(i, pamh, r);
	/* Far more than the time limit, and less than a helper sleeps. */
	if (now_ms() - began > 60000)
		fail_msg("%s: took %jd ms", sign_ins[i].name, (intmax_t)(now_ms() - began));
	if (r == PAM_SUCCESS)
		assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, PAM_SUCCESS);
}

static void test_sign_ins(_unused_ void **state)
{
	for (size_t i = 0; i < ELEMENTS(sign_ins); i++) {
		sign_in(i);
		assert_no_children(sign_ins[i].name);
	}
}

/* A program that ignores SIGCHLD: the kernel reaps, and nothing can be waited for. */
static void test_sigchld_ignored(_unused_ void **state)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before, after;

	sigaction(SIGCHLD, &ignore, &before);
	for (size_t i = 0; i < ELEMENTS(sign_ins); i++)
		sign_in(i);
	sigaction(SIGCHLD, &before, &after);
	assert_ptr_equal(after.sa_handler, SIG_IGN);
}

static void reap_all(_unused_ int signal)
{
	int saved = errno;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	errno = saved;
}

/* A program whose handler reaps every child, ours too. */
static void test_sigchld_handler(_unused_ void **state)
{
	struct sigaction reap = {.sa_handler = reap_all}, before;

	sigaction(SIGCHLD, &reap, &before);
	for (size_t i = 0; i < ELEMENTS(sign_ins); i++)
		sign_in(i);
	sigaction(SIGCHLD, &before, NULL);
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_no_descriptor_leaks(_unused_ void **state)
{
	int before;

	sign_in(0);
	before = count_descriptors();
	for (size_t i = 0; i < ELEMENTS(sign_ins); i++)
		sign_in(i);
	assert_int_equal(count_descriptors(), before);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_ins),
		cmocka_unit_test(test_sigchld_ignored),
		cmocka_unit_test(test_sigchld_handler),
		cmocka_unit_test(test_no_descriptor_leaks),
	};

	if (geteuid() != 0) {
		puts("skipped: the module does nothing unless it runs as root");
		return 0;
	}
	return cmocka_run_group_tests(tests, pam_stage_make, pam_stage_remove);
}
