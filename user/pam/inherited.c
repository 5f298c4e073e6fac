/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/inherited.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* Some ten megabytes are used, libraries included; a thread's first allocation reserves 128 MB. */
#define ADDRESS_SPACE ((rlim_t)1 << 30)

/* A sanitizer's shadow alone is larger. */
#ifdef __SANITIZE_ADDRESS__
#define SOFT_ADDRESS_SPACE RLIM_INFINITY
#else
#define SOFT_ADDRESS_SPACE ADDRESS_SPACE
#endif

static const struct {
	__rlimit_resource_t which;
	struct rlimit limit;
} limits[] = {
	/* A record has 4 KB; opensc.conf is copied. */
	{RLIMIT_FSIZE, {1 << 20, 1 << 20}},
	/* A pipe for each card. */
	{RLIMIT_NOFILE, {1024, 1024}},
	/* The hard limit is for the process that a PKCS#11 module runs in. */
	{RLIMIT_AS, {SOFT_ADDRESS_SPACE, RLIM_INFINITY}},
	{RLIMIT_DATA, {RLIM_INFINITY, RLIM_INFINITY}},
	/* timeout= is at most a minute. Nobody waits for a process that has used so much. */
	{RLIMIT_CPU, {60, 70}},
	{RLIMIT_CORE, {0, 0}},
};

static void set_limits(void)
{
	struct rlimit old;

	for (size_t i = 0; i < ELEMENTS(limits); i++) {
		struct rlimit limit = limits[i].limit;

		/* If the hard limit cannot be raised, as in some containers, take as much as it allows. */
		if (setrlimit(limits[i].which, &limit) < 0 && getrlimit(limits[i].which, &old) == 0) {
			limit.rlim_max = old.rlim_max;
			limit.rlim_cur = limit.rlim_cur < old.rlim_max ? limit.rlim_cur : old.rlim_max;
			setrlimit(limits[i].which, &limit);
		}
	}
}

static void set_signals(void)
{
	sigset_t none;

	/* SIGKILL and SIGSTOP refuse, as do those that the C library keeps to itself. */
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void set_priority(void)
{
	const struct sched_param none = {0};

	sched_setscheduler(0, SCHED_OTHER, &none);
	setpriority(PRIO_PROCESS, 0, 0);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 0));
}

/* The next file that is opened, such as a record, would get a free number. */
static void set_descriptors(void)
{
	int fd;

	close_range(STDERR_FILENO + 1, ~0U, 0);
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(fd);
}

void inherited_replace(void)
{
	/* First: a low limit of descriptors would keep the rest from being opened. */
	set_limits();
	set_signals();
	set_priority();
	set_descriptors();
}

void inherited_allow_memory(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_AS, &limit);
}
