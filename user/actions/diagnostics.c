/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/diagnostics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "actions/outlet.h"
#include "lib/cleanup.h"
#include "lib/log.h"

struct diagnostics {
	struct outlet *outlet;
	int fd; /* standard error, or a description of its own for the same file */
	bool is_socket;
};

DEFINE_CLEANUP(struct diagnostics *, diagnostics_free)

/*
 * Standard error is shared with others, and a flag of it would be theirs too. A pipe or a terminal can be opened once more,
 * with O_NONBLOCK; a socket has MSG_DONTWAIT. Where it can be neither, poll() says whether a line can be written.
 */
static void open_output(struct diagnostics *diagnostics)
{
	struct stat status;

	diagnostics->is_socket = fstat(STDERR_FILENO, &status) == 0 && S_ISSOCK(status.st_mode);
	diagnostics->fd =
		diagnostics->is_socket
			? STDERR_FILENO
			: open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_APPEND | O_NOCTTY | O_CLOEXEC);
	if (diagnostics->fd < 0)
		diagnostics->fd = STDERR_FILENO;
}

static ptrdiff_t write_line(void *userdata, const char *bytes, size_t size)
{
	const struct diagnostics *diagnostics = userdata;
	struct pollfd ready = {diagnostics->fd, POLLOUT, 0};
	ssize_t written;

	if (diagnostics->is_socket)
		written = send(diagnostics->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (poll(&ready, 1, 0) == 0)
		return -EAGAIN;
	else
		written = write(diagnostics->fd, bytes, size);
	return written < 0 ? -errno : written;
}

static void queue_line(void *userdata, const char *line, size_t size)
{
	struct diagnostics *diagnostics = userdata;

	outlet_send(diagnostics->outlet, line, size);
}

static void report_lost_lines(void *userdata _unused_, uint64_t lost)
{
	log_warning("standard error was not read: %" PRIu64 " lines were dropped", lost);
}

int diagnostics_new(sd_event *event, struct diagnostics **ret)
{
	_cleanup_(diagnostics_free_p) struct diagnostics *diagnostics = calloc(1, sizeof(*diagnostics));
	int r;

	if (!diagnostics)
		return -ENOMEM;
	open_output(diagnostics);
	r = outlet_new(event, write_line, report_lost_lines, diagnostics, &diagnostics->outlet);
	if (r < 0)
		return r;
	outlet_watch(diagnostics->outlet, diagnostics->fd);
	log_set_writer(queue_line, diagnostics);
	*ret = steal_pointer(diagnostics);
	return 0;
}

struct diagnostics *diagnostics_free(struct diagnostics *diagnostics)
{
	if (!diagnostics)
		return NULL;
	log_set_writer(NULL, NULL);
	outlet_free(diagnostics->outlet);
	if (diagnostics->fd != STDERR_FILENO)
		close_fd(diagnostics->fd);
	free(diagnostics);
	return NULL;
}

uint64_t diagnostics_lost(const struct diagnostics *diagnostics)
{
	return diagnostics ? outlet_lost(diagnostics->outlet) : 0;
}
