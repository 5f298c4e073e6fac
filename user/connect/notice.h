/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Tells of a socket that comes and goes, by inotify(7): whoever gets the descriptor waits for it, and need not look again. */
#include <stdbool.h>
#include <sys/types.h>

/* A descriptor that is readable once that socket is removed. -1: it cannot be told. */
int notice_removal(const char *path);

/*
 * Has `notice`, an inotify instance, tell when something is made where the path leads. Only directories of the user's are
 * watched. False: there is none.
 */
bool notice_arrival(int notice, const char *path, uid_t uid);
