/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Pcsc= of scpolicyd.conf: the places at which the forwarded PC/SC socket of a remote session is looked for. "none", or a list
 * of paths, in which % stands before h (home directory), u (user name), i (user's number) or d (the display's number), and of
 * the word "xrdp", where xrdp's chansrv has it.
 */
#include <stdbool.h>
#include <sys/types.h>

/* A line of the configuration is no longer. */
#define PLACES_SIZE 200
/* Of a socket's path, with its NUL (unix(7)). */
#define PLACE_SIZE 108

#define PLACES_NONE "none"
#define PLACE_XRDP  "xrdp"

/* NULL; or what the value is not, such as "a list of …". */
const char *places_wrong(const char *value);

/* Takes the next element of the list off *list. False: there is none left. */
bool places_next(const char **list, char ret_place[static PLACES_SIZE]);

/* Whether a session is looked for there: "xrdp" is for xrdp's sessions, each path for all others. */
bool place_is_for(const char *place, bool xrdp);

/* Whose session it is. */
struct place_owner {
	const char *home, *name;
	uid_t uid;
	int display; /* -1: it has none */
};

/* The path of one element. 0; -ENXIO: it is of a display, and there is none; -ENAMETOOLONG: no socket can have that path. */
int place_path(const char *place, const struct place_owner *owner, char ret_path[static PLACE_SIZE]);
