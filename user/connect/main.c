/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scpolicyd-connect: looks for the PC/SC of a session's client (Pcsc= of scpolicyd.conf), as the session's user, and passes the
 * connection to the daemon (connect_message.h). It answers one question and ends. systemd starts one for each connection, which
 * is file descriptor 3 (scpolicyd-connect.socket).
 */
#include <errno.h>
#include <string.h>

#include "connect/look.h"
#include "connect/person.h"
#include "lib/activated.h"
#include "lib/cleanup.h"
#include "lib/descriptors.h"
#include "lib/log.h"

static bool request_valid(const struct connect_request *request)
{
	return request->magic == CONNECT_MAGIC && memchr(request->places, '\0', sizeof(request->places)) &&
	       !places_wrong(request->places);
}

static int receive_request(struct connect_request *request)
{
	int fds[DESCRIPTORS_MAX];
	int count = descriptors_receive(ACTIVATED_FD, request, sizeof(*request), fds, 0);

	if (count < 0)
		return count;
	return request_valid(request) ? 0 : -EBADMSG;
}

static int answer_daemon(const struct connect_request *request)
{
	struct connect_answer answer = {.magic = CONNECT_MAGIC};
	const struct passwd *person = person_find(request->uid);
	int fds[DESCRIPTORS_MAX], r;
	size_t count = 0;

	if (!person) {
		answer.result = -errno;
		snprintf(answer.detail, sizeof(answer.detail), "user %u is not found: %m", request->uid);
	} else {
		const struct place_owner owner = {.home = person->pw_dir,
						  .name = person->pw_name,
						  .uid = person->pw_uid,
						  .display = request->display};

		r = person_become(person, ACTIVATED_FD);
		if (r < 0)
			return r;
		count = look_for(request, &owner, &answer, fds, DESCRIPTORS_MAX);
	}
	return descriptors_send(ACTIVATED_FD, &answer, sizeof(answer), fds, count);
}

int main(void)
{
	struct connect_request request;
	int r;

	if (!activated_connection("scpolicyd-connect"))
		return 2;
	/* Whatever holds it up, such as a file system in the person's home directory: the signal ends it. */
	alarm(CONNECT_SEC);
	r = receive_request(&request);
	if (r >= 0)
		r = answer_daemon(&request);
	if (r < 0)
		log_error("cannot look for a session's client: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : 0;
}
