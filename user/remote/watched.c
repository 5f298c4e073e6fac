/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote/watched.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/log.h"

struct watched {
	char session[SESSION_ID_SIZE]; /* "": this place is free */
	int fd;			       /* -1: over */
	int gone;		       /* readable once the client has left; -1: nobody tells */
	int pidfds[PIDFDS_MAX];
	unsigned pidfd_count;
	bool had_pidfd;
	bool let_go;	    /* the last of those processes has ended */
	bool candidate;	    /* it replaces another one once its far end has answered */
	unsigned life_told; /* to this daemon or an earlier one */
	uint64_t noticed;   /* when what is to be reported was */
	struct far_end far;
	struct {
		struct reader_state readers[REMOTE_READERS_MAX];
		unsigned count, life;
		bool listed, silent;
	} told;
};

static struct watched all[WATCHED_MAX];
static unsigned places; /* used so far: those behind were never touched */

/* ---- the table --------------------------------------------------------------------------------------------- */

static struct watched *find(const char *session, bool candidate)
{
	for (unsigned i = 0; i < places; i++)
		if (strcmp(all[i].session, session) == 0 && all[i].candidate == candidate)
			return &all[i];
	return NULL;
}

static struct watched *free_place(void)
{
	for (unsigned i = 0; i < places; i++)
		if (!all[i].session[0])
			return &all[i];
	return places < WATCHED_MAX ? &all[places++] : NULL;
}

static void disconnect(struct watched *watched)
{
	/* Whoever else has the descriptor: the connection is over, and ssh may end. */
	if (watched->fd >= 0)
		shutdown(watched->fd, SHUT_RDWR);
	watched->fd = close_fd(watched->fd);
	watched->gone = close_fd(watched->gone);
}

static void forget(struct watched *watched)
{
	disconnect(watched);
	for (unsigned i = 0; i < watched->pidfd_count; i++)
		close_fd(watched->pidfds[i]);
	watched->pidfd_count = 0;
	watched->session[0] = '\0';
}

static bool add_pidfd(struct watched *watched, int pidfd)
{
	if (watched->pidfd_count == PIDFDS_MAX)
		return false;
	watched->pidfds[watched->pidfd_count++] = pidfd;
	watched->had_pidfd = true;
	return true;
}

bool watched_has(const char *session)
{
	return find(session, false) || find(session, true);
}

static void refuse(const char *session, const char *why)
{
	log_notice("session %s: the new connection is not used: %s", session, why);
}

void watched_attach(const char *session, enum remote_dialect dialect, int fd, int gone, const int *pidfds,
		    size_t pidfd_count, uint64_t now)
{
	struct watched *old = find(session, false), *watched = find(session, true);

	if (watched) {
		refuse(session, "a newer one has come");
		forget(watched);
	}
	watched = free_place();
	if (!watched) {
		refuse(session, "there are too many");
		close_fd(fd);
		close_fd(gone);
		for (size_t i = 0; i < pidfd_count; i++)
			close_fd(pidfds[i]);
		return;
	}
	memset(watched, 0, sizeof(*watched));
	snprintf(watched->session, sizeof(watched->session), "%s", session);
	watched->fd = fd;
	watched->gone = gone;
	watched->candidate = old != NULL;
	watched->noticed = now;
	for (size_t i = 0; i < pidfd_count; i++)
		if (!add_pidfd(watched, pidfds[i]))
			close_fd(pidfds[i]);
	far_end_start(&watched->far, dialect, now);
}

void watched_drop(const char *session)
{
	for (unsigned i = 0; i < places; i++)
		if (all[i].session[0] && strcmp(all[i].session, session) == 0)
			forget(&all[i]);
}

void watched_forget_told(const char *session)
{
	for (unsigned i = 0; i < places; i++)
		if (all[i].session[0] && (!*session || strcmp(all[i].session, session) == 0))
			memset(&all[i].told, 0, sizeof(all[i].told));
}

