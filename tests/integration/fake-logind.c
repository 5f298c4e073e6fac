/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake-logind: stands in for systemd-logind on the system bus it is given. Shows READY, then a line for each
 * call it got, such as "LockSession 3". Obeys lines on standard input:
 *   session ID UID LEADER [NAME=VALUE...]
 *                           a session begins, with these properties instead of a local desktop's; shows
 *                           "SESSION ID"; CanLock=no: it cannot be locked (systemd 257 and later)
 *   end ID                  it ends
 *   unlock ID | lock ID     somebody unlocked it by hand, or locked it
 *   deaf ID                 its locker takes no notice any more
 *   sleep | resume          PrepareForSleep
 *   dumb                    it answers the next GetSession with an error
 *   away | back             it is not on the bus, and then again, awake, as after a restart
 * A session's locker sets LockedHint a few milliseconds after a Lock signal, as GNOME's does.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "lib/cleanup.h"

#define LOGIND	       "org.freedesktop.login1"
#define LOGIND_PATH    "/org/freedesktop/login1"
#define MANAGER	       LOGIND ".Manager"
#define SESSION	       LOGIND ".Session"
#define SESSION_PREFIX LOGIND_PATH "/session"

#define SESSIONS_MAX 64
#define LOCKER_USEC  5000

struct session {
	char id[64];
	char *path;
	uint32_t uid, leader;
	char properties[256]; /* " NAME=VALUE NAME=VALUE " */
	int locked;	      /* int, as sd-bus reads a boolean */
	bool deaf;
	bool unlocking; /* what the locker is about to do */
};

struct logind {
	sd_bus *bus;
	sd_event *event;
	bool dumb;
	int sleeping;			       /* int, as sd-bus reads a boolean */
	struct session sessions[SESSIONS_MAX]; /* id "": free */
};

static struct logind logind;

static struct session *session_find(const char *id)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (*id && strcmp(logind.sessions[i].id, id) == 0)
			return &logind.sessions[i];
	return NULL;
}

static int no_such_session(sd_bus_error *error, const char *id)
{
	return sd_bus_error_setf(error, LOGIND ".NoSuchSession", "No session '%s' known", id);
}

/* ---- a session object -------------------------------------------------------------------------------------
 */

static void session_set_locked(struct session *session, bool locked)
{
	session->locked = locked;
	sd_bus_emit_properties_changed(logind.bus, session->path, SESSION, "LockedHint", NULL);
}

static int on_locker(sd_event_source *timer, uint64_t usec _unused_, void *userdata)
{
	struct session *session = userdata;

	if (*session->id)
		session_set_locked(session, !session->unlocking);
	sd_event_source_unref(timer);
	return 0;
}

static void session_signal(struct session *session, bool lock)
{
	sd_event_source *timer;

	sd_bus_emit_signal(logind.bus, session->path, SESSION, lock ? "Lock" : "Unlock", NULL);
	if (session->deaf)
		return;
	session->unlocking = !lock;
	sd_event_add_time_relative(logind.event, &timer, CLOCK_MONOTONIC, LOCKER_USEC, 1, on_locker, session);
}

static int get_id(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
		  const char *property _unused_, sd_bus_message *reply, void *userdata,
		  sd_bus_error *error _unused_)
{
	const struct session *session = userdata;

	return sd_bus_message_append(reply, "s", session->id);
}

static int get_user(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
		    const char *property _unused_, sd_bus_message *reply, void *userdata,
		    sd_bus_error *error _unused_)
{
	struct session *session = userdata;
	char user[64];

	snprintf(user, sizeof(user), LOGIND_PATH "/user/_%u", session->uid);
	return sd_bus_message_append(reply, "(uo)", session->uid, user);
}

/* What the session's command named. */
static bool find_property(const struct session *session, const char *name, char *ret_value, size_t size)
{
	char key[64];
	const char *value;

	snprintf(key, sizeof(key), " %s=", name);
	value = strstr(session->properties, key);
	if (!value)
		return false;
	value += strlen(key);
	snprintf(ret_value, size, "%.*s", (int)strcspn(value, " "), value);
	return true;
}

