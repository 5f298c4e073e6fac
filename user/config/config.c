/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "config/gpo.h"
#include "lib/cleanup.h"
#include "lib/log.h"

#define VENDOR_FILE  VENDORDIR "/scpolicyd.conf"
#define ADMIN_FILE   "/etc/scpolicyd.conf"
#define ADMIN_FOLDER "/etc/scpolicyd.conf.d"
/* Ten thousand rules fit; a file of this size is read in a fraction of a second. */
#define FILE_MAX      (4 * 1024 * 1024)
#define FILE_MAX_TEXT "4 MiB"

/* ---- files --------------------------------------------------------------------------------------------- */

static void refuse_file(struct config_error *error, const char *path, const char *why)
{
	snprintf(error->text, sizeof(error->text), "%s: %s", path, why);
	log_safe(error->text, error->text, sizeof(error->text));
}

/* A policy that others may write is refused. NULL, or what is wrong. */
static const char *check_config_file(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "not a regular file";
	if (status.st_uid != 0)
		return "not owned by root";
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return "writable by group or others";
	if (status.st_size > FILE_MAX)
		return "larger than " FILE_MAX_TEXT;
	return NULL;
}

/* 1 when it was read, 0 when there is no such file. */
static int read_config_file(const char *path, struct rules *rules, struct config_error *error)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_fclose_ FILE *stream = NULL;
	const char *wrong;
	int r;

	if (fd < 0) {
		r = -errno;
		if (r == -ENOENT)
			return 0;
		refuse_file(error, path, r == -ELOOP ? "a symbolic link" : strerror(-r));
		return r;
	}
	wrong = check_config_file(fd);
	if (wrong) {
		refuse_file(error, path, wrong);
		return -EBADMSG;
	}
	stream = fdopen(fd, "re");
	if (!stream)
		return -errno;
	(void)steal_fd(&fd);
	r = config_parse(stream, path, rules, error);
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

static int read_drop_ins(const char *folder, struct rules *rules, struct config_error *error)
{
	_cleanup_(free_names) struct dirent **names = NULL;
	struct dirent **sorted = NULL;
	int count, r = 0;

	count = scandir(folder, &sorted, is_drop_in, alphasort);
	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	/* It has an end mark, so that all of it is freed whichever file fails. */
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

		r = path ? read_config_file(path, rules, error) : -ENOMEM;
	}
	return r;
}

/* The administrator's file takes the vendor's place. */
static int read_main_file(const char *root, struct rules *rules, struct config_error *error)
{
	_cleanup_free_ char *admin = path_join(root, ADMIN_FILE, ""),
			    *vendor = path_join(root, VENDOR_FILE, "");
	int r;

	if (!admin || !vendor)
		return -ENOMEM;
	r = read_config_file(admin, rules, error);
	return r == 0 ? read_config_file(vendor, rules, error) : r;
}

/* ---- group policy --------------------------------------------------------------------------------------- */

/* `file`: any copy of the path. */
static int set_action(struct config *config, enum action action, const char *file, unsigned line)
{
	const char *path = *file ? rules_file(config->rules, file) : "";

	if (!path)
		return -ENOMEM;
	rules_policy(config->rules)->action = action;
	rules_note_policy(config->rules, SETTING_ACTION, path, line);
	return 0;
}

static void keep_local(struct config *config)
{
	config->local_action = rules_policy(config->rules)->action;
	config->local_origin = rules_origin(config->rules, rules_policy(config->rules), SETTING_ACTION);
}

static int take_gpo(struct config *config, const struct gpo *gpo)
{
	const struct gpo_file *winner = gpo->winner == GPO_NO_WINNER ? NULL : &gpo->files[gpo->winner];

	config->gpo_stamp = gpo->stamp;
	config->passed_over.text[0] = '\0';
	for (size_t i = 0; i < gpo->count && !config->passed_over.text[0]; i++)
		if (gpo->files[i].error)
			gpo_error_text(&gpo->files[i], config->passed_over.text,
				       sizeof(config->passed_over.text));
	config->from_gpo = winner;
	if (!winner)
		return set_action(config, config->local_action, config->local_origin.file,
				  config->local_origin.line);
	return set_action(config, gpo_action(winner->template.option), winner->path, winner->template.line);
}

/* A domain's broken list does not leave the machine without a policy: its own stands. */
static int read_gpo(const char *root, struct config *config)
{
	_cleanup_(gpo_clear) struct gpo gpo = {0};
	int r = gpo_find(root, &gpo, config->passed_over.text, sizeof(config->passed_over.text));

	keep_local(config);
	return r == -ENOMEM ? r : r < 0 ? 0 : take_gpo(config, &gpo);
}

int config_refresh(struct config *config, bool last_look)
{
	_cleanup_(gpo_clear) struct gpo gpo = {0};
	struct config_error error = {""};
	int r = gpo_find("", &gpo, error.text, sizeof(error.text));

	if (r < 0) {
		config->passed_over = error;
		return r;
	}
	if (gpo.stamp == config->gpo_stamp)
		return 0;
	if (config->from_gpo && gpo.winner == GPO_NO_WINNER && !last_look)
		return -EAGAIN;
	r = take_gpo(config, &gpo);
	rules_complete(config->rules);
	return r < 0 ? r : 1;
}

int config_keep_gpo(struct config *config, struct config *old)
{
	struct origin origin = rules_origin(old->rules, rules_policy(old->rules), SETTING_ACTION);
	int r;

	if (!*rules_from_gpo(config->rules) || config->gpo_stamp || !old->from_gpo)
		return 0;
	r = set_action(config, rules_policy(old->rules)->action, origin.file, origin.line);
	config->from_gpo = r >= 0;
	rules_complete(config->rules);
	return r;
}

int config_read(const char *root, struct config *ret_config, struct config_error *ret_error)
{
	struct config config = {0};
	_cleanup_free_ char *folder = path_join(root, ADMIN_FOLDER, "");
	_cleanup_(rules_free_p) struct rules *rules = NULL;
	int r;

	ret_error->text[0] = '\0';
	r = folder ? rules_new(&rules) : -ENOMEM;
	if (r >= 0)
		r = read_main_file(root, rules, ret_error);
	if (r >= 0)
		r = read_drop_ins(folder, rules, ret_error);
	config.rules = rules;
	if (r >= 0 && *rules_from_gpo(rules))
		r = read_gpo(root, &config);
	if (r < 0) {
		if (!ret_error->text[0])
			refuse_file(ret_error, "configuration", strerror(-r));
		return r;
	}
	rules_complete(rules);
	*ret_config = config;
	(void)steal_pointer(rules);
	return 0;
}

void config_free(struct config *config)
{
	config->rules = rules_free(config->rules);
}
