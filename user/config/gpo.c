/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/gpo.h"

#include <glob.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "config/gpo_list.h"
#include "lib/cleanup.h"
#include "lib/log.h"

#define SSSD_CACHE "/var/lib/sss/gpo_cache"
/* "cache directory" of smb.conf: Debian's, and Fedora's and openSUSE's */
#define SAMBA_CACHE  "/var/cache/samba/gpo_cache"
#define SAMBA_LIB    "/var/lib/samba/gpo_cache"
#define ADSYS_CACHE  "/var/cache/adsys"
#define ADSYS_LIST   ADSYS_CACHE "/policies/%s/policies"
#define ADSYS_POLICY ADSYS_CACHE "/sysvol/Policies/"

/* It has all rules of all policies. */
#define LIST_MAX (16 * 1024 * 1024)

/* ---- SSSD and Samba ------------------------------------------------------------------------------------- */

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
	return !gpo_is_missing(-error);
}

/* Policies of every domain below `cache`. Samba has all names in capitals. */
static int find_cache(struct gpo *gpo, const char *root, const char *cache, enum gpo_keeper keeper)
{
	_cleanup_free_ char *below = NULL, *pattern = NULL, *folder = NULL;
	_cleanup_(globfree) glob_t found = {0};
	struct stat status;
	int r;

	if (asprintf(&below, "%s/*/[Pp][Oo][Ll][Ii][Cc][Ii][Ee][Ss]/{*", cache) < 0)
		return -ENOMEM;
	pattern = pattern_below(root, below);
	if (!pattern || asprintf(&folder, "%s%s", root, cache) < 0)
		return -ENOMEM;
	if (stat(folder, &status) < 0)
		return gpo_is_missing(-errno) ? 0 : -errno;
	errno = 0;
	r = glob(pattern, 0, on_glob_error, &found);
	if (r != 0)
		return r == GLOB_NOMATCH ? 0 : r == GLOB_NOSPACE ? -ENOMEM : errno ? -errno : -EIO;
	for (size_t i = 0; i < found.gl_pathc && r >= 0; i++)
		r = gpo_add_policy(gpo, found.gl_pathv[i], keeper, status.st_uid);
	return r;
}

static int find_caches(struct gpo *gpo, const char *root, char *ret_error, size_t error_size)
{
	static const struct {
		const char *path;
		enum gpo_keeper keeper;
	} caches[] = {{SSSD_CACHE, GPO_SSSD}, {SAMBA_CACHE, GPO_SAMBA}, {SAMBA_LIB, GPO_SAMBA}};
	int r = 0;

	for (size_t i = 0; i < ELEMENTS(caches) && r >= 0; i++) {
		r = find_cache(gpo, root, caches[i].path, caches[i].keeper);
		if (r < 0)
			snprintf(ret_error, error_size, "%s: %s", caches[i].path, strerror(-r));
	}
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

/* hostname(5): one name, with blanks round it that do not count; empty lines and comments before it. */
static bool read_hostname(FILE *file, char *name, size_t size)
{
	char line[256];

	while (fgets(line, sizeof(line), file)) {
		char *word = line + strspn(line, " \t\r\n");

		word[strcspn(word, " \t\r\n")] = '\0';
		if (!*word || *word == '#')
			continue;
		snprintf(name, size, "%s", word);
		return true;
	}
	return false;
}

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
	if (file && read_hostname(file, name, size))
		return 0;
	if (!*root && gethostname(name, size) < 0)
		return -errno;
	return 0;
}

/* 0; -ENOENT when adsys has no list of this machine's; another negative errno, or enum gpo_wrong, with its path. */
static int read_list(struct gpo *gpo, const char *root, char **ret_path, char **ret_text, size_t *ret_size)
{
	static const uid_t nobody_else = 0;
	static const struct gpo_limits limits = {LIST_MAX, &nobody_else};
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
		r = gpo_read_file(path, &limits, ret_text, ret_size);
		if (gpo_is_missing(r))
			continue;
		*ret_path = steal_pointer(path);
		gpo_stamp_add(gpo, *ret_text, *ret_size);
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
	return gpo_add_policy(adding->gpo, folder, GPO_ADSYS, 0);
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
		snprintf(why, sizeof(why), "%s", gpo_wrong_text(r));
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
		r = find_caches(&gpo, root, ret_error, error_size);
		choose_strictest(&gpo);
	}
	if (r < 0) {
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

const char *gpo_keeper_name(enum gpo_keeper keeper)
{
	static const char *const names[] = {
		[GPO_GIVEN] = "", [GPO_SSSD] = "sssd", [GPO_SAMBA] = "samba", [GPO_ADSYS] = "adsys"};
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