static bool can_lock(const struct session *session)
{
	char can[8];

	return !find_property(session, "CanLock", can, sizeof(can)) || strcmp(can, "no") != 0;
}

static int get_seat(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
		    const char *property _unused_, sd_bus_message *reply, void *userdata,
		    sd_bus_error *error _unused_)
{
	char seat[64], path_of_seat[128];

	if (!find_property(userdata, "Seat", seat, sizeof(seat)))
		snprintf(seat, sizeof(seat), "seat0");
	snprintf(path_of_seat, sizeof(path_of_seat), *seat ? LOGIND_PATH "/seat/%s" : "/", seat);
	return sd_bus_message_append(reply, "(so)", seat, path_of_seat);
}

/* What is the same for every session here but those whose command says otherwise. */
static int get_constant(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
			const char *property, sd_bus_message *reply, void *userdata,
			sd_bus_error *error _unused_)
{
	static const char *const values[][2] = {
		{"Name", "card"},	    {"Type", "wayland"},  {"Class", "user"},
		{"RemoteHost", ""},	    {"Service", "login"}, {"TTY", "tty2"},
		{"Scope", "session.scope"}, {"Display", ""},	  {"State", "active"},
	};
	char own[64];

	for (size_t i = 0; i < ELEMENTS(values); i++)
		if (strcmp(values[i][0], property) == 0)
			return sd_bus_message_append(
				reply, "s",
				find_property(userdata, property, own, sizeof(own)) ? own : values[i][1]);
	if (strcmp(property, "CanLock") == 0)
		return sd_bus_message_append(reply, "b", can_lock(userdata));
	if (strcmp(property, "Remote") == 0)
		return sd_bus_message_append(reply, "b",
					     find_property(userdata, property, own, sizeof(own)) &&
						     strcmp(own, "yes") == 0);
	return sd_bus_message_append(reply, "b", strcmp(property, "Active") == 0);
}

static const sd_bus_vtable session_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "s", get_id, 0, 0),
	SD_BUS_PROPERTY("User", "(uo)", get_user, 0, 0),
	SD_BUS_PROPERTY("Leader", "u", NULL, offsetof(struct session, leader), 0),
	SD_BUS_PROPERTY("LockedHint", "b", NULL, offsetof(struct session, locked),
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Seat", "(so)", get_seat, 0, 0),
	SD_BUS_PROPERTY("Name", "s", get_constant, 0, 0),
	SD_BUS_PROPERTY("Type", "s", get_constant, 0, 0),
	SD_BUS_PROPERTY("Class", "s", get_constant, 0, 0),
	SD_BUS_PROPERTY("Remote", "b", get_constant, 0, 0),
	SD_BUS_PROPERTY("RemoteHost", "s", get_constant, 0, 0),
	SD_BUS_PROPERTY("Service", "s", get_constant, 0, 0),
	SD_BUS_PROPERTY("TTY", "s", get_constant, 0, 0),
	SD_BUS_PROPERTY("Display", "s", get_constant, 0, 0),
	SD_BUS_PROPERTY("Scope", "s", get_constant, 0, 0),
	SD_BUS_PROPERTY("State", "s", get_constant, 0, 0),
	SD_BUS_PROPERTY("CanLock", "b", get_constant, 0, 0),
	SD_BUS_PROPERTY("Active", "b", get_constant, 0, 0),
	SD_BUS_SIGNAL("Lock", "", 0),
	SD_BUS_SIGNAL("Unlock", "", 0),
	SD_BUS_VTABLE_END,
};

static int find_session(sd_bus *bus _unused_, const char *path, const char *interface _unused_,
			void *userdata _unused_, void **ret_found, sd_bus_error *error _unused_)
{
	_cleanup_free_ char *id = NULL;

	if (sd_bus_path_decode(path, SESSION_PREFIX, &id) <= 0)
		return 0;
	*ret_found = session_find(id);
	return *ret_found != NULL;
}

/* ---- the manager ------------------------------------------------------------------------------------------
 */

