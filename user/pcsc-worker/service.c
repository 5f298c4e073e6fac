/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service.h"

#include <libgen.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "card.h"
#include "channel.h"
#include "cleanup.h"
#include "log.h"
#include "sandbox.h"

#define SOCKET_VARIABLE "PCSCLITE_CSOCK_NAME"
#define DEFAULT_SOCKET                                                                                       \
	"/run/pcscd/pcscd.comm" /* PCSCLITE_CSOCK_NAME, pcscd.h, on every distribution looked at */

/* pcscd takes some 10 ms between making its socket and listening on it. */
#define WAIT_FIRST_MS 20
#define WAIT_LAST_MS  5000

struct service {
	int inotify_fd;
	int outside_fd; /* looked at only while pcscd is away: its folder, or another, was removed from the one above; or -1 */
	char socket[SOCKET_PATH_SIZE];
	char folder[SOCKET_PATH_SIZE];
	char parent[SOCKET_PATH_SIZE];
	int wait_ms;
};

/* dirname(3) of `path`; "/" or "." stay what they are. */
static void path_parent(const char *path, char ret_parent[static SOCKET_PATH_SIZE])
{
	char copy[SOCKET_PATH_SIZE];

	memcpy(copy, path, sizeof(copy));
	snprintf(ret_parent, SOCKET_PATH_SIZE, "%s", dirname(copy));
}

static void drain(int watch)
{
	char events[4096];

	while (read(watch, events, sizeof(events)) > 0)
		;
}

/* ---- where pcscd is to be --------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Ends with the daemon. */
static void folder_wait(const struct service *service)
{
	struct pollfd fds[] = {{.fd = service->outside_fd, .events = POLLIN}, {.fd = WORKER_FD}};
	bool watched = inotify_add_watch(service->outside_fd, service->parent, IN_CREATE | IN_MOVED_TO) >= 0;

	if (!is_folder(service->folder))
		channel_send(WORKER_PCSC_DOWN, channel_stamp(), 0);
	while (!is_folder(service->folder)) {
		poll(fds, ELEMENTS(fds), watched ? -1 : WAIT_LAST_MS);
		if (fds[1].revents)
			_exit(EXIT_SUCCESS);
		drain(service->outside_fd);
	}
}

/* From now on the folder is "/", and the one above it, which another folder of its name may come to, is out of sight. */
static int service_confine(struct service *service)
{
	char *name = strrchr(service->socket, '/');
	bool entered;
	int r;

	inotify_add_watch(service->outside_fd, service->parent, IN_DELETE);
	r = sandbox_enter(service->folder, &entered);
	if (r < 0 || !entered) {
		service->outside_fd = close_fd(service->outside_fd);
		return r;
	}
	if (name)
		memmove(service->socket, name, strlen(name) + 1);
	strcpy(service->folder, "/");
	strcpy(service->parent, "/");
	return setenv(SOCKET_VARIABLE, service->socket, 1) < 0 ? -errno : 0;
}

int service_new(struct service **ret)
{
	_cleanup_free_ struct service *service = calloc(1, sizeof(*service));
	const char *socket = getenv(SOCKET_VARIABLE);
	int r;

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
	service->outside_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (service->inotify_fd < 0 || service->outside_fd < 0)
		return -errno;
	folder_wait(service);
	r = service_confine(service);
	if (r < 0)
		return r;
	*ret = steal_pointer(service);
	return 0;
}

/* ---- its comings ------------------------------------------------------------------------------------------ */

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

/* Another of its name is not seen from here. */
static void end_without_folder(void)
{
	struct stat root;

	if (stat("/", &root) < 0 || root.st_nlink > 0)
		return;
	log_info("the folder of pcscd's socket was removed: the PC/SC worker ends");
	_exit(EXIT_SUCCESS);
}

static int service_next_wait(struct service *service)
{
	int wait = service->wait_ms;

	service->wait_ms = wait * 2 < WAIT_LAST_MS ? wait * 2 : WAIT_LAST_MS;
	return wait;
}

void service_wait(struct service *service)
{
	struct pollfd fds[] = {{.fd = service->inotify_fd, .events = POLLIN}, {.fd = service->outside_fd, .events = POLLIN}};
	struct stat status;
	bool exists;

	service_watch(service);
	drain(service->outside_fd);
	end_without_folder();
	exists = stat(service->socket, &status) == 0;
	poll(fds, ELEMENTS(fds), exists ? service_next_wait(service) : -1);
	if (fds[0].revents && !exists)
		service->wait_ms = WAIT_FIRST_MS;
	drain(service->inotify_fd);
}
