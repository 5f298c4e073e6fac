/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into pcscd: a pause after vpcd began to listen for a virtual card, so that a card that is "in"
 * is connected by the time of the first look into the reader, as a real card would be there.
 */
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_USEC 50000

int listen(int fd, int backlog)
{
	int (*next)(int, int) = dlsym(RTLD_NEXT, "listen");
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int r = next(fd, backlog);

	/* Its own socket, a local one, is none of this. */
	if (getsockname(fd, (struct sockaddr *)&address, &size) == 0 && address.sin_family == AF_INET)
		usleep(PAUSE_USEC);
	return r;
}
