/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scpolicyd-remote: watches the cards at the clients of remote sessions. The daemon passes it connections
 * (remote_message.h) and gets small messages. It outlives the daemon, so that a daemon that is started again finds every
 * connection as it was. systemd starts it with a listening socket as file descriptor 3 (scpolicyd-remote.socket).
 */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/activated.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/descriptors.h"
#include "lib/log.h"
#include "remote/confine.h"
#include "remote/watched.h"

/* Without a daemon for this long nobody is coming back for the connections, and they must not keep ssh from ending. */
#define ALONE_NSEC (60 * NSEC_PER_SEC)

/* Without stdio, which would ask for more system calls. */
static void write_line(void *userdata _unused_, const char *line, size_t size)
{
	if (write(STDERR_FILENO, line, size) < 0)
		return;
}

/* ---- the daemon -------------------------------------------------------------------------------------------- */

static bool request_valid(const struct remote_request *request, int fds)
{
	bool attach = request->type == REMOTE_ATTACH || request->type == REMOTE_OFFER;

	return request->magic == REMOTE_MAGIC && memchr(request->session, '\0', sizeof(request->session)) &&
	       (attach ? fds > 0 : fds == 0) && (request->session[0] || request->type == REMOTE_REPORT);
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close_fd(fds[i]);
}

/* What follows the connection is that of its request (remote_message.h). */
static void take_connection(const struct remote_request *request, const int *fds, int count, uint64_t now)
{
	bool offer = request->type == REMOTE_OFFER,
	     has_gone = offer && request->dialect == DIALECT_XRDP && count > 1;
	int pidfds = has_gone ? 2 : 1;

	if (offer && watched_has(request->session))
		close_all(fds, count);
	else
		watched_attach(request->session, request->dialect, fds[0], has_gone ? fds[1] : -1,
			       fds + pidfds, (size_t)(count - pidfds), now);
}

/* False: it is no daemon that can be served. */
static bool serve_request(int daemon, uint64_t now)
{
	int fds[DESCRIPTORS_MAX], count;
	struct remote_request request;

	count = descriptors_receive(daemon, &request, sizeof(request), fds, DESCRIPTORS_MAX);
	if (count < 0)
		return count == -EAGAIN || count == -EINTR;
	if (!request_valid(&request, count)) {
		close_all(fds, count);
		return false;
	}
	switch ((enum remote_request_type)request.type) {
	case REMOTE_ATTACH:
	case REMOTE_OFFER:
		take_connection(&request, fds, count, now);
		return true;
	case REMOTE_DROP:
		watched_drop(request.session);
		return true;
	case REMOTE_REPORT:
		watched_forget_told(request.session);
		return true;
	}
	return false;
}

/* ---- the loop ---------------------------------------------------------------------------------------------- */

struct loop {
	int daemon;
	bool blocked;	/* the daemon took no more */
	uint64_t alone; /* since when there is none; 0: there is one */
};

static int wait_msec(uint64_t deadline, uint64_t now)
{
	if (!deadline)
		return -1;
	/* Rounded up: an early look would only wait again. */
	return deadline <= now ? 0 : (int)((deadline - now) / NSEC_PER_MSEC + 1);
}

static void lose_daemon(struct loop *loop, uint64_t now)
{
	loop->daemon = close_fd(loop->daemon);
	loop->blocked = false;
	loop->alone = now;
}

static void meet_daemon(struct loop *loop)
{
	int fd = activated_accept(SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	close_fd(loop->daemon);
	loop->daemon = fd;
	loop->blocked = false;
	loop->alone = 0;
	watched_forget_told("");
}

static void turn(struct loop *loop)
{
	static struct pollfd polls[2 + WATCHED_POLLS];
	uint64_t deadline, now = monotonic_now();
	size_t count = watched_poll(polls + 2, &deadline);

	polls[0] = (struct pollfd){.fd = ACTIVATED_FD, .events = POLLIN};
	polls[1] = (struct pollfd){.fd = loop->daemon, .events = POLLIN | (loop->blocked ? POLLOUT : 0)};
	if (loop->alone && (!deadline || loop->alone + ALONE_NSEC < deadline))
		deadline = loop->alone + ALONE_NSEC;
	if (poll(polls, 2 + count, wait_msec(deadline, now)) < 0)
		return;
	now = monotonic_now();
	watched_serve(polls + 2, now);
	if (polls[1].revents & (POLLIN | POLLHUP | POLLERR) && !serve_request(loop->daemon, now))
		lose_daemon(loop, now);
	if (polls[0].revents)
		meet_daemon(loop);
	if (loop->daemon >= 0)
		loop->blocked = !watched_flush(loop->daemon, now);
}

int main(void)
{
	struct loop loop = {.daemon = -1, .alone = monotonic_now()};
	int r;

	if (!activated("scpolicyd-remote"))
		return 2;
	log_set_writer(write_line, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = confine_watcher();
	if (r < 0) {
		log_error("the watcher of remote cards cannot start: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	while (!loop.alone || monotonic_now() < loop.alone + ALONE_NSEC)
		turn(&loop);
	return 0;
}