/* LockSession, TerminateSession, KillSession: the id is the first argument, the answer is empty. */
static int on_session_call(sd_bus_message *call, void *userdata _unused_, sd_bus_error *error)
{
	const char *id, *member = sd_bus_message_get_member(call);
	struct session *session;

	if (sd_bus_message_read(call, "s", &id) < 0)
		return -EINVAL;
	printf("%s %s\n", member, id);
	session = session_find(id);
	if (!session)
		return no_such_session(error, id);
	if (strcmp(member, "LockSession") == 0 && !can_lock(session))
		return sd_bus_error_set(error, SD_BUS_ERROR_NOT_SUPPORTED,
					"Session does not support lock screen");
	if (strcmp(member, "LockSession") == 0)
		session_signal(session, true);
	return sd_bus_reply_method_return(call, NULL);
}

static int on_sessions_call(sd_bus_message *call, void *userdata _unused_, sd_bus_error *error _unused_)
{
	puts(sd_bus_message_get_member(call));
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (*logind.sessions[i].id)
			session_signal(&logind.sessions[i], true);
	return sd_bus_reply_method_return(call, NULL);
}

static int on_get_session(sd_bus_message *call, void *userdata _unused_, sd_bus_error *error)
{
	struct session *session;
	const char *id;

	if (sd_bus_message_read(call, "s", &id) < 0)
		return -EINVAL;
	if (logind.dumb) {
		logind.dumb = false;
		return sd_bus_error_set(error, SD_BUS_ERROR_NO_REPLY, "busy");
	}
	session = session_find(id);
	return session ? sd_bus_reply_method_return(call, "o", session->path) : no_such_session(error, id);
}

/* Whether the process is the leader, or was started by it or by one of its children. */
static bool descends_from(uint32_t pid, uint32_t leader)
{
	unsigned parent = pid;

	for (char path[64]; parent > 1 && parent != leader;) {
		_cleanup_fclose_ FILE *file = NULL;

		snprintf(path, sizeof(path), "/proc/%u/stat", parent);
		file = fopen(path, "re");
		if (!file || fscanf(file, "%*u (%*[^)]) %*c %u", &parent) != 1)
			return false;
	}
	return parent == leader;
}

static int on_get_session_by_pid(sd_bus_message *call, void *userdata _unused_, sd_bus_error *error)
{
	uint32_t pid;

	if (sd_bus_message_read(call, "u", &pid) < 0)
		return -EINVAL;
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (*logind.sessions[i].id && descends_from(pid, logind.sessions[i].leader))
			return sd_bus_reply_method_return(call, "o", logind.sessions[i].path);
	return sd_bus_error_setf(error, LOGIND ".NoSessionForPID", "PID %u does not belong to any session",
				 pid);
}

static int list_append(sd_bus_message *reply)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		const struct session *session = &logind.sessions[i];
		int r = 0;

		if (*session->id)
			r = sd_bus_message_append(reply, "(susso)", session->id, session->uid, "card",
						  "seat0", session->path);
		if (r < 0)
			return r;
	}
	return 0;
}

