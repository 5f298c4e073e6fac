/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The enforcer on a real message bus: a private dbus-daemon, and a logind and systemd that this program plays
 * on a connection of its own. The hot path must not allocate: the sanitizer's hooks see what libsystemd does
 * there, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "actions/enforce.h"
#include "actions/session_calls.h"
#include "lib/cleanup.h"
#include "lib/loop.h"

#define STEP_BIT(step) (1U << (step))

static char folder[] = "/tmp/scpolicyd-test-XXXXXX";
static pid_t bus_daemon;
static char bus_address[128];

/* ---- allocations ---------------------------------------------------------------------------------------- */

/* The sanitizer's own; gcc has it without a header. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

/*
 * sd_bus_send() itself allocates two iovecs for any message that has a body (bus_message_setup_iovec()), and
 * nothing else: borne, and told apart by its size.
 */
#define SD_BUS_IOVECS (2 * sizeof(struct iovec))

static bool counting;
static unsigned allocations, iovecs;

static void on_malloc(const volatile void *block _unused_, size_t size)
{
	if (counting && size == SD_BUS_IOVECS)
		iovecs++;
	else if (counting)
		allocations++;
}

static void on_free(const volatile void *block _unused_)
{
}

static uint64_t act_counted(struct enforcer *enforcer, const char *session, enum step step)
{
	uint64_t sent;

	allocations = iovecs = 0;
	counting = true;
	sent = enforcer_act(enforcer, session, step);
	counting = false;
	assert_in_range(iovecs, 0, 1);
	return sent;
}

/* ---- the bus -------------------------------------------------------------------------------------------- */

