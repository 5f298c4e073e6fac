/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pcsc-worker/service.h"

#include <libgen.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "lib/card.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/names.h"
#include "pcsc-worker/channel.h"
#include "pcsc-worker/sandbox.h"

#define SOCKET_VARIABLE "PCSCLITE_CSOCK_NAME"

/* pcscd takes some 10 ms between making its socket and listening on it. */
#define WAIT_FIRST_MS 20
#define WAIT_LAST_MS  5000

/* A directory, seen from the one above it. */
#define REMOVED (IN_DELETE | IN_MOVED_FROM)

struct service {
	int inotify_fd;
	int outside_fd; /* read only while pcscd is away: what was removed from the directory above its own; or -1 */
	int outside_watch;
	char name[SOCKET_PATH_SIZE]; /* the name of its directory in there */
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
	bool reported = false, watched;

	for (;;) {
		watched = inotify_add_watch(service->outside_fd, service->parent,
					    IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) >= 0;
		if (is_folder(service->folder))
			return;
		if (!reported)
			channel_send(WORKER_PCSC_DOWN, channel_stamp(), 0);
		reported = true;
		poll(fds, ELEMENTS(fds), watched ? -1 : WAIT_LAST_MS);
		if (fds[1].revents)
			_exit(EXIT_SUCCESS);
		drain(service->outside_fd);
	}
}

/* Resolves links: the socket as it is, or where it will be. False if that is not known. */
static bool service_resolve(struct service *service)
{
	_cleanup_free_ char *socket = realpath(service->socket, NULL),
			    *folder = realpath(service->folder, NULL);
	const char *name = strrchr(service->socket, '/');
	char path[SOCKET_PATH_SIZE] = "";
	struct stat link;
	int length;

	if (!folder || (!socket && lstat(service->socket, &link) == 0))
		return false;
	if (socket)
		length = snprintf(path, sizeof(path), "%s", socket);
	else
		length = snprintf(path, sizeof(path), "%s/%s", folder, name ? name + 1 : service->socket);
	if (length >= (int)sizeof(path))
		return false;
	memcpy(service->socket, path, sizeof(path));
	path_parent(service->socket, service->folder);
	path_parent(service->folder, service->parent);
	return true;
}

/*
 * From now on the directory is "/", and the one above it is out of sight. Only this watch reports what
 * happens to the directory's name in there.
 */
static int service_confine(struct service *service)
{
	bool entered = false;
	char *name;
	int r;

	if (service_resolve(service))
		service->outside_watch = inotify_add_watch(service->outside_fd, service->parent, REMOVED);
	if (service->outside_watch < 0)
		log_notice("the PC/SC worker can reach more than pcscd's socket: %s cannot be followed",
			   service->socket);
	r = sandbox_enter(service->outside_watch < 0 ? NULL : service->folder, &entered);
	if (r < 0)
		return r;
	if (!entered) {
		service->outside_fd = close_fd(service->outside_fd);
		return 0;
	}
	name = strrchr(service->socket, '/');
	snprintf(service->name, sizeof(service->name), "%s", strrchr(service->folder, '/') + 1);
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
		socket = PCSCD_SOCKET;
	if (strlen(socket) >= sizeof(service->socket))
		return -ENAMETOOLONG;
	strcpy(service->socket, socket);
	path_parent(service->socket, service->folder);
	path_parent(service->folder, service->parent);
	service->wait_ms = WAIT_FIRST_MS;
	service->outside_watch = -1;
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
 * Watches the directory, or the one above it while there is none. The watch is set again before every look at
 * the file, because a directory that was removed and created again is another one. If nothing changed, the
 * kernel keeps the watch that it has.
 */
static void service_watch(struct service *service)
{
	uint32_t events = IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

	if (inotify_add_watch(service->inotify_fd, service->folder, events) < 0)
		inotify_add_watch(service->inotify_fd, service->parent, events);
}

/*
 * pcscd will not be in the directory that the worker entered. The worker cannot see another one with its
 * name.
 */
static _Noreturn void end_without_folder(void)
{
	log_info("the directory of pcscd's socket was removed: the PC/SC worker ends");
	_exit(EXIT_SUCCESS);
}

static void look_outside(const struct service *service)
{
	_Alignas(struct inotify_event) char buffer[4096];
	const struct inotify_event *event;
	ssize_t size;
	bool removed;

	while ((size = read(service->outside_fd, buffer, sizeof(buffer))) > 0)
		for (char *next = buffer; next < buffer + size; next += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)next;
			removed = event->wd == service->outside_watch && (event->mask & REMOVED) &&
				  strcmp(event->name, service->name) == 0;
			/* The event that did not fit into the queue may have been this one. */
			if (removed || (event->mask & IN_Q_OVERFLOW))
				end_without_folder();
		}
}

static int service_next_wait(struct service *service)
{
	int wait = service->wait_ms;

	service->wait_ms = wait * 2 < WAIT_LAST_MS ? wait * 2 : WAIT_LAST_MS;
	return wait;
}

void service_wait(struct service *service)
{
	struct pollfd fds[] = {{.fd = service->inotify_fd, .events = POLLIN},
			       {.fd = service->outside_fd, .events = POLLIN}};
	struct stat status;
	bool exists;

	service_watch(service);
	look_outside(service);
	exists = stat(service->socket, &status) == 0;
	poll(fds, ELEMENTS(fds), exists ? service_next_wait(service) : -1);
	if (fds[0].revents && !exists)
		service->wait_ms = WAIT_FIRST_MS;
	drain(service->inotify_fd);
}
