/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/realtime.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/cleanup.h"

/*
 * RLIMIT_RTTIME, in microseconds of work without a wait. At the first limit the kernel sends SIGXCPU, and the
 * rest is done at ordinary priority: the daemon reads thousands of records again, or has a bug. At the second
 * limit the kernel kills the daemon, and systemd restarts it. Only a fault in the handling of the first limit
 * leads there.
 */
#define SUSPEND_AFTER_USEC 50000
#define KILL_AFTER_USEC	   1000000

/* More than the deepest way from a record of the probe to the call. */
#define STACK_BYTES (64 * 1024)

static volatile sig_atomic_t active, suspended;

void realtime_suspend(void)
{
	const struct sched_param ordinary = {0};

	if (!active || suspended)
		return;
	suspended = 1;
	(void)sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &ordinary);
}

static void on_long_work(int signal_number _unused_)
{
	int saved = errno;

	realtime_suspend();
	errno = saved;
}

/* The kernel moves the soft limit on by a second with each SIGXCPU, so it is set each time. */
static int take_priority(void)
{
	const struct sched_param least = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
	const struct rlimit limit = {SUSPEND_AFTER_USEC, KILL_AFTER_USEC};

	if (setrlimit(RLIMIT_RTTIME, &limit) < 0 ||
	    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &least) < 0)
		return -errno;
	return 0;
}

static void touch_stack(void)
{
	volatile char stack[STACK_BYTES];

	for (size_t i = 0; i < sizeof(stack); i += 4096)
		stack[i] = 0;
}

/*
 * Memory in use stays in memory, and so does memory that is used later. Memory that is never used costs
 * nothing.
 */
static int lock_memory(void)
{
	touch_stack();
	mallopt(M_TRIM_THRESHOLD, INT32_MAX);
	return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0 ? -errno : 0;
}

int realtime_start(void)
{
	struct sigaction action = {.sa_handler = on_long_work, .sa_flags = SA_RESTART};
	int memory = lock_memory(), r;

	if (sigaction(SIGXCPU, &action, NULL) < 0)
		return -errno;
	r = take_priority();
	active = r >= 0;
	return r < 0 ? r : memory;
}

int realtime_loop(sd_event *event)
{
	int code, r;

	while (sd_event_get_state(event) != SD_EVENT_FINISHED) {
		r = sd_event_run(event, suspended ? 0 : UINT64_MAX);
		if (r < 0)
			return r;
		if (r == 0 && suspended) {
			suspended = 0;
			active = take_priority() >= 0;
		}
	}
	r = sd_event_get_exit_code(event, &code);
	return r < 0 ? r : code;
}
