/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scpolicyd-loader: has the capabilities that the daemon does without. It loads and attaches the probe, and
 * opens the sockets for uevents; it passes the descriptors on (loader_message.h) and ends. systemd starts it
 * with a listening socket as file descriptor 3 (scpolicyd-loader.socket).
 */
#include <string.h>
#include <sys/socket.h>

#include "lib/activated.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "loader/serve.h"

int main(void)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (!activated("scpolicyd-loader"))
		return 2;
	fd = activated_accept(SOCK_CLOEXEC);
	r = fd;
	if (r >= 0)
		r = serve_daemon(fd);
	if (r < 0)
		log_error("cannot serve the daemon: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : 0;
}
