/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/gpo.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "config/gpo_list.h"
#include "lib/cleanup.h"
#include "lib/log.h"

#define SSSD_CACHE   "/var/lib/sss/gpo_cache"
#define ADSYS_CACHE  "/var/cache/adsys"
#define ADSYS_LIST   ADSYS_CACHE "/policies/%s/policies"
#define ADSYS_POLICY ADSYS_CACHE "/sysvol/Policies/"

/* It has all rules of all policies. */
#define LIST_MAX (16 * 1024 * 1024)

static const char *const wrong_texts[] = {
	[GPO_NOT_REGULAR] = "not a regular file",
	[GPO_TOO_LARGE] = "larger than any such file is",
	[GPO_FOREIGN] = "owned or writable by others",
};
ASSERT_ROWS(wrong_texts, GPO_FOREIGN + 1);

DEFINE_CLEANUP(DIR *, closedir)

/* Below a policy's folder. Windows does not mind the case, and so neither do those who copy from it. */
static const char *const template_path[] = {"Machine", "Microsoft", "Windows NT", "SecEdit", "GptTmpl.inf"};

/* ---- one file ------------------------------------------------------------------------------------------- */

static struct gpo_file *new_file(struct gpo *gpo, const char *path, enum gpo_keeper keeper)
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

static void stamp_add(struct gpo *gpo, const void *bytes, size_t size)
{
	/* FNV-1a: it tells changes, not enemies. */
	for (const unsigned char *byte = bytes; size > 0; byte++, size--)
		gpo->stamp = (gpo->stamp ^ *byte) * 0x100000001b3;
}

/* How large a file may be, and whose beside root's. */
struct limits {
	off_t size;
	const uid_t *owner; /* NULL: anybody's */
};

static int check_file(const struct stat *status, const struct limits *limits)
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

/* All of it, malloc()ed. 0, a negative errno, or enum gpo_wrong. */
static int read_file(const char *path, const struct limits *limits, char **ret_bytes, size_t *ret_size)
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
	wrong = check_file(&status, limits);
	if (wrong)
		return wrong;
	/* One more, which tells of a file that grows. */
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

static int add_file(struct gpo *gpo, const char *path, enum gpo_keeper keeper, const uid_t *owner)
{
	const struct limits limits = {GPT_TMPL_MAX, owner};
	struct gpo_file *file = new_file(gpo, path, keeper);
	_cleanup_free_ char *bytes = NULL;
	size_t size = 0;

	if (!file)
		return -ENOMEM;
	file->error = read_file(path, &limits, &bytes, &size);
	stamp_add(gpo, path, strlen(path) + 1);
	stamp_add(gpo, &file->error, sizeof(file->error));
	stamp_add(gpo, bytes, size);
	if (bytes)
		file->error = gpt_tmpl_parse(bytes, size, &file->template);
	return file->error == -ENOMEM ? -ENOMEM : 0;
}

