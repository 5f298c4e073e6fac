/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connect/notice.h"

#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/places.h"

#define CAME (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
/* A removed name is a change of the socket's attributes at once; the socket itself lives until its server closes it. */
#define WENT (IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

int notice_removal(const char *path)
{
	_cleanup_close_ int notice = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	return notice >= 0 && inotify_add_watch(notice, path, WENT) >= 0 ? steal_fd(&notice) : -1;
}

/* The directory that is there of those on the way: in it the next one will be made. */
bool notice_arrival(int notice, const char *path, uid_t uid)
{
	char directory[PLACE_SIZE], *slash;
	struct stat status;

	snprintf(directory, sizeof(directory), "%s", path);
	while ((slash = strrchr(directory, '/')) && slash != directory) {
		*slash = '\0';
		if (stat(directory, &status) < 0)
			continue;
		return status.st_uid == uid && inotify_add_watch(notice, directory, CAME) >= 0;
	}
	return false;
}
