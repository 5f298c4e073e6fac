/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/connector.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/cleanup.h"
#include "lib/descriptors.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/remote_message.h"

/* It ends itself before; systemd, which starts it, may be slow. */
#define PATIENCE_USEC ((CONNECT_SEC + 5) * USEC_PER_SEC)

struct connector {
	sd_event_source *io, *timer;
	int socket;
	uint64_t asked;
	connector_taker take;
	void *userdata;
};

DEFINE_CLEANUP(struct connector *, connector_free)

/* ---- the answer -------------------------------------------------------------------------------------------- */

static void finish(struct connector *connector, const struct connect_answer *answer, const int *fds,
		   size_t count)
{
	connector_taker take = connector->take;
	void *userdata = connector->userdata;

	connector_free(connector);
	take(userdata, answer, fds, count);
}

static void fail(struct connector *connector, int error)
{
	bool held_up =
		error == -ETIMEDOUT || monotonic_now() - connector->asked >= (CONNECT_SEC - 1) * NSEC_PER_SEC;
	struct connect_answer answer = {.magic = CONNECT_MAGIC, .result = held_up ? -ETIMEDOUT : error};

	snprintf(answer.detail, sizeof(answer.detail), "%s",
		 held_up ? "something held the look for its socket up" : "the connector has not answered");
	finish(connector, &answer, NULL, 0);
}

static bool answer_valid(struct connect_answer *answer, int count)
{
	bool good = answer->result == 0;

	if (answer->magic != CONNECT_MAGIC || !memchr(answer->detail, '\0', sizeof(answer->detail)) ||
	    answer->result > 0 || (good ? count < 1 : count > 1) ||
	    (good && answer->dialect != DIALECT_XRDP && answer->dialect != DIALECT_PCSCLITE))
		return false;
	log_safe(answer->detail, answer->detail, sizeof(answer->detail));
	return true;
}

static int on_answer(sd_event_source *io _unused_, int fd, uint32_t revents _unused_, void *userdata)
{
	struct connector *connector = userdata;
	struct connect_answer answer;
	int fds[DESCRIPTORS_MAX];
	int count = descriptors_receive(fd, &answer, sizeof(answer), fds, DESCRIPTORS_MAX);

	if (count == -EAGAIN || count == -EINTR)
		return 0;
	if (count >= 0 && answer_valid(&answer, count))
		finish(connector, &answer, fds, (size_t)count);
	else
		fail(connector, count < 0 ? count : -EBADMSG);
	for (int i = 0; i < count; i++)
		close_fd(fds[i]);
	return 0;
}

static int on_late(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	fail(userdata, -ETIMEDOUT);
	return 0;
}

/* ---- the question ------------------------------------------------------------------------------------------ */

/* systemd listens: that neither waits for the process nor for systemd. */
static int connector_reach(const struct connect_request *request)
{
	static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = CONNECT_SOCKET};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = descriptors_send(fd, request, sizeof(*request), NULL, 0);
	return r < 0 ? r : steal_fd(&fd);
}

static int listen_for_answer(sd_event *event, struct connector *connector)
{
	int r = sd_event_add_io(event, &connector->io, connector->socket, EPOLLIN, on_answer, connector);

	if (r >= 0)
		r = sd_event_add_time_relative(event, &connector->timer, CLOCK_MONOTONIC, PATIENCE_USEC, 0,
					       on_late, connector);
	if (r < 0)
		return r;
	sd_event_source_set_description(connector->io, "connector");
	return 0;
}

int connector_ask(sd_event *event, const struct connect_request *request, connector_taker take,
		  void *userdata, struct connector **ret)
{
	_cleanup_(connector_free_p) struct connector *connector = calloc(1, sizeof(*connector));
	int r;

	if (!connector)
		return -ENOMEM;
	connector->take = take;
	connector->userdata = userdata;
	connector->asked = monotonic_now();
	connector->socket = connector_reach(request);
	if (connector->socket < 0)
		return connector->socket;
	r = listen_for_answer(event, connector);
	if (r < 0)
		return r;
	*ret = steal_pointer(connector);
	return 0;
}

struct connector *connector_free(struct connector *connector)
{
	if (!connector)
		return NULL;
	sd_event_source_disable_unref(connector->io);
	sd_event_source_disable_unref(connector->timer);
	close_fd(connector->socket);
	free(connector);
	return NULL;
}
