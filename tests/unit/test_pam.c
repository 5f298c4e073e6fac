/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PAM module in a real libpam stack, with a shell script for a helper: what it asks, what it returns, and
 * that no helper, however bad, keeps or harms the program that loaded the module.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <security/pam_ext.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/pam_message.h"

/* What libpam makes of PAM_IGNORE where no other module has a say. */
#define IGNORED PAM_PERM_DENIED

#define FIFTY	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define HUNDRED FIFTY FIFTY

#define NOTE "READER=Reader 00 00\tSLOT=0\tATR=3BD5\tCOUNTER=7\t"

/* ---- the stage: a directory with the service, the helper and what it was asked
 * --------------------------------- */

static char folder[64];
static char module[PATH_MAX];
static char logged[8192];

/* The module's messages come here in the place of libpam's. */
void pam_vsyslog(_unused_ const pam_handle_t *pamh, _unused_ int priority, const char *format,
		 va_list arguments)
{
	size_t used = strlen(logged);

	vsnprintf(logged + used, sizeof(logged) - used, format, arguments);
	strncat(logged, "\n", sizeof(logged) - strlen(logged) - 1);
}

void pam_syslog(const pam_handle_t *pamh, int priority, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	pam_vsyslog(pamh, priority, format, arguments);
	va_end(arguments);
}

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

_printf_(3, 4) static void put(const char *name, mode_t mode, const char *format, ...)
{
	_cleanup_close_ int fd = open(in_folder(name), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode);
	va_list arguments;

	assert_true(fd >= 0);
	va_start(arguments, format);
	vdprintf(fd, format, arguments);
	va_end(arguments);
	assert_int_equal(fchmod(fd, mode), 0);
}

