/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes out to somebody who does not read: kept in order, dropped beyond a bound, counted, reported, never waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actions/outlet.h"
#include "lib/cleanup.h"

struct stage {
	sd_event *event;
	struct outlet *outlet;
	int ours, theirs;
	int error; /* what write_to() returns; 0: it writes */
	uint64_t reported;
};

static ptrdiff_t write_to(void *userdata, const char *bytes, size_t size)
{
	const struct stage *stage = userdata;
	ssize_t sent;

	if (stage->error)
		return stage->error;
	sent = send(stage->ours, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

static void report(void *userdata, uint64_t lost)
{
	((struct stage *)userdata)->reported += lost;
}

static void set_up(struct stage *stage, int type)
{
	int pair[2], small = 4096;

	*stage = (struct stage){0};
	assert_int_equal(socketpair(AF_UNIX, type, 0, pair), 0);
	stage->ours = pair[0];
	stage->theirs = pair[1];
	assert_int_equal(setsockopt(stage->ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	assert_true(sd_event_new(&stage->event) >= 0);
	assert_int_equal(outlet_new(stage->event, write_to, report, stage, &stage->outlet), 0);
	outlet_watch(stage->outlet, stage->ours);
}

static void tear_down(struct stage *stage)
{
	outlet_free(stage->outlet);
	sd_event_unref(stage->event);
	close_fd(stage->ours);
	close_fd(stage->theirs);
}

/* Lines of a known length, numbered. */
static void send_lines(struct stage *stage, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		char line[120];

		snprintf(line, sizeof(line), "%06u %0*d\n", i, 100, 0);
		outlet_send(stage->outlet, line, strlen(line));
	}
}

/* Reads what there is, has the loop write more, and so on: how many whole lines came, each with the number expected. */
static unsigned read_lines(struct stage *stage)
{
	char text[120];
	size_t used = 0;
	unsigned count = 0;

	for (;;) {
		ssize_t size = recv(stage->theirs, text + used, sizeof(text) - 1 - used, MSG_DONTWAIT);

		if (size <= 0) {
			if (sd_event_run(stage->event, 0) <= 0)
				return used ? 0 : count;
			continue;
		}
		used += (size_t)size;
		text[used] = '\0';
		for (char *end; (end = strchr(text, '\n')); count++) {
			assert_int_equal(strtoul(text, NULL, 10), count);
			assert_int_equal(end - text, 107);
			used -= (size_t)(end + 1 - text);
			memmove(text, end + 1, used + 1);
		}
	}
}

static void test_order(void **state _unused_)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

	for (size_t i = 0; i < ELEMENTS(types); i++) {
		struct stage stage;

		set_up(&stage, types[i]);
		send_lines(&stage, 0, 1000);
		assert_int_equal(read_lines(&stage), 1000);
		assert_int_equal(outlet_lost(stage.outlet), 0);
		assert_int_equal(stage.reported, 0);
		tear_down(&stage);
	}
}

/* What came first is kept: the rest follows from it. */
static void test_bound(void **state _unused_)
{
	const unsigned sent = 3 * OUTLET_SIZE / 108;
	struct stage stage;
	unsigned read;

	set_up(&stage, SOCK_STREAM);
	send_lines(&stage, 0, sent);
	assert_true(outlet_lost(stage.outlet) > 0);
	assert_int_equal(stage.reported, 0);
	read = read_lines(&stage);
	assert_true(read > OUTLET_SIZE / 2 / 108);
	assert_int_equal(read + outlet_lost(stage.outlet), sent);
	assert_int_equal(stage.reported, outlet_lost(stage.outlet));
	tear_down(&stage);
}

static void test_refused(void **state _unused_)
{
	struct stage stage;

	set_up(&stage, SOCK_STREAM);
	stage.error = -ECONNREFUSED;
	send_lines(&stage, 0, 3);
	assert_int_equal(outlet_lost(stage.outlet), 3);
	stage.error = 0;
	send_lines(&stage, 0, 2);
	assert_int_equal(read_lines(&stage), 2);
	tear_down(&stage);
}

/* At the end what is kept is tried once more, and nothing waits for a reader. */
static void test_free_while_full(void **state _unused_)
{
	struct stage stage;

	set_up(&stage, SOCK_STREAM);
	send_lines(&stage, 0, 1000);
	tear_down(&stage);
	outlet_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_free_while_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
