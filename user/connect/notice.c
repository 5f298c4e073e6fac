/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connect/notice.h"

#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/places.h"

#define CAME (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define WENT (IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/*
 * In the directory, in which nothing else is. Of the socket itself only a change of its attributes would be told, which its
 * server may make as well; it lives until its last connection is closed.
 */
int notice_removal(const char *path)
{
	_cleanup_close_ int notice = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char directory[PLACE_SIZE], *slash;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return -1;
	*slash = '\0';
	return notice >= 0 && inotify_add_watch(notice, directory, WENT) >= 0 ? steal_fd(&notice) : -1;
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