/* What the helper was last sent with a verb; "" when it was not run so. */
static const char *asked(const char *verb)
{
	static char text[PAM_MESSAGE_MAX + 1];
	_cleanup_close_ int fd = open(in_folder(verb), O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[size > 0 ? size : 0] = '\0';
	return text;
}

#define KEEP_REQUEST "cat > \"${0%/*}/$1\"\n"
/* Answers as the real one does when all is well. */
#define GOOD_HELPER                                                                                          \
	KEEP_REQUEST "printf 'RESULT=done\\nTEXT=done it\\n'\n"                                              \
		     "[ \"$1\" != look ] || printf 'NOTE=READER=Reader 00 "                                  \
		     "00\\tSLOT=0\\tATR=3BD5\\tCOUNTER=7\\t\\n'\n"

static void set_helper(const char *script)
{
	static const char *const verbs[] = {"look", "record", "rebind", "ask"};

	for (size_t i = 0; i < ELEMENTS(verbs); i++)
		unlink(in_folder(verbs[i]));
	unlink(in_folder("helper"));
	if (script)
		put("helper", 0755, "%s%s", script[0] == '#' ? "" : "#!/bin/sh\n", script);
	setenv("SCPOLICYD_TEST_HELPER", in_folder("helper"), 1);
	logged[0] = '\0';
}

static int answer_nothing(_unused_ int count, _unused_ const struct pam_message **messages,
			  _unused_ struct pam_response **responses, _unused_ void *data)
{
	return PAM_CONV_ERR;
}

static pam_handle_t *start(const char *arguments, const char *user)
{
	static const struct pam_conv conversation = {.conv = answer_nothing};
	pam_handle_t *pamh = NULL;

	put("service", 0644,
	    "auth required pam_permit.so\n"
	    "auth optional %s %s\n"
	    "account required pam_permit.so\n"
	    "session required %s %s\n",
	    module, arguments, module, arguments);
	assert_int_equal(pam_start_confdir("service", user, &conversation, folder, &pamh), PAM_SUCCESS);
	return pamh;
}

static int make_stage(_unused_ void **state)
{
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return -1;
	snprintf(module, sizeof(module), "%.4000s/pam_scpolicy.so", dirname(self));
	strcpy(folder, "/tmp/test_pam.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_stage(_unused_ void **state)
{
	set_helper(NULL);
	unlink(in_folder("service"));
	return rmdir(folder);
}

/* ---- a sign-in, in all variants ---------------------------------------------------------------------------
 */

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

	{"unknown argument",
	 "foo",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "unknown argument foo"},
	{"unknown argument, require",
	 "require always=1",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 PAM_SESSION_ERR,
	 "",
	 "unknown argument always=1"},
	{"time limit too short",
	 "timeout=99",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "argument timeout=99: not a number of milliseconds from 100 to 60000"},
	{"time limit too long",
	 "timeout=60001",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "60001: not"},
	{"time limit no number",
	 "timeout=1s",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "1s: not"},
	{"time limit empty",
	 "timeout=",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "timeout=: not"},
	{"module empty",
	 "pkcs11_module=",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "pkcs11_module=: not an absolute path of at most 255 bytes"},
	{"module by a relative path",
	 "pkcs11_module=opensc-pkcs11.so",
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "opensc-pkcs11.so: not an absolute path"},
	{"module too long",
	 "pkcs11_module=/" HUNDRED HUNDRED HUNDRED,
	 GOOD_HELPER,
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "not an absolute path of at most 255 bytes"},
	{"reader empty", "reader=", GOOD_HELPER, true, {"XDG_SESSION_ID=3"}, IGNORED, "", "reader=: not"},

	{"helper missing",
	 "",
	 NULL,
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "helper: No such file or directory"},
	{"helper missing, require",
	 "require",
	 NULL,
	 true,
	 {"XDG_SESSION_ID=3"},
	 PAM_SESSION_ERR,
	 "",
	 "No such file"},
	{"helper sleeps",
	 "timeout=300",
	 "exec sleep 1000",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "did not answer within 300 ms"},
	{"helper sleeps, deaf",
	 "timeout=300",
	 "trap '' TERM HUP INT\nexec sleep 1000",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "did not answer within 300 ms"},
	{"helper closes its output and sleeps",
	 "timeout=300",
	 "exec >&-\nexec sleep 1000",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "no good answer: field RESULT= is missing"},
	{"helper's child keeps the pipe",
	 "timeout=300",
	 "sleep 2 & echo RESULT=done",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "did not answer within 300 ms"},
	{"helper prints 1 MB",
	 "",
	 "exec head -c 1000000 /dev/zero",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "printed more than 4096 bytes"},
	{"helper prints no end",
	 "",
	 "exec yes",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "printed more than 4096 bytes"},
	{"helper says nothing", "", "exit 0", true, {"XDG_SESSION_ID=3"}, IGNORED, "", "RESULT= is missing"},
	{"helper says nonsense",
	 "",
	 "echo hello",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "no good answer: line 1: is not FIELD=value"},
	{"helper says something else",
	 "",
	 "echo RESULT=maybe",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "field RESULT= is not done, nothing or failed"},
	{"helper crashes",
	 "",
	 "kill -SEGV $$",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "RESULT= is missing"},
	{"helper cannot be run",
	 "",
	 "#!/nonexistent\n",
	 true,
	 {"XDG_SESSION_ID=3"},
	 IGNORED,
	 "",
	 "cannot run "},
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
		fail_msg("%s: returned %d, logged \"%s\"", sign_ins[i].name, result, logged);
	if (sign_ins[i].asked[0] ? !strstr(asked("record"), expected) : asked("record")[0])
		fail_msg("%s: asked \"%s\"", sign_ins[i].name, asked("record"));
	if (!strstr(logged, sign_ins[i].logged))
		fail_msg("%s: logged \"%s\"", sign_ins[i].name, logged);
	if (pam_getenv(pamh, "SCPOLICYD_NOTE"))
		fail_msg("%s: the note leaks into the session", sign_ins[i].name);
}

static void put_environment(pam_handle_t *pamh, const char *const *variables, size_t count)
{
	for (size_t i = 0; i < count && variables[i]; i++)
		assert_int_equal(pam_putenv(pamh, variables[i]), PAM_SUCCESS);
}

static void sign_in(size_t i)
{
	pam_handle_t *pamh = start(sign_ins[i].arguments, "root");
	int64_t began = now_ms();
	int r;

	set_helper(sign_ins[i].helper);
	if (sign_ins[i].authenticate)
		assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	put_environment(pamh, sign_ins[i].environment, ELEMENTS(sign_ins[i].environment));
	if (sign_ins[i].authenticate)
		assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	r = pam_open_session(pamh, 0);
	check_sign_in(i, pamh, r);
	/* Twice the time limit, and what a loaded machine adds. */
	if (now_ms() - began > 1800)
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

/* The helper sees nothing of the program: no descriptor, no variable, no blocked signal. */
static void test_clean_helper(_unused_ void **state)
{
	_cleanup_close_ int leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
	pam_handle_t *pamh = start("", "root");
	sigset_t blocked;
	char text[1024];

	setenv("SECRET", "1", 1);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	set_helper("exec 2>&1 > \"${0%/*}/look\"\nenv\nls /proc/self/fd\ngrep SigBlk /proc/self/status\n");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	unsetenv("SECRET");
	snprintf(text, sizeof(text), "%s", asked("look"));
	assert_non_null(strstr(text, "LC_ALL=C"));
	assert_null(strstr(text, "SECRET"));
	assert_non_null(strstr(text, "0\n1\n2\n3\nSigBlk:\t0000000000000000\n")); /* 3: ls itself */
	pam_end(pamh, PAM_SUCCESS);
}

/* A program that has closed its standard descriptors. */
static void test_closed_descriptors(_unused_ void **state)
{
	pam_handle_t *pamh = start("", "root");
	int saved[3], r;

	set_helper(GOOD_HELPER);
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
	pam_handle_t *pamh = start("", "root");

	set_helper(GOOD_HELPER);
	if (unlocks[i].asker)
		assert_int_equal(pam_set_item(pamh, PAM_RUSER, unlocks[i].asker), PAM_SUCCESS);
	if (unlocks[i].authenticate)
		assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	put_environment(pamh, unlocks[i].environment, ELEMENTS(unlocks[i].environment));
	if (unlocks[i].open)
		assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, unlocks[i].flag), PAM_SUCCESS);
	if (strcmp(asked("rebind"), unlocks[i].asked) != 0)
		fail_msg("%s: asked \"%s\"", unlocks[i].name, asked("rebind"));
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
		int flag;
		const char *asked;
	} lockers[] = {
		{"", "daemon", PAM_REFRESH_CRED, "TIMEOUT=2000\n"},
		{"token timeout=300", "daemon", PAM_REINITIALIZE_CRED, "TIMEOUT=300\n"},
		{"", "daemon", PAM_ESTABLISH_CRED, ""},
		{"", "bin", PAM_REFRESH_CRED, ""},
		{"odd", "daemon", PAM_REFRESH_CRED, ""},
	};

	assert_int_equal(chmod(folder, 0777), 0);
	for (size_t i = 0; i < ELEMENTS(lockers); i++) {
		pam_handle_t *pamh = start(lockers[i].arguments, lockers[i].user);

		set_helper(GOOD_HELPER);
		assert_int_equal(seteuid(getpwnam("daemon")->pw_uid), 0);
		assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
		assert_int_equal(pam_setcred(pamh, lockers[i].flag), PAM_SUCCESS);
		assert_int_equal(seteuid(0), 0);
		assert_string_equal(asked("ask"), lockers[i].asked);
		assert_string_equal(asked("look"), "");
		assert_string_equal(asked("rebind"), "");
		pam_end(pamh, PAM_SUCCESS);
	}
}

