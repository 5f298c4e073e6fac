/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor finds wrong in PAM, in words. */
#include <stdio.h>
#include <string.h>

#include "ctl/doctor_pam.h"

#define ADD_AUTH "Add \"auth optional pam_scpolicy.so\" where only the card's way leads; see pam_scpolicy(8)."
#define JUMP                                                                                                 \
	"Have it jump to pam_scpolicy's line (success=N) rather than end the stack; see the stacks in pam_scpolicy(8)."

#define OWN_LINE                                                                                                     \
	"Ask for the card on a line of its own (pam_sss with try_cert_auth); or say proof=pkinit, if the KDC marks " \
	"tickets: see pam_scpolicy(8)."

static const struct {
	struct finding finding;
	const char *what;
	bool adds; /* a line of ours is missing */
} words[] = {
	[PAM_SESSION_MISSING] =
		{{"pam-session-missing", SEVERITY_FAULT,
		  "No login record is written, so the session is not governed.",
		  "Add \"session optional pam_scpolicy.so\" after pam_systemd's line; see pam_scpolicy(8)."},
		 "no session line of pam_scpolicy",
		 true},
	[PAM_SESSION_NO_SYSTEMD] =
		{{"pam-no-systemd", SEVERITY_FAULT,
		  "Without pam_systemd the sign-in has no session id that a record could be written for.",
		  "Add \"session required pam_systemd.so\", and pam_scpolicy's session line after it."},
		 "no session line of pam_systemd",
		 false},
	[PAM_SESSION_ORDER] =
		{{"pam-session-order", SEVERITY_FAULT,
		  "pam_scpolicy's session line runs before pam_systemd has given the session its id: no record is "
		  "written.",
		  "Move the line after pam_systemd's."},
		 "pam_scpolicy's session line comes before pam_systemd's",
		 false},
	[PAM_SESSION_SKIPPED] =
		{{"pam-session-skipped", SEVERITY_FAULT,
		  "This line ends the stack, or jumps, before pam_scpolicy's session line is reached: no record is "
		  "written.",
		  "Move pam_scpolicy's session line before it, or count its jump again."},
		 "pam_scpolicy's session line is not reached",
		 false},
	[PAM_SESSION_PARTLY] =
		{{"pam-session-partly", SEVERITY_WARNING,
		  "This line decides whether pam_scpolicy's session line is reached: where it is not, no record is "
		  "written.",
		  "If that is not meant: move pam_scpolicy's session line before it, or count its jump again."},
		 "pam_scpolicy's session line is not always reached",
		 false},
	[PAM_AUTH_MISSING] = {{"pam-auth-missing", SEVERITY_FAULT,
			       "Nothing else tells that the card was used, so no login record is written.",
			       ADD_AUTH},
			      "no auth line of pam_scpolicy",
			      true},
	[PAM_AUTH_MISSING_TOLD] =
		{{"pam-auth-missing", SEVERITY_NOTE,
		  "The session line looks for the card itself, since the smart card module tells its label: a "
		  "moment later than an auth line would.",
		  "If several cards may be in: add \"auth optional pam_scpolicy.so\" where only the card's way "
		  "leads."},
		 "no auth line of pam_scpolicy",
		 true},
	[PAM_AUTH_SKIPPED] =
		{{"pam-auth-skipped", SEVERITY_FAULT,
		  "When the card was accepted, this line ends the stack, or jumps, before pam_scpolicy's auth line: "
		  "nothing tells that the card was used, and no login record is written.",
		  JUMP},
		 "the card's way does not lead to pam_scpolicy's auth line",
		 false},
	[PAM_AUTH_SKIPPED_TOLD] =
		{{"pam-auth-skipped", SEVERITY_WARNING,
		  "When the card was accepted, this line leads past pam_scpolicy's auth line. The session line "
		  "looks for the card itself, since the smart card module tells its label: a moment later, and "
		  "not on an unlock with another card.",
		  JUMP},
		 "the card's way does not lead to pam_scpolicy's auth line",
		 false},
	[PAM_AUTH_PARTLY] =
		{{"pam-auth-partly", SEVERITY_WARNING,
		  "When the card was accepted, this line decides whether pam_scpolicy's auth line is reached: where it "
		  "is not, no login record is written.",
		  "If that is not meant: have each of the card's ways lead to pam_scpolicy's line; see "
		  "pam_scpolicy(8)."},
		 "not all of the card's ways lead to pam_scpolicy's auth line",
		 false},
	[PAM_AUTH_ORDER] =
		{{"pam-auth-order", SEVERITY_WARNING,
		  "pam_scpolicy's auth line runs before the smart card module: it notes any card that is in, whatever "
		  "the sign-in then uses, and is not asked again once the card was accepted.",
		  "Move it to where only the card's way leads; see pam_scpolicy(8)."},
		 "pam_scpolicy's auth line comes before the smart card module's",
		 false},
	[PAM_AUTH_TOKEN] =
		{{"pam-auth-token", SEVERITY_FAULT,
		  "The line says \"token\", but this smart card module leaves no PKCS11_LOGIN_TOKEN_NAME: no login "
		  "record is written.",
		  "Leave \"token\" out, and place the line where only the card's way leads; see pam_scpolicy(8)."},
		 "pam_scpolicy's auth line waits for a token's label that nobody tells",
		 false},
	[PAM_AUTH_PASSWORD] =
		{{"pam-auth-password", SEVERITY_WARNING,
		  "A sign-in without the card gets to pam_scpolicy's auth line as well: it is governed by whatever "
		  "card is in.",
		  "Have the password's way jump over it (success=N); or say \"always\" in both lines if that is "
		  "meant."},
		 "a password leads to pam_scpolicy's auth line too",
		 false},
	[PAM_AUTH_SHARED] =
		{{"pam-auth-shared", SEVERITY_WARNING,
		  "One line takes the card or the password, and does not tell which: a sign-in by password is governed by "
		  "whatever card is in.",
		  OWN_LINE},
		 "a password leads to pam_scpolicy's auth line too, on the line that takes the card",
		 false},
	[PAM_AUTH_SHARED_TOKEN] =
		{{"pam-auth-shared", SEVERITY_FAULT,
		  "One line takes the card or the password, and does not tell which: no login record is written.",
		  OWN_LINE},
		 "pam_scpolicy's auth line waits for a token's label that nobody tells",
		 false},
	[PAM_AUTH_PROOF] =
		{{"pam-auth-proof", SEVERITY_NOTE,
		  "A sign-in by card is recorded if the KDC says that the ticket came by a certificate. Whether this realm's "
		  "KDC does cannot be seen here. Users without a realm, and sign-ins while the KDC is away, are not recorded.",
		  "Sign in by card; scpolicyctl sessions shows whether it was recorded."},
		 "pam_scpolicy's auth line waits for the KDC's word",
		 false},
	[PAM_CARD_REFUSED] =
		{{"pam-card-refused", SEVERITY_WARNING,
		  "Whatever the other modules return, PAM refuses the sign-in once this module has accepted the card.",
		  "Correct the lines after it: one that is required, such as pam_permit, has to succeed; see "
		  "pam.conf(5)."},
		 "nobody can sign in with a card",
		 false},
	[PAM_NO_SUCH_MODULE] =
		{{"pam-module-missing", SEVERITY_FAULT,
		  "libpam cannot load what the line names: no record is written, and a required line refuses every "
		  "sign-in.",
		  "Install scpolicyd's PAM module where libpam looks, or take the line out."},
		 "the PAM module that is named is not there",
		 false},
	[PAM_READER_UNSEEN] =
		{{"reader-unmatched", SEVERITY_WARNING,
		  "No card in any of the readers that were seen is recorded.",
		  "scpolicyctl readers shows the names. A name as it is shown there matches itself; in PAM's files "
		  "it stands as [reader=NAME], with \\] for each ] in it."},
		 "reader= of pam_scpolicy's line matches no reader that was seen",
		 false},
	[PAM_SYNTAX] =
		{{"pam-syntax", SEVERITY_FAULT,
		  "libpam refuses such a stack, or reads it otherwise than it looks; nothing can be said of what comes "
		  "after it.",
		  "Correct the line; pam.conf(5) has the format."},
		 NULL,
		 false},
	[PAM_SYNTAX_ELSEWHERE] =
		{{"pam-syntax", SEVERITY_NOTE,
		  "libpam refuses such a stack, or reads it otherwise than it looks. As far as it can be read, the "
		  "service takes no cards.",
		  "Correct the line; pam.conf(5) has the format."},
		 NULL,
		 false},
	[PAM_FINE] = {{"pam", SEVERITY_OK, NULL, NULL}, "a sign-in with a card is recorded", false},
};
ASSERT_ROWS(words, PAM_FINDINGS);

