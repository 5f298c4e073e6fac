/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watcher's table: a connection to xrdp's chansrv whose client leaves. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "remote/watched.h"

#define NOW 1000000000ULL

struct stage {
	int server, left; /* the far end; written to when its client leaves */
	int daemon;	  /* where the watcher's messages arrive */
	int watcher;
};

static struct stage begin(void)
{
	int far[2], left[2], messages[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, far), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, left), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, messages), 0);
	watched_attach("1", DIALECT_XRDP, far[0], left[0], NULL, 0, NOW);
	return (struct stage){
		.server = far[1], .left = left[1], .daemon = messages[0], .watcher = messages[1]};
}

static void finish(struct stage *stage)
{
	watched_drop("1");
	close_fd(stage->server);
	close_fd(stage->left);
	close_fd(stage->daemon);
	close_fd(stage->watcher);
}

static void serve(uint64_t now)
{
	struct pollfd polls[WATCHED_POLLS];
	uint64_t deadline;
	size_t count = watched_poll(polls, &deadline);

	assert_true(poll(polls, count, 0) >= 0);
	watched_serve(polls, now);
}

static ssize_t asked(const struct stage *stage)
{
	char bytes[256];

	return recv(stage->server, bytes, sizeof(bytes), MSG_DONTWAIT);
}

static void client_is_asked_until_it_leaves(void **state _unused_)
{
	struct stage stage = begin();
	struct remote_message message;

	serve(NOW);
	assert_true(asked(&stage) > 0);
	/* It is due to be asked again, and has left. */
	assert_int_equal(write(stage.left, "", 1), 1);
	serve(NOW + 3600 * 1000000000ULL);
	assert_int_equal(asked(&stage), 0);
	assert_true(watched_flush(stage.watcher, NOW));
	assert_int_equal(recv(stage.daemon, &message, sizeof(message), MSG_DONTWAIT), sizeof(message));
	assert_int_equal(message.type, REMOTE_DOWN);
	assert_string_equal(message.detail, "its client has left");
	assert_false(watched_has("1"));
	finish(&stage);
}

static void client_that_left_before_is_not_asked(void **state _unused_)
{
	struct stage stage = begin();

	assert_int_equal(write(stage.left, "", 1), 1);
	serve(NOW);
	assert_int_equal(asked(&stage), 0);
	finish(&stage);
}

static void client_that_is_slow_is_asked_again(void **state _unused_)
{
	struct stage stage = begin();

	serve(NOW);
	assert_true(asked(&stage) > 0);
	serve(NOW + FAR_ANSWER_NSEC);
	assert_true(asked(&stage) > 0);
	finish(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_is_asked_until_it_leaves),
		cmocka_unit_test(client_that_left_before_is_not_asked),
		cmocka_unit_test(client_that_is_slow_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
