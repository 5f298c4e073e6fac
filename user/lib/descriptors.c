/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/descriptors.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/cleanup.h"

union control {
	struct cmsghdr header; /* aligns */
	char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
};

int descriptors_send(int socket, const void *packet, size_t size, const int *fds, size_t count)
{
	struct iovec bytes = {(void *)(uintptr_t)packet, size};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
	union control control = {0};
	struct cmsghdr *header;

	if (count > DESCRIPTORS_MAX)
		return -E2BIG;
	if (count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Whatever came: how many, which may be more than `most`. Those are closed. */
static size_t take_fds(struct msghdr *message, int *ret_fds, size_t most)
{
	size_t all = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++, all++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
			if (all < most)
				ret_fds[all] = fd;
			else
				close_fd(fd);
		}
	}
	return all;
}

int descriptors_receive(int socket, void *packet, size_t size, int *ret_fds, size_t most)
{
	struct iovec bytes = {packet, size};
	union control control;
	struct msghdr message = {.msg_iov = &bytes,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t got;
	size_t count;

	for (size_t i = 0; i < most; i++)
		ret_fds[i] = -1;
	got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	if (got < 0)
		return -errno;
	count = take_fds(&message, ret_fds, most);
	if ((size_t)got == size && count <= most && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return (int)count;
	for (size_t i = 0; i < most; i++)
		ret_fds[i] = close_fd(ret_fds[i]);
	return got == 0 ? -EPIPE : -EBADMSG;
}
