/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/notice.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <security/pam_ext.h>

#include "lib/cleanup.h"
#include "lib/log.h"

/* In user/data/scpolicyd.catalog. */
#define UNRECORDED_ID "3f6d0a52c1e94b7d8a20f4b96e71d5c8"

#define JOURNAL "/run/systemd/journal/socket"

/*
 * One datagram of FIELD=value lines (systemd, docs/JOURNAL_NATIVE_PROTOCOL.md). Not through libsystemd: that would be one
 * more library inside gdm, sshd and login.
 */
static void journal_send(const char *text)
{
	static const struct sockaddr_un journal = {.sun_family = AF_UNIX, .sun_path = JOURNAL};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&journal,
		       sizeof(journal));
}

void notice_unrecorded(pam_handle_t *pamh, const struct notice *notice)
{
	char text[2048], session[64], user[128], reason[640];

	/* Names are the program's to choose, and a line ends a field. */
	log_safe(notice->session, session, sizeof(session));
	log_safe(notice->user, user, sizeof(user));
	log_safe(notice->reason, reason, sizeof(reason));
	snprintf(text, sizeof(text),
		 "MESSAGE=session %s of %s is not guarded though a card signed in: %s\n"
		 "MESSAGE_ID=" UNRECORDED_ID "\n"
		 "PRIORITY=4\n"
		 "SYSLOG_FACILITY=10\n"
		 "SYSLOG_IDENTIFIER=pam_scpolicy\n"
		 "SCPOLICY_EVENT=unrecorded\n"
		 "SCPOLICY_SESSION=%s\n"
		 "SCPOLICY_USER=%s\n",
		 session[0] ? session : "(none)", user, reason, session, user);
	journal_send(text);
	if (!notice->silent)
		pam_info(pamh, "Removing your smart card will not lock this session: %s", reason);
}
