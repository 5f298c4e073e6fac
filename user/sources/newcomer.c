/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/newcomer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "sources/logind_session.h"

struct question {
	char session[SESSION_ID_SIZE];
	newcomer_taker take;
	void (*release)(void *userdata);
	void *userdata;
};

static void question_free(void *pointer)
{
	struct question *question = pointer;

	question->release(question->userdata);
	free(question);
}

/* The text of a variant "s", as far as it fits. */
static int read_text(sd_bus_message *message, char *text, size_t size)
{
	const char *value;
	int r = sd_bus_message_read(message, "v", "s", &value);

	if (r >= 0)
		snprintf(text, size, "%s", value);
	return r;
}

static int read_property(sd_bus_message *message, const char *key, struct newcomer *newcomer)
{
	int remote = false, r;

	if (strcmp(key, "Name") == 0)
		return read_text(message, newcomer->user, sizeof(newcomer->user));
	if (strcmp(key, "Service") == 0)
		return read_text(message, newcomer->service, sizeof(newcomer->service));
	if (strcmp(key, "Class") == 0)
		return read_text(message, newcomer->class, sizeof(newcomer->class));
	if (strcmp(key, "Display") == 0)
		return read_text(message, newcomer->display, sizeof(newcomer->display));
	if (strcmp(key, "User") == 0)
		return sd_bus_message_read(message, "v", "(uo)", &newcomer->uid, NULL);
	if (strcmp(key, "Leader") == 0)
		return sd_bus_message_read(message, "v", "u", &newcomer->leader);
	if (strcmp(key, "Remote") != 0)
		return sd_bus_message_skip(message, "v");
	r = sd_bus_message_read(message, "v", "b", &remote);
	newcomer->remote = remote;
	return r;
}

static int read_properties(sd_bus_message *reply, struct newcomer *newcomer)
{
	const char *key;
	int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
		r = sd_bus_message_read(reply, "s", &key);
		if (r >= 0)
			r = read_property(reply, key, newcomer);
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	return r;
}

static int on_newcomer(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	const struct question *question = userdata;
	struct newcomer newcomer = {.uid = UINT32_MAX};
	bool good;

	snprintf(newcomer.session, sizeof(newcomer.session), "%s", question->session);
	good = !sd_bus_message_is_method_error(reply, NULL) && read_properties(reply, &newcomer) >= 0 &&
	       newcomer.uid != UINT32_MAX && newcomer.leader && newcomer.user[0];
	question->take(question->userdata, good ? &newcomer : NULL);
	return 0;
}

int newcomer_ask(sd_bus *bus, const char *session, newcomer_taker take, void (*release)(void *),
		 void *userdata)
{
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	struct question *question = calloc(1, sizeof(*question));
	_cleanup_free_ char *path = NULL;
	int r;

	if (!question) {
		release(userdata);
		return -ENOMEM;
	}
	*question = (struct question){.take = take, .release = release, .userdata = userdata};
	snprintf(question->session, sizeof(question->session), "%s", session);
	r = sd_bus_path_encode(SESSION_PREFIX, session, &path);
	if (r >= 0)
		r = sd_bus_call_method_async(bus, &slot, LOGIND, path, PROPERTIES, "GetAll", on_newcomer,
					     question, "s", LOGIND_SESSION);
	if (r < 0) {
		question_free(question);
		return r;
	}
	sd_bus_slot_set_destroy_callback(slot, question_free);
	return sd_bus_slot_set_floating(slot, true);
}

bool newcomer_is_persons(const struct newcomer *newcomer)
{
	return strncmp(newcomer->class, "user", strlen("user")) == 0;
}

enum login_source newcomer_source(const struct newcomer *newcomer)
{
	if (strcmp(newcomer->service, "xrdp-sesman") == 0)
		return LOGIN_XRDP;
	return strcmp(newcomer->service, "sshd") == 0 ? LOGIN_SSH : LOGIN_ATTACH;
}

int newcomer_record(const struct newcomer *newcomer, enum login_source source)
{
	struct login_record login = {
		.uid = newcomer->uid, .leader = (pid_t)newcomer->leader, .source = source, .awaiting = true};
	_cleanup_close_ int dir = record_dir_open();
	int r = dir < 0 ? dir : boot_id_read(login.boot_id);

	if (r < 0)
		return r;
	/* That of a card in a reader here, which the PAM module has written meanwhile, counts. */
	if (faccessat(dir, newcomer->session, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	memcpy(login.session, newcomer->session, sizeof(login.session));
	memcpy(login.user, newcomer->user, sizeof(login.user));
	/* Not every program that opens a session names a service. */
	snprintf(login.service, sizeof(login.service), "%s",
		 newcomer->service[0] ? newcomer->service : "unknown");
	return record_write(dir, &login);
}
