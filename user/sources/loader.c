/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/loader.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "lib/cleanup.h"
#include "lib/descriptors.h"

/*
 * The kernel verifies the programs within a second, and took 16 s in an emulated machine whose host was busy. Without an answer
 * the daemon starts all the same, but then it has no probe for as long as it runs. A socket is quickly made. All of these together
 * are less than the 30 s after which dbus-daemon ends a connection that does not go on (auth_timeout), and the daemon with it.
 */
#define PROBE_TIMEOUT_SEC  20
#define SOCKET_TIMEOUT_SEC 2

static int loader_connect(void)
{
	static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = LOADER_SOCKET};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&fd);
}

/* The result; with one, exactly `wanted` descriptors. */
static int ask_loader(struct loader *loader, enum loader_wish wish, const int *given, size_t given_count,
		      int *ret_fds, size_t wanted)
{
	const struct timeval timeout = {.tv_sec = wish == LOADER_PROBE ? PROBE_TIMEOUT_SEC
								       : SOCKET_TIMEOUT_SEC};
	struct loader_request request = {LOADER_MAGIC, wish};
	struct loader_answer answer;
	int count, fds[LOADER_FDS_MAX], r;

	if (loader->socket == -1)
		loader->socket = loader_connect();
	if (loader->socket < 0)
		return loader->socket;
	if (setsockopt(loader->socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	r = descriptors_send(loader->socket, &request, sizeof(request), given, given_count);
	if (r < 0)
		return r;
	count = descriptors_receive(loader->socket, &answer, sizeof(answer), fds, LOADER_FDS_MAX);
	if (count < 0)
		return count == -EAGAIN ? -ETIMEDOUT : count;
	if (answer.magic == LOADER_MAGIC && answer.result >= 0 && (size_t)count == wanted) {
		memcpy(ret_fds, fds, wanted * sizeof(*fds));
		return answer.result;
	}
	for (int i = 0; i < count; i++)
		close_fd(fds[i]);
	return answer.magic == LOADER_MAGIC && answer.result < 0 ? answer.result : -EBADMSG;
}

int loader_load_probe(struct loader *loader, int parts[static PROBE_PARTS])
{
	bool has_maps = parts[PROBE_EVENTS] >= 0 && parts[PROBE_MEMORY] >= 0;
	enum probe_part first = has_maps ? PROBE_DISCONNECT : PROBE_EVENTS;

	int r = ask_loader(loader, LOADER_PROBE, parts, first, parts + first, PROBE_PARTS - first);

	return r == -ENOENT && loader->socket == -ENOENT ? probe_load(parts) : r;
}

int loader_open_uevents(struct loader *loader, enum loader_wish wish)
{
	int fd = -EBADF, r = ask_loader(loader, wish, NULL, 0, &fd, 1);

	return r < 0 ? r : fd;
}

void loader_close(struct loader *loader)
{
	close_fd(loader->socket);
}
