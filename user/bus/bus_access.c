/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/bus_access.h"

#include <grp.h>
#include <string.h>

#include <utlist.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/logind.h"

#define BUS_DRIVER	 "org.freedesktop.DBus"
#define POLKIT		 "org.freedesktop.PolicyKit1"
#define POLKIT_PATH	 "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE POLKIT ".Authority"
/* A person may have to find a password first. */
#define POLKIT_TIMEOUT_USEC (5 * 60 * 1000 * 1000ULL)
#define POLKIT_INTERACTION  1U
#define NO_SESSION_OF_PID   LOGIND ".NoSessionForPID"
/* A locker waits for it. */
#define LOGIND_TIMEOUT_USEC (2 * 1000 * 1000ULL)
#define GROUP_FILE	    "/etc/group"
#define NO_GROUP	    ((gid_t) - 1)

struct waiting_call {
	struct access *access;
	sd_bus_message *call;
	sd_bus_slot *slot; /* the question */
	access_handler handler;
	uid_t uid; /* of one that polkit or logind was asked about */
	bool privileged;
	struct waiting_call *prev, *next;
};

struct access {
	sd_bus *bus;
	void *userdata;
	gid_t group;
	struct waiting_call *callers; /* who is it? */
	struct waiting_call *asked;   /* may it? */
};

/* ---- the tables ------------------------------------------------------------------------------------------ */

static struct waiting_call *waiting_call_free(struct waiting_call *waiting)
{
	if (!waiting)
		return NULL;
	sd_bus_slot_unref(waiting->slot);
	sd_bus_message_unref(waiting->call);
	free(waiting);
	return NULL;
}

DEFINE_CLEANUP(struct waiting_call *, waiting_call_free)

static bool callers_full(const struct access *access, const char *sender)
{
	const struct waiting_call *waiting;
	unsigned all = 0, own = 0;

	DL_FOREACH(access->callers, waiting) {
		all++;
		own += strcmp(sd_bus_message_get_sender(waiting->call), sender) == 0;
	}
	return all >= ACCESS_WAITING_MAX || own >= ACCESS_WAITING_SENDER;
}

static bool asked_full(const struct access *access, uid_t uid)
{
	const struct waiting_call *waiting;
	unsigned all = 0, own = 0;

	DL_FOREACH(access->asked, waiting) {
		all++;
		own += waiting->uid == uid;
	}
	return all >= ACCESS_ASKED_MAX || own >= ACCESS_ASKED_USER;
}

static struct waiting_call *waiting_call_new(struct access *access, sd_bus_message *call,
					     access_handler handler)
{
	struct waiting_call *waiting = calloc(1, sizeof(*waiting));

	if (!waiting)
		return NULL;
	waiting->access = access;
	waiting->call = sd_bus_message_ref(call);
	waiting->handler = handler;
	return waiting;
}

static int serve_caller(struct access *access, sd_bus_message *call, const struct caller *caller,
			access_handler handler)
{
	int r = handler(access->userdata, call, caller);

	return r < 0 ? sd_bus_reply_method_errno(call, r, NULL) : r;
}

/* ---- who ------------------------------------------------------------------------------------------------- */

static int find_group(sd_bus_message *answer, gid_t group, bool *ret_member)
{
	const uint32_t *gids;
	size_t size;
	int r;

	r = sd_bus_message_enter_container(answer, 'v', "au");
	if (r >= 0)
		r = sd_bus_message_read_array(answer, 'u', (const void **)&gids, &size);
	if (r < 0)
		return r;
	for (size_t i = 0; group != NO_GROUP && i < size / sizeof(*gids); i++)
		*ret_member |= gids[i] == group;
	return sd_bus_message_exit_container(answer);
}

