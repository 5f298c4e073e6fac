/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* A packet with descriptors (SCM_RIGHTS, unix(7)), over a SOCK_SEQPACKET socket. */
#include <stddef.h>

/* More than the most that any packet of ours carries. */
#define DESCRIPTORS_MAX 8

/* The descriptors stay the caller's. 0, or a negative errno. */
int descriptors_send(int socket, const void *packet, size_t size, const int *fds, size_t count);

/*
 * Fills a packet of exactly `size` bytes and all of ret_fds, which are the caller's: close-on-exec, -1 where
 * there is none. How many came with the packet; -EPIPE at its end, -EBADMSG for another size or for more than
 * `most` descriptors, or another negative errno: then all are closed.
 */
int descriptors_receive(int socket, void *packet, size_t size, int *ret_fds, size_t most);