static int on_list_sessions(sd_bus_message *call, void *userdata _unused_, sd_bus_error *error _unused_)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r = sd_bus_message_new_method_return(call, &reply);

	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(susso)");
	if (r >= 0)
		r = list_append(reply);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static const sd_bus_vtable manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("ListSessions", "", "a(susso)", on_list_sessions, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("GetSession", "s", "o", on_get_session, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("GetSessionByPID", "u", "o", on_get_session_by_pid, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("LockSession", "s", "", on_session_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("LockSessions", "", "", on_sessions_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("TerminateSession", "s", "", on_session_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("TerminateSessions", "", "", on_sessions_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("KillSession", "ssi", "", on_session_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("PreparingForSleep", "b", NULL, offsetof(struct logind, sleeping), 0),
	SD_BUS_SIGNAL("SessionNew", "so", 0),
	SD_BUS_SIGNAL("SessionRemoved", "so", 0),
	SD_BUS_SIGNAL("PrepareForSleep", "b", 0),
	SD_BUS_VTABLE_END,
};

/* ---- commands ---------------------------------------------------------------------------------------------
 */

static struct session *session_free_place(void)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (!*logind.sessions[i].id)
			return &logind.sessions[i];
	return NULL;
}

static void session_begin(const char *id, uint32_t uid, uint32_t leader, const char *properties)
{
	struct session *session = session_free_place();

	if (!session || session_find(id))
		return;
	*session = (struct session){.uid = uid, .leader = leader};
	snprintf(session->id, sizeof(session->id), "%s", id);
	snprintf(session->properties, sizeof(session->properties), " %s ", properties);
	sd_bus_path_encode(SESSION_PREFIX, id, &session->path);
	/* For tests that count what a daemon does for one: it would read the signal sooner or later. */
	if (!strstr(session->properties, " Unheard=yes "))
		sd_bus_emit_signal(logind.bus, LOGIND_PATH, MANAGER, "SessionNew", "so", id, session->path);
	printf("SESSION %s\n", id);
}

static void session_end(struct session *session)
{
	sd_bus_emit_signal(logind.bus, LOGIND_PATH, MANAGER, "SessionRemoved", "so", session->id,
			   session->path);
	free(session->path);
	*session = (struct session){0};
}

static void session_command(const char *word, struct session *session)
{
	if (strcmp(word, "end") == 0)
		session_end(session);
	else if (strcmp(word, "deaf") == 0)
		session->deaf = true;
	else if (strcmp(word, "lock") == 0 || strcmp(word, "unlock") == 0)
		session_set_locked(session, *word == 'l');
}

static void prepare_for_sleep(bool begins)
{
	logind.sleeping = begins;
	sd_bus_emit_signal(logind.bus, LOGIND_PATH, MANAGER, "PrepareForSleep", "b", logind.sleeping);
}

static void be_back(void)
{
	logind.sleeping = false;
	sd_bus_request_name(logind.bus, LOGIND, 0);
}

static void command_obey(const char *line)
{
	char word[16] = "", id[64] = "";
	uint32_t uid = 0, leader = 0;
	struct session *session;
	int properties = (int)strlen(line);

	sscanf(line, "%15s %63s %u %u %n", word, id, &uid, &leader, &properties);
	session = session_find(id);
	if (strcmp(word, "session") == 0)
		session_begin(id, uid, leader, line + properties);
	else if (strcmp(word, "sleep") == 0 || strcmp(word, "resume") == 0)
		prepare_for_sleep(*word == 's');
	else if (strcmp(word, "dumb") == 0)
		logind.dumb = true;
	else if (strcmp(word, "away") == 0)
		sd_bus_release_name(logind.bus, LOGIND);
	else if (strcmp(word, "back") == 0)
		be_back();
	else if (session)
		session_command(word, session);
}

static int on_input(sd_event_source *source _unused_, int fd, uint32_t events _unused_,
		    void *userdata _unused_)
{
	char text[4096], *rest = text;
	ssize_t size = read(fd, text, sizeof(text) - 1);

	if (size <= 0)
		return sd_event_exit(logind.event, 0);
	text[size] = '\0';
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		command_obey(line);
	return 0;
}

static int logind_setup(void)
{
	int r = sd_event_default(&logind.event);

	if (r >= 0)
		r = sd_bus_open_system(&logind.bus);
	if (r >= 0)
		r = sd_bus_add_object_vtable(logind.bus, NULL, LOGIND_PATH, MANAGER, manager_vtable, &logind);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(logind.bus, NULL, SESSION_PREFIX, SESSION, session_vtable,
					       find_session, NULL);
	if (r >= 0)
		r = sd_bus_request_name(logind.bus, LOGIND, 0);
	if (r >= 0)
		r = sd_bus_attach_event(logind.bus, logind.event, 0);
	if (r >= 0)
		r = sd_event_add_io(logind.event, NULL, STDIN_FILENO, EPOLLIN, on_input, NULL);
	return r;
}

int main(void)
{
	int r = logind_setup();

	if (r < 0) {
		fprintf(stderr, "fake-logind: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	setlinebuf(stdout);
	puts("READY");
	return sd_event_loop(logind.event) < 0;
}