static struct told *find_told(struct survey *survey, enum pam_finding finding, const char *where)
{
	struct told *more;

	for (size_t i = 0; i < survey->told_count; i++)
		if (survey->told[i].finding == finding && strcmp(survey->told[i].where, where) == 0)
			return &survey->told[i];
	more = reallocarray(survey->told, survey->told_count + 1, sizeof(*more));
	if (!more)
		return NULL;
	survey->told = more;
	more[survey->told_count] =
		(struct told){.finding = finding, .where = strdup(where), .services = strdup("")};
	if (!more[survey->told_count].where || !more[survey->told_count].services) {
		free(more[survey->told_count].where);
		free(more[survey->told_count].services);
		return NULL;
	}
	return &more[survey->told_count++];
}

void doctor_pam_note(struct survey *survey, const struct service *service, enum pam_finding finding,
		     const char *file, unsigned line, const char *detail)
{
	_cleanup_free_ char *where = NULL;
	char *services;
	struct told *told;

	if (asprintf(&where, line ? "%s:%u" : "%s", file, line) < 0) {
		where = NULL;
		return;
	}
	told = find_told(survey, finding, where);
	if (!told ||
	    asprintf(&services, "%s%s%s", told->services, *told->services ? ", " : "", service->name) < 0)
		return;
	free(told->services);
	told->services = services;
	told->file = file;
	told->detail = detail;
}

