/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/records.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"

/* A record that was told, as it then was. */
struct told {
	char session[SESSION_ID_SIZE];
	struct timespec written;
	ino_t inode;
	UT_hash_handle hh;
};

struct record_source {
	record_taker take;
	void *userdata;
	struct told *told;
	sd_event_source *again;	 /* on while a record waits to be read again */
	uint64_t delay;		 /* … next time */
	int folder, away, bound; /* RECORD_DIR; AWAY_DIR, BOUND_DIR (-1: none) */
	char boot_id[BOOT_ID_SIZE];
	sd_event_source *watch, *above; /* of RECORD_DIR; of the folder that it is in */
};

/* Memory that was lacking may be there in a moment; a fault that stays is looked at every few seconds. */
#define AGAIN_USEC     (100 * 1000ULL)
#define AGAIN_USEC_MAX (5 * 1000 * 1000ULL)

#define RECORD_DIR_NAME (strrchr(RECORD_DIR, '/') + 1)

DEFINE_CLEANUP(struct record_source *, record_source_free)
DEFINE_CLEANUP(DIR *, closedir)

/*
 * A note has the time of the login record that it belongs to. A record that was written again while no daemon
 * ran has another time. People set the clock, so it does not show which of two records is the later one.
 */
static bool is_of_record(const struct record_source *source, int folder, const char *session)
{
	struct stat recorded, note;

	return folder >= 0 && fstatat(source->folder, session, &recorded, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(folder, session, &note, AT_SYMLINK_NOFOLLOW) == 0 &&
	       note.st_mtim.tv_sec == recorded.st_mtim.tv_sec &&
	       note.st_mtim.tv_nsec == recorded.st_mtim.tv_nsec;
}

static void mark_of_record(const struct record_source *source, int folder, const char *session)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct stat recorded;

	if (fstatat(source->folder, session, &recorded, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	times[1] = recorded.st_mtim;
	utimensat(folder, session, times, AT_SYMLINK_NOFOLLOW);
}

/* What the session was bound to since its login record was written, if it was. */
static void read_bound(const struct record_source *source, struct login_record *login)
{
	struct login_record since;
	struct record_error error;

	if (is_of_record(source, source->bound, login->session) &&
	    record_read(source->bound, login->session, 0, source->boot_id, &since, &error) == 0 &&
	    since.leader == login->leader)
		*login = since;
}

/* ---- what was told ---------------------------------------------------------------------------------------- */

static void told_forget(struct record_source *source, const char *session)
{
	struct told *told;

	HASH_FIND_STR(source->told, session, told);
	if (!told)
		return;
	HASH_DEL(source->told, told);
	free(told);
}

/* Nothing is lost if there is no memory for it: the record is then told once more. */
static void told_keep(struct record_source *source, const char *session, const struct stat *file)
{
	struct told *told = calloc(1, sizeof(*told));

	told_forget(source, session);
	if (!told || strlen(session) >= sizeof(told->session)) {
		free(told);
		return;
	}
	strcpy(told->session, session);
	told->written = file->st_mtim;
	told->inode = file->st_ino;
	HASH_ADD_STR(source->told, session, told);
	if (!told->hh.tbl)
		free(told);
}

static bool was_told(const struct record_source *source, const char *session, const struct stat *file)
{
	struct told *told;

	HASH_FIND_STR(source->told, session, told);
	return told && told->inode == file->st_ino && told->written.tv_sec == file->st_mtim.tv_sec &&
	       told->written.tv_nsec == file->st_mtim.tv_nsec;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static void read_again(struct record_source *source, uint64_t delay)
{
	if (sd_event_source_set_time_relative(source->again, delay) < 0 ||
	    sd_event_source_set_enabled(source->again, SD_EVENT_ONESHOT) < 0)
		log_error("cannot read the login records again");
}

/* For now. Whoever signed in is governed as soon as it can be read; what is missed meanwhile puts nothing off. */
static void miss(struct record_source *source)
{
	int enabled = SD_EVENT_OFF;

	sd_event_source_get_enabled(source->again, &enabled);
	if (enabled == SD_EVENT_OFF)
		read_again(source, source->delay);
}

static int report_record(struct record_source *source, struct login_record *login, bool away)
{
	read_bound(source, login);
	return source->take(source->userdata, &(struct event){.type = EVENT_RECORD,
							      .source = SOURCE_RECORD,
							      .stamp = monotonic_now(),
							      .record = {.login = login, .away = away}});
}

static void read_one(struct record_source *source, const char *name, bool away)
{
	struct record_error error = {""};
	struct login_record login;
	struct stat file;
	char safe[128];
	int r;

	/* Before it is read: written once more meanwhile, it is read once more. */
	if (fstatat(source->folder, name, &file, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return; /* gone again */
	r = record_read(source->folder, name, 0, source->boot_id, &login, &error);
	if (r == -ENOENT)
		return;
	if (r < 0)
		log_error("login record %s refused: %s", log_safe(name, safe, sizeof(safe)), error.text);
	else
		r = report_record(source, &login, away);
	/* What is wrong with the file stays wrong until it is another one. */
	if (r < 0 && r != -EBADMSG)
		miss(source);
	else
		told_keep(source, name, &file);
}

static bool is_away(const struct record_source *source, const char *session)
{
	return is_of_record(source, source->away, session);
}

static int read_records(struct record_source *source)
{
	_cleanup_close_ int fd = openat(source->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedir_p) DIR *folder = NULL;
	const struct dirent *entry;

	if (fd < 0)
		return -errno;
	folder = fdopendir(fd);
	if (!folder)
		return -errno;
	(void)steal_fd(&fd);
	while ((entry = readdir(folder))) {
		struct stat file;

		if (entry->d_name[0] == '.' ||
		    (fstatat(source->folder, entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
		     was_told(source, entry->d_name, &file)))
			continue;
		read_one(source, entry->d_name, is_away(source, entry->d_name));
	}
	return 0;
}

static int on_read_again(sd_event_source *again, uint64_t usec _unused_, void *userdata)
{
	struct record_source *source = userdata;
	uint64_t delay = source->delay;
	int enabled = SD_EVENT_OFF;

	source->delay = delay * 2 < AGAIN_USEC_MAX ? delay * 2 : AGAIN_USEC_MAX;
	if (read_records(source) < 0)
		miss(source);
	sd_event_source_get_enabled(again, &enabled);
	if (enabled != SD_EVENT_OFF)
		return 0;
	source->delay = AGAIN_USEC;
	log_info("every login record was read again");
	return 0;
}

void record_source_reread(struct record_source *source)
{
	read_again(source, 0);
}

void record_source_missed(struct record_source *source, const char *session)
{
	told_forget(source, session);
	miss(source);
}

/* What is made in place is read when it was closed; a symbolic link never is, so it is refused here. */
static bool is_link(const struct record_source *source, const char *name)
{
	struct stat status;

	return fstatat(source->folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

static void forget_notes(struct record_source *source, const char *session)
{
	record_source_set_away(source, session, false);
	if (source->bound >= 0 && session_id_valid(session))
		unlinkat(source->bound, session, 0);
}

static int on_change(sd_event_source *watch _unused_, const struct inotify_event *change, void *userdata)
{
	struct record_source *source = userdata;

	if (change->mask & IN_Q_OVERFLOW)
		record_source_reread(source);
	if (!change->len || change->name[0] == '.')
		return 0;
	if (change->mask & IN_DELETE) {
		told_forget(source, change->name);
		source->take(source->userdata, &(struct event){.type = EVENT_SESSION_ENDED,
							       .source = SOURCE_RECORD,
							       .stamp = monotonic_now(),
							       .session = change->name});
	} else if (!(change->mask & IN_CREATE) || is_link(source, change->name)) {
		forget_notes(source, change->name);
		read_one(source, change->name, false);
	}
	return 0;
}

/* Watch the directory before reading it, so that no record is missed. */
static int folder_open(struct record_source *source, sd_event *event)
{
	int r;

	close_fd(source->folder);
	source->folder = record_dir_open();
	if (source->folder < 0)
		return source->folder;
	r = sd_event_add_inotify(event, &source->watch, RECORD_DIR,
				 IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_ONLYDIR, on_change,
				 source);
	if (r < 0)
		return r;
	sd_event_source_set_priority(source->watch, PRIORITY_SOURCE);
	sd_event_source_set_description(source->watch, "records");
	return read_records(source);
}

/*
 * A watch on a directory that was deleted or moved reports no record any more. Only a watch on the directory
 * above reports that.
 */
static int on_change_above(sd_event_source *above, const struct inotify_event *change, void *userdata)
{
	struct record_source *source = userdata;
	sd_event *event = sd_event_source_get_event(above);
	int r;

	if (!change->len || strcmp(change->name, RECORD_DIR_NAME) != 0)
		return 0;
	log_warning(RECORD_DIR " was removed: creating it again");
	source->watch = sd_event_source_disable_unref(source->watch);
	r = folder_open(source, event);
	if (r >= 0)
		return 0;
	log_error("cannot watch " RECORD_DIR ": %s", strerror(-r));
	return sd_event_exit(event, r);
}

/* A directory for what the daemon notes for the next one; -1: there will be none. */
static int notes_open(const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		log_warning("cannot make %s: %m", path);
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int record_source_new(sd_event *event, record_taker take, void *userdata, struct record_source **ret)
{
	_cleanup_(record_source_free_p) struct record_source *source = NULL;
	int r;

	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->take = take;
	source->userdata = userdata;
	source->delay = AGAIN_USEC;
	source->away = source->bound = -1;
	/* Made now, so that nothing is needed for it when memory is short. */
	r = sd_event_add_time(event, &source->again, CLOCK_MONOTONIC, 0, 0, on_read_again, source);
	if (r < 0)
		return r;
	sd_event_source_set_priority(source->again, PRIORITY_SOURCE);
	sd_event_source_set_enabled(source->again, SD_EVENT_OFF);
	source->folder = record_dir_open(); /* makes the folder of all three, too */
	if (source->folder < 0)
		return source->folder;
	r = boot_id_read(source->boot_id);
	if (r < 0)
		return r;
	source->away = notes_open(AWAY_DIR);
	source->bound = notes_open(BOUND_DIR);
	r = folder_open(source, event);
	if (r < 0)
		return r;
	r = sd_event_add_inotify(event, &source->above, RECORD_DIR "/..",
				 IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR, on_change_above, source);
	if (r < 0)
		return r;
	sd_event_source_set_priority(source->above, PRIORITY_SOURCE);
	*ret = steal_pointer(source);
	return 0;
}

struct record_source *record_source_free(struct record_source *source)
{
	if (!source)
		return NULL;
	while (source->told)
		told_forget(source, source->told->session);
	sd_event_source_disable_unref(source->again);
	sd_event_source_disable_unref(source->above);
	sd_event_source_disable_unref(source->watch);
	close_fd(source->folder);
	close_fd(source->away);
	close_fd(source->bound);
	free(source);
	return NULL;
}

void record_source_set_away(struct record_source *source, const char *session, bool away)
{
	_cleanup_close_ int fd = -1;

	if (source->away < 0 || !session_id_valid(session))
		return;
	if (!away)
		unlinkat(source->away, session, 0);
	else
		fd = openat(source->away, session, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (away)
		mark_of_record(source, source->away, session);
}

void record_source_set_bound(struct record_source *source, const struct login_record *login)
{
	int r = source->bound < 0 ? 0 : record_write(source->bound, login);

	if (r < 0)
		log_warning("cannot note what session %s is bound to now: %s", login->session, strerror(-r));
	else if (source->bound >= 0)
		mark_of_record(source, source->bound, login->session);
}

void record_source_forget(struct record_source *source, const char *session)
{
	forget_notes(source, session);
	told_forget(source, session);
	if (unlinkat(source->folder, session, 0) < 0 && errno != ENOENT)
		log_warning("cannot delete the login record of session %s: %m", session);
}
