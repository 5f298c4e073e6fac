/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/activated.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/cleanup.h"

bool activated(const char *program)
{
	int listens = 0;
	socklen_t size = sizeof(listens);

	if (getsockopt(ACTIVATED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens)
		return true;
	fprintf(stderr, "%s is started by systemd, not by hand.\n", program);
	return false;
}

/* The socket's mode admits root alone; a mode can be changed. */
int activated_accept(int flags)
{
	_cleanup_close_ int fd = accept4(ACTIVATED_FD, NULL, NULL, flags);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return peer.uid == 0 ? steal_fd(&fd) : -EPERM;
}
