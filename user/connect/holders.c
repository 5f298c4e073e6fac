/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connect/holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/cleanup.h"

/* Of proc(5): the numbers are followed by much that is not needed. */
#define STAT_SIZE 512

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

struct process {
	pid_t pid, parent, session;
	uid_t uid; /* 0, too, if others may not look into it, as into sshd's */
};

/* The command's name stands in parentheses, and may hold any. */
static bool read_stat(const char *text, struct process *process)
{
	const char *end = strrchr(text, ')');

	return end && sscanf(end + 1, " %*c %d %*d %d", &process->parent, &process->session) == 2;
}

static bool read_process(pid_t pid, struct process *ret)
{
	struct process process = {.pid = pid};
	_cleanup_close_ int fd = -1;
	char path[32], text[STAT_SIZE];
	struct stat status;
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return false;
	size = read(fd, text, sizeof(text) - 1);
	if (size <= 0)
		return false;
	text[size] = '\0';
	process.uid = status.st_uid;
	if (!read_stat(text, &process))
		return false;
	*ret = process;
	return true;
}

static bool is_holder(const struct process *process, const struct process *leader, uid_t uid)
{
	struct process parent;

	if (process->uid != uid)
		return false;
	if (leader->uid == uid && uid != 0)
		return process->pid == leader->pid;
	return process->pid == process->session && process->pid != leader->pid &&
	       read_process(process->parent, &parent) && parent.session == leader->session;
}

/* Looked at twice, so that the pidfd is of this process, and of no later one of its number. -1: it is none. */
static int open_holder(pid_t pid, const struct process *leader, uid_t uid)
{
	_cleanup_close_ int fd = -1;
	struct process process;

	if (!read_process(pid, &process) || !is_holder(&process, leader, uid))
		return -1;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return fd >= 0 && read_process(pid, &process) && is_holder(&process, leader, uid) ? steal_fd(&fd)
											  : -1;
}

size_t holders_find(pid_t leader, uid_t uid, int *ret_pidfds, size_t most)
{
	_cleanup_(close_directory) DIR *processes = opendir("/proc");
	const struct dirent *entry;
	struct process leads;
	size_t count = 0;

	if (!processes || !read_process(leader, &leads))
		return 0;
	while (count < most && (entry = readdir(processes))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		int fd = pid > 0 ? open_holder(pid, &leads, uid) : -1;

		if (fd >= 0)
			ret_pidfds[count++] = fd;
	}
	return count;
}
