/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connect/person.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

const struct passwd *person_find(uid_t uid)
{
	const struct passwd *person;

	errno = 0;
	person = getpwuid(uid);
	if (!person && !errno)
		errno = ENOENT;
	return person;
}

/* setresuid() has left none, unless it is root's own session. */
static int drop_capabilities(void)
{
	capng_clear(CAPNG_SELECT_ALL);
	return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

int person_become(const struct passwd *person, int keep)
{
	uid_t uid = person->pw_uid;
	gid_t gid = person->pw_gid;

	if (initgroups(person->pw_name, gid) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return -errno;
	/* The name service's connections were made by root. */
	if (close_range((unsigned)keep + 1, ~0U, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	if (drop_capabilities() < 0)
		return -EPERM;
	return uid != 0 && (setuid(0) == 0 || setgid(0) == 0) ? -EPERM : 0;
}
