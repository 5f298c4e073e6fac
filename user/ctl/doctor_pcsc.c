/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcscd: whether it can be reached, and whether it serves the daemon's worker. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ctl/doctor.h"
#include "lib/names.h"

static const struct finding unreachable = {
	"pcscd-unreachable", SEVERITY_FAULT,
	"Without pcscd nobody can sign in with a card, and nothing confirms that a card was removed.",
	"apt install pcscd; systemctl enable --now pcscd.socket"};
static const struct finding refused = {
	"pcscd-refuses-worker", SEVERITY_FAULT,
	"pcscd runs, but does not serve scpolicyd's worker: usually because polkit "
	"(org.debian.pcsc-lite.access_pcsc) refuses it, or it speaks another version of the protocol.",
	"See journalctl -u pcscd -b and -u scpolicyd -b; a polkit rule has to allow access_pcsc and access_card for the "
	"worker's user."};
static const struct finding reached = {"pcscd", SEVERITY_OK, NULL, NULL};

/* Connecting sends nothing to pcscd, but has systemd start it if only its socket is there. */
static int connect_to_pcscd(void)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PCSCD_SOCKET};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 && errno != EAGAIN ? -errno
												      : 0;
}

void doctor_pcsc(struct doctor *doctor)
{
	int r;

	if (!doctor_is_live(doctor))
		return;
	r = connect_to_pcscd();
	if (r == -EACCES || r == -EPERM)
		doctor_unseen(doctor, PCSCD_SOCKET, r);
	else if (r < 0)
		doctor_report(doctor, &unreachable, PCSCD_SOCKET, "pcscd cannot be reached: %s",
			      strerror(-r));
	else if (strcmp(tree_string(doctor->status, "pcscd"), "down") == 0)
		doctor_report(doctor, &refused, PCSCD_SOCKET, "pcscd can be reached, but not by the daemon");
	else
		doctor_report(doctor, &reached, PCSCD_SOCKET, "pcscd can be reached");
}
