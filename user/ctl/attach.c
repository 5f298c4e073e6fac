/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attach: hands the connection to this session's client over to the daemon. */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/output.h"
#include "lib/cleanup.h"

#define XRDP_SOCKETS "*/.pcsc[0-9]*/pcscd.comm"

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* xrdp's, of this display. */
static bool find_xrdp(char *path, size_t size)
{
	const char *home = getenv("HOME"), *display = getenv("DISPLAY");

	if (!home || !display || display[0] != ':')
		return false;
	snprintf(path, size, "%s/.pcsc%.*s/pcscd.comm", home, (int)strcspn(display + 1, "."), display + 1);
	return exists(path);
}

/* Where ssh_config(5) of scpolicyd(8)'s example has ssh forward it to. */
static bool find_forwarded(char *path, size_t size)
{
	snprintf(path, size, "/run/user/%u/pcscd.comm", getuid());
	return exists(path);
}

/* False: none is named, and none is where it would be. */
static bool find_socket(const char *named, char path[static PATH_MAX])
{
	const char *variable = getenv("PCSCLITE_CSOCK_NAME");

	if (!named && variable && *variable)
		named = variable;
	if (named)
		snprintf(path, PATH_MAX, "%s", named);
	return named || find_xrdp(path, PATH_MAX) || find_forwarded(path, PATH_MAX);
}

/* A descriptor, or a negative errno. */
static int connect_to(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&fd);
}

/*
 * The process whose end lets the connection go: what the session runs in, such as a shell that ssh started. A process that
 * leads a session of its own has a parent that stays.
 */
static int open_own_process(void)
{
	pid_t leader = getsid(0);

	/* 0: that process is in another namespace. */
	return (int)syscall(SYS_pidfd_open, leader == getpid() || leader <= 0 ? getppid() : leader, 0);
}

static int hand_over(struct ctl *ctl, int fd, int pidfd, const char *dialect)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = client_open(ctl);

	if (r >= 0)
		r = sd_bus_message_new_method_call(ctl->bus, &call, BUS_NAME, BUS_PATH, BUS_INTERFACE,
						   "Attach");
	if (r >= 0)
		r = sd_bus_message_set_auto_start(call, false);
	if (r >= 0)
		r = sd_bus_message_append(call, "hhs", fd, pidfd, dialect);
	if (r >= 0)
		r = sd_bus_call(ctl->bus, call, 0, &error, NULL);
	if (r >= 0)
		return EXIT_FINE;
	if (sd_bus_error_has_name(&error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	    sd_bus_error_has_name(&error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
		r = -EHOSTUNREACH;
	return client_complain(ctl, r, &error);
}

int verb_attach(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_close_ int fd = -1, pidfd = -1;
	const char *dialect;
	char path[PATH_MAX];
	int status;

	if (!find_socket(argc > 1 ? argv[1] : NULL, path)) {
		output_error(
			"no connection to a client's card service is here; name its socket, or see REMOTE SESSIONS "
			"in scpolicyd(8)");
		return EXIT_FAULT;
	}
	dialect = fnmatch(XRDP_SOCKETS, path, 0) == 0 ? "xrdp" : "pcsc-lite";
	fd = connect_to(path);
	if (fd < 0) {
		output_error("cannot connect to %s: %s", path, strerror(-fd));
		return EXIT_FAULT;
	}
	pidfd = open_own_process();
	if (pidfd < 0) {
		output_error("cannot watch the session's own process: %s", strerror(errno));
		return EXIT_FAULT;
	}
	status = hand_over(ctl, fd, pidfd, dialect);
	if (status == EXIT_FINE)
		printf(ctl->json ? "{}\n"
				 : "The card at the client (%s) guards this session once it shows.\n",
		       path);
	return status;
}
