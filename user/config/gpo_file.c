/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/gpo_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/log.h"

DEFINE_CLEANUP(DIR *, closedir)

/* Below a policy's folder. Windows ignores case, and so do services that copy from it. */
static const char *const template_path[] = {"Machine", "Microsoft", "Windows NT", "SecEdit", "GptTmpl.inf"};

/* ---- one file ------------------------------------------------------------------------------------------- */

static struct gpo_file *new_gpo_file(struct gpo *gpo, const char *path, enum gpo_keeper keeper)
{
	struct gpo_file *more = reallocarray(gpo->files, gpo->count + 1, sizeof(*more));

	if (!more)
		return NULL;
	gpo->files = more;
	more += gpo->count;
	*more = (struct gpo_file){
		.path = strdup(path), .keeper = keeper, .template.option = SC_REMOVE_NOT_SET};
	if (!more->path)
		return NULL;
	gpo->count++;
	return more;
}

void gpo_stamp_add(struct gpo *gpo, const void *bytes, size_t size)
{
	/* FNV-1a: it detects changes, not attacks. */
	for (const unsigned char *byte = bytes; size > 0; byte++, size--)
		gpo->stamp = (gpo->stamp ^ *byte) * 0x100000001b3;
}

static int check_gpo_file(const struct stat *status, const struct gpo_limits *limits)
{
	if (!S_ISREG(status->st_mode))
		return GPO_NOT_REGULAR;
	if (status->st_size > limits->size)
		return GPO_TOO_LARGE;
	if (limits->owner && ((status->st_uid != 0 && status->st_uid != *limits->owner) ||
			      status->st_mode & (S_IWGRP | S_IWOTH)))
		return GPO_FOREIGN;
	return 0;
}

int gpo_read_file(const char *path, const struct gpo_limits *limits, char **ret_bytes, size_t *ret_size)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (limits->owner ? O_NOFOLLOW : 0);
	_cleanup_close_ int fd = open(path, flags);
	_cleanup_free_ char *bytes = NULL;
	size_t used = 0, size;
	struct stat status;
	ssize_t more;
	int wrong;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	wrong = check_gpo_file(&status, limits);
	if (wrong)
		return wrong;
	/* One more byte, to notice a file that grows. */
	size = (size_t)status.st_size + 1;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	while ((more = read(fd, bytes + used, size - used)) > 0)
		used += (size_t)more;
	if (more < 0)
		return -errno;
	if (used == size)
		return -EAGAIN;
	*ret_bytes = steal_pointer(bytes);
	*ret_size = used;
	return 0;
}

static int add_template(struct gpo *gpo, const char *path, enum gpo_keeper keeper, const uid_t *owner)
{
	const struct gpo_limits limits = {GPT_TMPL_MAX, owner};
	struct gpo_file *file = new_gpo_file(gpo, path, keeper);
	_cleanup_free_ char *bytes = NULL;
	size_t size = 0;

	if (!file)
		return -ENOMEM;
	file->error = gpo_read_file(path, &limits, &bytes, &size);
	gpo_stamp_add(gpo, path, strlen(path) + 1);
	gpo_stamp_add(gpo, &file->error, sizeof(file->error));
	gpo_stamp_add(gpo, bytes, size);
	if (bytes)
		file->error = gpt_tmpl_parse(bytes, size, &file->template);
	return file->error == -ENOMEM ? -ENOMEM : 0;
}

int gpo_add_file(struct gpo *gpo, const char *path)
{
	return add_template(gpo, path, GPO_GIVEN, NULL);
}

/* ---- folders of policies -------------------------------------------------------------------------------- */

/* The entry of `folder` with that name, in whatever case: "FOLDER/Name", or NULL with *ret_error. */
static char *find_entry(const char *folder, const char *name, int *ret_error)
{
	_cleanup_(closedir_p) DIR *open = opendir(folder);
	const struct dirent *entry;
	char *path;

	*ret_error = open ? -ENOENT : -errno;
	while (open && (entry = readdir(open)))
		if (strcasecmp(entry->d_name, name) == 0) {
			*ret_error = asprintf(&path, "%s/%s", folder, entry->d_name) < 0 ? -ENOMEM : 0;
			return *ret_error ? NULL : path;
		}
	return NULL;
}

bool gpo_is_missing(int error)
{
	return error == -ENOENT || error == -ENOTDIR;
}

int gpo_add_policy(struct gpo *gpo, const char *folder, enum gpo_keeper keeper, uid_t owner)
{
	_cleanup_free_ char *path = strdup(folder);
	int r = path ? 0 : -ENOMEM;

	for (size_t i = 0; i < ELEMENTS(template_path) && path; i++) {
		char *next = find_entry(path, template_path[i], &r);

		free(path);
		path = next;
	}
	if (!path)
		return gpo_is_missing(r) ? 0 : r;
	return add_template(gpo, path, keeper, &owner);
}

/* ---- what is wrong ----------------------------------------------------------------------------------------- */

const char *gpo_wrong_text(enum gpo_wrong wrong)
{
	static const char *const texts[] = {
		[GPO_NOT_REGULAR] = "not a regular file",
		[GPO_TOO_LARGE] = "larger than any such file is",
		[GPO_FOREIGN] = "owned or writable by others",
	};
	ASSERT_ROWS(texts, GPO_FOREIGN + 1);

	return texts[wrong];
}

const char *gpo_error_text(const struct gpo_file *file, char *buffer, size_t size)
{
	if (file->error == -EBADMSG)
		snprintf(buffer, size, "%s:%u: %s", file->path, file->template.line, file->template.error);
	else
		snprintf(buffer, size, "%s: %s", file->path,
			 file->error > 0 ? gpo_wrong_text((enum gpo_wrong)file->error)
					 : strerror(-file->error));
	return log_safe(buffer, buffer, size);
}
