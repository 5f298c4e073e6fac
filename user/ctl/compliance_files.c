/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The owner and mode of every file that decides what happens to a session, and of the directories above it. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "ctl/compliance.h"

struct inode {
	dev_t device;
	ino_t number;
};

struct look {
	struct doctor *doctor;
	struct check *check;
	struct inode *seen; /* files have several names */
	size_t count;
	unsigned good;
};

/* ---- one file ------------------------------------------------------------------------------------------- */

static bool was_seen(struct look *look, const struct stat *status)
{
	struct inode *more;

	for (size_t i = 0; i < look->count; i++)
		if (look->seen[i].device == status->st_dev && look->seen[i].number == status->st_ino)
			return true;
	more = reallocarray(look->seen, look->count + 1, sizeof(*more));
	if (!more)
		return false;
	look->seen = more;
	more[look->count++] = (struct inode){status->st_dev, status->st_ino};
	return false;
}

/* Root's, and nobody else's to write. The sticky bit is no exception: others may add names to such a directory. */
static bool judge_owner(struct look *look, const struct stat *status, const char *path, bool tell)
{
	bool good = status->st_uid == 0 && !(status->st_mode & (S_IWGRP | S_IWOTH));
	char uid[16];

	snprintf(uid, sizeof(uid), "%u", status->st_uid);
	if (tell || !good)
		check_note(look->check, good ? CHECK_PASS : CHECK_FAIL, "%s: owner %s, mode %04o", path,
			   status->st_uid == 0 ? "root" : uid, status->st_mode & 07777);
	return good;
}

/* -1: there is no such file; else a descriptor of it. */
static int look_at(struct look *look, const char *path, bool tell)
{
	_cleanup_close_ int fd = doctor_open(look->doctor, path, O_PATH);
	struct stat status;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return -1;
	if (fd < 0 || fstat(fd, &status) < 0) {
		check_note(look->check, CHECK_UNKNOWN, "%s: %s", path, strerror(fd < 0 ? -fd : errno));
		return -1;
	}
	if (!was_seen(look, &status))
		look->good += judge_owner(look, &status, path, tell);
	return steal_fd(&fd);
}

/* The path behind symbolic links, as the machine itself has it; "" if it is not known. */
static void real_path(const struct look *look, int fd, char path[static PATH_MAX])
{
	char link[64], root[PATH_MAX];
	ssize_t length, above;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, PATH_MAX - 1);
	path[length > 0 ? length : 0] = '\0';
	snprintf(link, sizeof(link), "/proc/self/fd/%d", look->doctor->root_fd);
	above = readlink(link, root, sizeof(root));
	if (above > 1 && length > above)
		memmove(path, path + above, (size_t)(length - above) + 1);
}

/* Whoever may write to a directory above it can put another file in its place. */
static void look_above(struct look *look, char *path)
{
	for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
		slash[slash == path] = '\0';
		close_fd(look_at(look, path, false));
		if (slash == path)
			break;
	}
}

/* False: there is no such file. */
static bool look_whole(struct look *look, const char *path)
{
	_cleanup_close_ int fd = look_at(look, path, true);
	char real[PATH_MAX], named[PATH_MAX];

	if (fd < 0)
		return false;
	real_path(look, fd, real);
	look_above(look, real);
	snprintf(named, sizeof(named), "%s", path);
	look_above(look, named);
	return true;
}

/* ---- which files ---------------------------------------------------------------------------------------- */

static void look_at_config(struct look *look)
{
	size_t length = strlen(look->doctor->root);
	struct config_error error;
	struct config config;

	look_whole(look, "/etc/scpolicyd.conf.d");
	look_whole(look, "/etc/pam.d");
	if (config_read(look->doctor->root, &config, &error) < 0) {
		look_whole(look, "/etc/scpolicyd.conf");
		check_note(look->check, CHECK_UNKNOWN, "the configuration cannot be read: %s", error.text);
		return;
	}
	for (const char *file = rules_next_file(config.rules, NULL); file;
	     file = rules_next_file(config.rules, file))
		look_whole(look, file + length);
	config_free(&config);
}

/* False: the daemon is not there. */
static bool look_at_programs(struct look *look)
{
	static const char *const files[] = {
		LIBEXECDIR "/scpolicyd-loader",
		LIBEXECDIR "/scpolicyd-pcsc-worker",
		LIBEXECDIR "/scpolicyd-pam-helper",
		LIBEXECDIR "/scpolicyd-reader-id",
		LIBEXECDIR "/scpolicyd-remote",
		LIBEXECDIR "/scpolicyd-connect",
		PAMDIR "/pam_scpolicy.so",
		"/etc/systemd/system/scpolicyd.service",
		"/usr/lib/systemd/system/scpolicyd.service",
		"/lib/systemd/system/scpolicyd.service",
		"/etc/udev/rules.d/70-scpolicyd.rules",
		"/usr/lib/udev/rules.d/70-scpolicyd.rules",
		"/lib/udev/rules.d/70-scpolicyd.rules",
	};

	for (size_t i = 0; i < ELEMENTS(files); i++)
		look_whole(look, files[i]);
	return look_whole(look, SBINDIR "/scpolicyd");
}

/* Those files of a directory that name what decides. */
static void look_into(struct look *look, const char *directory, const char *word)
{
	_cleanup_names_ struct names names = {0};

	if (doctor_list(look->doctor, directory, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_free_ char *path = NULL, *text = NULL;

		if (asprintf(&path, "%s/%s", directory, names.names[i]) < 0) {
			path = NULL;
			return;
		}
		if (doctor_read(look->doctor, path, &text) >= 0 && strstr(text, word))
			look_whole(look, path);
	}
}

void check_files(struct doctor *doctor, struct check *check)
{
	static const char *const pam[] = {"/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d",
					  "/usr/etc/pam.d"};
	struct look look = {.doctor = doctor, .check = check};

	look_at_config(&look);
	look_into(&look, "/etc/systemd/system/scpolicyd.service.d", "");
	look_into(&look, "/run/systemd/system/scpolicyd.service.d", "");
	for (size_t i = 0; i < ELEMENTS(pam); i++)
		look_into(&look, pam[i], "pam_scpolicy");
	if (!look_at_programs(&look))
		check_note(check, CHECK_FAIL, "scpolicyd is not installed");
	check_note(check, CHECK_PASS, "%u files and directories are root's alone to write", look.good);
	free(look.seen);
}
