/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Scope-bound ownership. A variable marked _cleanup_… owns what it points to and releases it where its
 * scope ends; steal_pointer() and steal_fd() hand the ownership on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/macro.h"

static inline void free_p(void *p)
{
	free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(free_p)

/* Closes if open, keeps errno; always returns -1, so that a field can be reset in the same line. */
static inline int close_fd(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return -1;
}

static inline void close_p(int *fd)
{
	close_fd(*fd);
}
#define _cleanup_close_ _cleanup_(close_p)

DEFINE_CLEANUP(FILE *, fclose)
#define _cleanup_fclose_ _cleanup_(fclose_p)

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}