int gpo_add_file(struct gpo *gpo, const char *path)
{
	return add_file(gpo, path, GPO_GIVEN, NULL);
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

/* Nobody put it there: which is no fault. */
static bool is_missing(int error)
{
	return error == -ENOENT || error == -ENOTDIR;
}

/* A policy without a template says nothing. */
static int add_policy(struct gpo *gpo, const char *folder, enum gpo_keeper keeper, uid_t owner)
{
	_cleanup_free_ char *path = strdup(folder);
	int r = path ? 0 : -ENOMEM;

	for (size_t i = 0; i < ELEMENTS(template_path) && path; i++) {
		char *next = find_entry(path, template_path[i], &r);

		free(path);
		path = next;
	}
	if (!path)
		return is_missing(r) ? 0 : r;
	return add_file(gpo, path, keeper, &owner);
}

/* ---- SSSD ----------------------------------------------------------------------------------------------- */

/* For glob(3): `root` as it is, the rest as a pattern. */
static char *pattern_below(const char *root, const char *pattern)
{
	char *whole = malloc(2 * strlen(root) + strlen(pattern) + 1), *to = whole;

	if (!whole)
		return NULL;
	for (; *root; root++) {
		if (strchr("*?[]\\", *root))
			*to++ = '\\';
		*to++ = *root;
	}
	strcpy(to, pattern);
	return whole;
}

/* What cannot be looked into may hold a policy. */
static int on_glob_error(const char *path _unused_, int error)
{
	return !is_missing(-error);
}

static int find_sssd(struct gpo *gpo, const char *root)
{
	_cleanup_free_ char *pattern =
		pattern_below(root, SSSD_CACHE "/*/[Pp][Oo][Ll][Ii][Cc][Ii][Ee][Ss]/{*");
	_cleanup_free_ char *cache = NULL;
	_cleanup_(globfree) glob_t found = {0};
	struct stat status;
	int r;

	if (!pattern || asprintf(&cache, "%s" SSSD_CACHE, root) < 0)
		return -ENOMEM;
	if (stat(cache, &status) < 0)
		return is_missing(-errno) ? 0 : -errno;
	errno = 0;
	r = glob(pattern, 0, on_glob_error, &found);
	if (r != 0)
		return r == GLOB_NOMATCH ? 0 : r == GLOB_NOSPACE ? -ENOMEM : errno ? -errno : -EIO;
	for (size_t i = 0; i < found.gl_pathc && r >= 0; i++)
		r = add_policy(gpo, found.gl_pathv[i], GPO_SSSD, status.st_uid);
	return r;
}

/* Their order is not known. */
static void choose_strictest(struct gpo *gpo)
{
	static const unsigned strictness[] = {[SC_REMOVE_NONE] = 0,
					      [SC_REMOVE_LOCK] = 1,
					      [SC_REMOVE_DISCONNECT] = 2,
					      [SC_REMOVE_LOGOFF] = 3};
	ASSERT_ROWS(strictness, SC_REMOVE_COUNT);

	for (size_t i = 0; i < gpo->count; i++) {
		enum sc_remove_option option = gpo->files[i].template.option, best;

		if (option == SC_REMOVE_NOT_SET)
			continue;
		best = gpo->winner == GPO_NO_WINNER ? option : gpo->files[gpo->winner].template.option;
		gpo->disagree |= option != best;
		if (gpo->winner == GPO_NO_WINNER || strictness[option] > strictness[best])
			gpo->winner = i;
	}
}

/* ---- adsys ---------------------------------------------------------------------------------------------- */

/*
 * The name that adsys has the machine under: the host's, or its first label. From the file, for ProtectHostname= keeps
 * a new name from a service that runs; without one, the kernel's.
 */
static int host_name(const char *root, char *name, size_t size)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fclose_ FILE *file = NULL;

	if (asprintf(&path, "%s/etc/hostname", root) < 0)
		return -ENOMEM;
	file = fopen(path, "re");
	if (file && fgets(name, (int)size, file))
		name[strcspn(name, " \t\n")] = '\0';
	else if (!*root && gethostname(name, size) < 0)
		return -errno;
	return 0;
}

/* 0; -ENOENT when adsys has no list of this machine's; another negative errno, or enum gpo_wrong, with its path. */
static int read_list(struct gpo *gpo, const char *root, char **ret_path, char **ret_text, size_t *ret_size)
{
	static const uid_t nobody_else = 0;
	static const struct limits limits = {LIST_MAX, &nobody_else};
	char host[256] = "", label[256];
	const char *const names[] = {host, label};
	int r = host_name(root, host, sizeof(host) - 1);

	if (r < 0)
		return r;
	snprintf(label, sizeof(label), "%.*s", (int)strcspn(host, "."), host);
	for (size_t i = 0; i < ELEMENTS(names); i++) {
		_cleanup_free_ char *path = NULL;

		if (!*names[i] || strchr(names[i], '/'))
			continue;
		if (asprintf(&path, "%s" ADSYS_LIST, root, names[i]) < 0)
			return -ENOMEM;
		r = read_file(path, &limits, ret_text, ret_size);
		if (is_missing(r))
			continue;
		*ret_path = steal_pointer(path);
		stamp_add(gpo, *ret_text, *ret_size);
		return r;
	}
	return -ENOENT;
}