/* A line that says `token` stands where a password gets too. */
static void test_token(_unused_ void **state)
{
	pam_handle_t *pamh = start("token", "root");

	set_helper(GOOD_HELPER);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(asked("look"), "");
	assert_null(pam_getenv(pamh, "SCPOLICYD_NOTE"));
	assert_int_equal(pam_putenv(pamh, "PKCS11_LOGIN_TOKEN_NAME=Jane"), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "SCPOLICYD_NOTE"), NOTE);
	pam_end(pamh, PAM_SUCCESS);
}

/* An attempt that finds no card takes back what an earlier one on the same handle noted. */
static void test_second_attempt(_unused_ void **state)
{
	pam_handle_t *pamh = start("", "root");

	set_helper(GOOD_HELPER);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "SCPOLICYD_NOTE"), NOTE);
	set_helper("echo RESULT=nothing");
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
	pam_handle_t *pamh = start("pkcs11_module=/lib/module.so", "root");

	set_helper(GOOD_HELPER);
	put_environment(pamh, left, ELEMENTS(left));
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(asked("look"), "USER=root\nTOKEN=Jane\nISSUER=/CN=CA\nSERIAL=0B\n"
					   "PKCS11_MODULE=/lib/module.so\nTIMEOUT=2000\n");
	pam_end(pamh, PAM_SUCCESS);
}

