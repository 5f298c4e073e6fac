/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/serve.h"

#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/descriptors.h"
#include "lib/loader_message.h"
#include "lib/log.h"
#include "sources/probe_load.h"

/* Enough for a dock with everything on it to come or go while the daemon is not scheduled. */
#define RECEIVE_BUFFER (1024 * 1024)
/* NETLINK_KOBJECT_UEVENT's groups: the kernel's own, and udevd's (libudev). */
#define GROUP_KERNEL 1
#define GROUP_UDEV   2

/* libudev believes only what comes with root's credentials. */
static int open_uevents(uint32_t group)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = group};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	const int buffer = RECEIVE_BUFFER, yes = 1;

	if (fd < 0)
		return -errno;
	/* Without CAP_NET_ADMIN the usual limit has to do, and ENOBUFS leads to a full comparison. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&fd);
}

static int send_answer(int socket, int result, const int *fds, size_t count)
{
	struct loader_answer answer = {LOADER_MAGIC, result};

	return descriptors_send(socket, &answer, sizeof(answer), fds, count);
}

static int answer_uevents(int socket, uint32_t group)
{
	_cleanup_close_ int fd = open_uevents(group);

	return fd < 0 ? send_answer(socket, fd, NULL, 0) : send_answer(socket, 0, &fd, 1);
}

/* `parts` holds the daemon's maps, or nothing; what was made for it is closed here, and lives on in the daemon. */
static int answer_probe(int socket, int parts[static PROBE_PARTS])
{
	enum probe_part first = parts[PROBE_EVENTS] >= 0 ? PROBE_DISCONNECT : PROBE_EVENTS;
	int kind = probe_load(parts), r;

	if (kind < 0)
		return send_answer(socket, kind, NULL, 0);
	r = send_answer(socket, kind, parts + first, PROBE_PARTS - first);
	for (enum probe_part part = first; part < PROBE_PARTS; part++)
		parts[part] = close_fd(parts[part]);
	return r;
}

static int answer_request(int socket, const struct loader_request *request, int fds[static LOADER_FDS_MAX],
			  int count)
{
	if (request->magic != LOADER_MAGIC || (count != 0 && (count != 2 || request->wish != LOADER_PROBE)))
		return -EBADMSG;
	switch ((enum loader_wish)request->wish) {
	case LOADER_PROBE:
		return answer_probe(socket, fds);
	case LOADER_UEVENT:
		return answer_uevents(socket, GROUP_KERNEL);
	case LOADER_UDEV:
		return answer_uevents(socket, GROUP_UDEV);
	}
	return -EBADMSG;
}

int serve_daemon(int socket)
{
	_Static_assert((int)PROBE_PARTS <= LOADER_FDS_MAX, "a packet holds a probe");
	struct loader_request request;
	int fds[LOADER_FDS_MAX], r;

	do {
		r = descriptors_receive(socket, &request, sizeof(request), fds, LOADER_FDS_MAX);
		if (r < 0)
			break;
		r = answer_request(socket, &request, fds, r);
		for (size_t i = 0; i < LOADER_FDS_MAX; i++)
			close_fd(fds[i]);
	} while (r >= 0);
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}
