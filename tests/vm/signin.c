// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * signin SERVICE USER ANSWER... [-- COMMAND...]: signs in through PAM as a login program does, prints what the session got
 * ("session=ID" and the PAM environment), and keeps it open until SIGTERM or SIGINT. SIGUSR1 authenticates
 * again, as the unlocking of a screen does. The answers are given in their order to the questions that are not
 * echoed, and the last one to all that follow: a PIN or a password, whichever the stack asks for. With SIGNIN_PAUSE in the
 * environment it says "authenticated" before it opens the session, and waits for SIGUSR1. A command runs in the session, as
 * the user, with what PAM says in its environment; it ends with the sign-in.
 *
 * Started from inside a session it would get none of its own: use systemd-run.
 *
 * logind takes the class from XDG_SESSION_CLASS. The default here is "user", as a display manager says: since 257 a
 * session that says neither class nor terminal nor type is of class "background", and cannot be locked.
 */
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "lib/cleanup.h"

struct signin {
	const char *user;
	char **answers; /* the next; the last stays */
};

static void answers_free(struct pam_response *answers, int n)
{
	for (int i = 0; i < n; i++)
		free(answers[i].resp);
	free(answers);
}

static const char *next_answer(struct signin *signin)
{
	return signin->answers[1] ? *signin->answers++ : *signin->answers;
}

static int converse(int n, const struct pam_message **messages, struct pam_response **ret_answers, void *data)
{
	struct signin *signin = data;
	struct pam_response *answers = calloc(n, sizeof(*answers));

	if (!answers)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		int style = messages[i]->msg_style;

		fprintf(stderr, "pam: %s\n", messages[i]->msg);
		if (style == PAM_PROMPT_ECHO_OFF)
			answers[i].resp = strdup(next_answer(signin));
		else if (style == PAM_PROMPT_ECHO_ON)
			answers[i].resp = strdup(signin->user);
		else
			continue;
		if (!answers[i].resp) {
			answers_free(answers, n);
			return PAM_BUF_ERR;
		}
	}
	*ret_answers = answers;
	return PAM_SUCCESS;
}

static int failed(pam_handle_t *pam, const char *step, int result)
{
	if (result != PAM_SUCCESS)
		fprintf(stderr, "%s: %s\n", step, pam_strerror(pam, result));
	return result;
}

static int authenticate(pam_handle_t *pam, int credentials)
{
	int r;

	if ((r = failed(pam, "pam_authenticate", pam_authenticate(pam, 0))) != PAM_SUCCESS)
		return r;
	if ((r = failed(pam, "pam_acct_mgmt", pam_acct_mgmt(pam, 0))) != PAM_SUCCESS)
		return r;
	return failed(pam, "pam_setcred", pam_setcred(pam, credentials));
}

static void print_environment(pam_handle_t *pam)
{
	const char *session = pam_getenv(pam, "XDG_SESSION_ID");
	char **list = pam_getenvlist(pam);

	printf("session=%s\n", session ? session : "");
	for (char **entry = list; entry && *entry; entry++) {
		puts(*entry);
		free(*entry);
	}
	free(list);
	puts("ready");
}

static void pause_if_told(const sigset_t *signals)
{
	int signal_number;

	if (!getenv("SIGNIN_PAUSE"))
		return;
	puts("authenticated");
	sigwait(signals, &signal_number);
}

static void become(const char *user)
{
	const struct passwd *entry = getpwnam(user);

	if (!entry || initgroups(user, entry->pw_gid) < 0 || setgid(entry->pw_gid) < 0 ||
	    setuid(entry->pw_uid) < 0 || chdir(entry->pw_dir) < 0) {
		perror(user);
		_exit(1);
	}
	setenv("HOME", entry->pw_dir, 1);
	setenv("USER", user, 1);
	setenv("LOGNAME", user, 1);
	setenv("SHELL", entry->pw_shell, 1);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* What a display manager starts: the desktop. */
static void run_in_session(pam_handle_t *pam, const char *user, char **command)
{
	char **list = pam_getenvlist(pam);
	sigset_t none;

	if (fork() != 0)
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	become(user);
	for (char **entry = list; entry && *entry; entry++)
		putenv(*entry);
	execvp(*command, command);
	perror(*command);
	_exit(127);
}

/* Serves SIGUSR1 until a signal asks for the end. */
static void hold_session(pam_handle_t *pam, const sigset_t *signals)
{
	int signal_number;

	while (sigwait(signals, &signal_number) == 0 && signal_number == SIGUSR1) {
		if (authenticate(pam, PAM_REINITIALIZE_CRED) == PAM_SUCCESS)
			puts("reauthenticated");
	}
}

/* What follows "--"; NULL: nothing. The answers end before it. */
static char **find_command(char **argument)
{
	for (; *argument; argument++) {
		if (strcmp(*argument, "--") != 0)
			continue;
		*argument = NULL;
		return argument[1] ? argument + 1 : NULL;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: %s SERVICE USER ANSWER... [-- COMMAND...]\n", argv[0]);
		return 2;
	}

	char **command = find_command(argv + 4);
	struct signin signin = {.user = argv[2], .answers = argv + 3};
	struct pam_conv conversation = {.conv = converse, .appdata_ptr = &signin};
	pam_handle_t *pam = NULL;
	sigset_t signals;
	int r;

	setenv("XDG_SESSION_CLASS", "user", 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Blocked from the start: a request to end that comes while PAM is busy still closes the session. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	r = pam_start(argv[1], signin.user, &conversation, &pam);
	if (r == PAM_SUCCESS)
		r = authenticate(pam, PAM_ESTABLISH_CRED);
	if (r == PAM_SUCCESS)
		pause_if_told(&signals);
	if (r == PAM_SUCCESS)
		r = failed(pam, "pam_open_session", pam_open_session(pam, 0));
	if (r == PAM_SUCCESS) {
		print_environment(pam);
		if (command)
			run_in_session(pam, signin.user, command);
		hold_session(pam, &signals);
		r = failed(pam, "pam_close_session", pam_close_session(pam, 0));
		pam_setcred(pam, PAM_DELETE_CRED);
	}
	pam_end(pam, r);
	return r == PAM_SUCCESS ? 0 : 1;
}
