/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Who calls, and what it may: asked of the bus and of polkit without waiting for either. A call waits in a
 * table meanwhile, which is bounded in all, for each caller, and, for what a person may take minutes to
 * answer, for each user.
 */
#include <systemd/sd-bus.h>

#include "lib/names.h"
#include "lib/record.h"

/*
 * Calls whose caller is being asked for. A call takes below 2 KiB. Until the bus has answered, root's call looks
 * like anybody's: the table must never be full. dbus-daemon(1) grants a user 256 connections by default
 * (max_connections_per_user), so it takes four users with all of theirs to fill it.
 */
#define ACCESS_WAITING_MAX    4096
#define ACCESS_WAITING_SENDER 4
#define ACCESS_ASKED_MAX      64 /* calls that polkit or logind was asked about: a person may be thinking */
#define ACCESS_ASKED_USER     4

struct caller {
	const char *name; /* unique, ":1.42" */
	uid_t uid;
	uint32_t pid; /* 0: the bus does not say */
	const char
		*session; /* access_find_session(): its process's; NULL: of none, such as a user's service */
	bool privileged;  /* root, or of the group: may read everything */
};

/* Whether it may know of a session of the user `uid`. */
static inline bool caller_may_see(const struct caller *caller, uid_t uid)
{
	return caller->privileged || caller->uid == uid;
}

/* Answers `call`. A negative errno is sent back as an error. */
typedef int (*access_handler)(void *userdata, sd_bus_message *call, const struct caller *caller);

struct access;

/* `bus` may still be connecting; handlers get `userdata`. */
int access_new(sd_bus *bus, void *userdata, struct access **ret);
struct access *access_free(struct access *access);

/* Looks up who ACCESS_GROUP is, in /etc/group: a group of this machine. Done at start and on reload. */
void access_reload(struct access *access);

/*
 * Calls `handler` once it is known who called; a caller that is gone by then gets none. Returns what a method
 * handler of sd-bus does; -ENOBUFS with `error` set: too many calls wait already.
 */
int access_identify(struct access *access, sd_bus_message *call, access_handler handler, sd_bus_error *error);

/*
 * Calls `handler` if the caller is root, at once, or if polkit says that it may do `action`. Else it is told
 * AccessDenied, as it is where there is no polkit. 0, or a negative errno.
 */
int access_authorize(struct access *access, sd_bus_message *call, const struct caller *caller,
		     const char *action, access_handler handler);

/*
 * Calls `handler` once logind has said which session the caller's process belongs to. When logind does not answer, the
 * caller is told so. 0, or a negative errno.
 */
int access_find_session(struct access *access, sd_bus_message *call, const struct caller *caller,
			access_handler handler);

/*
 * Of a GetConnectionCredentials answer: true with ret_caller's uid, pid and privileged set. `group`: that of
 * ACCESS_GROUP; (gid_t)-1: there is none.
 */
bool credentials_read(sd_bus_message *answer, gid_t group, struct caller *ret_caller);