/* The first connection of the session hands its processes on: the last one of all closes. A client of both leaves both. */
static void replace(struct watched *old, struct watched *watched)
{
	if (watched->gone < 0 && watched->far.dialect == old->far.dialect)
		watched->gone = steal_fd(&old->gone);
	for (unsigned i = 0; i < old->pidfd_count; i++)
		if (!add_pidfd(watched, old->pidfds[i]))
			close_fd(old->pidfds[i]);
	old->pidfd_count = 0;
	forget(old);
	watched->candidate = false;
}

/* ---- reports ----------------------------------------------------------------------------------------------- */

static bool tell(int daemon, const struct watched *watched, enum remote_message_type type,
		 const struct reader_state *reader)
{
	struct remote_message message = {
		.magic = REMOTE_MAGIC,
		.type = type,
		.stamp = watched->noticed,
		.why = watched->far.over,
		.dialect = watched->far.dialect,
		.again = watched->far.life == watched->life_told,
	};

	memcpy(message.session, watched->session, sizeof(message.session));
	memcpy(message.detail, watched->far.detail, sizeof(message.detail));
	if (reader)
		message.reader = *reader;
	return send(daemon, &message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(message);
}

static const struct reader_state *reader_named(const struct reader_state *readers, unsigned count,
					       const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(readers[i].name, name) == 0)
			return &readers[i];
	return NULL;
}

/* Readers that the far end names no longer. */
static bool tell_gone(int daemon, struct watched *watched, bool *news)
{
	for (unsigned i = watched->told.count; i-- > 0;) {
		const struct reader_state *reader = &watched->told.readers[i];

		if (reader_named(watched->far.readers, watched->far.count, reader->name))
			continue;
		if (!tell(daemon, watched, REMOTE_READER_GONE, reader))
			return false;
		watched->told.readers[i] = watched->told.readers[--watched->told.count];
		*news = true;
	}
	return true;
}

static bool tell_readers(int daemon, struct watched *watched, bool *news)
{
	for (unsigned i = 0; i < watched->far.count; i++) {
		const struct reader_state *reader = &watched->far.readers[i];
		const struct reader_state *told =
			reader_named(watched->told.readers, watched->told.count, reader->name);
		size_t at = told ? (size_t)(told - watched->told.readers) : watched->told.count;

		if (told && reader_state_equal(told, reader))
			continue;
		if (!tell(daemon, watched, REMOTE_READER, reader))
			return false;
		watched->told.readers[at] = *reader;
		watched->told.count += !told;
		*news = true;
	}
	return true;
}

static bool tell_life(int daemon, struct watched *watched)
{
	if (watched->far.life == watched->told.life)
		return true;
	if (!tell(daemon, watched, REMOTE_UP, NULL))
		return false;
	memset(&watched->told, 0, sizeof(watched->told));
	watched->told.life = watched->life_told = watched->far.life;
	return true;
}

/* That it falls silent comes first; that it is heard again comes after what it said. */
static bool tell_silence(int daemon, struct watched *watched, bool silent)
{
	if (watched->far.silent != silent || watched->told.silent == silent || !watched->told.life)
		return true;
	if (!tell(daemon, watched, silent ? REMOTE_SILENT : REMOTE_HEARD, NULL))
		return false;
	watched->told.silent = silent;
	return true;
}

static bool tell_end(int daemon, struct watched *watched)
{
	if (watched->fd >= 0)
		return true;
	if (!tell(daemon, watched, watched->let_go ? REMOTE_LET_GO : REMOTE_DOWN, NULL))
		return false;
	forget(watched);
	return true;
}

static bool tell_session(int daemon, struct watched *watched)
{
	bool news = !watched->told.listed;

	if (!tell_life(daemon, watched) || !tell_silence(daemon, watched, true))
		return false;
	if (watched->far.listed && watched->told.life && watched->fd >= 0) {
		if (!tell_gone(daemon, watched, &news) || !tell_readers(daemon, watched, &news))
			return false;
		if (news && !tell(daemon, watched, REMOTE_LISTED, NULL))
			return false;
		watched->told.listed = true;
	}
	return tell_silence(daemon, watched, false) && tell_end(daemon, watched);
}

