/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pam-session SERVICE USER SESSION [HOSTILE…]: signs in through libpam and opens session SESSION. What it is told comes as
 * lines "told: …" into the file that TOLD names. Between sign-in and session it makes itself, as pam_limits(8) or the
 * program itself may, as hostile as the words say: fsize= nofile= as= data= stack= cpu= (limits), nice, idle, umask, blocked,
 * closed (descriptors). Ends with what pam_open_session() returned.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/macro.h"

/* Of no-memory-preload, where that is loaded. */
extern void no_memory_from_here(void) __attribute__((weak));

static int converse(int count, const struct pam_message **messages, struct pam_response **ret_answers,
		    _unused_ void *data)
{
	const char *path = getenv("TOLD");
	FILE *file = path ? fopen(path, "a") : NULL;

	for (int i = 0; file && i < count; i++)
		fprintf(file, "told: %s\n", messages[i]->msg);
	if (file)
		fclose(file);
	*ret_answers = calloc((size_t)count, sizeof(**ret_answers));
	return *ret_answers ? PAM_SUCCESS : PAM_BUF_ERR;
}

/*
 * The hard limit too, where root may raise it again: not in every container. Not that of the processor's time: it would end
 * this program at the next tick, as the soft one would if its signal were not ignored.
 */
static void limit(__rlimit_resource_t which, const char *value)
{
	struct rlimit limit;

	getrlimit(which, &limit);
	limit.rlim_cur = strtoul(value, NULL, 10);
	if (which == RLIMIT_CPU)
		signal(SIGXCPU, SIG_IGN);
	else if (prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE) == 1)
		limit.rlim_max = limit.rlim_cur;
	setrlimit(which, &limit);
}

static void set_idle(void)
{
	sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
}

static void block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_IGN);
}

static void become(const char *word)
{
	static const struct {
		const char *name;
		__rlimit_resource_t which;
	} limits[] = {
		{"fsize=", RLIMIT_FSIZE}, {"nofile=", RLIMIT_NOFILE}, {"as=", RLIMIT_AS},
		{"data=", RLIMIT_DATA},	  {"stack=", RLIMIT_STACK},   {"cpu=", RLIMIT_CPU},
	};

	for (size_t i = 0; i < ELEMENTS(limits); i++)
		if (strncmp(word, limits[i].name, strlen(limits[i].name)) == 0)
			limit(limits[i].which, strchr(word, '=') + 1);
	if (strcmp(word, "nice") == 0)
		setpriority(PRIO_PROCESS, 0, 19);
	if (strcmp(word, "idle") == 0)
		set_idle();
	if (strcmp(word, "umask") == 0)
		umask(0777);
	if (strcmp(word, "blocked") == 0)
		block_signals();
	if (strcmp(word, "closed") == 0)
		close_range(0, 2, 0);
}

int main(int argc, char **argv)
{
	const struct pam_conv conversation = {.conv = converse};
	pam_handle_t *pamh = NULL;
	char variable[128];
	int r;

	if (argc < 4 || pam_start(argv[1], argv[2], &conversation, &pamh) != PAM_SUCCESS)
		return 100;
	/* The modules are loaded, and the name service, whose own failures are glibc's. */
	if (pam_acct_mgmt(pamh, 0) != PAM_SUCCESS || !getpwnam(argv[2]))
		return 101;
	if (no_memory_from_here)
		no_memory_from_here();
	if (pam_authenticate(pamh, 0) != PAM_SUCCESS)
		return 102;
	snprintf(variable, sizeof(variable), "XDG_SESSION_ID=%s", argv[3]);
	if (argv[3][0] && pam_putenv(pamh, variable) != PAM_SUCCESS)
		return 103;
	for (int i = 4; i < argc; i++)
		become(argv[i]);
	r = pam_open_session(pamh, 0);
	pam_end(pamh, r);
	return r;
}
