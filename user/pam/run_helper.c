/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/run_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "pam/clock.h"
#include "pam/lift_limits.h"

/* The unit test uses another path. */
#ifndef HELPER_PATH
#define HELPER_PATH LIBEXECDIR "/scpolicyd-pam-helper"
#endif

/* A killed process ends at once unless the kernel holds it; then we leave it alone. */
#define GRACE_MS 100

/* Between two attempts. */
#define AGAIN_MS 20

_printf_(3, 4) static int refuse_helper(struct record_error *error, int r, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return r;
}

/* Waits until fd is readable or hung up: 1; 0 at the deadline; a negative errno. */
static int wait_readable(int fd, int64_t deadline)
{
	for (;;) {
		struct pollfd entry = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - clock_ms();
		int r = poll(&entry, 1, left > 0 ? (int)left : 0);

		if (r >= 0)
			return r;
		if (errno != EINTR)
			return -errno;
	}
}

/* ---- starting ---------------------------------------------------------------------------------------------
 */

static int make_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

/*
 * Makes a pipe that already holds the request, so nothing is left to write once the helper runs, or has died.
 */
static int make_request_pipe(const char *text, size_t size, int *ret_fd)
{
	_cleanup_close_ int read_fd = -1, write_fd = -1;
	int r = make_pipe(&read_fd, &write_fd);

	if (r < 0)
		return r;
	if (write(write_fd, text, size) != (ssize_t)size)
		return -ENOBUFS;
	/* The other end is the helper's stdin, which must block as any other. */
	if (fcntl(read_fd, F_SETFL, 0) < 0)
		return -errno;
	*ret_fd = steal_fd(&read_fd);
	return 0;
}

/*
 * The helper gets signals as after a start by init, a session of its own (no ^C from the terminal), and three
 * descriptors. If the program has closed its own three, our pipes get their numbers. This order is right even
 * then: the request's pipe was made first, so the reply's is never 0.
 */
