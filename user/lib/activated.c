/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/activated.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/cleanup.h"

static bool complain(const char *program)
{
	fprintf(stderr, "%s is started by systemd, not by hand.\n", program);
	return false;
}

bool activated(const char *program)
{
	int listens = 0;
	socklen_t size = sizeof(listens);

	if (getsockopt(ACTIVATED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens)
		return true;
	return complain(program);
}

/* The socket's mode admits root alone; a mode can be changed. */
static int check_peer(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return peer.uid == 0 ? 0 : -EPERM;
}

bool activated_connection(const char *program)
{
	return check_peer(ACTIVATED_FD) == 0 || complain(program);
}

int activated_accept(int flags)
{
	_cleanup_close_ int fd = accept4(ACTIVATED_FD, NULL, NULL, flags);
	int r = fd < 0 ? -errno : check_peer(fd);

	return r < 0 ? r : steal_fd(&fd);
}