bool watched_flush(int daemon, uint64_t now)
{
	for (unsigned i = 0; i < places; i++) {
		struct watched *watched = &all[i];

		if (!watched->session[0])
			continue;
		if (watched->candidate && watched->fd < 0) {
			refuse(watched->session, watched->far.detail);
			forget(watched);
			continue;
		}
		if (watched->candidate && watched->far.life) {
			struct watched *old = find(watched->session, false);

			if (old)
				replace(old, watched);
			watched->candidate = false;
		}
		if (watched->candidate)
			continue;
		if (!watched->noticed)
			watched->noticed = now;
		if (!tell_session(daemon, watched))
			return false;
	}
	return true;
}

/* ---- the loop ---------------------------------------------------------------------------------------------- */

static void end(struct watched *watched, enum remote_why why, const char *detail, uint64_t now)
{
	far_end_over(&watched->far, why, detail);
	watched->noticed = now;
	disconnect(watched);
}

/* A message that does not fit whole is one too many: the far end does not read. */
static void send_out(struct watched *watched, uint64_t now)
{
	struct far_end *far = &watched->far;
	ssize_t size;

	if (far->over)
		end(watched, far->over, far->detail, now);
	if (watched->fd < 0 || !far->out_used)
		return;
	size = send(watched->fd, far->out, far->out_used, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (size == (ssize_t)far->out_used)
		far->out_used = 0;
	else if (size < 0 && errno != EAGAIN)
		end(watched, WHY_CLOSED, "it closed the connection", now);
	else
		end(watched, WHY_FULL, "it does not read", now);
}

size_t watched_poll(struct pollfd *polls, uint64_t *ret_deadline)
{
	uint64_t deadline = 0;
	size_t used = 0;

	for (unsigned i = 0; i < places; i++) {
		struct watched *watched = &all[i];

		if (!watched->session[0])
			continue;
		polls[used++] = (struct pollfd){
			.fd = watched->fd,
			.events = watched->far.in_wanted ? POLLIN : 0,
		};
		polls[used++] = (struct pollfd){.fd = watched->gone, .events = POLLIN};
		for (unsigned j = 0; j < watched->pidfd_count; j++)
			polls[used++] = (struct pollfd){.fd = watched->pidfds[j], .events = POLLIN};
		if (watched->fd >= 0 && watched->far.out_used)
			deadline = 1;
		if (watched->far.deadline && (!deadline || watched->far.deadline < deadline))
			deadline = watched->far.deadline;
	}
	*ret_deadline = deadline;
	return used;
}

static void receive(struct watched *watched, short revents, uint64_t now)
{
	struct far_end *far = &watched->far;
	ssize_t size;

	if (!(revents & (POLLIN | POLLHUP | POLLERR)))
		return;
	size = far->in_wanted ? recv(watched->fd, far->in + far->in_used, far->in_wanted - far->in_used,
				     MSG_DONTWAIT)
			      : 0;
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	watched->noticed = now;
	if (size > 0)
		far_end_take(far, (size_t)size, now);
	else
		end(watched, WHY_CLOSED, "it closed the connection", now);
}

static void serve_pidfds(struct watched *watched, const struct pollfd *polls, uint64_t now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < watched->pidfd_count; i++) {
		if (polls[i].revents)
			close_fd(watched->pidfds[i]);
		else
			watched->pidfds[kept++] = watched->pidfds[i];
	}
	watched->pidfd_count = kept;
	if (kept > 0 || !watched->had_pidfd || watched->fd < 0)
		return;
	watched->let_go = true;
	end(watched, WHY_CLOSED, "the session's own process has ended", now);
}

void watched_serve(const struct pollfd *polls, uint64_t now)
{
	for (unsigned i = 0; i < places; i++) {
		struct watched *watched = &all[i];
		unsigned pidfds = watched->pidfd_count;

		if (!watched->session[0])
			continue;
		if (watched->fd >= 0)
			receive(watched, polls[0].revents, now);
		/* Before anything more is asked (chansrv.h). */
		if (watched->fd >= 0 && polls[1].revents)
			end(watched, WHY_CLOSED, "its client has left", now);
		if (watched->fd >= 0 && watched->far.deadline && now >= watched->far.deadline) {
			watched->noticed = now;
			far_end_time(&watched->far, now);
		}
		send_out(watched, now);
		serve_pidfds(watched, polls + 2, now);
		polls += 2 + pidfds;
	}
}
