/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/remote_source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "lib/cleanup.h"
#include "lib/descriptors.h"
#include "lib/log.h"
#include "lib/loop.h"

/* Attaches of one session in a minute: a person reconnects now and then, a loop does so for ever. */
#define ATTACHES_MAX	4
#define ATTACHES_WINDOW (60 * NSEC_PER_SEC)
/* A connection that lives no longer, and was found, has not been of use. */
#define SHORT_LIFE (60 * NSEC_PER_SEC)

struct attached {
	char session[SESSION_ID_SIZE];
	bool up;
	uint64_t since; /* the first of `count` attaches in the last minute */
	unsigned count;
	uint64_t found; /* when the daemon offered the connection itself; 0: a person attached it */
	char ended[64]; /* why one that was found ended soon; "": none did */
	UT_hash_handle hh;
};

struct remote_source {
	struct sink sink;
	remote_known known;
	sd_event *event;
	sd_event_source *io;
	int socket; /* -1: nobody needed the watcher yet, or it has ended */
	struct attached *sessions;
};

DEFINE_CLEANUP(struct remote_source *, remote_source_free)

/* ---- the sessions ------------------------------------------------------------------------------------------ */

static struct attached *attached_find(const struct remote_source *source, const char *session)
{
	struct attached *attached;

	HASH_FIND_STR(source->sessions, session, attached);
	return attached;
}

static struct attached *attached_get(struct remote_source *source, const char *session)
{
	struct attached *attached = attached_find(source, session);

	if (attached)
		return attached;
	attached = calloc(1, sizeof(*attached));
	if (!attached)
		return NULL;
	snprintf(attached->session, sizeof(attached->session), "%s", session);
	HASH_ADD_STR(source->sessions, session, attached);
	if (attached->hh.tbl)
		return attached;
	free(attached);
	return NULL;
}

static void attached_drop(struct remote_source *source, struct attached *attached)
{
	HASH_DEL(source->sessions, attached);
	free(attached);
}

static bool may_attach(struct attached *attached)
{
	uint64_t now = monotonic_now();

	if (!attached->since || now - attached->since > ATTACHES_WINDOW) {
		attached->since = now;
		attached->count = 0;
	}
	return attached->count++ < ATTACHES_MAX;
}

/* ---- the watcher ------------------------------------------------------------------------------------------- */

static void report_remote(struct remote_source *source, enum event_type type, const char *session,
			  uint64_t stamp, const struct reader_state *reader, bool known)
{
	source->sink.send(source->sink.userdata,
			  &(struct event){.type = type,
					  .source = SOURCE_PCSC,
					  .stamp = stamp,
					  .remote = {.session = session, .reader = reader, .known = known}});
}

/* The connections have ended with it. */
static void lose_watcher(struct remote_source *source, const char *why)
{
	struct attached *attached, *next;

	log_warning("the watcher of remote cards is gone: %s", why);
	source->io = sd_event_source_disable_unref(source->io);
	source->socket = close_fd(source->socket);
	HASH_ITER(hh, source->sessions, attached, next) {
		if (!attached->up)
			continue;
		attached->up = false;
		report_remote(source, EVENT_REMOTE_DOWN, attached->session, monotonic_now(), NULL, false);
	}
}

static int send_request(struct remote_source *source, enum remote_request_type type,
			enum remote_dialect dialect, const char *session, const int *fds, size_t count)
{
	struct remote_request request = {.magic = REMOTE_MAGIC, .type = type, .dialect = dialect};
	int r;

	snprintf(request.session, sizeof(request.session), "%s", session);
	r = descriptors_send(source->socket, &request, sizeof(request), fds, count);
	if (r < 0)
		lose_watcher(source, strerror(-r));
	return r;
}

