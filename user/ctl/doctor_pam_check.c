/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a sign-in with a card leads to pam_scpolicy: on each of the card's ways through the auth lines, and after
 * pam_systemd through the session lines. A way counts when libpam lets the person in at its end.
 */
#include <errno.h>
#include <string.h>

#include "ctl/doctor_pam.h"

/* A service while it is looked at. */
struct look {
	struct survey *survey;
	const struct service *service;
	struct pam_question question;
};

bool doctor_pam_records_always(const struct service *service)
{
	const struct pam_stack *stack = &service->session;

	for (size_t at = pam_stack_find(stack, PAM_OURS, 0); at < stack->count;
	     at = pam_stack_find(stack, PAM_OURS, at + 1))
		if (pam_line_has(&stack->lines[at], "always"))
			return true;
	return false;
}

static void note(const struct look *look, enum pam_finding finding, const struct pam_stack *stack,
		 size_t line)
{
	doctor_pam_note_line(look->survey, look->service, finding, stack, line);
}

static int walk(struct look *look, const struct pam_stack *stack, pam_answers answers, struct pam_walk **ret)
{
	int r = pam_walk_new(stack, answers, &look->question, ret);

	if (r < 0)
		doctor_unseen(look->survey->doctor, look->service->name, r);
	return r;
}

/* The first end at which the person is in with these flags, and without those; the walk's count: none. */
static size_t find_end(const struct pam_walk *walk, unsigned with, unsigned without)
{
	for (size_t i = 0; i < pam_walk_count(walk); i++) {
		struct pam_end end = pam_walk_end(walk, i);

		if (end.success && (end.flags & with) == with && !(end.flags & without))
			return i;
	}
	return pam_walk_count(walk);
}

static bool has_end(const struct pam_walk *walk, unsigned with, unsigned without)
{
	return find_end(walk, with, without) < pam_walk_count(walk);
}

/* ---- session lines -------------------------------------------------------------------------------------- */

static size_t find_systemd(const struct pam_stack *stack)
{
	size_t systemd = pam_stack_find(stack, "pam_systemd.so", 0);

	return systemd < stack->count ? systemd : pam_stack_find(stack, "pam_elogind.so", 0);
}

/* Sign-ins that get a session id, and not our line after it. True when there are none. */
static bool check_session_ways(struct look *look, size_t ours)
{
	_cleanup_(pam_walk_free_p) struct pam_walk *ways = NULL;
	const struct pam_stack *stack = &look->service->session;
	size_t missed;

	if (walk(look, stack, pam_session_answers, &ways) < 0)
		return false;
	missed = find_end(ways, WAY_SYSTEMD, WAY_OURS);
	if (missed == pam_walk_count(ways))
		return true;
	note(look, has_end(ways, WAY_SYSTEMD | WAY_OURS, 0) ? PAM_SESSION_PARTLY : PAM_SESSION_SKIPPED, stack,
	     pam_walk_turn(ways, missed, ours));
	return false;
}

/* True when all is well. */
static bool check_session(struct look *look)
{
	const struct pam_stack *stack = &look->service->session;
	size_t systemd = find_systemd(stack), ours = pam_stack_find_last(stack, PAM_OURS);

	if (ours == stack->count)
		note(look, PAM_SESSION_MISSING, stack, systemd);
	else if (systemd == stack->count)
		note(look, PAM_SESSION_NO_SYSTEMD, stack, ours);
	else if (ours < systemd)
		note(look, PAM_SESSION_ORDER, stack, ours);
	else
		return check_session_ways(look, ours);
	return false;
}

/* ---- auth lines ----------------------------------------------------------------------------------------- */

/* No line of ours. True when the card is recorded all the same. */
static bool check_without_ours(struct look *look, const struct pam_walk *ways)
{
	const struct pam_stack *stack = &look->service->auth;

	if (has_end(ways, WAY_CARD, WAY_TOLD)) {
		note(look, PAM_AUTH_MISSING, stack, pam_find_silent_card(&look->question, stack));
		return false;
	}
	note(look, PAM_AUTH_MISSING_TOLD, stack, pam_find_card(&look->question, stack));
	return true;
}

/* The card's ways that end without a note, and the password's that end with one. */
static bool check_ways(struct look *look, const struct pam_walk *ways, size_t ours)
{
	const struct pam_stack *stack = &look->service->auth;
	size_t silent = find_end(ways, WAY_CARD, WAY_TOLD | WAY_ASKED | WAY_GUESS);
	size_t told = find_end(ways, WAY_CARD | WAY_TOLD, WAY_ASKED | WAY_GUESS);
	bool noted = has_end(ways, WAY_CARD | WAY_NOTED, 0);

	if (has_end(ways, WAY_GUESS | WAY_SHARED, WAY_CARD))
		note(look, PAM_AUTH_SHARED, stack, ours);
	else if (has_end(ways, WAY_GUESS, WAY_CARD))
		note(look, PAM_AUTH_PASSWORD, stack, ours);
	if (has_end(ways, WAY_CARD | WAY_ASKED, WAY_NOTED | WAY_GUESS)) {
		bool shared = has_end(ways, WAY_CARD | WAY_ASKED | WAY_SHARED, WAY_NOTED | WAY_GUESS);

		note(look, shared ? PAM_AUTH_SHARED_TOKEN : PAM_AUTH_TOKEN, stack, ours);
		return false;
	}
	if (silent < pam_walk_count(ways)) {
		note(look, noted ? PAM_AUTH_PARTLY : PAM_AUTH_SKIPPED, stack,
		     pam_walk_turn(ways, silent, ours));
		return false;
	}
	if (told < pam_walk_count(ways) && !noted) {
		note(look, PAM_AUTH_SKIPPED_TOLD, stack, pam_walk_turn(ways, told, ours));
		return false;
	}
	return true;
}