static int start_bus(void **state _unused_)
{
	char path[64], line[128];
	int output[2];
	FILE *file;

	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	if (!mkdtemp(folder) || pipe(output) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/bus.conf", folder);
	file = fopen(path, "w");
	if (!file)
		return -1;
	fprintf(file,
		"<busconfig><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"
		"<policy context='default'><allow send_destination='*'/><allow receive_sender='*'/><allow own='*'/></policy></busconfig>",
		folder);
	fclose(file);
	bus_daemon = fork();
	if (bus_daemon == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(output[1], STDOUT_FILENO);
		snprintf(line, sizeof(line), "--config-file=%s", path);
		execlp("dbus-daemon", "dbus-daemon", line, "--nofork", "--nopidfile", "--print-address",
		       NULL);
		_exit(127);
	}
	close(output[1]);
	file = fdopen(output[0], "r");
	if (!fgets(line, sizeof(line), file))
		return -1; /* it did not come up */
	fclose(file);
	snprintf(bus_address, sizeof(bus_address), "unix:path=%s/bus", folder);
	return 0;
}

static int stop_bus(void **state _unused_)
{
	char command[64];

	kill(bus_daemon, SIGKILL);
	waitpid(bus_daemon, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static sd_bus *connect_bus(sd_event *event)
{
	sd_bus *bus;

	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_address(bus, bus_address) >= 0);
	assert_true(sd_bus_set_bus_client(bus, true) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	assert_true(sd_bus_attach_event(bus, event, 0) >= 0);
	return bus;
}

/* ---- logind and systemd --------------------------------------------------------------------------------- */

struct stage {
	sd_event *event;
	sd_bus *service, *bus;
	struct enforcer *enforcer;
	bool refuse, silent;
	unsigned calls;
	char last[128]; /* the last call, as text */
	unsigned failures, done;
	char failed[SESSION_ID_SIZE];
};

static int on_call(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct stage *stage = userdata;
	const char *first = "", *second = "";
	int number = 0;

	if (sd_bus_message_has_signature(call, "s"))
		sd_bus_message_read(call, "s", &first);
	else if (sd_bus_message_has_signature(call, "ss"))
		sd_bus_message_read(call, "ss", &first, &second);
	else
		sd_bus_message_read(call, "ssi", &first, &second, &number);
	snprintf(stage->last, sizeof(stage->last), "%s %s %s %d", sd_bus_message_get_member(call), first,
		 second, number);
	stage->calls++;
	if (stage->silent)
		return 1;
	if (stage->refuse)
		return sd_bus_error_set(error, "org.freedesktop.login1.Refused", "not today");
	if (sd_bus_message_is_method_call(call, NULL, "StartUnit"))
		return sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/job/1");
	return sd_bus_reply_method_return(call, "");
}

static const sd_bus_vtable logind_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("LockSession", "s", "", on_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("TerminateSession", "s", "", on_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("KillSession", "ssi", "", on_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable systemd_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("StartUnit", "ss", "o", on_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
	SD_BUS_VTABLE_END,
};

static void on_event(void *userdata, const struct event *event)
{
	struct stage *stage = userdata;

	if (event->type == EVENT_ACTION_DONE) {
		assert_string_equal(event->session, "c7");
		stage->done++;
		return;
	}
	assert_int_equal(event->type, EVENT_ACTION_FAILED);
	stage->failures++;
	snprintf(stage->failed, sizeof(stage->failed), "%s", event->session);
}

static void turn(struct stage *stage, uint64_t usec)
{
	assert_true(sd_event_run(stage->event, usec) >= 0);
}

/* Long enough for every message under way on this machine; with `calls` or `failures` to wait for, until then. */
static void settle(struct stage *stage, unsigned calls, unsigned failures)
{
	for (int i = 0; i < 500 && (stage->calls < calls || stage->failures < failures); i++)
		turn(stage, 20 * 1000);
	while (sd_event_run(stage->event, 50 * 1000) > 0)
		;
	assert_int_equal(stage->calls, calls);
	assert_int_equal(stage->failures, failures);
}

static int stage_new(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	assert_true(sd_event_new(&stage->event) >= 0);
	stage->service = connect_bus(stage->event);
	assert_true(sd_bus_add_object_vtable(stage->service, NULL, "/org/freedesktop/login1",
					     "org.freedesktop.login1.Manager", logind_vtable, stage) >= 0);
	assert_true(sd_bus_add_object_vtable(stage->service, NULL, "/org/freedesktop/systemd1",
					     "org.freedesktop.systemd1.Manager", systemd_vtable, stage) >= 0);
	assert_true(sd_bus_request_name(stage->service, "org.freedesktop.login1", 0) >= 0);
	assert_true(sd_bus_request_name(stage->service, "org.freedesktop.systemd1", 0) >= 0);
	stage->bus = connect_bus(stage->event);
	assert_int_equal(enforcer_new(stage->bus, (struct sink){on_event, stage}, &stage->enforcer), 0);
	while (sd_event_run(stage->event, 50 * 1000) > 0)
		;
	*state = stage;
	return 0;
}

static int stage_free(void **state)
{
	struct stage *stage = *state;

	enforcer_free(stage->enforcer);
	sd_bus_flush_close_unref(stage->bus);
	sd_bus_flush_close_unref(stage->service);
	sd_event_unref(stage->event);
	free(stage);
	return 0;
}

/* ---- cases ---------------------------------------------------------------------------------------------- */

static const struct login_record login = {.session = "c7", .uid = 1000, .user = "anna"};

static void test_steps(void **state)
{
	static const struct {
		enum step step;
		const char *call;
	} cases[] = {
		{STEP_LOCK, "LockSession c7  0"},
		{STEP_TERMINATE, "TerminateSession c7  0"},
		{STEP_KILL_LEADER, "KillSession c7 leader 15"},
		{STEP_CONSOLE_LOCK, "StartUnit scpolicyd-console-lock.service replace 0"},
	};
	struct stage *stage = *state;
	uint64_t before, sent;

	assert_int_equal(enforcer_arm(stage->enforcer, &login,
				      STEP_BIT(STEP_LOCK) | STEP_BIT(STEP_TERMINATE) |
					      STEP_BIT(STEP_KILL_LEADER) | STEP_BIT(STEP_CONSOLE_LOCK),
				      NULL),
			 0);
	assert_true(enforcer_sent(stage->enforcer, "c7") == 0);
	for (unsigned i = 0; i < ELEMENTS(cases); i++) {
		before = monotonic_now();
		sent = act_counted(stage->enforcer, "c7", cases[i].step);
		assert_int_equal(allocations, 0);
		assert_in_range(sent, before, monotonic_now());
		assert_true(enforcer_sent(stage->enforcer, "c7") == sent);
		assert_in_range(enforcer_decided(stage->enforcer, "c7"), before, sent);
		settle(stage, i + 1, 0);
		assert_string_equal(stage->last, cases[i].call);
	}
}

static void test_moments_are_each_session_s_own(void **state)
{
	struct login_record other = login;
	struct stage *stage = *state;

	snprintf(other.session, sizeof(other.session), "c8");
	assert_int_equal(enforcer_arm(stage->enforcer, &login, STEP_BIT(STEP_LOCK), NULL), 0);
	assert_int_equal(enforcer_arm(stage->enforcer, &other, STEP_BIT(STEP_LOCK), NULL), 0);
	enforcer_act(stage->enforcer, "c7", STEP_LOCK);
	enforcer_act(stage->enforcer, "c8", STEP_LOCK);
	assert_in_range(enforcer_decided(stage->enforcer, "c7"), 1, enforcer_sent(stage->enforcer, "c7"));
	assert_in_range(enforcer_decided(stage->enforcer, "c8"), enforcer_sent(stage->enforcer, "c7"),
			enforcer_sent(stage->enforcer, "c8"));
	assert_true(enforcer_decided(stage->enforcer, "c9") == 0);
}

/* Once the reply is in, the next call is ready: no allocation the second time either. */
static void test_again_after_the_reply(void **state)
{
	struct stage *stage = *state;

	enforcer_arm(stage->enforcer, &login, STEP_BIT(STEP_LOCK), NULL);
	for (unsigned i = 1; i <= 5; i++) {
		assert_true(act_counted(stage->enforcer, "c7", STEP_LOCK) > 0);
		assert_int_equal(allocations, 0);
		settle(stage, i, 0);
	}
}

/* Before the reply the call is made on the spot: dearer, but it is sent, each time. */
static void test_several_in_a_row(void **state)
{
	struct stage *stage = *state;

	enforcer_arm(stage->enforcer, &login, STEP_BIT(STEP_LOCK), NULL);
	for (int i = 0; i < 4; i++)
		assert_true(enforcer_act(stage->enforcer, "c7", STEP_LOCK) > 0);
	settle(stage, 4, 0);
	stage->silent = true;
	for (int i = 0; i < 4; i++)
		assert_true(enforcer_act(stage->enforcer, "c7", STEP_LOCK) > 0);
	settle(stage, 8, 0);
}

static void test_refused(void **state)
{
	struct stage *stage = *state;

	enforcer_arm(stage->enforcer, &login, STEP_BIT(STEP_LOCK) | STEP_BIT(STEP_TERMINATE), NULL);
	stage->refuse = true;
	assert_true(enforcer_act(stage->enforcer, "c7", STEP_LOCK) > 0);
	settle(stage, 1, 1);
	assert_string_equal(stage->failed, "c7");
	assert_true(enforcer_act(stage->enforcer, "c7", STEP_TERMINATE) > 0);
	settle(stage, 2, 2);
	stage->refuse = false;
	assert_true(act_counted(stage->enforcer, "c7", STEP_LOCK) > 0);
	assert_int_equal(allocations, 0);
	settle(stage, 3, 2);
}

/* The refusal comes when the session is gone already: nobody gets a report. */
static void test_refused_after_the_end(void **state)
{
	struct stage *stage = *state;

	enforcer_arm(stage->enforcer, &login, STEP_BIT(STEP_LOCK), NULL);
	stage->refuse = true;
	enforcer_act(stage->enforcer, "c7", STEP_LOCK);
	enforcer_disarm(stage->enforcer, "c7");
	settle(stage, 1, 0);
}

static void test_no_logind(void **state)
{
	struct stage *stage = *state;

	enforcer_arm(stage->enforcer, &login, STEP_BIT(STEP_LOCK), NULL);
	assert_true(sd_bus_release_name(stage->service, "org.freedesktop.login1") >= 0);
	assert_true(enforcer_act(stage->enforcer, "c7", STEP_LOCK) > 0);
	settle(stage, 0, 1);
}

static void test_disarmed(void **state)
{
	struct stage *stage = *state;

	assert_true(enforcer_act(stage->enforcer, "c7", STEP_LOCK) == 0);
	settle(stage, 0, 1);
	enforcer_arm(stage->enforcer, &login, STEP_BIT(STEP_LOCK), NULL);
	enforcer_arm(stage->enforcer, &login, 0, NULL);
	assert_true(enforcer_act(stage->enforcer, "c7", STEP_LOCK) == 0);
	settle(stage, 0, 2);
	enforcer_disarm(stage->enforcer, "unheard of");
}

/* A step whose call was not made ready, or was dropped again, is taken all the same. */
static void test_not_armed_for_it(void **state)
{
	struct stage *stage = *state;

	enforcer_arm(stage->enforcer, &login, STEP_BIT(STEP_LOCK) | STEP_BIT(STEP_TERMINATE), NULL);
	enforcer_arm(stage->enforcer, &login, STEP_BIT(STEP_LOCK), NULL);
	assert_true(enforcer_act(stage->enforcer, "c7", STEP_TERMINATE) > 0);
	settle(stage, 1, 0);
	assert_string_equal(stage->last, "TerminateSession c7  0");
}

static void test_no_xrdp(void **state)
{
	const struct login_record nobody = {.session = "x", .uid = (uid_t)-2, .user = "nobody"};
	struct stage *stage = *state;

	assert_int_equal(enforcer_arm(stage->enforcer, &nobody, STEP_BIT(STEP_XRDP_DISCONNECT), ":64999"), 0);
	assert_true(enforcer_act(stage->enforcer, "x", STEP_XRDP_DISCONNECT) == 0);
	settle(stage, 0, 1);
	assert_string_equal(stage->failed, "x");
	assert_int_equal(enforcer_arm(stage->enforcer, &nobody, STEP_BIT(STEP_XRDP_DISCONNECT), ""), -EINVAL);
	assert_true(enforcer_act(stage->enforcer, "x", STEP_XRDP_DISCONNECT) == 0);
	settle(stage, 0, 2);
}

/* Anybody can send this one to a connection whose name is known: not believed. */
static void job_forged(struct stage *stage)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	const char *name;

	assert_true(sd_bus_get_unique_name(stage->bus, &name) >= 0);
	assert_true(sd_bus_message_new_signal(stage->service, &message, "/org/freedesktop/systemd1",
					      "org.freedesktop.systemd1.Manager", "JobRemoved") >= 0);
	assert_true(sd_bus_message_append(message, "uoss", 1, "/job", CONSOLE_LOCK_UNIT, "failed") >= 0);
	assert_true(sd_bus_send_to(stage->service, message, name, NULL) >= 0);
}

static void job_ended(struct stage *stage, const char *result)
{
	assert_true(sd_bus_emit_signal(stage->service, "/org/freedesktop/systemd1",
				       "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", 1,
				       "/org/freedesktop/systemd1/job/1", CONSOLE_LOCK_UNIT, result) >= 0);
}

static void test_console_lock_job(void **state)
{
	struct stage *stage = *state;

	enforcer_arm(stage->enforcer, &login, STEP_BIT(STEP_CONSOLE_LOCK), NULL);
	job_ended(stage, "failed"); /* somebody else's */
	settle(stage, 0, 0);
	enforcer_act(stage->enforcer, "c7", STEP_CONSOLE_LOCK);
	job_ended(stage, "done");
	settle(stage, 1, 0);
	assert_int_equal(stage->done, 1);
	job_ended(stage, "done"); /* somebody else's */
	settle(stage, 1, 0);
	assert_int_equal(stage->done, 1);
	enforcer_act(stage->enforcer, "c7", STEP_CONSOLE_LOCK);
	job_forged(stage);
	settle(stage, 2, 0);
	job_ended(stage, "failed");
	settle(stage, 2, 1);
	assert_string_equal(stage->failed, "c7");
	assert_int_equal(stage->done, 1);
}

static void test_units(void **state)
{
	static const char *const bad[] = {"", "note.service", "@.service", "note@x.service", "note@"};
	struct stage *stage = *state;

	for (size_t i = 0; i < ELEMENTS(bad); i++)
		assert_int_equal(enforcer_start_unit(stage->enforcer, bad[i], "c7"), -EINVAL);
	assert_int_equal(enforcer_start_unit(stage->enforcer, "note@.service", "../7"), -EINVAL);
	assert_int_equal(enforcer_start_unit(stage->enforcer, "note@.service", ""), -EINVAL);
	assert_true(enforcer_start_unit(stage->enforcer, "note@.service", "c7") >= 0);
	settle(stage, 1, 0);
	assert_string_equal(stage->last, "StartUnit note@c7.service replace 0");
	stage->refuse = true;
	assert_true(enforcer_start_unit(stage->enforcer, "note@.service", "c7") >= 0);
	settle(stage, 2, 0); /* logged, no more */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_new, stage_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_steps),
		CASE(test_moments_are_each_session_s_own),
		CASE(test_again_after_the_reply),
		CASE(test_several_in_a_row),
		CASE(test_refused),
		CASE(test_refused_after_the_end),
		CASE(test_no_logind),
		CASE(test_disarmed),
		CASE(test_not_armed_for_it),
		CASE(test_no_xrdp),
		CASE(test_console_lock_job),
		CASE(test_units),
	};

	return cmocka_run_group_tests(tests, start_bus, stop_bus);
}
