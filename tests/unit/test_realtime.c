/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's priority on a real kernel: each case in a process of its own, which says by its exit status
 * whether things were as they should be. Skipped where this user may not take a realtime priority.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/realtime.h"
#include "lib/macro.h"

#define NOT_ALLOWED 77
#define FIRST_IN    (SCHED_FIFO | SCHED_RESET_ON_FORK)

static int policy(void)
{
	return sched_getscheduler(0);
}

static uint64_t used_nsec(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* Works for as long as it is let to at this priority, two seconds at most; nanoseconds. */
static uint64_t work_while_first_in(void)
{
	uint64_t start = used_nsec();

	while (policy() == FIRST_IN && used_nsec() - start < UINT64_C(2000000000))
		;
	return used_nsec() - start;
}

static sd_event *event_new(void)
{
	sd_event *event = NULL;

	if (sd_event_new(&event) < 0)
		_exit(1);
	return event;
}

static int on_timer_check(sd_event_source *timer, uint64_t usec _unused_, void *userdata)
{
	const int *wanted = userdata;

	return sd_event_exit(sd_event_source_get_event(timer), policy() == *wanted ? 0 : 2);
}

static void exit_after(sd_event *event, uint64_t usec, const int *wanted)
{
	if (sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, usec, 0, on_timer_check,
				       (void *)wanted) < 0)
		_exit(1);
}

/* ---- what the processes do ------------------------------------------------------------------------------ */

static int child_is_ordinary(void)
{
	pid_t child;
	int status;

	if (policy() != FIRST_IN)
		return 1;
	child = fork();
	if (child == 0)
		_exit(policy() != SCHED_OTHER);
	waitpid(child, &status, 0);
	return status != 0;
}

static int suspended_until_idle(void)
{
	static const int wanted = FIRST_IN;
	sd_event *event = event_new();

	realtime_suspend();
	if (policy() != (SCHED_OTHER | SCHED_RESET_ON_FORK))
		return 1;
	exit_after(event, 50000, &wanted);
	return realtime_loop(event);
}

/* Every time again: after a wait, the next long work gets no more time than the first. */
static int on_long_work(sd_event_source *timer, uint64_t usec _unused_, void *userdata)
{
	unsigned *turns = userdata;

	if (policy() != FIRST_IN)
		return -EPROTO;
	if (work_while_first_in() > UINT64_C(500000000))
		return -ETIME;
	if (--*turns == 0)
		return sd_event_exit(sd_event_source_get_event(timer), 0);
	sd_event_source_set_time_relative(timer, 1000000); /* from before this turn's work */
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int long_work_is_demoted(void)
{
	sd_event *event = event_new();
	sd_event_source *timer = NULL;
	unsigned turns = 3;

	if (sd_event_add_time_relative(event, &timer, CLOCK_MONOTONIC, 0, 0, on_long_work, &turns) < 0 ||
	    sd_event_source_set_exit_on_failure(timer, true) < 0)
		return 1;
	return realtime_loop(event) != 0;
}

static int exit_code_is_passed_on(void)
{
	static const int never = -1;
	sd_event *event = event_new();

	exit_after(event, 0, &never);
	return realtime_loop(event) != 2;
}

/* ---- cases ---------------------------------------------------------------------------------------------- */

static void run(int (*body)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (realtime_start() < 0 && policy() != FIRST_IN)
			_exit(NOT_ALLOWED);
		_exit(body());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NOT_ALLOWED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_child_is_ordinary(void **state _unused_)
{
	run(child_is_ordinary);
}

static void test_suspended_until_idle(void **state _unused_)
{
	run(suspended_until_idle);
}

static void test_long_work_is_demoted(void **state _unused_)
{
	run(long_work_is_demoted);
}

static void test_exit_code(void **state _unused_)
{
	run(exit_code_is_passed_on);
}

/* Without the right to it the loop runs as ever. */
static void test_not_allowed(void **state _unused_)
{
	static const int wanted = SCHED_OTHER;
	const struct rlimit none = {0, 0};
	pid_t child = fork();
	sd_event *event;
	int status;

	if (child == 0) {
		if (setrlimit(RLIMIT_RTPRIO, &none) < 0 || (geteuid() == 0 && setuid(65534) < 0) ||
		    realtime_start() != -EPERM)
			_exit(1);
		event = event_new();
		realtime_suspend();
		exit_after(event, 0, &wanted);
		_exit(realtime_loop(event));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_child_is_ordinary),    cmocka_unit_test(test_suspended_until_idle),
		cmocka_unit_test(test_long_work_is_demoted), cmocka_unit_test(test_exit_code),
		cmocka_unit_test(test_not_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