void doctor_pam_note_line(struct survey *survey, const struct service *service, enum pam_finding finding,
			  const struct pam_stack *stack, size_t line)
{
	if (line < stack->count)
		doctor_pam_note(survey, service, finding, stack->lines[line].file, stack->lines[line].line,
				NULL);
	else
		doctor_pam_note(survey, service, finding, stack->files[0], 0, NULL);
}

static void tell_one(struct survey *survey, const struct told *told)
{
	struct finding finding = words[told->finding].finding;
	_cleanup_free_ char *tool = NULL, *remedy = NULL;

	if (finding.remedy && told->file)
		tool = doctor_pam_tool(survey->doctor, told->file, words[told->finding].adds);
	if (tool && asprintf(&remedy, "%s %s", finding.remedy, tool) < 0)
		remedy = NULL;
	if (remedy)
		finding.remedy = remedy;
	doctor_report(survey->doctor, &finding, told->where, "PAM service %s: %s", told->services,
		      told->detail ? told->detail : words[told->finding].what);
}

void doctor_pam_tell(struct survey *survey)
{
	for (size_t i = 0; i < survey->told_count; i++)
		tell_one(survey, &survey->told[i]);
}

void doctor_pam_tell_no_cards(struct survey *survey)
{
	static const struct finding no_cards = {
		"pam-no-card", SEVERITY_WARNING,
		"Without one nobody signs in with a card, so no session is ever governed.",
		"Set up pam_pkcs11, pam_sss (pam_cert_auth) or pam_p11 for the services that people sign in with."};

	doctor_report(survey->doctor, &no_cards, "/etc/pam.d",
		      "no PAM service that people sign in with has a smart card module");
}
