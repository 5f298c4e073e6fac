/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/player.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/*
 * An open case may continue under the settings that governed when it was opened: a record that is written
 * again leaves its session's earlier settings in use, until EVENT_SETTINGS ends that. A session with this
 * many settings gets its newest ones again in an EVENT_SETTINGS; no daemon writes so many records.
 */
#define LOANS_MAX 64

struct loan {
	struct settings settings;
	struct loan *next;
};

struct borrower {
	char session[SESSION_ID_SIZE];
	struct loan *loans; /* the newest first; no two alike */
	unsigned count;
	UT_hash_handle hh;
};

struct player {
	struct world *world;
	struct borrower *borrowers;
};

/* ---- what a session has borrowed ------------------------------------------------------------------------ */

static struct borrower *borrower_get(struct player *player, const char *session)
{
	struct borrower *borrower;

	HASH_FIND_STR(player->borrowers, session, borrower);
	if (borrower)
		return borrower;
	borrower = calloc(1, sizeof(*borrower));
	if (!borrower)
		return NULL;
	snprintf(borrower->session, sizeof(borrower->session), "%s", session);
	HASH_ADD_STR(player->borrowers, session, borrower);
	if (!borrower->hh.tbl) {
		free(borrower);
		return NULL;
	}
	return borrower;
}

static bool is_lent_by(const struct settings *settings, const struct governance *governance)
{
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
		if (governance->by_cause[cause] == settings)
			return true;
	}
	return false;
}

/* Frees all but what `governance` has. */
static void borrower_return(struct borrower *borrower, const struct governance *governance)
{
	struct loan **next = &borrower->loans;

	while (*next) {
		struct loan *loan = *next;

		if (is_lent_by(&loan->settings, governance)) {
			next = &loan->next;
			continue;
		}
		*next = loan->next;
		free(loan);
		borrower->count--;
	}
}

static void borrower_forget(struct player *player, struct borrower *borrower)
{
	borrower_return(borrower, &(struct governance){.by_cause = {NULL}});
	HASH_DELETE(hh, player->borrowers, borrower);
	free(borrower);
}

static bool same_settings(const struct settings *a, const struct settings *b)
{
	for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
		if (!setting_equal(a, b, setting))
			return false;
	}
	return strcmp(a->rule, b->rule) == 0;
}

static const struct settings *lend(struct borrower *borrower, const struct settings *settings)
{
	struct loan *loan = borrower->loans;

	while (loan && !same_settings(&loan->settings, settings))
		loan = loan->next;
	if (loan)
		return &loan->settings;
	loan = malloc(sizeof(*loan));
	if (!loan)
		return NULL;
	loan->settings = *settings;
	loan->next = borrower->loans;
	borrower->loans = loan;
	borrower->count++;
	return &loan->settings;
}

static int lend_all(struct borrower *borrower, const struct governance *theirs, struct governance *ret)
{
	struct governance ours;

	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
		ours.by_cause[cause] = lend(borrower, theirs->by_cause[cause]);
		if (!ours.by_cause[cause])
			return -ENOMEM;
	}
	*ret = ours;
	return 0;
}

/* ---- the player ----------------------------------------------------------------------------------------- */

int player_new(verdict_handler handler, void *userdata, struct player **ret)
{
	struct player *player = calloc(1, sizeof(*player));
	int r = player ? world_new(handler, userdata, &player->world) : -ENOMEM;

	if (r < 0) {
		free(player);
		return r;
	}
	*ret = player;
	return 0;
}

struct player *player_free(struct player *player)
{
	struct borrower *borrower, *next;

	if (!player)
		return NULL;
	/* What the core borrowed is freed after it. */
	world_free(player->world);
	HASH_ITER(hh, player->borrowers, borrower, next)
		borrower_forget(player, borrower);
	free(player);
	return NULL;
}

const struct world *player_world(const struct player *player)
{
	return player->world;
}

static int play_settings(struct player *player, const struct event *event, struct borrower *borrower)
{
	struct event ours = *event;
	int r = lend_all(borrower, &event->change.governance, &ours.change.governance);

	if (r == 0)
		r = world_event(player->world, &ours);
	if (r == 0)
		borrower_return(borrower, &ours.change.governance);
	return r;
}

static int play_record(struct player *player, const struct event *event, struct borrower *borrower)
{
	struct event ours = *event;
	int r = lend_all(borrower, &event->record.governance, &ours.record.governance);

	if (r == 0)
		r = world_event(player->world, &ours);
	if (r < 0 || borrower->count <= LOANS_MAX)
		return r;
	ours.type = EVENT_SETTINGS;
	ours.change.session = borrower->session;
	ours.change.governance = event->record.governance;
	return play_settings(player, &ours, borrower);
}

static int player_take(struct player *player, const struct event *event)
{
	struct session_view view;
	struct borrower *borrower;
	const char *session;
	int r;

	if (event->type == EVENT_RECORD)
		session = event->record.login->session;
	else if (event->type == EVENT_SETTINGS)
		session = event->change.session;
	else if (event->type == EVENT_SESSION_ENDED)
		session = event->session;
	else
		return world_event(player->world, event);
	borrower = borrower_get(player, session);
	if (!borrower)
		return -ENOMEM;
	if (event->type == EVENT_RECORD)
		r = play_record(player, event, borrower);
	else if (event->type == EVENT_SETTINGS)
		r = play_settings(player, event, borrower);
	else
		r = world_event(player->world, event);
	/* Never recorded, or ended. */
	if (!world_session(player->world, borrower->session, &view))
		borrower_forget(player, borrower);
	return r;
}

int player_event(struct player *player, const struct event *event, const char **ret_broken)
{
	const char *broken;
	int r = player_take(player, event);

	if (r < 0)
		return r;
	broken = world_check(player->world);
	if (!broken)
		return 0;
	*ret_broken = broken;
	return -ENOTRECOVERABLE;
}
