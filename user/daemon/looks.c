/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/looks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "daemon/attach.h"
#include "daemon/wiring.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "sources/connector.h"

/*
 * The time between two looks: doubled after each that found nothing. xrdp's socket comes about 2 s after the session. What is
 * made in a home directory has it looked at sooner, but not sooner than after the first of these.
 */
#define PAUSE_FIRST NSEC_PER_SEC
#define PAUSE_MOST  (64 * NSEC_PER_SEC)
/* As many questions are open at once, and one of a user's: what holds it up, as a file system can, holds nobody else up. */
#define QUESTIONS_MAX 16
#define DISPLAY_MAX   65535

/* A session whose client's PC/SC is looked for. */
struct look {
	struct daemon *daemon;
	struct newcomer newcomer;
	struct connector *question; /* NULL: none is open */
	uint64_t due;		    /* the next look; 0: none is needed */
	uint64_t pause;		    /* … after that one */
	uint64_t asked;		    /* when it was looked for last */
	sd_event_source *notice;    /* the next look is due at once; NULL: nobody tells */
	uint64_t offered;	    /* when a connection was found; 0: none was */
	bool told;		    /* what is wrong: `wrong`, which was seen twice in a row */
	char wrong[sizeof(((struct connect_answer *)NULL)->detail)];
	UT_hash_handle hh;
};

struct looks {
	struct look *sessions;
	sd_event_source *timer;
	struct look *asked[QUESTIONS_MAX]; /* those whose question is open; NULL: another may be */
};

/* ---- the table --------------------------------------------------------------------------------------------- */

static struct look *look_find(const struct looks *looks, const char *session)
{
	struct look *look;

	HASH_FIND_STR(looks->sessions, session, look);
	return look;
}

static struct look *look_new(struct daemon *daemon, const struct newcomer *newcomer)
{
	struct look *look = calloc(1, sizeof(*look));

	if (!look)
		return NULL;
	look->daemon = daemon;
	look->newcomer = *newcomer;
	HASH_ADD_STR(daemon->looks->sessions, newcomer.session, look);
	if (look->hh.tbl)
		return look;
	free(look);
	return NULL;
}

/* Where a question of the user's is kept. NULL: it has to wait for another one's end. */
static struct look **question_place(struct looks *looks, uid_t uid)
{
	struct look **place = NULL;

	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		if (!looks->asked[i])
			place = &looks->asked[i];
		else if (looks->asked[i]->newcomer.uid == uid)
			return NULL;
	}
	return place;
}

static void end_question(struct looks *looks, struct look *look)
{
	for (size_t i = 0; i < QUESTIONS_MAX; i++)
		if (looks->asked[i] == look)
			looks->asked[i] = NULL;
	look->question = NULL;
}

static void look_drop(struct looks *looks, struct look *look)
{
	HASH_DEL(looks->sessions, look);
	connector_free(look->question);
	end_question(looks, look);
	sd_event_source_disable_unref(look->notice);
	free(look);
}

static void drop_all(struct looks *looks)
{
	struct look *look, *next;

	HASH_ITER(hh, looks->sessions, look, next)
		look_drop(looks, look);
}

/* ---- when to look ------------------------------------------------------------------------------------------ */