bool credentials_read(sd_bus_message *answer, gid_t group, struct caller *ret_caller)
{
	bool known = false, member = false;
	const char *key;
	uint32_t uid, pid = 0;
	int r;

	r = sd_bus_message_enter_container(answer, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(answer, 'e', "sv")) > 0) {
		r = sd_bus_message_read(answer, "s", &key);
		if (r >= 0 && strcmp(key, "UnixUserID") == 0) {
			r = sd_bus_message_read(answer, "v", "u", &uid);
			known = r >= 0;
		} else if (r >= 0 && strcmp(key, "ProcessID") == 0)
			r = sd_bus_message_read(answer, "v", "u", &pid);
		else if (r >= 0 && strcmp(key, "UnixGroupIDs") == 0)
			r = find_group(answer, group, &member);
		else if (r >= 0)
			r = sd_bus_message_skip(answer, "v");
		if (r >= 0)
			r = sd_bus_message_exit_container(answer);
	}
	if (r < 0 || !known)
		return false;
	ret_caller->uid = uid;
	ret_caller->pid = pid;
	ret_caller->privileged = uid == 0 || member;
	return true;
}

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	_cleanup_(waiting_call_free_p) struct waiting_call *waiting = userdata;
	struct access *access = waiting->access;
	struct caller caller = {.name = sd_bus_message_get_sender(waiting->call)};

	DL_DELETE(access->callers, waiting);
	if (sd_bus_message_is_method_error(reply, NULL))
		return 0; /* it has left */
	if (!credentials_read(reply, access->group, &caller))
		return sd_bus_reply_method_errorf(waiting->call, SD_BUS_ERROR_ACCESS_DENIED,
						  "The bus does not say who you are");
	return serve_caller(access, waiting->call, &caller, waiting->handler);
}

int access_identify(struct access *access, sd_bus_message *call, access_handler handler, sd_bus_error *error)
{
	const char *sender = sd_bus_message_get_sender(call);
	_cleanup_(waiting_call_free_p) struct waiting_call *waiting = NULL;
	int r;

	if (!sender)
		return -EINVAL;
	if (callers_full(access, sender))
		return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
					"Too many calls wait for their answers");
	waiting = waiting_call_new(access, call, handler);
	if (!waiting)
		return -ENOMEM;
	r = sd_bus_call_method_async(access->bus, &waiting->slot, BUS_DRIVER, "/org/freedesktop/DBus",
				     BUS_DRIVER, "GetConnectionCredentials", on_credentials, waiting, "s",
				     sender);
	if (r < 0)
		return r;
	DL_APPEND(access->callers, waiting);
	(void)steal_pointer(waiting);
	return 1;
}

/* ---- may it ---------------------------------------------------------------------------------------------- */

static int deny(sd_bus_message *call)
{
	return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_ACCESS_DENIED,
					  "This takes an administrator: use sudo, or have polkit installed");
}

static int on_authorization(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	_cleanup_(waiting_call_free_p) struct waiting_call *waiting = userdata;
	const struct caller caller = {.name = sd_bus_message_get_sender(waiting->call),
				      .uid = waiting->uid,
				      .privileged = waiting->privileged};
	int authorized = false, challenge;

	DL_DELETE(waiting->access->asked, waiting);
	if (!sd_bus_message_is_method_error(reply, NULL) &&
	    (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
	     sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0))
		authorized = false;
	if (!authorized)
		return deny(waiting->call);
	return serve_caller(waiting->access, waiting->call, &caller, waiting->handler);
}

static int ask_polkit(struct waiting_call *waiting, const char *sender, const char *action)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *question = NULL;
	bool interactive = sd_bus_message_get_allow_interactive_authorization(waiting->call) > 0;
	sd_bus *bus = waiting->access->bus;
	int r;

	r = sd_bus_message_new_method_call(bus, &question, POLKIT, POLKIT_PATH, POLKIT_INTERFACE,
					   "CheckAuthorization");
	if (r >= 0)
		r = sd_bus_message_append(question, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
					  sender, action, 0, interactive ? POLKIT_INTERACTION : 0U, "");
	return r < 0 ? r
		     : sd_bus_call_async(bus, &waiting->slot, question, on_authorization, waiting,
					 POLKIT_TIMEOUT_USEC);
}

/* A call that polkit or logind is asked about next. NULL: no memory. */
static struct waiting_call *asked_call_new(struct access *access, sd_bus_message *call,
					   const struct caller *caller, access_handler handler)
{
	struct waiting_call *waiting = waiting_call_new(access, call, handler);

	if (!waiting)
		return NULL;
	waiting->uid = caller->uid;
	waiting->privileged = caller->privileged;
	return waiting;
}

static int refuse_one_more(sd_bus_message *call)
{
	return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_LIMITS_EXCEEDED,
					  "Too many calls wait for their answers");
}

