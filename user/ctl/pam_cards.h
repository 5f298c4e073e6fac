/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A sign-in's ways through the lines of one service: on which of them a smart card was used, and on which pam_scpolicy
 * notes it. The answers are pam_walk.h's.
 */
#include "ctl/pam_walk.h"
#include "ctl/sssd_config.h"

#define PAM_OURS "pam_scpolicy.so"

/* Of the auth lines. */
enum {
	WAY_CARD = 1 << 0,   /* a smart card module accepted the card */
	WAY_TOLD = 1 << 1,   /* … and left PKCS11_LOGIN_TOKEN_NAME */
	WAY_ASKED = 1 << 2,  /* our line was asked after that */
	WAY_NOTED = 1 << 3,  /* … and notes the card */
	WAY_GUESS = 1 << 4,  /* our line notes whatever card is in: none had been used so far */
	WAY_SHARED = 1 << 5, /* a module that takes either let the person in */
};

/* Of the session lines. */
enum {
	WAY_SYSTEMD = 1 << 0, /* the session has its id */
	WAY_OURS = 1 << 1,    /* our line was asked after that */
};

/* What is asked about. */
struct pam_question {
	const char *service;
	const struct sssd_config *sssd;
	/* No module is known to take cards: the ones that are not known at all count, where our line notes them. */
	bool guess;
};

/* What the module of a line makes of smart cards. */
enum pam_card {
	CARD_NONE,
	CARD_NEVER,  /* it asks for nothing else, and may not ask for that here: it signs nobody in */
	CARD_MAYBE,  /* it takes a card or a password, and returns the same for both */
	CARD_ALWAYS, /* what it accepts is a card */
};
enum pam_card pam_line_card(const struct pam_question *question, const struct pam_line *line);

/* Whether it leaves PKCS11_LOGIN_TOKEN_NAME, by which our session line knows that a card was used. */
bool pam_line_tells(const struct pam_question *question, const struct pam_line *line);

/* Whether our auth line notes a card whatever was used for the sign-in. */
bool pam_line_guesses(const struct pam_line *line);

/* Whether our auth line notes a card only if something else than the stack shows that it was used. */
bool pam_line_proves(const struct pam_line *line);

/* pam_answers of which userdata is the question. */
size_t pam_auth_answers(void *userdata, const struct pam_stack *stack, size_t at, unsigned flags,
			struct pam_outcome ret[static PAM_OUTCOMES_MAX]);
size_t pam_session_answers(void *userdata, const struct pam_stack *stack, size_t at, unsigned flags,
			   struct pam_outcome ret[static PAM_OUTCOMES_MAX]);

/* The first line that takes cards, and the first of these that leaves no token's name; or stack->count. */
size_t pam_find_card(const struct pam_question *question, const struct pam_stack *stack);
size_t pam_find_silent_card(const struct pam_question *question, const struct pam_stack *stack);
