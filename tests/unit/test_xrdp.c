/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xrdp's disconnect datagram, against sockets laid out as Debian 12, Debian 13 and upstream do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "actions/xrdp.h"
#include "lib/cleanup.h"

#define PATH_SIZE 256

static char run_dir[] = "/tmp/scpolicyd-test-XXXXXX";

static int make_run_dir(void **state _unused_)
{
	return mkdtemp(run_dir) ? 0 : -1;
}

static int remove_run_dir(void **state _unused_)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", run_dir);
	return system(command);
}

/* run_dir/`folder`/`name`; creates the directories. */
static const char *path_in(const char *folder, const char *name)
{
	static char path[PATH_SIZE];
	char command[2 * PATH_SIZE];

	snprintf(command, sizeof(command), "mkdir -p %s/%s", run_dir, folder);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/%s/%s", run_dir, folder, name);
	return path;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int disconnect(uid_t uid, const char *display)
{
	_cleanup_close_ int from = xrdp_socket();
	struct xrdp_target target;

	assert_true(from >= 0);
	assert_int_equal(xrdp_target_init(&target, run_dir, uid, display), 0);
	return xrdp_disconnect(from, &target);
}

static void test_layouts(void **state _unused_)
{
	char own[32], deep[64];
	const char *folders[] = {"sockdir", own, deep};

	snprintf(own, sizeof(own), "%u", getuid());
	snprintf(deep, sizeof(deep), "sockdir/%u", getuid());
	for (size_t i = 0; i < ELEMENTS(folders); i++) {
		const char *path = path_in(folders[i], "xrdp_disconnect_display_10");
		_cleanup_close_ int server = listen_at(path);
		char bytes[16];

		assert_int_equal(disconnect(getuid(), ":10.0"), 0);
		assert_int_equal(recv(server, bytes, sizeof(bytes), 0), 4);
		assert_string_equal(bytes, "sig");
		assert_int_equal(disconnect(getuid(), ":11"), -ENOENT);
		unlink(path);
	}
}

static void test_not_the_sessions(void **state _unused_)
{
	const char *real = path_in("sockdir", "another");
	_cleanup_close_ int server = listen_at(real);
	char target[PATH_SIZE], bytes[16];

	strcpy(target, real);
	assert_int_equal(symlink(target, path_in("sockdir", "xrdp_disconnect_display_20")), 0);
	assert_int_equal(disconnect(getuid(), ":20"), -EPERM);
	fclose(fopen(path_in("sockdir", "xrdp_disconnect_display_21"), "w"));
	assert_int_equal(disconnect(getuid(), ":21"), -EPERM);
	assert_int_equal(rename(target, path_in("sockdir", "xrdp_disconnect_display_22")), 0);
	assert_int_equal(disconnect(getuid() + 1, ":22"), -EPERM);
	assert_int_equal(recv(server, bytes, sizeof(bytes), 0), -1);
	assert_int_equal(disconnect(getuid(), ":22"), 0);
}

/* A dead X server's socket, and one that does not read: an error, at once. */
static void test_nobody_reads(void **state _unused_)
{
	int server = listen_at(path_in("sockdir", "xrdp_disconnect_display_30"));
	int r = 0;

	for (int i = 0; i < 100000 && r == 0; i++)
		r = disconnect(getuid(), ":30");
	assert_int_equal(r, -EAGAIN);
	close(server);
	assert_int_equal(disconnect(getuid(), ":30"), -ECONNREFUSED);
}

static void test_displays(void **state _unused_)
{
	static const char *const bad[] = {
		"", ":", "10", "host:10", ":-1", ":1x", ": 1", ":65536", ":99999999999999999999", ":1/../2"};
	struct xrdp_target target;

	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		assert_int_equal(xrdp_target_init(&target, run_dir, 1, bad[i]), -EINVAL);
		assert_int_equal(xrdp_disconnect(-1, &target), -ENOENT);
	}
	assert_int_equal(xrdp_target_init(&target, run_dir, 1, NULL), -EINVAL);
	assert_int_equal(xrdp_target_init(&target, XRDP_RUN_DIR, (uid_t)-1, ":65535"), 0);
	assert_string_equal(target.places[0].sun_path,
			    "/run/xrdp/sockdir/4294967295/xrdp_disconnect_display_65535");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_not_the_sessions),
		cmocka_unit_test(test_nobody_reads),
		cmocka_unit_test(test_displays),
	};

	return cmocka_run_group_tests(tests, make_run_dir, remove_run_dir);
}
