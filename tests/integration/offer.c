/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers the daemon what is no connection to a card service: offer WHAT, as a process of a session. Prints the answer. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "lib/names.h"

static int make(const char *what)
{
	int pair[2];

	if (strcmp(what, "file") == 0)
		return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	if (strcmp(what, "pipe") == 0)
		return pipe(pair) < 0 ? -1 : pair[0];
	if (strcmp(what, "datagram") == 0)
		return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (strcmp(what, "tcp") == 0)
		return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strcmp(what, "unconnected") == 0)
		return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strcmp(what, "listening") == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		const struct sockaddr address = {.sa_family = AF_UNIX};

		return fd < 0 || bind(fd, &address, sizeof(address.sa_family)) < 0 || listen(fd, 1) < 0 ? -1
													: fd;
	}
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ? -1 : pair[0];
}

int main(int argc, char **argv)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *dialect = argc > 2 ? argv[2] : "pcsc-lite";
	sd_bus *bus = NULL;
	int fd = argc > 1 ? make(argv[1]) : -1, pidfd = (int)syscall(SYS_pidfd_open, getppid(), 0);
	int r = sd_bus_open_system(&bus);

	if (fd < 0 || r < 0) {
		printf("cannot offer it\n");
		return 1;
	}
	r = sd_bus_call_method(bus, BUS_NAME, BUS_PATH, BUS_INTERFACE, "Attach", &error, NULL, "hhs", fd,
			       pidfd, dialect);
	printf("%s\n", r < 0 ? error.message : "attached");
	sd_bus_error_free(&error);
	sd_bus_flush_close_unref(bus);
	return 0;
}