/* True when a sign-in by card is recorded, as far as the auth lines go. */
static bool check_auth(struct look *look)
{
	_cleanup_(pam_walk_free_p) struct pam_walk *ways = NULL;
	const struct pam_stack *stack = &look->service->auth;
	size_t ours = pam_stack_find_last(stack, PAM_OURS), card = pam_find_card(&look->question, stack);

	if (walk(look, stack, pam_auth_answers, &ways) < 0)
		return false;
	if (card < stack->count && !has_end(ways, WAY_CARD, 0)) {
		if (!stack->problem)
			note(look, PAM_CARD_REFUSED, stack, card);
		return false;
	}
	if (ours == stack->count)
		return check_without_ours(look, ways);
	if (ours < card && card < stack->count) {
		note(look, PAM_AUTH_ORDER, stack, ours);
		return false;
	}
	return check_ways(look, ways, ours) && card < stack->count;
}

/* Some stacks are there to refuse everybody, such as those for passwords where cards are required. */
static bool refuses_everybody(struct look *look)
{
	_cleanup_(pam_walk_free_p) struct pam_walk *ways = NULL;

	if (walk(look, &look->service->auth, pam_auth_answers, &ways) < 0)
		return false;
	for (size_t i = 0; i < pam_walk_count(ways); i++)
		if (!pam_walk_end(ways, i).refused)
			return false;
	return true;
}

/* Whether a module that is not known is the card's: its success leads to our line. */
static bool guess_card(struct look *look)
{
	_cleanup_(pam_walk_free_p) struct pam_walk *ways = NULL;

	look->question.guess = true;
	if (walk(look, &look->service->auth, pam_auth_answers, &ways) >= 0 &&
	    has_end(ways, WAY_CARD | WAY_NOTED, 0))
		return true;
	look->question.guess = false;
	return false;
}

/* ---- one service ---------------------------------------------------------------------------------------- */

static bool guesses(const struct pam_stack *stack)
{
	for (size_t at = 0; at < stack->count; at++)
		if (pam_line_guesses(&stack->lines[at]))
			return true;
	return false;
}

static void check_our_lines(struct look *look, const struct pam_stack *stack)
{
	for (size_t at = pam_stack_find(stack, PAM_OURS, 0); at < stack->count;
	     at = pam_stack_find(stack, PAM_OURS, at + 1)) {
		_cleanup_free_ char *reader = pam_line_value(&stack->lines[at], "reader=");

		if (!doctor_has_module(look->survey->doctor, stack->lines[at].path))
			note(look, PAM_NO_SUCH_MODULE, stack, at);
		if (reader && !doctor_reader_seen(look->survey->doctor, reader))
			note(look, PAM_READER_UNSEEN, stack, at);
	}
}

/* True if a card is recorded only where its use is proven, which nothing here can tell. */
static bool check_proof(struct look *look)
{
	const struct pam_stack *stack = &look->service->auth;

	for (size_t at = 0; at < stack->count; at++)
		if (pam_line_proves(&stack->lines[at])) {
			note(look, PAM_AUTH_PROOF, stack, at);
			return true;
		}
	return false;
}

static bool check_syntax(struct look *look, const struct pam_stack *stack, enum pam_finding finding)
{
	if (stack->problem)
		doctor_pam_note(look->survey, look->service, finding, stack->problem_file,
				stack->problem_line, stack->problem);
	return !stack->problem;
}

/* The stacks are read to their ends, so that something can be said of them. */
static bool check_stacks(struct look *look, bool cards)
{
	enum pam_finding finding = cards ? PAM_SYNTAX : PAM_SYNTAX_ELSEWHERE;
	const struct service *service = look->service;
	bool good = check_syntax(look, &service->auth, finding);

	return check_syntax(look, &service->session, finding) && good;
}

void doctor_pam_check(struct survey *survey, const struct service *service)
{
	struct look look = {survey, service, {service->name, &survey->sssd, false}};
	const struct pam_stack *session = &service->session;
	bool ours = pam_stack_find(session, PAM_OURS, 0) < session->count;
	bool always = doctor_pam_records_always(service), guessed = ours && guesses(&service->auth), good;
	bool card = pam_find_card(&look.question, &service->auth) < service->auth.count;

	if (!card && guessed)
		card = guess_card(&look);
	good = check_stacks(&look, card || always);
	if (!card && !always && !guessed)
		return;
	if (!always && !service->auth.problem && refuses_everybody(&look))
		return;
	survey->cards |= card || always;
	/* What opens no session of logind's, and is not meant to, is no sign-in. */
	if (service->auth.unfinished || session->unfinished ||
	    (!ours && find_systemd(session) == session->count))
		return;
	check_our_lines(&look, &service->auth);
	check_our_lines(&look, session);
	if (check_proof(&look))
		good = false;
	good &= check_session(&look);
	if (!always)
		good &= check_auth(&look);
	if (good)
		doctor_pam_note(survey, service, PAM_FINE, "/etc/pam.d", 0, NULL);
}