static int set_up(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *files, int request_fd,
		  int reply_fd)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setflags(attributes,
				     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(files, request_fd, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(files, reply_fd, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	return r;
}

static int spawn(enum pam_verb verb, int request_fd, int reply_fd, pid_t *ret_pid)
{
	char verb_name[16];
	char *const arguments[] = {(char *)"scpolicyd-pam-helper", verb_name, NULL};
	char *const environment[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LC_ALL=C", NULL};
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t files;
	int r;

	snprintf(verb_name, sizeof(verb_name), "%s", pam_verb_name(verb));
	r = posix_spawnattr_init(&attributes);
	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_init(&files);
	if (r == 0) {
		r = set_up(&attributes, &files, request_fd, reply_fd);
		if (r == 0)
			r = posix_spawn(ret_pid, HELPER_PATH, &files, &attributes, arguments, environment);
		posix_spawn_file_actions_destroy(&files);
	}
	posix_spawnattr_destroy(&attributes);
	return -r;
}

/* ---- hearing and ending -----------------------------------------------------------------------------------
 */

/* Reads up to the end of the reply. Returns its size, or a negative errno: -E2BIG, -ETIMEDOUT … */
static ssize_t read_reply(int fd, char *buffer, size_t size, int64_t deadline)
{
	size_t used = 0;

	for (;;) {
		int r = wait_readable(fd, deadline);
		ssize_t n;

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		n = read(fd, buffer + used, size - used);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)used;
		used += (size_t)n;
		if (used == size)
			return -E2BIG;
	}
}

/*
 * Waits for the helper's end and reaps it, unless somebody else did: the program that loaded us may ignore
 * SIGCHLD or wait for any child. A pidfd makes sure that we never kill another process with the same number.
 */
static void end_helper(pid_t pid, int pidfd, int64_t deadline)
{
	siginfo_t info;

	if (pidfd < 0) {
		waitpid(pid, NULL, WNOHANG);
		return;
	}
	if (wait_readable(pidfd, deadline) <= 0) {
		pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
		wait_readable(pidfd, clock_ms() + GRACE_MS);
	}
	waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
}

static int explain(ssize_t r, unsigned int timeout_ms, struct record_error *error)
{
	if (r == -ETIMEDOUT)
		return refuse_helper(error, -ETIMEDOUT, "%s did not answer within %u ms", HELPER_PATH,
				     timeout_ms);
	if (r == -E2BIG)
		return refuse_helper(error, -EBADMSG, "%s printed more than %d bytes", HELPER_PATH,
				     PAM_MESSAGE_MAX);
	return refuse_helper(error, (int)r, "cannot read from %s: %s", HELPER_PATH, strerror((int)-r));
}

/* Reads the reply's text; returns its size. */
static ssize_t exchange(enum pam_verb verb, int request_fd, unsigned int timeout_ms,
			char reply[static PAM_MESSAGE_MAX + 1], struct record_error *error)
{
	_cleanup_close_ int read_fd = -1, write_fd = -1, pidfd = -1;
	int64_t deadline = clock_ms() + timeout_ms;
	pid_t pid;
	ssize_t size;
	int r = make_pipe(&read_fd, &write_fd);

	if (r == 0)
		r = fcntl(write_fd, F_SETFL, 0) < 0 ? -errno : spawn(verb, request_fd, write_fd, &pid);
	if (r < 0)
		return refuse_helper(error, r, "cannot run %s: %s", HELPER_PATH, strerror(-r));
	write_fd = close_fd(write_fd);
	/* ESRCH: it has ended and was reaped; its reply is still in the pipe. */
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0 && errno != ESRCH)
		kill(pid, SIGKILL);
	size = read_reply(read_fd, reply, PAM_MESSAGE_MAX + 1, deadline);
	end_helper(pid, pidfd, size < 0 ? 0 : deadline);
	return size < 0 ? explain(size, timeout_ms, error) : size;
}

static int run_once(enum pam_verb verb, const struct pam_request *request, unsigned int timeout_ms,
		    struct pam_reply *ret_reply, struct record_error *ret_error)
{
	_cleanup_close_ int request_fd = -1;
	char text[PAM_MESSAGE_MAX + 1];
	struct record_error error;
	ssize_t size = pam_request_format(verb, request, text, PAM_MESSAGE_MAX, ret_error);
	int r;

	if (size < 0)
		return (int)size;
	r = make_request_pipe(text, (size_t)size, &request_fd);
	if (r < 0)
		return refuse_helper(ret_error, r, "cannot make a pipe: %s", strerror(-r));
	size = exchange(verb, request_fd, timeout_ms, text, ret_error);
	if (size < 0)
		return (int)size;
	if (pam_reply_parse(text, (size_t)size, ret_reply, &error) < 0)
		return refuse_helper(ret_error, -EBADMSG, "%s gave no good answer: %s", HELPER_PATH,
				     error.text);
	return 0;
}

/* What there was no memory or descriptor for may have it in a moment, and what was ended may live. */
static bool may_pass(int r, unsigned int attempt)
{
	return r == -ENOMEM || r == -EAGAIN || r == -EMFILE || r == -ENFILE ||
	       (r == -EBADMSG && attempt == 0);
}

int helper_run(enum pam_verb verb, const struct pam_request *request, unsigned int timeout_ms,
	       struct pam_reply *ret_reply, struct record_error *ret_error)
{
	struct lifted_limits limits = lift_limits();
	int64_t deadline = clock_ms() + timeout_ms, left;
	int r;

	for (unsigned int attempt = 0;; attempt++) {
		left = attempt ? deadline - clock_ms() : timeout_ms;
		r = run_once(verb, request, left > 0 ? (unsigned int)left : 0, ret_reply, ret_error);
		if (!may_pass(r, attempt) || clock_ms() + AGAIN_MS >= deadline)
			break;
		poll(NULL, 0, AGAIN_MS);
	}
	lift_limits_undo(&limits);
	return r;
}
