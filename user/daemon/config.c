/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"

#define VENDOR_FILE  VENDORDIR "/scpolicyd.conf"
#define ADMIN_FILE   "/etc/scpolicyd.conf"
#define ADMIN_FOLDER "/etc/scpolicyd.conf.d"
/* Ten thousand rules fit; a file of this size is read in a fraction of a second. */
#define FILE_MAX (4 * 1024 * 1024)

/* One file being read. */
struct reading {
	const char *path;
	FILE *file;
	unsigned line;
	struct config *config;
	struct config_error *error; /* the first one counts */
	unsigned error_line;
	uint64_t seen;		    /* bit n: keys[n] was given in this file */
};

static void refuse(struct reading *reading, const char *format, ...) _printf_(2, 3);
static void refuse(struct reading *reading, const char *format, ...)
{
	va_list arguments;
	int used;

	if (reading->error->text[0])
		return;
	reading->error_line = reading->line;
	used = snprintf(reading->error->text, sizeof(reading->error->text), "%s:%u: ", reading->path, reading->line);
	if (used < 0 || (size_t)used >= sizeof(reading->error->text))
		return;
	va_start(arguments, format);
	vsnprintf(reading->error->text + used, sizeof(reading->error->text) - (size_t)used, format, arguments);
	va_end(arguments);
}

/* ---- keys ----------------------------------------------------------------------------------------------- */

struct key {
	const char *name;
	/* Stores what `value` says at `field`; false when it says nothing. */
	bool (*parse)(const char *value, void *field);
	size_t offset; /* in struct settings */
	const char *expected;
};

static bool parse_action(const char *value, void *field)
{
	for (enum action action = ACTION_NONE; action <= ACTION_LOCK; action++) {
		if (strcmp(value, action_name(action)) == 0) {
			*(enum action *)field = action;
			return true;
		}
	}
	return false;
}

static const struct key keys[] = {
	{"Action", parse_action, offsetof(struct settings, action), "none or lock"},
};

static int take_value(struct reading *reading, const char *name, const char *value)
{
	for (size_t i = 0; i < ELEMENTS(keys); i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (reading->seen & 1ULL << i)
			refuse(reading, "key %s= is given twice in this file", name);
		else if (!keys[i].parse(value, (char *)&reading->config->settings + keys[i].offset))
			refuse(reading, "key %s=: \"%s\" is not %s", name, value, keys[i].expected);
		reading->seen |= 1ULL << i;
		return !reading->error->text[0];
	}
	refuse(reading, "unknown key %s= in section [Policy]", name);
	return 0;
}

/* libinih's view of a line: 0 refuses it. */
static int on_line(void *userdata, const char *section, const char *name, const char *value)
{
	struct reading *reading = userdata;

	if (reading->error->text[0])
		return 0;
	if (!section[0])
		refuse(reading, "key %s= stands before any section", name);
	else if (strcmp(section, "Policy") != 0)
		refuse(reading, "unknown section [%s]", section);
	else
		return take_value(reading, name, value);
	return 0;
}

/* Feeds libinih, counting lines, so that each refusal can name its own. */
static char *next_line(char *buffer, int size, void *userdata)
{
	struct reading *reading = userdata;
	char *line = fgets(buffer, size, reading->file);

	if (!line)
		return NULL;
	reading->line++;
	if (!strchr(line, '\n') && !feof(reading->file))
		refuse(reading, "the line is too long");
	return line;
}

/* ---- files ---------------------------------------------------------------------------------------------- */

/* A policy that others may write is no policy. */
static int check_file(struct reading *reading, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		refuse(reading, "not a regular file");
	else if (status.st_uid != 0)
		refuse(reading, "not owned by root");
	else if (status.st_mode & (S_IWGRP | S_IWOTH))
		refuse(reading, "writable by group or others");
	else if (status.st_size > FILE_MAX)
		refuse(reading, "larger than %d bytes", FILE_MAX);
	return reading->error->text[0] ? -EBADMSG : 0;
}

static int read_stream(struct reading *reading)
{
	int r = ini_parse_stream(next_line, reading, on_line, reading);

	/* libinih goes on after a line that it cannot read: its own complaint may be the first. */
	if (r > 0 && (!reading->error->text[0] || (unsigned)r < reading->error_line)) {
		reading->error->text[0] = '\0';
		reading->line = (unsigned)r;
		refuse(reading, "neither a section nor a key with a value");
	}
	return reading->error->text[0] ? -EBADMSG : r < 0 ? -ENOMEM : 0;
}

/* 1 when it was read, 0 when there is no such file. */
static int read_file(const char *path, struct config *config, struct config_error *error)
{
	struct reading reading = {.path = path, .config = config, .error = error};
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_fclose_ FILE *file = NULL;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	r = fd < 0 ? -errno : check_file(&reading, fd);
	if (r >= 0) {
		file = fdopen(fd, "re");
		r = file ? 0 : -errno;
	}
	if (r >= 0) {
		(void)steal_fd(&fd);
		reading.file = file;
		r = read_stream(&reading);
	}
	if (r < 0 && !error->text[0])
		refuse(&reading, "%s", r == -ELOOP ? "a symbolic link" : strerror(-r));
	return r < 0 ? r : 1;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static void free_names(struct dirent ***names)
{
	for (struct dirent **name = *names; name && *name; name++)
		free(*name);
	free(*names);
}

static char *path_join(const char *root, const char *middle, const char *end)
{
	char *path;

	return asprintf(&path, "%s%s%s", root, middle, end) < 0 ? NULL : path;
}

static int read_drop_ins(const char *folder, struct config *config, struct config_error *error)
{
	_cleanup_(free_names) struct dirent **names = NULL;
	struct dirent **sorted = NULL;
	int count, r = 0;

	count = scandir(folder, &sorted, is_drop_in, alphasort);
	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	/* With an end mark, so that it is freed whole whichever file fails. */
	names = reallocarray(sorted, (size_t)count + 1, sizeof(*names));
	if (!names) {
		while (count-- > 0)
			free(sorted[count]);
		free(sorted);
		return -ENOMEM;
	}
	names[count] = NULL;
	for (int i = 0; i < count && r >= 0; i++) {
		_cleanup_free_ char *path = path_join(folder, "/", names[i]->d_name);

		r = path ? read_file(path, config, error) : -ENOMEM;
	}
	return r;
}

/* The administrator's file takes the vendor's place. */
static int read_main_file(const char *root, struct config *config, struct config_error *error)
{
	_cleanup_free_ char *admin = path_join(root, ADMIN_FILE, ""), *vendor = path_join(root, VENDOR_FILE, "");
	int r;

	if (!admin || !vendor)
		return -ENOMEM;
	r = read_file(admin, config, error);
	return r == 0 ? read_file(vendor, config, error) : r;
}

int config_read(const char *root, struct config *ret_config, struct config_error *ret_error)
{
	_cleanup_free_ char *folder = path_join(root, ADMIN_FOLDER, "");
	struct config config = {.settings = SETTINGS_DEFAULT};
	int r;

	ret_error->text[0] = '\0';
	r = folder ? read_main_file(root, &config, ret_error) : -ENOMEM;
	if (r >= 0)
		r = read_drop_ins(folder, &config, ret_error);
	if (r < 0) {
		if (!ret_error->text[0])
			snprintf(ret_error->text, sizeof(ret_error->text), "configuration: %s", strerror(-r));
		return r;
	}
	*ret_config = config;
	return 0;
}