int access_authorize(struct access *access, sd_bus_message *call, const struct caller *caller,
		     const char *action, access_handler handler)
{
	_cleanup_(waiting_call_free_p) struct waiting_call *waiting = NULL;
	int r;

	if (caller->uid == 0)
		return serve_caller(access, call, caller, handler);
	if (asked_full(access, caller->uid))
		return refuse_one_more(call);
	waiting = asked_call_new(access, call, caller, handler);
	if (!waiting)
		return -ENOMEM;
	r = ask_polkit(waiting, caller->name, action);
	if (r < 0)
		return r;
	DL_APPEND(access->asked, waiting);
	(void)steal_pointer(waiting);
	return 0;
}

/* ---- in which session is it? ----------------------------------------------------------------------------- */

/* False: logind's answer says nothing. `ret_session` is NULL for a process of no session, and to be freed. */
static bool read_session_of(sd_bus_message *reply, char **ret_session)
{
	const char *path;

	*ret_session = NULL;
	if (sd_bus_message_is_method_error(reply, NO_SESSION_OF_PID))
		return true;
	return !sd_bus_message_is_method_error(reply, NULL) && sd_bus_message_read(reply, "o", &path) >= 0 &&
	       sd_bus_path_decode(path, SESSION_PREFIX, ret_session) > 0;
}

static int on_caller_session(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	_cleanup_(waiting_call_free_p) struct waiting_call *waiting = userdata;
	struct caller caller = {.name = sd_bus_message_get_sender(waiting->call),
				.uid = waiting->uid,
				.privileged = waiting->privileged};
	_cleanup_free_ char *session = NULL;

	DL_DELETE(waiting->access->asked, waiting);
	if (!read_session_of(reply, &session))
		return sd_bus_reply_method_errorf(waiting->call, SD_BUS_ERROR_TIMEOUT,
						  "logind does not say which session you are in");
	caller.session = session;
	return serve_caller(waiting->access, waiting->call, &caller, waiting->handler);
}

static int ask_logind(struct waiting_call *waiting, uint32_t pid)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *question = NULL;
	sd_bus *bus = waiting->access->bus;
	int r;

	r = sd_bus_message_new_method_call(bus, &question, LOGIND, LOGIND_PATH, LOGIND_MANAGER,
					   "GetSessionByPID");
	if (r >= 0)
		r = sd_bus_message_append(question, "u", pid);
	return r < 0 ? r
		     : sd_bus_call_async(bus, &waiting->slot, question, on_caller_session, waiting,
					 LOGIND_TIMEOUT_USEC);
}

/*
 * A process id may be another process's by the time that logind looks. So the answer counts only together with the
 * user id, which the bus has from the connection itself.
 */
int access_find_session(struct access *access, sd_bus_message *call, const struct caller *caller,
			access_handler handler)
{
	_cleanup_(waiting_call_free_p) struct waiting_call *waiting = NULL;
	int r;

	/* logind takes 0 for the process that asks: that is this daemon. */
	if (!caller->pid)
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_ACCESS_DENIED,
						  "The bus does not say which process you are");
	if (asked_full(access, caller->uid))
		return refuse_one_more(call);
	waiting = asked_call_new(access, call, caller, handler);
	if (!waiting)
		return -ENOMEM;
	r = ask_logind(waiting, caller->pid);
	if (r < 0)
		return r;
	DL_APPEND(access->asked, waiting);
	(void)steal_pointer(waiting);
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------------------ */

/* Not through the name service, which may take any time. */
void access_reload(struct access *access)
{
	_cleanup_fclose_ FILE *file = fopen(GROUP_FILE, "re");
	const struct group *group = NULL;

	access->group = NO_GROUP;
	if (!file) {
		log_warning("cannot read %s: %m", GROUP_FILE);
		return;
	}
	while ((group = fgetgrent(file)))
		if (strcmp(group->gr_name, ACCESS_GROUP) == 0)
			break;
	if (group)
		access->group = group->gr_gid;
}

int access_new(sd_bus *bus, void *userdata, struct access **ret)
{
	struct access *access = calloc(1, sizeof(*access));

	if (!access)
		return -ENOMEM;
	access->bus = sd_bus_ref(bus);
	access->userdata = userdata;
	access_reload(access);
	*ret = access;
	return 0;
}

static void waiting_calls_free(struct waiting_call *list)
{
	struct waiting_call *waiting, *next;

	DL_FOREACH_SAFE(list, waiting, next)
		waiting_call_free(waiting);
}

struct access *access_free(struct access *access)
{
	if (!access)
		return NULL;
	waiting_calls_free(access->callers);
	waiting_calls_free(access->asked);
	sd_bus_unref(access->bus);
	free(access);
	return NULL;
}
