/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connector's look for xrdp's socket, in a home directory of the test's own. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "connect/look.h"
#include "lib/cleanup.h"
#include "lib/descriptors.h"
#include "lib/remote_message.h"

struct home {
	char path[32], directory[64], socket[96];
	struct connect_request request;
	struct place_owner owner;
	struct connect_answer answer;
	int fds[DESCRIPTORS_MAX];
	size_t count;
};

static void look(struct home *home)
{
	memset(&home->answer, 0, sizeof(home->answer));
	home->count = look_for(&home->request, &home->owner, &home->answer, home->fds, DESCRIPTORS_MAX);
}

static void close_found(struct home *home)
{
	for (size_t i = 0; i < home->count; i++)
		close_fd(home->fds[i]);
	home->count = 0;
}

static bool tells(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	return poll(&polled, 1, 0) == 1;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static int open_home(void **state)
{
	struct home *home = calloc(1, sizeof(*home));

	if (!home)
		return -1;
	*state = home;
	snprintf(home->path, sizeof(home->path), "/tmp/look-XXXXXX");
	if (!mkdtemp(home->path))
		return -1;
	snprintf(home->directory, sizeof(home->directory), "%s/.pcsc10", home->path);
	snprintf(home->socket, sizeof(home->socket), "%s/pcscd.comm", home->directory);
	home->request = (struct connect_request){.magic = CONNECT_MAGIC, .uid = getuid(), .xrdp = 1};
	snprintf(home->request.places, sizeof(home->request.places), PLACE_XRDP);
	home->owner =
		(struct place_owner){.home = home->path, .name = "card", .uid = getuid(), .display = 10};
	return 0;
}

static int close_home(void **state)
{
	struct home *home = *state;

	close_found(home);
	unlink(home->socket);
	rmdir(home->directory);
	rmdir(home->path);
	free(home);
	return 0;
}

static void nothing_is_there_and_then_it_comes(void **state)
{
	struct home *home = *state;
	int server;

	look(home);
	assert_int_equal(home->answer.result, -ENOENT);
	assert_int_equal(home->count, 1);
	assert_false(tells(home->fds[0]));
	assert_int_equal(mkdir(home->directory, 0700), 0);
	assert_true(tells(home->fds[0]));
	close_found(home);

	look(home);
	assert_int_equal(home->answer.result, -ENOENT);
	assert_int_equal(home->count, 1);
	assert_false(tells(home->fds[0]));
	server = listen_at(home->socket);
	assert_true(tells(home->fds[0]));
	close_found(home);

	look(home);
	assert_int_equal(home->answer.result, 0);
	close_fd(server);
}

static void its_directory_leaves_and_comes_back(void **state)
{
	struct home *home = *state;

	assert_int_equal(mkdir(home->directory, 0700), 0);
	look(home);
	assert_int_equal(rmdir(home->directory), 0);
	assert_true(tells(home->fds[0]));
}

static void client_leaves(void **state)
{
	struct home *home = *state;
	int server;

	assert_int_equal(mkdir(home->directory, 0700), 0);
	server = listen_at(home->socket);
	look(home);
	assert_int_equal(home->answer.result, 0);
	assert_int_equal(home->answer.dialect, DIALECT_XRDP);
	assert_int_equal(home->count, 2);
	assert_false(tells(home->fds[1]));
	assert_int_equal(chmod(home->socket, 0660), 0);
	assert_false(tells(home->fds[1]));
	/* Its server still has the socket. */
	assert_int_equal(unlink(home->socket), 0);
	assert_true(tells(home->fds[1]));
	close_fd(server);
}

static void socket_that_nobody_serves(void **state)
{
	struct home *home = *state;

	assert_int_equal(mkdir(home->directory, 0700), 0);
	close_fd(listen_at(home->socket));
	look(home);
	assert_int_equal(home->answer.result, -ENOENT);
	assert_int_equal(home->count, 1);
	assert_false(tells(home->fds[0]));
	assert_int_equal(unlink(home->socket), 0);
	close_fd(listen_at(home->socket));
	assert_true(tells(home->fds[0]));
}

static void directory_of_somebody_else_is_not_watched(void **state)
{
	struct home *home = *state;

	home->request.uid = home->owner.uid = getuid() + 1;
	look(home);
	assert_int_equal(home->answer.result, -ENOENT);
	assert_int_equal(home->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_there_and_then_it_comes, open_home, close_home),
		cmocka_unit_test_setup_teardown(its_directory_leaves_and_comes_back, open_home, close_home),
		cmocka_unit_test_setup_teardown(client_leaves, open_home, close_home),
		cmocka_unit_test_setup_teardown(socket_that_nobody_serves, open_home, close_home),
		cmocka_unit_test_setup_teardown(directory_of_somebody_else_is_not_watched, open_home,
						close_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