struct adding {
	struct gpo *gpo;
	const char *root;
};

static int on_policy(void *userdata, const char *id)
{
	const struct adding *adding = userdata;
	_cleanup_free_ char *folder = NULL;

	if (asprintf(&folder, "%s" ADSYS_POLICY "%s", adding->root, id) < 0)
		return -ENOMEM;
	return add_policy(adding->gpo, folder, GPO_ADSYS, 0);
}

/* 1 when there is a list, and so an order; 0 when there is none. */
static int find_adsys(struct gpo *gpo, const char *root, char *ret_error, size_t error_size)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	struct adding adding = {gpo, root};
	char why[96] = "";
	size_t size = 0;
	int r = read_list(gpo, root, &path, &text, &size);

	if (r == -ENOENT)
		return 0;
	if (r > 0) {
		snprintf(why, sizeof(why), "%s", wrong_texts[r]);
		r = -EPERM;
	}
	if (r == 0)
		r = gpo_list_read(text, size, on_policy, &adding, why, sizeof(why));
	if (r < 0)
		snprintf(ret_error, error_size, "%s: %s", path ? path : ADSYS_CACHE,
			 *why ? why : strerror(-r));
	return r < 0 ? r : 1;
}

static void choose_first(struct gpo *gpo)
{
	for (size_t i = 0; i < gpo->count && gpo->winner == GPO_NO_WINNER; i++)
		if (gpo->files[i].template.option != SC_REMOVE_NOT_SET)
			gpo->winner = i;
}

/* ---- all of it ------------------------------------------------------------------------------------------ */

int gpo_find(const char *root, struct gpo *ret, char *ret_error, size_t error_size)
{
	_cleanup_(gpo_clear) struct gpo gpo = {.winner = GPO_NO_WINNER, .stamp = 0xcbf29ce484222325};
	int r;

	*ret_error = '\0';
	r = find_adsys(&gpo, root, ret_error, error_size);
	if (r > 0)
		choose_first(&gpo);
	else if (r == 0) {
		r = find_sssd(&gpo, root);
		choose_strictest(&gpo);
	}
	if (r < 0) {
		if (!*ret_error)
			snprintf(ret_error, error_size, "%s: %s", SSSD_CACHE, strerror(-r));
		log_safe(ret_error, ret_error, error_size);
		return r;
	}
	*ret = gpo;
	gpo = (struct gpo){0};
	return 0;
}

void gpo_clear(struct gpo *gpo)
{
	for (size_t i = 0; i < gpo->count; i++)
		free(gpo->files[i].path);
	free(gpo->files);
	*gpo = (struct gpo){.winner = GPO_NO_WINNER};
}

/* ---- words ---------------------------------------------------------------------------------------------- */

const char *gpo_error_text(const struct gpo_file *file, char *buffer, size_t size)
{
	if (file->error == -EBADMSG)
		snprintf(buffer, size, "%s:%u: %s", file->path, file->template.line, file->template.error);
	else
		snprintf(buffer, size, "%s: %s", file->path,
			 file->error > 0 ? wrong_texts[file->error] : strerror(-file->error));
	return log_safe(buffer, buffer, size);
}

const char *gpo_keeper_name(enum gpo_keeper keeper)
{
	static const char *const names[] = {[GPO_GIVEN] = "", [GPO_SSSD] = "sssd", [GPO_ADSYS] = "adsys"};
	ASSERT_ROWS(names, GPO_ADSYS + 1);

	return names[keeper];
}

enum action gpo_action(enum sc_remove_option option)
{
	static const enum action actions[] = {
		[SC_REMOVE_NONE] = ACTION_NONE,	    [SC_REMOVE_LOCK] = ACTION_LOCK,
		[SC_REMOVE_LOGOFF] = ACTION_LOGOUT, [SC_REMOVE_DISCONNECT] = ACTION_DISCONNECT,
		[SC_REMOVE_NOT_SET] = ACTION_NONE,
	};
	ASSERT_ROWS(actions, SC_REMOVE_NOT_SET + 1);

	return actions[option];
}
