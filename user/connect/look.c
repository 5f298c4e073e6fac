/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connect/look.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "connect/holders.h"
#include "connect/notice.h"
#include "lib/cleanup.h"
#include "lib/remote_message.h"

/* The first fault counts: the administrator's order of the places is that of their importance. */
static void say(struct connect_answer *answer, int result, const char *format, ...) _printf_(3, 4);
static void say(struct connect_answer *answer, int result, const char *format, ...)
{
	va_list arguments;

	if (answer->result != -ENOENT)
		return;
	answer->result = result;
	va_start(arguments, format);
	vsnprintf(answer->detail, sizeof(answer->detail), format, arguments);
	va_end(arguments);
}

/* That nothing is there is no fault: it may come. */
static void say_why_not(struct connect_answer *answer, const char *path)
{
	struct stat status;
	int error = errno;

	if (error != ENOENT && error != ENOTDIR)
		say(answer, -error, "%s: %s", path, strerror(error));
	else if (lstat(path, &status) == 0)
		say(answer, -ENOTSOCK, "%s is a link to nothing", path);
}

static bool is_socket_of(uid_t uid, const char *path, struct connect_answer *answer)
{
	struct stat status;

	if (stat(path, &status) < 0)
		say_why_not(answer, path);
	else if (!S_ISSOCK(status.st_mode))
		say(answer, -ENOTSOCK, "%s is no socket", path);
	else if (status.st_uid != uid)
		say(answer, -EPERM, "%s is somebody else's", path);
	else
		return true;
	return false;
}

/* Without waiting: where too many wait to be accepted, nobody serves. A socket whose server has ended refuses. */
static int connect_to(const char *path, struct connect_answer *answer)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return steal_fd(&fd);
	if (errno == EPROTOTYPE)
		say(answer, -errno, "%s is no stream socket", path);
	else if (errno == EAGAIN)
		say(answer, -errno, "%s accepts no connection", path);
	else if (errno != ECONNREFUSED && errno != ENOENT)
		say(answer, -errno, "%s: %s", path, strerror(errno));
	return -1;
}

/* Over ssh: the connection, and the processes that would end it. How many descriptors; 0: none. */
static size_t connect_ssh(const struct connect_request *request, const char *path,
			  struct connect_answer *answer, int *ret_fds, size_t most)
{
	size_t holders = holders_find((pid_t)request->leader, request->uid, ret_fds + 1, most - 1);

	if (!holders)
		say(answer, -ESRCH, "no process of the session's own would end a connection to %s", path);
	else
		ret_fds[0] = connect_to(path, answer);
	if (ret_fds[0] >= 0)
		return 1 + holders;
	for (size_t i = 1; i <= holders; i++)
		ret_fds[i] = close_fd(ret_fds[i]);
	return 0;
}

/* chansrv removes its socket when the client leaves. It is watched before it is used: a client that leaves in between is seen. */
static size_t connect_xrdp(const char *path, struct connect_answer *answer, int *ret_fds)
{
	ret_fds[1] = notice_removal(path);
	ret_fds[0] = connect_to(path, answer);
	if (ret_fds[0] >= 0)
		return ret_fds[1] < 0 ? 1 : 2;
	ret_fds[1] = close_fd(ret_fds[1]);
	return 0;
}

size_t look_for(const struct connect_request *request, const struct place_owner *owner,
		struct connect_answer *ret_answer, int *ret_fds, size_t most)
{
	_cleanup_close_ int notice = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	const char *list = request->places;
	char place[PLACES_SIZE], path[PLACE_SIZE];
	bool noticed = false;
	size_t count;

	ret_fds[0] = -1;
	ret_answer->result = -ENOENT;
	while (places_next(&list, place)) {
		int r = place_is_for(place, request->xrdp) ? place_path(place, owner, path) : -ENXIO;

		if (r == -ENAMETOOLONG)
			say(ret_answer, r, "%s stands for a path that no socket can have", place);
		if (r < 0)
			continue;
		/* Before the look, so that nothing comes unseen after it. */
		noticed |= notice >= 0 && notice_arrival(notice, path, owner->uid);
		if (!is_socket_of(owner->uid, path, ret_answer))
			continue;
		count = request->xrdp ? connect_xrdp(path, ret_answer, ret_fds)
				      : connect_ssh(request, path, ret_answer, ret_fds, most);
		if (count == 0)
			continue;
		ret_answer->result = 0;
		ret_answer->dialect = request->xrdp ? DIALECT_XRDP : DIALECT_PCSCLITE;
		return count;
	}
	if (!noticed)
		return 0;
	ret_fds[0] = steal_fd(&notice);
	return 1;
}
