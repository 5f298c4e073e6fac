/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/record_notes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/ids.h"
#include "lib/log.h"

/* A directory for what the daemon notes for the next one; -1: there will be none. */
static int open_one(const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		log_warning("cannot make %s: %m", path);
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void record_notes_open(struct record_notes *notes)
{
	notes->away = open_one(AWAY_DIR);
	notes->bound = open_one(BOUND_DIR);
}

void record_notes_close(struct record_notes *notes)
{
	close_fd(notes->away);
	close_fd(notes->bound);
}

/*
 * A note has the time of the login record that it belongs to. A record that was written again while no daemon
 * ran has another time. People set the clock, so it does not show which of two records is the later one.
 */
static bool is_of_record(int records, int notes, const char *session)
{
	struct stat recorded, note;

	return notes >= 0 && fstatat(records, session, &recorded, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(notes, session, &note, AT_SYMLINK_NOFOLLOW) == 0 &&
	       note.st_mtim.tv_sec == recorded.st_mtim.tv_sec &&
	       note.st_mtim.tv_nsec == recorded.st_mtim.tv_nsec;
}

static void mark_of_record(int records, int notes, const char *session)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct stat recorded;

	if (fstatat(records, session, &recorded, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	times[1] = recorded.st_mtim;
	utimensat(notes, session, times, AT_SYMLINK_NOFOLLOW);
}

void record_notes_apply(const struct record_notes *notes, int records, const char *boot_id,
			struct login_record *login)
{
	struct login_record since;
	struct record_error error;

	if (is_of_record(records, notes->bound, login->session) &&
	    record_read(notes->bound, login->session, 0, boot_id, &since, &error) == 0 &&
	    since.leader == login->leader)
		*login = since;
}

bool record_notes_away(const struct record_notes *notes, int records, const char *session)
{
	return is_of_record(records, notes->away, session);
}

void record_notes_set_away(const struct record_notes *notes, int records, const char *session, bool away)
{
	_cleanup_close_ int fd = -1;

	if (notes->away < 0 || !session_id_valid(session))
		return;
	if (!away)
		unlinkat(notes->away, session, 0);
	else
		fd = openat(notes->away, session, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (away)
		mark_of_record(records, notes->away, session);
}

void record_notes_set_bound(const struct record_notes *notes, int records, const struct login_record *login)
{
	int r = notes->bound < 0 ? 0 : record_write(notes->bound, login);

	if (r < 0)
		log_warning("cannot note what session %s is bound to now: %s", login->session, strerror(-r));
	else if (notes->bound >= 0)
		mark_of_record(records, notes->bound, login->session);
}

static void remove_note(int notes, const char *session)
{
	if (notes >= 0 && session_id_valid(session))
		unlinkat(notes, session, 0);
}

void record_notes_forget(const struct record_notes *notes, const char *session)
{
	remove_note(notes->away, session);
	remove_note(notes->bound, session);
}
