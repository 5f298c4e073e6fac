/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both ends of the loader's protocol: the real loader in a child, and a loader that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/descriptors.h"
#include "loader/serve.h"
#include "sources/loader.h"

/* Runs the loader for whoever has the returned end. */
static struct loader loader_start(pid_t *ret_pid)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	*ret_pid = fork();
	assert_true(*ret_pid >= 0);
	if (*ret_pid == 0) {
		close(pair[0]);
		_exit(-serve_daemon(pair[1]));
	}
	close(pair[1]);
	return (struct loader){pair[0]};
}

/* How it ended: 0, or an errno. */
static int loader_end(struct loader *loader, pid_t pid)
{
	int status;

	loader_close(loader);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static unsigned open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* ---- the real one --------------------------------------------------------------------------------------- */

static void check_uevents(int fd, uint32_t groups)
{
	struct sockaddr_nl address;
	socklen_t size = sizeof(address);
	int value;

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(address.nl_family, AF_NETLINK);
	assert_int_equal(address.nl_groups, groups);
	size = sizeof(value);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &size), 0);
	assert_int_equal(value, NETLINK_KOBJECT_UEVENT);
	/* Without it, libudev believes nothing. */
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PASSCRED, &value, &size), 0);
	assert_int_equal(value, 1);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void test_uevents(void **state _unused_)
{
	_cleanup_close_ int kernel = -1, udev = -1;
	pid_t pid;
	struct loader loader = loader_start(&pid);

	kernel = loader_open_uevents(&loader, LOADER_UEVENT);
	check_uevents(kernel, 1);
	udev = loader_open_uevents(&loader, LOADER_UDEV);
	check_uevents(udev, 2);
	assert_int_equal(loader_end(&loader, pid), 0);
}

/* Whether this machine lets it load programs or not: a probe is whole, or is not there. */
static void test_probe(void **state _unused_)
{
	int parts[PROBE_PARTS] = {-1, -1, -1, -1};
	pid_t pid;
	struct loader loader = loader_start(&pid);
	int kind = loader_load_probe(&loader, parts);

	assert_true(kind < PROBE_KINDS);
	for (enum probe_part part = 0; part < PROBE_PARTS; part++) {
		assert_int_equal(parts[part] >= 0, kind >= 0);
		close_fd(parts[part]);
	}
	assert_int_equal(loader_end(&loader, pid), 0);
}

/* Maps that are none are refused; the loader goes on. */
static void test_false_maps(void **state _unused_)
{
	_cleanup_close_ int one = open("/dev/null", O_RDONLY | O_CLOEXEC), other = dup(one), kernel = -1;
	int parts[PROBE_PARTS] = {one, other, -1, -1};
	pid_t pid;
	struct loader loader = loader_start(&pid);

	assert_true(loader_load_probe(&loader, parts) < 0);
	assert_int_equal(parts[PROBE_EVENTS], one);
	assert_int_equal(parts[PROBE_DISCONNECT], -1);
	kernel = loader_open_uevents(&loader, LOADER_UEVENT);
	check_uevents(kernel, 1);
	assert_int_equal(loader_end(&loader, pid), 0);
}

static void test_bad_requests(void **state _unused_)
{
	static const struct {
		struct loader_request request;
		size_t size, fds;
	} bad[] = {
		{{LOADER_MAGIC + 1, LOADER_UEVENT}, sizeof(struct loader_request), 0},
		{{LOADER_MAGIC, 99}, sizeof(struct loader_request), 0},
		{{LOADER_MAGIC, LOADER_UEVENT}, sizeof(struct loader_request) - 1, 0},
		{{LOADER_MAGIC, LOADER_UEVENT}, sizeof(struct loader_request), 1},
		{{LOADER_MAGIC, LOADER_PROBE}, sizeof(struct loader_request), 1},
		{{LOADER_MAGIC, LOADER_PROBE}, sizeof(struct loader_request), 5},
	};
	static const int fds[] = {0, 0, 0, 0, 0};

	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		pid_t pid;
		struct loader loader = loader_start(&pid);
		char byte;

		assert_int_equal(
			descriptors_send(loader.socket, &bad[i].request, bad[i].size, fds, bad[i].fds), 0);
		/* The loader ends without an answer: 0, or a reset when something was left unread. */
		assert_true(recv(loader.socket, &byte, 1, 0) <= 0);
		assert_int_equal(loader_end(&loader, pid), EBADMSG);
	}
}

/* ---- one that lies -------------------------------------------------------------------------------------- */

static void test_liar(void **state _unused_)
{
	static const struct {
		struct loader_answer answer;
		size_t size, fds;
		int wanted;
	} lies[] = {
		{{LOADER_MAGIC + 1, 0}, sizeof(struct loader_answer), 1, -EBADMSG},
		{{LOADER_MAGIC, 0}, sizeof(struct loader_answer), 0, -EBADMSG},
		{{LOADER_MAGIC, 0}, sizeof(struct loader_answer), 2, -EBADMSG},
		{{LOADER_MAGIC, 0}, sizeof(struct loader_answer), 6, -EBADMSG},
		{{LOADER_MAGIC, 0}, sizeof(struct loader_answer) - 1, 1, -EBADMSG},
		{{LOADER_MAGIC, -EPERM}, sizeof(struct loader_answer), 1, -EPERM},
	};
	static const int fds[] = {0, 0, 0, 0, 0, 0};

	for (size_t i = 0; i < ELEMENTS(lies); i++) {
		int pair[2];
		unsigned before;

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		before = open_fds();
		assert_int_equal(descriptors_send(pair[1], &lies[i].answer, lies[i].size, fds, lies[i].fds),
				 0);
		assert_int_equal(loader_open_uevents(&(struct loader){pair[0]}, LOADER_UDEV), lies[i].wanted);
		assert_int_equal(open_fds(), before);
		close(pair[1]);
		assert_true(loader_open_uevents(&(struct loader){pair[0]}, LOADER_UDEV) < 0);
		close(pair[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uevents),	   cmocka_unit_test(test_probe),
		cmocka_unit_test(test_false_maps), cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_liar),
	};

	return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}