static bool reader_valid(const struct reader_state *reader)
{
	if (!reader_state_valid(reader) || usb_address_is_set(reader->usb))
		return false;
	for (const char *c = reader->name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return true;
}

static bool message_valid(const struct remote_message *message)
{
	bool reader = message->type == REMOTE_READER || message->type == REMOTE_READER_GONE;

	return message->magic == REMOTE_MAGIC && memchr(message->session, '\0', sizeof(message->session)) &&
	       session_id_valid(message->session) && memchr(message->detail, '\0', sizeof(message->detail)) &&
	       (!reader || reader_valid(&message->reader));
}

/* That one which was found has ended soon, for the same reason as the last, is no news. */
static bool end_is_news(struct attached *attached, const struct remote_message *message)
{
	bool soon = attached->found && monotonic_now() - attached->found < SHORT_LIFE;
	bool news = !soon || strcmp(attached->ended, message->detail) != 0;

	snprintf(attached->ended, sizeof(attached->ended), "%s", soon ? message->detail : "");
	return news;
}

static void take_end(struct remote_source *source, struct attached *attached,
		     const struct remote_message *message, uint64_t stamp)
{
	char detail[sizeof(message->detail)];

	attached->up = false;
	if (message->type == REMOTE_DOWN)
		log_line(end_is_news(attached, message) ? LOG_NOTICE : LOG_DEBUG,
			 "session %s: the connection to its client's PC/SC is over: %s", attached->session,
			 log_safe(message->detail, detail, sizeof(detail)));
	report_remote(source, EVENT_REMOTE_DOWN, attached->session, stamp, NULL, false);
}

/* False: it is no watcher's. */
static bool take_remote_message(struct remote_source *source, const struct remote_message *message)
{
	uint64_t now = monotonic_now(), stamp = message->stamp > now ? now : message->stamp;
	struct attached *attached;

	if (!message_valid(message))
		return false;
	attached = attached_find(source, message->session);
	if (!attached && !source->known(source->sink.userdata, message->session)) {
		/* It has ended while no daemon was there. */
		send_request(source, REMOTE_DROP, 0, message->session, NULL, 0);
		return true;
	}
	attached = attached ? attached : attached_get(source, message->session);
	if (!attached)
		return true;
	switch ((enum remote_message_type)message->type) {
	case REMOTE_UP:
		attached->up = true;
		log_line(attached->ended[0] ? LOG_DEBUG : LOG_INFO, "session %s: its client's PC/SC answers",
			 message->session);
		report_remote(source, EVENT_REMOTE_UP, message->session, stamp, NULL, message->again);
		return true;
	case REMOTE_READER:
		report_remote(source, EVENT_REMOTE_READER, message->session, stamp, &message->reader, false);
		return true;
	case REMOTE_READER_GONE:
		report_remote(source, EVENT_REMOTE_READER_GONE, message->session, stamp, &message->reader,
			      false);
		return true;
	case REMOTE_LISTED:
		report_remote(source, EVENT_REMOTE_LISTED, message->session, stamp, NULL, false);
		return true;
	case REMOTE_SILENT:
		report_remote(source, EVENT_REMOTE_SILENT, message->session, stamp, NULL, false);
		return true;
	case REMOTE_HEARD:
		report_remote(source, EVENT_REMOTE_HEARD, message->session, stamp, NULL, false);
		return true;
	case REMOTE_DOWN:
	case REMOTE_LET_GO:
		take_end(source, attached, message, stamp);
		return true;
	}
	return false;
}

static int on_watcher_readable(sd_event_source *io _unused_, int fd, uint32_t revents _unused_,
			       void *userdata)
{
	struct remote_source *source = userdata;
	struct remote_message message;
	ssize_t size = recv(fd, &message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size <= 0)
		lose_watcher(source, "it has ended");
	else if ((size_t)size != sizeof(message) || !take_remote_message(source, &message))
		lose_watcher(source, "it sends nonsense");
	return 0;
}

static int watcher_open(struct remote_source *source)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", REMOTE_SOCKET);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = sd_event_add_io(source->event, &source->io, fd, EPOLLIN, on_watcher_readable, source);
	if (r < 0)
		return r;
	sd_event_source_set_description(source->io, "remote");
	sd_event_source_set_priority(source->io, PRIORITY_SOURCE);
	source->socket = steal_fd(&fd);
	return 0;
}

static int watcher_reach(struct remote_source *source)
{
	return source->socket >= 0 ? 0 : watcher_open(source);
}

/* ---- for the daemon ---------------------------------------------------------------------------------------- */

int remote_source_attach(struct remote_source *source, const char *session, enum remote_dialect dialect,
			 int fd, int pidfd)
{
	struct attached *attached = attached_get(source, session);
	const int fds[] = {fd, pidfd};
	int r;

	if (!attached)
		return -ENOMEM;
	if (!may_attach(attached))
		return -EBUSY;
	attached->found = 0;
	attached->ended[0] = '\0';
	r = watcher_reach(source);
	return r < 0 ? r : send_request(source, REMOTE_ATTACH, dialect, session, fds, pidfd < 0 ? 1 : 2);
}

int remote_source_offer(struct remote_source *source, const char *session, enum remote_dialect dialect,
			const int *fds, size_t count)
{
	struct attached *attached = attached_get(source, session);
	int r;

	if (!attached)
		return -ENOMEM;
	attached->found = monotonic_now();
	r = watcher_reach(source);
	return r < 0 ? r : send_request(source, REMOTE_OFFER, dialect, session, fds, count);
}

bool remote_source_has(const struct remote_source *source, const char *session)
{
	const struct attached *attached = attached_find(source, session);

	return attached && attached->up;
}

void remote_source_report(struct remote_source *source, const char *session)
{
	int r = watcher_reach(source);

	if (r < 0)
		log_warning("session %s: cannot reach the watcher of remote cards: %s", session,
			    strerror(-r));
	else
		send_request(source, REMOTE_REPORT, 0, session, NULL, 0);
}

void remote_source_forget(struct remote_source *source, const char *session)
{
	struct attached *attached = attached_find(source, session);

	if (!attached)
		return;
	attached_drop(source, attached);
	if (source->socket >= 0)
		send_request(source, REMOTE_DROP, 0, session, NULL, 0);
}

int remote_source_new(sd_event *event, struct sink sink, remote_known known, struct remote_source **ret)
{
	struct remote_source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->sink = sink;
	source->known = known;
	source->event = sd_event_ref(event);
	source->socket = -1;
	*ret = source;
	return 0;
}

struct remote_source *remote_source_free(struct remote_source *source)
{
	struct attached *attached, *next;

	if (!source)
		return NULL;
	HASH_ITER(hh, source->sessions, attached, next)
		attached_drop(source, attached);
	sd_event_source_disable_unref(source->io);
	close_fd(source->socket);
	sd_event_unref(source->event);
	free(source);
	return NULL;
}