static void set_timer(struct looks *looks)
{
	uint64_t first = 0;

	for (const struct look *look = looks->sessions; look; look = look->hh.next)
		if (look->due && (!first || look->due < first) && question_place(looks, look->newcomer.uid))
			first = look->due;
	/* The end of a question has the others asked. */
	if (!first) {
		sd_event_source_set_enabled(looks->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(looks->timer, first / NSEC_PER_USEC + 1);
	sd_event_source_set_enabled(looks->timer, SD_EVENT_ONESHOT);
}

static void look_later(struct look *look)
{
	look->due = monotonic_now() + look->pause;
	look->pause = look->pause * 2 < PAUSE_MOST ? look->pause * 2 : PAUSE_MOST;
}

/* What may be on its way, such as a shell of the session's, is told only if it is so at the next look, too; and once. */
static void tell_wrong(struct look *look, const char *wrong)
{
	bool again = strcmp(look->wrong, wrong) == 0;

	if (again && !look->told)
		log_notice("session %s: its client's PC/SC is not used: %s", look->newcomer.session, wrong);
	look->told = again;
	snprintf(look->wrong, sizeof(look->wrong), "%s", wrong);
}

/* ---- what was found ---------------------------------------------------------------------------------------- */

static void tell_nothing(struct look *look)
{
	look->told = false;
	look->wrong[0] = '\0';
}

/* A session without a record gets one that waits for its card. False: not now. */
static bool has_record(struct look *look)
{
	const struct newcomer *newcomer = &look->newcomer;
	int r;

	if (attach_known(look->daemon, newcomer->session))
		return true;
	r = newcomer_record(newcomer, newcomer_source(newcomer));
	/* -EEXIST: another was just written. It is about to be taken in, and may be that of a card here. */
	if (r < 0 && r != -EEXIST)
		tell_wrong(look, "its login record cannot be written");
	return r >= 0;
}

static void offer(struct look *look, enum remote_dialect dialect, const int *fds, size_t count)
{
	const char *wrong = attach_wrong_with_socket(fds[0]);

	if (wrong) {
		tell_wrong(look, wrong);
		return;
	}
	if (!has_record(look))
		return;
	look->offered = monotonic_now();
	if (remote_source_offer(look->daemon->remote, look->newcomer.session, dialect, fds, count) < 0)
		tell_wrong(look, "the watcher of remote cards cannot be reached");
	else
		tell_nothing(look);
}

static void look_on(struct daemon *daemon);

/* Something was made there. A home directory in which that happens all the time does not cost more than a look in a while. */
static int on_notice(sd_event_source *notice _unused_, int fd _unused_, uint32_t revents _unused_,
		     void *userdata)
{
	struct look *look = userdata;

	look->notice = sd_event_source_disable_unref(look->notice);
	look->due = look->asked + PAUSE_FIRST;
	look_on(look->daemon);
	return 0;
}

/* Without it, the time between two looks has to do. */
static void wait_for_notice(struct look *look, int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return;
	if (sd_event_add_io(look->daemon->event, &look->notice, own, EPOLLIN, on_notice, look) < 0)
		close_fd(own);
	else
		sd_event_source_set_io_fd_own(look->notice, true);
}

static void take_answer(void *userdata, const struct connect_answer *answer, const int *fds, size_t count)
{
	struct look *look = userdata;
	struct daemon *daemon = look->daemon;

	end_question(daemon->looks, look);
	if (answer->result == 0)
		offer(look, answer->dialect, fds, count);
	else if (answer->result == -ENOENT)
		tell_nothing(look);
	else
		tell_wrong(look, answer->detail);
	if (answer->result != 0 && count)
		wait_for_notice(look, fds[0]);
	look_on(daemon);
}

/* ---- looking ----------------------------------------------------------------------------------------------- */

/* ":10.0" is 10. -1: the session has no display here. */
static int display_number(const char *display)
{
	unsigned long number;
	char *end;

	if (display[0] != ':' || display[1] < '0' || display[1] > '9')
		return -1;
	number = strtoul(display + 1, &end, 10);
	return number <= DISPLAY_MAX && (*end == '\0' || *end == '.') ? (int)number : -1;
}

static int ask(struct look *look)
{
	const struct newcomer *newcomer = &look->newcomer;
	struct daemon *daemon = look->daemon;
	struct connect_request request = {
		.magic = CONNECT_MAGIC,
		.uid = newcomer->uid,
		.leader = newcomer->leader,
		.display = display_number(newcomer->display),
		.xrdp = newcomer_source(newcomer) == LOGIN_XRDP,
	};
	snprintf(request.places, sizeof(request.places), "%s", rules_pcsc(daemon->config.rules));
	return connector_ask(daemon->event, &request, take_answer, look, &look->question);
}

/* Whether it needs a connection. A card in a reader of this machine outranks one at the client. */
static bool look_is_needed(const struct look *look)
{
	const char *session = look->newcomer.session;
	struct session_view view;

	return !remote_source_has(look->daemon->remote, session) &&
	       (!world_session(look->daemon->world, session, &view) || view.login->source != LOGIN_LOCAL);
}

static void look_now(struct look *look, struct look **place)
{
	int r;

	look->notice = sd_event_source_disable_unref(look->notice);
	if (!look_is_needed(look)) {
		look->due = 0;
		return;
	}
	look->asked = monotonic_now();
	look_later(look);
	r = ask(look);
	if (r < 0)
		tell_wrong(look, "the connector cannot be reached");
	else
		*place = look;
}

/* As far as questions may be open: when one is over, the others are. */
static void look_on(struct daemon *daemon)
{
	struct looks *looks = daemon->looks;
	uint64_t now = monotonic_now();

	for (struct look *look = looks->sessions; look; look = look->hh.next) {
		struct look **place =
			look->due && look->due <= now ? question_place(looks, look->newcomer.uid) : NULL;

		if (place)
			look_now(look, place);
	}
	set_timer(looks);
}

static int on_due(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	look_on(userdata);
	return 0;
}

/* ---- for the daemon ---------------------------------------------------------------------------------------- */

static bool any_place_is_for(const char *list, const struct newcomer *newcomer)
{
	bool xrdp = newcomer_source(newcomer) == LOGIN_XRDP;
	char place[PLACES_SIZE];

	/* xrdp's socket is that of a display. */
	if (xrdp && display_number(newcomer->display) < 0)
		return false;
	while (places_next(&list, place))
		if (place_is_for(place, xrdp))
			return true;
	return false;
}

bool looks_wanted(struct daemon *daemon)
{
	bool wanted = strcmp(rules_pcsc(daemon->config.rules), PLACES_NONE) != 0;

	if (!wanted) {
		drop_all(daemon->looks);
		set_timer(daemon->looks);
	}
	return wanted;
}

void looks_add(struct daemon *daemon, const struct newcomer *newcomer)
{
	struct look *look;

	looks_forget(daemon, newcomer->session);
	if (!any_place_is_for(rules_pcsc(daemon->config.rules), newcomer))
		return;
	look = look_new(daemon, newcomer);
	if (!look) {
		log_warning("session %s: no memory to look for its client", newcomer->session);
		return;
	}
	look->pause = PAUSE_FIRST;
	look->due = monotonic_now();
	look_on(daemon);
}

void looks_lost(struct daemon *daemon, const char *session)
{
	struct look *look = look_find(daemon->looks, session);

	if (!look)
		return;
	/* What ends at once each time is not to be found again and again. */
	if (!look->offered || monotonic_now() - look->offered >= PAUSE_MOST)
		look->pause = PAUSE_FIRST;
	look->offered = 0;
	look->due = monotonic_now() + look->pause;
	set_timer(daemon->looks);
}

void looks_forget(struct daemon *daemon, const char *session)
{
	struct look *look = look_find(daemon->looks, session);

	if (!look)
		return;
	look_drop(daemon->looks, look);
	look_on(daemon);
}

int looks_new(struct daemon *daemon)
{
	struct looks *looks = calloc(1, sizeof(*looks));
	int r;

	if (!looks)
		return -ENOMEM;
	daemon->looks = looks;
	r = sd_event_add_time(daemon->event, &looks->timer, CLOCK_MONOTONIC, 0, 0, on_due, daemon);
	return r < 0 ? r : sd_event_source_set_enabled(looks->timer, SD_EVENT_OFF);
}

void looks_free(struct daemon *daemon)
{
	if (!daemon->looks)
		return;
	drop_all(daemon->looks);
	sd_event_source_disable_unref(daemon->looks->timer);
	free(daemon->looks);
	daemon->looks = NULL;
}
