/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/xrdp.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* What xrdp-dis sends, with its NUL; the receiver looks at no byte of it. */
#define DISCONNECT_DATAGRAM "sig"
#define DISPLAY_MAX	    65535

static int display_number(const char *display, unsigned *ret)
{
	unsigned long number;
	char *end;

	if (display[0] != ':' || !isdigit((unsigned char)display[1]))
		return -EINVAL;
	errno = 0;
	number = strtoul(display + 1, &end, 10);
	if (errno != 0 || number > DISPLAY_MAX || (*end != '\0' && *end != '.'))
		return -EINVAL;
	*ret = (unsigned)number;
	return 0;
}

static void add_place(struct xrdp_target *target, const char *run_dir, const char *folder, unsigned display)
{
	struct sockaddr_un *place = &target->places[target->count];
	int length;

	place->sun_family = AF_UNIX;
	length = snprintf(place->sun_path, sizeof(place->sun_path), "%s%s/xrdp_disconnect_display_%u",
			  run_dir, folder, display);
	if (length > 0 && (size_t)length < sizeof(place->sun_path))
		target->count++;
}

int xrdp_target_init(struct xrdp_target *ret, const char *run_dir, uid_t uid, const char *display)
{
	char debian[32], upstream[32];
	unsigned number;
	int r;

	*ret = (struct xrdp_target){.uid = uid};
	r = display_number(display ? display : "", &number);
	if (r < 0)
		return r;
	snprintf(debian, sizeof(debian), "/sockdir/%u", uid);
	snprintf(upstream, sizeof(upstream), "/%u", uid);
	add_place(ret, run_dir, debian, number);
	add_place(ret, run_dir, "/sockdir", number);
	add_place(ret, run_dir, upstream, number);
	return ret->count > 0 ? 0 : -EINVAL;
}

int xrdp_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/*
 * In 0.9 anybody may put files into the directory. A file of another user, or a link, does not count as the
 * session's. If the file is exchanged between the two calls, four harmless bytes are lost.
 */
static int send_to(int socket, const struct sockaddr_un *place, uid_t uid)
{
	struct stat status;

	if (lstat(place->sun_path, &status) < 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode) || status.st_uid != uid)
		return -EPERM;
	if (sendto(socket, DISCONNECT_DATAGRAM, sizeof(DISCONNECT_DATAGRAM), MSG_DONTWAIT | MSG_NOSIGNAL,
		   (const struct sockaddr *)place, sizeof(*place)) < 0)
		return -errno;
	return 0;
}

int xrdp_disconnect(int socket, const struct xrdp_target *target)
{
	int r, worst = -ENOENT;

	for (size_t i = 0; i < target->count; i++) {
		r = send_to(socket, &target->places[i], target->uid);
		if (r >= 0)
			return 0;
		if (r != -ENOENT && r != -ENOTDIR)
			worst = r;
	}
	return worst;
}
