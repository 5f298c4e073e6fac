/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the doctor reads files: below its root, bounded, and nothing that is not a file. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "ctl/doctor.h"

#define READ_AT_ONCE (64 * 1024)

DEFINE_CLEANUP(DIR *, closedir)

int doctor_open(const struct doctor *doctor, const char *path, int flags)
{
	/* Nothing is opened that blocks, or becomes our terminal; O_PATH opens nothing, and takes no such flag. */
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY)),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, doctor->root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int read_whole(const struct doctor *doctor, const char *path, char **ret, size_t *ret_size)
{
	_cleanup_close_ int fd = doctor_open(doctor, path, O_RDONLY);
	_cleanup_free_ char *text = NULL;
	struct stat status;
	size_t used = 0;
	ssize_t size;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADMSG;
	/* Files of /proc and /sys have no size to go by. */
	text = malloc(DOCTOR_FILE_MAX + 1);
	if (!text)
		return -ENOMEM;
	/* The kernel allocates what is asked of a file in /proc/sys, and refuses 4 MiB (proc_sys_call_handler()). */
	while ((size = read(fd, text + used, MIN(DOCTOR_FILE_MAX + 1 - used, READ_AT_ONCE))) > 0)
		used += (size_t)size;
	if (size < 0)
		return -errno;
	if (used > DOCTOR_FILE_MAX)
		return -EFBIG;
	text[used] = '\0';
	*ret = steal_pointer(text);
	*ret_size = used;
	return 0;
}

int doctor_read(const struct doctor *doctor, const char *path, char **ret)
{
	size_t size;

	return read_whole(doctor, path, ret, &size);
}

int doctor_read_text(const struct doctor *doctor, const char *path, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = read_whole(doctor, path, &text, &size);

	if (r < 0)
		return r;
	if (strlen(text) != size)
		return -EILSEQ;
	*ret = steal_pointer(text);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_add(struct names *names, const char *name)
{
	char **more = reallocarray(names->names, names->count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	names->names = more;
	more[names->count] = strdup(name);
	return more[names->count] ? (int)++names->count : -ENOMEM;
}

int doctor_list(const struct doctor *doctor, const char *folder, struct names *ret)
{
	_cleanup_close_ int fd = doctor_open(doctor, folder, O_RDONLY | O_DIRECTORY);
	_cleanup_(closedir_p) DIR *open = NULL;
	_cleanup_names_ struct names names = {0};
	struct dirent *entry;

	if (fd < 0)
		return fd;
	open = fdopendir(fd);
	if (!open)
		return -errno;
	(void)steal_fd(&fd);
	while (names.count < DOCTOR_NAMES_MAX && (entry = readdir(open)))
		if (entry->d_name[0] != '.' && names_add(&names, entry->d_name) < 0)
			return -ENOMEM;
	if (names.count > 0)
		qsort(names.names, names.count, sizeof(*names.names), compare_names);
	*ret = names;
	names = (struct names){0};
	return 0;
}

void names_clear(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct names){0};
}
