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
#include "sources/record_notes.h"

/* A record that was reported, as it then was. */
struct reported {
	char session[SESSION_ID_SIZE];
	struct timespec written;
	ino_t inode;
	UT_hash_handle hh;
};

struct record_source {
	record_taker take;
	void *userdata;
	struct reported *reported;
	sd_event_source *again; /* on while a record waits to be read again */
	uint64_t delay;		/* … next time */
	int records;		/* RECORD_DIR */
	struct record_notes notes;
	char boot_id[BOOT_ID_SIZE];
	sd_event_source *watch, *above; /* of RECORD_DIR; of the directory that it is in */
};

/* Memory that was lacking may be there in a moment; a fault that stays is looked at every few seconds. */
#define AGAIN_USEC     (100 * 1000ULL)
#define AGAIN_USEC_MAX (5 * 1000 * 1000ULL)

#define RECORD_DIR_NAME (strrchr(RECORD_DIR, '/') + 1)

DEFINE_CLEANUP(struct record_source *, record_source_free)
DEFINE_CLEANUP(DIR *, closedir)

/* ---- what was reported ----------------------------------------------------------------------------------- */

static void reported_forget(struct record_source *source, const char *session)
{
	struct reported *reported;

	HASH_FIND_STR(source->reported, session, reported);
	if (!reported)
		return;
	HASH_DEL(source->reported, reported);
	free(reported);
}

/* Nothing is lost if there is no memory for it: the record is then reported once more. */
static void reported_keep(struct record_source *source, const char *session, const struct stat *file)
{
	struct reported *reported = calloc(1, sizeof(*reported));

	reported_forget(source, session);
	if (!reported || strlen(session) >= sizeof(reported->session)) {
		free(reported);
		return;
	}
	strcpy(reported->session, session);
	reported->written = file->st_mtim;
	reported->inode = file->st_ino;
	HASH_ADD_STR(source->reported, session, reported);
	if (!reported->hh.tbl)
		free(reported);
}

static bool was_reported(const struct record_source *source, const char *session, const struct stat *file)
{
	struct reported *reported;

	HASH_FIND_STR(source->reported, session, reported);
	return reported && reported->inode == file->st_ino &&
	       reported->written.tv_sec == file->st_mtim.tv_sec &&
	       reported->written.tv_nsec == file->st_mtim.tv_nsec;
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
	record_notes_apply(&source->notes, source->records, source->boot_id, login);
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
	if (fstatat(source->records, name, &file, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return; /* gone again */
	r = record_read(source->records, name, 0, source->boot_id, &login, &error);
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
		reported_keep(source, name, &file);
}

static int read_records(struct record_source *source)
{
	_cleanup_close_ int fd = openat(source->records, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedir_p) DIR *records = NULL;
	const struct dirent *entry;

	if (fd < 0)
		return -errno;
	records = fdopendir(fd);
	if (!records)
		return -errno;
	(void)steal_fd(&fd);
	while ((entry = readdir(records))) {
		struct stat file;

		if (entry->d_name[0] == '.' ||
		    (fstatat(source->records, entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
		     was_reported(source, entry->d_name, &file)))
			continue;
		read_one(source, entry->d_name,
			 record_notes_away(&source->notes, source->records, entry->d_name));
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
	reported_forget(source, session);
	miss(source);
}

/* What is made in place is read when it was closed; a symbolic link never is, so it is refused here. */
static bool is_link(const struct record_source *source, const char *name)
{
	struct stat status;

	return fstatat(source->records, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

static int on_change(sd_event_source *watch _unused_, const struct inotify_event *change, void *userdata)
{
	struct record_source *source = userdata;

	if (change->mask & IN_Q_OVERFLOW)
		record_source_reread(source);
	if (!change->len || change->name[0] == '.')
		return 0;
	if (change->mask & IN_DELETE) {
		reported_forget(source, change->name);
		source->take(source->userdata, &(struct event){.type = EVENT_SESSION_ENDED,
							       .source = SOURCE_RECORD,
							       .stamp = monotonic_now(),
							       .session = change->name});
	} else if (!(change->mask & IN_CREATE) || is_link(source, change->name)) {
		record_notes_forget(&source->notes, change->name);
		read_one(source, change->name, false);
	}
	return 0;
}

/* Watch the directory before reading it, so that no record is missed. */
static int directory_open(struct record_source *source, sd_event *event)
{
	int r;

	close_fd(source->records);
	source->records = record_dir_open();
	if (source->records < 0)
		return source->records;
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
	r = directory_open(source, event);
	if (r >= 0)
		return 0;
	log_error("cannot watch " RECORD_DIR ": %s", strerror(-r));
	return sd_event_exit(event, r);
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
	source->notes = (struct record_notes){-1, -1};
	/* Made now, so that nothing is needed for it when memory is short. */
	r = sd_event_add_time(event, &source->again, CLOCK_MONOTONIC, 0, 0, on_read_again, source);
	if (r < 0)
		return r;
	sd_event_source_set_priority(source->again, PRIORITY_SOURCE);
	sd_event_source_set_enabled(source->again, SD_EVENT_OFF);
	source->records = record_dir_open(); /* makes the directory of all three, too */
	if (source->records < 0)
		return source->records;
	r = boot_id_read(source->boot_id);
	if (r < 0)
		return r;
	record_notes_open(&source->notes);
	r = directory_open(source, event);
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
	while (source->reported)
		reported_forget(source, source->reported->session);
	sd_event_source_disable_unref(source->again);
	sd_event_source_disable_unref(source->above);
	sd_event_source_disable_unref(source->watch);
	close_fd(source->records);
	record_notes_close(&source->notes);
	free(source);
	return NULL;
}

void record_source_set_away(struct record_source *source, const char *session, bool away)
{
	record_notes_set_away(&source->notes, source->records, session, away);
}

void record_source_set_bound(struct record_source *source, const struct login_record *login)
{
	record_notes_set_bound(&source->notes, source->records, login);
}

void record_source_forget(struct record_source *source, const char *session)
{
	record_notes_forget(&source->notes, session);
	reported_forget(source, session);
	if (unlinkat(source->records, session, 0) < 0 && errno != ENOENT)
		log_warning("cannot delete the login record of session %s: %m", session);
}
