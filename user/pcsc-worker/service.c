/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service.h"

#include <libgen.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "card.h"
#include "cleanup.h"

#define DEFAULT_SOCKET                                                                                       \
	"/run/pcscd/pcscd.comm" /* PCSCLITE_CSOCK_NAME, pcscd.h, on every distribution looked at */

/* pcscd takes some 10 ms between making its socket and listening on it. */
#define WAIT_FIRST_MS 20
#define WAIT_LAST_MS  5000

struct service {
	int inotify_fd;
	char socket[SOCKET_PATH_SIZE];
	char folder[SOCKET_PATH_SIZE];
	char parent[SOCKET_PATH_SIZE];
	int wait_ms;
};

SCARDCONTEXT service_connect(void)
{
	SCARDCONTEXT context;

	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
		return 0;
	return context;
}

void service_reached(struct service *service)
{
	service->wait_ms = WAIT_FIRST_MS;
}

/*
 * The folder, or while there is none the one above it. Set anew before every look at the file, for a folder
 * that was removed and made again is another one; where nothing changed the kernel keeps the watch it has.
 */
static void service_watch(struct service *service)
{
	uint32_t events = IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

	if (inotify_add_watch(service->inotify_fd, service->folder, events) < 0)
		inotify_add_watch(service->inotify_fd, service->parent, events);
}

static void service_drain(struct service *service)
{
	char events[4096];

	while (read(service->inotify_fd, events, sizeof(events)) > 0)
		;
}

static int service_next_wait(struct service *service)
{
	int wait = service->wait_ms;

	service->wait_ms = wait * 2 < WAIT_LAST_MS ? wait * 2 : WAIT_LAST_MS;
	return wait;
}

void service_wait(struct service *service)
{
	struct pollfd fd = {.fd = service->inotify_fd, .events = POLLIN};
	struct stat status;
	bool exists;

	service_watch(service);
	exists = stat(service->socket, &status) == 0;
	poll(&fd, 1, exists ? service_next_wait(service) : -1);
	if (fd.revents && !exists)
		service->wait_ms = WAIT_FIRST_MS;
	service_drain(service);
}

/* dirname(3) of `path`; "/" or "." stay what they are. */
static void path_parent(const char *path, char ret_parent[static SOCKET_PATH_SIZE])
{
	char copy[SOCKET_PATH_SIZE];

	memcpy(copy, path, sizeof(copy));
	snprintf(ret_parent, SOCKET_PATH_SIZE, "%s", dirname(copy));
}

int service_new(struct service **ret)
{
	_cleanup_free_ struct service *service = calloc(1, sizeof(*service));
	const char *socket = getenv("PCSCLITE_CSOCK_NAME");

	if (!service)
		return -ENOMEM;
	if (!socket)
		socket = DEFAULT_SOCKET;
	if (strlen(socket) >= sizeof(service->socket))
		return -ENAMETOOLONG;
	strcpy(service->socket, socket);
	path_parent(service->socket, service->folder);
	path_parent(service->folder, service->parent);
	service->wait_ms = WAIT_FIRST_MS;
	service->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (service->inotify_fd < 0)
		return -errno;
	*ret = steal_pointer(service);
	return 0;
}
