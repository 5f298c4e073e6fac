/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scpolicyd-loader: has the capabilities that the daemon does without. It loads and attaches the probe, and
 * opens the sockets for uevents; it passes the descriptors on (loader_message.h) and ends. systemd starts it
 * with a listening socket as file descriptor 3 (scpolicyd-loader.socket).
 */
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "loader/serve.h"

#define LISTEN_FD 3

/* The socket's mode admits root alone; a mode can be changed. */
static int peer_check(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return peer.uid == 0 ? 0 : -EPERM;
}

int main(void)
{
	_cleanup_close_ int fd = -1;
	int listens = 0, r;
	socklen_t size = sizeof(listens);

	if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || !listens) {
		fprintf(stderr, "scpolicyd-loader is started by systemd, not by hand.\n");
		return 2;
	}
	fd = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
	r = fd < 0 ? -errno : peer_check(fd);
	if (r == 0)
		r = serve_daemon(fd);
	if (r < 0)
		log_error("cannot serve the daemon: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : 0;
}
