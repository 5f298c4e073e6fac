/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The doctor's look at PAM, in four files: doctor_pam.c finds the services, doctor_pam_check.c asks of each where a
 * sign-in leads, doctor_pam_tell.c has the findings, and doctor_pam_tool.c the remedies that the machine's own tool
 * does not undo.
 */
#include "ctl/doctor.h"
#include "ctl/pam_cards.h"

struct service {
	const char *name;
	struct pam_stack auth, session;
};

enum pam_finding {
	PAM_SESSION_MISSING,
	PAM_SESSION_NO_SYSTEMD,
	PAM_SESSION_ORDER,
	PAM_SESSION_SKIPPED,
	PAM_SESSION_PARTLY,
	PAM_AUTH_MISSING,
	PAM_AUTH_MISSING_TOLD, /* the session line finds the card by the token's name */
	PAM_AUTH_SKIPPED,
	PAM_AUTH_SKIPPED_TOLD,
	PAM_AUTH_PARTLY,
	PAM_AUTH_ORDER,
	PAM_AUTH_TOKEN,
	PAM_AUTH_PASSWORD,
	PAM_AUTH_SHARED, /* one line of another module takes card and password */
	PAM_AUTH_SHARED_TOKEN,
	PAM_AUTH_PROOF,
	PAM_CARD_REFUSED,
	PAM_NO_SUCH_MODULE,
	PAM_READER_UNSEEN, /* reader= of a line of ours */
	PAM_SYNTAX,
	PAM_SYNTAX_ELSEWHERE, /* in a service without a smart card module */
	PAM_FINE,
	PAM_FINDINGS,
};

/* The same thing found in several services is reported once, with all their names. */
struct told {
	enum pam_finding finding;
	char *where, *services;
	const char *file;   /* the where's, or NULL */
	const char *detail; /* what is wrong there, or NULL */
};

struct survey {
	struct doctor *doctor;
	struct sssd_config sssd;
	struct service *services;
	size_t count;
	struct told *told;
	size_t told_count;
	bool cards; /* some service takes cards, or records always */
};

/* What is wrong with one service. */
void doctor_pam_check(struct survey *survey, const struct service *service);

/* Whether any session of it is recorded whatever the sign-in used. */
bool doctor_pam_records_always(const struct service *service);

/* Notes a finding at a file, and line where there is one; `file` and `detail` live as long as the survey. */
void doctor_pam_note(struct survey *survey, const struct service *service, enum pam_finding finding,
		     const char *file, unsigned line, const char *detail);
/* At a line of the stack; at its own file where `line` is past the end. */
void doctor_pam_note_line(struct survey *survey, const struct service *service, enum pam_finding finding,
			  const struct pam_stack *stack, size_t line);

/* Reports what was noted. */
void doctor_pam_tell(struct survey *survey);
void doctor_pam_tell_no_cards(struct survey *survey);

/*
 * How to change this file of PAM's so that it lasts on this machine: a sentence or more, malloc()ed; NULL: it is edited
 * by hand. `adds` where our own lines are missing.
 */
char *doctor_pam_tool(const struct doctor *doctor, const char *file, bool adds);

/* Reads SSSD's configuration, and reports what is wrong in it. */
void doctor_sssd(struct doctor *doctor, struct sssd_config *ret);