/* su and sudo inside a session, signed in by the card. */
static void test_inside_a_session(_unused_ void **state)
{
	pam_handle_t *pamh = start("require", "root");

	set_helper(GOOD_HELPER);
	assert_int_equal(pam_set_item(pamh, PAM_RUSER, "jane"), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), IGNORED);
	pam_end(pamh, PAM_SUCCESS);
}

static void test_unknown_user(_unused_ void **state)
{
	pam_handle_t *pamh = start("require", "nobody-of-that-name");

	set_helper(GOOD_HELPER);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_putenv(pamh, "XDG_SESSION_ID=3"), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	assert_non_null(strstr(logged, "user nobody-of-that-name is not known"));
	pam_end(pamh, PAM_SUCCESS);
}

/* In another process: the answer to uid 0 is not to be asked of a locker that runs as its user. */
static void test_not_root(_unused_ void **state)
{
	pam_handle_t *pamh = start("require", "root");
	pid_t pid;
	int status;

	set_helper(GOOD_HELPER);
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
	assert_string_equal(asked("record"), "");
	pam_end(pamh, PAM_SUCCESS);
}

/* IGNORE decides nothing: neither a denial nor a permission is changed by our line. */
static void test_decides_nothing(_unused_ void **state)
{
	static const struct {
		const char *other;
		int result;
	} cases[] = {{"pam_permit.so", PAM_SUCCESS}, {"pam_deny.so", PAM_AUTH_ERR}};
	static const struct pam_conv conversation = {.conv = answer_nothing};

	set_helper(GOOD_HELPER);
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		pam_handle_t *pamh = NULL;

		put("service", 0644, "auth required %s\nauth required %s\n", cases[i].other, module);
		assert_int_equal(pam_start_confdir("service", "root", &conversation, folder, &pamh),
				 PAM_SUCCESS);
		assert_int_equal(pam_authenticate(pamh, 0), cases[i].result);
		pam_end(pamh, PAM_SUCCESS);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_ins),
		cmocka_unit_test(test_sigchld_ignored),
		cmocka_unit_test(test_sigchld_handler),
		cmocka_unit_test(test_clean_helper),
		cmocka_unit_test(test_closed_descriptors),
		cmocka_unit_test(test_no_descriptor_leaks),
		cmocka_unit_test(test_unlocks),
		cmocka_unit_test(test_locker_of_the_person),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_second_attempt),
		cmocka_unit_test(test_look_asks),
		cmocka_unit_test(test_inside_a_session),
		cmocka_unit_test(test_unknown_user),
		cmocka_unit_test(test_not_root),
		cmocka_unit_test(test_decides_nothing),
	};

	if (geteuid() != 0) {
		puts("skipped: the module does nothing unless it runs as root");
		return 0;
	}
	return cmocka_run_group_tests(tests, make_stage, remove_stage);
}
