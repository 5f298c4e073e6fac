/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/newcomers.h"

#include <string.h>

#include "daemon/looks.h"
#include "daemon/wiring.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/logind.h"
#include "lib/loop.h"
#include "sources/newcomer.h"

#define AGAIN_USEC USEC_PER_SEC

static void release_nothing(void *userdata _unused_)
{
}

/* As a rule's Session=remote has it: xrdp's sessions are local ones for logind. */
static bool is_remote(const struct newcomer *newcomer)
{
	return newcomer_is_persons(newcomer) && (newcomer->remote || newcomer_source(newcomer) == LOGIN_XRDP);
}

static void record(struct daemon *daemon, const struct newcomer *newcomer)
{
	struct session_view view;
	int r = world_session(daemon->world, newcomer->session, &view)
			? 0
			: newcomer_record(newcomer, newcomer_source(newcomer));

	if (r < 0 && r != -EEXIST)
		log_warning("session %s: cannot write a login record: %s", newcomer->session, strerror(-r));
}

static void take_new_session(void *userdata, const struct newcomer *newcomer)
{
	struct daemon *daemon = userdata;

	if (!newcomer || !is_remote(newcomer))
		return;
	if (rules_need_cards(daemon->config.rules))
		record(daemon, newcomer);
	looks_add(daemon, newcomer);
}

/* Whether a remote session is to have a record, or a connection to its client, that nobody asked for. */
static bool are_wanted(struct daemon *daemon)
{
	return looks_wanted(daemon) || rules_need_cards(daemon->config.rules);
}

/* All of them, in a moment: a session that nobody could ask about is not forgotten. */
static void look_later(struct daemon *daemon)
{
	sd_event_source_set_time_relative(daemon->newcomers_again, AGAIN_USEC);
	sd_event_source_set_enabled(daemon->newcomers_again, SD_EVENT_ONESHOT);
}

static void ask(struct daemon *daemon, const char *session)
{
	int r = session_id_valid(session)
			? newcomer_ask(daemon->bus, session, take_new_session, release_nothing, daemon)
			: 0;

	if (r >= 0)
		return;
	log_warning("session %s: cannot ask logind: %s", session, strerror(-r));
	look_later(daemon);
}

static int on_session_new(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
	struct daemon *daemon = userdata;
	const char *session;

	/* With a destination it came from anybody, and not through the match. */
	if (!sd_bus_message_get_destination(message) && are_wanted(daemon) &&
	    sd_bus_message_read(message, "so", &session, NULL) >= 0)
		ask(daemon, session);
	return 0;
}

static int on_sessions_listed(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
	const char *session;

	if (sd_bus_message_is_method_error(reply, NULL) ||
	    sd_bus_message_enter_container(reply, 'a', "(susso)") < 0)
		return 0;
	while (sd_bus_message_read(reply, "(susso)", &session, NULL, NULL, NULL, NULL) > 0)
		ask(userdata, session);
	return 0;
}

static int on_listening(sd_bus_message *reply, void *userdata _unused_, sd_bus_error *error _unused_)
{
	if (sd_bus_message_is_method_error(reply, NULL))
		log_error("cannot hear of new sessions: %s", sd_bus_message_get_error(reply)->message);
	return 0;
}

void newcomers_look(struct daemon *daemon)
{
	int r = 0;

	if (daemon->newcomers && are_wanted(daemon))
		r = sd_bus_call_method_async(daemon->bus, NULL, LOGIND, LOGIND_PATH, LOGIND_MANAGER,
					     "ListSessions", on_sessions_listed, daemon, "");
	if (r >= 0)
		return;
	log_warning("cannot list the sessions: %s", strerror(-r));
	look_later(daemon);
}

static int on_again(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	newcomers_look(userdata);
	return 0;
}

int newcomers_new(struct daemon *daemon)
{
	int r = sd_event_add_time(daemon->event, &daemon->newcomers_again, CLOCK_MONOTONIC, 0, 0, on_again,
				  daemon);

	if (r >= 0)
		r = sd_event_source_set_enabled(daemon->newcomers_again, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_bus_match_signal_async(daemon->bus, &daemon->newcomers, LOGIND, LOGIND_PATH,
					      LOGIND_MANAGER, "SessionNew", on_session_new, on_listening,
					      daemon);

	if (r >= 0)
		newcomers_look(daemon);
	return r;
}

void newcomers_free(struct daemon *daemon)
{
	daemon->newcomers = sd_bus_slot_unref(daemon->newcomers);
	daemon->newcomers_again = sd_event_source_disable_unref(daemon->newcomers_again);
}
