/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/announce.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/trail.h"
#include "lib/cleanup.h"
#include "lib/log.h"

#define TTY_PATH_SIZE 64
#define TEXT_SIZE     256

/* The session itself chose the name, so only a terminal's name is opened. */
static bool tty_name_valid(const char *tty)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char digits[] = "0123456789";
	const char *rest, *allowed;

	if (strncmp(tty, "pts/", 4) == 0) {
		rest = tty + 4;
		allowed = digits;
	} else if (strncmp(tty, "tty", 3) == 0) {
		rest = tty + 3; /* tty2, ttyS0; not /dev/tty, which belongs to whoever opens it */
		allowed = letters;
	} else
		return false;
	return *rest != '\0' && rest[strspn(rest, allowed)] == '\0';
}

/* -ENOTTY, -EPERM as announce_write() has them; else a descriptor. */
static int tty_open(const char *tty, uid_t uid)
{
	_cleanup_close_ int fd = -1;
	char path[TTY_PATH_SIZE];
	struct stat status;
	int length;

	length = snprintf(path, sizeof(path), "/dev/%s", tty);
	if (!tty_name_valid(tty) || length < 0 || (size_t)length >= sizeof(path))
		return -EINVAL;
	fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISCHR(status.st_mode) || !isatty(fd))
		return -ENOTTY;
	if (status.st_uid != uid)
		return -EPERM;
	return steal_fd(&fd);
}

int announce_write(const char *tty, uid_t uid, const char *text)
{
	char safe[TEXT_SIZE], line[TEXT_SIZE + 8];
	_cleanup_close_ int fd = -1;
	ssize_t written;
	int length;

	fd = tty_open(tty, uid);
	if (fd < 0)
		return fd;
	length = snprintf(line, sizeof(line), "\r\n\a%s\r\n", log_safe(text, safe, sizeof(safe)));
	written = write(fd, line, (size_t)length);
	if (written < 0)
		return -errno;
	return written == length ? 0 : -EAGAIN;
}

static const char *what_follows(enum action action)
{
	return action == ACTION_DISCONNECT ? "be disconnected" : "end";
}

void announce_verdict(const struct verdict *verdict, const char *tty)
{
	char text[TEXT_SIZE], safe[TTY_PATH_SIZE];
	int r;

	if (!verdict->login || !*tty)
		return;
	switch (verdict->type) {
	case VERDICT_COUNTDOWN:
		snprintf(text, sizeof(text),
			 "Your smart card was removed: this session will %s in %llu s unless it is unlocked.",
			 what_follows(verdict->action), (unsigned long long)trail_seconds(verdict->later));
		break;
	case VERDICT_CANCELLED:
		snprintf(text, sizeof(text), "This session will not %s: %s.", what_follows(verdict->action),
			 verdict->detail ? verdict->detail : "cancelled");
		break;
	case VERDICT_CANNOT_LOCK:
		snprintf(text, sizeof(text),
			 "Your smart card was removed, but nothing here can lock this session.");
		break;
	case VERDICT_UNGUARDED:
		snprintf(text, sizeof(text),
			 "This session is not guarded: lock it yourself when you remove your smart card.");
		break;
	case VERDICT_ACT:
	case VERDICT_ARM:
	case VERDICT_DISARM:
	case VERDICT_WATCH:
	case VERDICT_UNWATCH:
	case VERDICT_RECHECK:
	case VERDICT_REREAD:
	case VERDICT_LOCATE:
	case VERDICT_BOUND:
	case VERDICT_DEALT:
	case VERDICT_UNIT:
	case VERDICT_REMOVAL:
	case VERDICT_ACTION:
	case VERDICT_OUTCOME:
	case VERDICT_HEARD:
	case VERDICT_CONTRADICTED:
	case VERDICT_COMM_ERROR:
	case VERDICT_RESTORED:
	case VERDICT_RECHECKED:
	case VERDICT_SETTLED:
	case VERDICT_KEPT:
	case VERDICT_TYPE_COUNT:
		return;
	}
	r = announce_write(tty, verdict->login->uid, text);
	if (r < 0)
		log_warning("session %s: cannot write to its terminal %s: %s", verdict->login->session,
			    log_safe(tty, safe, sizeof(safe)), strerror(-r));
}
