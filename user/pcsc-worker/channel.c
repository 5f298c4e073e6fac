/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pcsc-worker/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"

/* Not exit(): other threads may be inside libpcsclite, whose destructors must not run under them. */
static _Noreturn void channel_end(int status)
{
	_exit(status);
}

uint64_t channel_stamp(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void channel_write(const struct worker_message *message)
{
	while (send(WORKER_FD, message, sizeof(*message), MSG_NOSIGNAL) < 0) {
		if (errno == EINTR)
			continue;
		channel_end(errno == EPIPE || errno == ECONNRESET ? EXIT_SUCCESS : EXIT_FAILURE);
	}
}

void channel_send(enum worker_message_type type, uint64_t stamp, uint32_t number)
{
	struct worker_message message = {
		.magic = WORKER_MAGIC, .type = type, .stamp = stamp, .number = number};

	channel_write(&message);
}

void channel_send_reader(enum worker_message_type type, uint64_t stamp, const struct reader_state *reader)
{
	struct worker_message message = {
		.magic = WORKER_MAGIC, .type = type, .stamp = stamp, .reader = *reader};

	log_safe(reader->name, message.reader.name, sizeof(message.reader.name));
	channel_write(&message);
}

bool channel_receive(struct worker_request *ret)
{
	ssize_t size = recv(WORKER_FD, ret, sizeof(*ret), MSG_TRUNC);

	if (size == 0)
		channel_end(EXIT_SUCCESS);
	if (size < 0 && errno != EINTR)
		channel_end(EXIT_FAILURE);
	return size == sizeof(*ret) && ret->magic == WORKER_MAGIC;
}
