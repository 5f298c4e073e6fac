/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/attach.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "daemon/wiring.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/names.h"
#include "sources/newcomer.h"
#include "sources/remote_source.h"

#define NOT_ATTACHED BUS_NAME ".Error.NotAttached"

/* A call whose session logind is asked about. Its descriptors are the message's. */
struct attach {
	struct daemon *daemon;
	sd_bus_message *call;
	char session[SESSION_ID_SIZE];
	uid_t uid;
	int fd, pidfd;
	enum remote_dialect dialect;
};

static void attach_free(void *pointer)
{
	struct attach *attach = pointer;

	sd_bus_message_unref(attach->call);
	free(attach);
}

static void attach_free_p(struct attach **attach)
{
	if (*attach)
		attach_free(*attach);
}

static int refuse(const struct attach *attach, const char *why)
{
	log_notice("session %s: the connection that its user offers is not used: %s", attach->session, why);
	return sd_bus_reply_method_errorf(attach->call, NOT_ATTACHED, "Not attached: %s", why);
}

/* ---- checks ------------------------------------------------------------------------------------------------ */

static int socket_option(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

/* Whose service it is, nobody here can tell: it governs the session of who sent it. */
const char *attach_wrong_with_socket(int fd)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	struct stat status;

	if (fstat(fd, &status) < 0 || !S_ISSOCK(status.st_mode))
		return "it is no socket";
	if (socket_option(fd, SO_DOMAIN) != AF_UNIX || socket_option(fd, SO_TYPE) != SOCK_STREAM)
		return "it is no unix stream socket";
	if (socket_option(fd, SO_ACCEPTCONN) != 0)
		return "it listens, and is not connected";
	if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0)
		return "it is not connected";
	return NULL;
}

static bool read_dialect(const char *word, enum remote_dialect *ret)
{
	if (strcmp(word, "pcsc-lite") != 0 && strcmp(word, "xrdp") != 0)
		return false;
	*ret = strcmp(word, "xrdp") == 0 ? DIALECT_XRDP : DIALECT_PCSCLITE;
	return true;
}

/* ---- the way of a connection --------------------------------------------------------------------------------- */

static int hand_over(const struct attach *attach)
{
	int r = remote_source_attach(attach->daemon->remote, attach->session, attach->dialect, attach->fd,
				     attach->pidfd);

	if (r == -EBUSY)
		return refuse(attach, "the session has had too many connections within a minute");
	if (r < 0)
		return refuse(attach, "the watcher of remote cards cannot be reached");
	return sd_bus_reply_method_return(attach->call, NULL);
}

static enum login_source source_of(const struct attach *attach, const char *service)
{
	if (attach->dialect == DIALECT_XRDP)
		return LOGIN_XRDP;
	return strcmp(service, "sshd") == 0 ? LOGIN_SSH : LOGIN_ATTACH;
}

/* The session has no login record yet: it gets one that waits for its card. */
static void take_newcomer(void *userdata, const struct newcomer *newcomer)
{
	const struct attach *attach = userdata;
	int r;

	if (!newcomer || newcomer->uid != attach->uid) {
		refuse(attach, "logind does not say that the session is yours");
		return;
	}
	if (!newcomer_is_persons(newcomer)) {
		refuse(attach, "it is no user's session");
		return;
	}
	/* It may have got one meanwhile. */
	if (!attach_known(attach->daemon, attach->session)) {
		r = newcomer_record(newcomer, source_of(attach, newcomer->service));
		if (r < 0 && r != -EEXIST) {
			refuse(attach, "its login record cannot be written");
			return;
		}
	}
	hand_over(attach);
}

static struct attach *attach_new(struct daemon *daemon, sd_bus_message *call, const char *session, uid_t uid)
{
	struct attach *attach = calloc(1, sizeof(*attach));

	if (!attach)
		return NULL;
	attach->daemon = daemon;
	attach->call = sd_bus_message_ref(call);
	attach->uid = uid;
	snprintf(attach->session, sizeof(attach->session), "%s", session);
	return attach;
}

int attach_call(void *userdata, sd_bus_message *call, const char *session, uid_t uid)
{
	struct daemon *daemon = userdata;
	_cleanup_(attach_free_p) struct attach *attach = attach_new(daemon, call, session, uid);
	const char *word, *wrong;
	struct session_view view;
	int r;

	if (!attach)
		return -ENOMEM;
	r = sd_bus_message_read(call, "hhs", &attach->fd, &attach->pidfd, &word);
	if (r < 0)
		return r;
	if (!read_dialect(word, &attach->dialect))
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS,
						  "A dialect is pcsc-lite or xrdp, not '%s'", word);
	wrong = attach_wrong_with_socket(attach->fd);
	if (wrong)
		return refuse(attach, wrong);
	if (!world_session(daemon->world, session, &view)) {
		r = newcomer_ask(daemon->bus, session, take_newcomer, attach_free, attach);
		(void)steal_pointer(attach);
		return r;
	}
	if (view.login->uid != uid)
		return refuse(attach, "the session is not yours");
	if (view.login->source == LOGIN_LOCAL)
		return refuse(attach, "a card in a reader of this machine opened the session, and guards it");
	return hand_over(attach);
}

bool attach_known(void *userdata, const char *session)
{
	const struct daemon *daemon = userdata;
	struct session_view view;

	return world_session(daemon->world, session, &view) && view.login->source != LOGIN_LOCAL;
}
