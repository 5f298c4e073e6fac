/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/pam_cards.h"

#include <security/_pam_types.h>
#include <string.h>

#include "ctl/pam_modules.h"

/* ---- what a line is ------------------------------------------------------------------------------------- */

static bool is_ours(const struct pam_line *line)
{
	return strcmp(line->module, PAM_OURS) == 0;
}

/*
 * pam_sss: its options ask for the card alone. SSSD then refuses in a service that it does not take cards in; without
 * the options it asks for a password there. A password that an earlier line asked for is never taken for a PIN.
 */
static enum pam_card sss_card(const struct pam_question *question, const struct pam_line *line)
{
	bool alone = pam_line_has(line, "require_cert_auth") || pam_line_has(line, "try_cert_auth");
	const struct sssd_config *sssd = question->sssd;
	bool allowed = sssd_config_allows(sssd, question->service);

	/* What its configuration says is not known: the line says what is meant. */
	if (alone && (!sssd->present || sssd->unread))
		return CARD_ALWAYS;
	if (alone)
		return allowed ? CARD_ALWAYS : CARD_NEVER;
	if (!allowed || pam_line_has(line, "use_first_pass"))
		return CARD_NONE;
	/* GDM opens this service for a card alone. */
	return strcmp(question->service, "gdm-smartcard") == 0 ? CARD_ALWAYS : CARD_MAYBE;
}

static enum pam_card krb5_card(const struct pam_line *line)
{
	return pam_line_has(line, "use_pkinit")	  ? CARD_ALWAYS
	       : pam_line_has(line, "try_pkinit") ? CARD_MAYBE
						  : CARD_NONE;
}

enum pam_card pam_line_card(const struct pam_question *question, const struct pam_line *line)
{
	static const char *const modules[] = {"pam_pkcs11.so", "pam_p11.so", "pam_poldi.so", "pam_pivcard.so",
					      "pam_eid.so"};

	if (line->kind != PAM_MODULE)
		return CARD_NONE;
	for (size_t i = 0; i < ELEMENTS(modules); i++)
		if (strcmp(line->module, modules[i]) == 0)
			return CARD_ALWAYS;
	if (strcmp(line->module, "pam_sss.so") == 0)
		return sss_card(question, line);
	if (strcmp(line->module, "pam_krb5.so") == 0)
		return krb5_card(line);
	return question->guess && !pam_module_is_plain(line->module) ? CARD_ALWAYS : CARD_NONE;
}

bool pam_line_tells(const struct pam_question *question, const struct pam_line *line)
{
	return strcmp(line->module, "pam_pkcs11.so") == 0 ||
	       (strcmp(line->module, "pam_sss.so") == 0 && strcmp(question->service, "gdm-smartcard") == 0);
}

bool pam_line_proves(const struct pam_line *line)
{
	return is_ours(line) && pam_line_has(line, "proof=pkinit");
}

bool pam_line_guesses(const struct pam_line *line)
{
	return is_ours(line) && !pam_line_has(line, "token") && !pam_line_has(line, "always") &&
	       !pam_line_proves(line);
}

static bool takes_cards(const struct pam_question *question, const struct pam_line *line)
{
	enum pam_card card = pam_line_card(question, line);

	return card == CARD_MAYBE || card == CARD_ALWAYS;
}

size_t pam_find_card(const struct pam_question *question, const struct pam_stack *stack)
{
	size_t at = 0;

	while (at < stack->count && !takes_cards(question, &stack->lines[at]))
		at++;
	return at;
}

size_t pam_find_silent_card(const struct pam_question *question, const struct pam_stack *stack)
{
	size_t at = 0;

	while (at < stack->count &&
	       (!takes_cards(question, &stack->lines[at]) || pam_line_tells(question, &stack->lines[at])))
		at++;
	return at;
}

/* ---- ways ----------------------------------------------------------------------------------------------- */

static unsigned after_ours(const struct pam_line *line, unsigned flags)
{
	bool waits = pam_line_has(line, "token") && !pam_line_has(line, "always") && !pam_line_proves(line);

	if (flags & WAY_CARD)
		return flags | WAY_ASKED | (!waits || flags & WAY_TOLD ? WAY_NOTED : 0);
	return pam_line_guesses(line) ? flags | WAY_GUESS : flags;
}

/*
 * A refusal, and "ignore" where the line provides for it: its control value says what follows, or an option makes the
 * module say it. None of these modules ignores of its own accord in a sign-in.
 */
static uint32_t refusals(const struct pam_line *line)
{
	bool ignores = line->actions[PAM_IGNORE] != PAM_ACTION_IGNORE ||
		       pam_line_has(line, "ignore_authinfo_unavail") ||
		       pam_line_has(line, "ignore_unknown_user") || pam_line_has(line, "nouserok");

	return PAM_REFUSALS | (ignores ? PAM_BIT(PAM_IGNORE) : 0);
}

size_t pam_auth_answers(void *userdata, const struct pam_stack *stack, size_t at, unsigned flags,
			struct pam_outcome ret[static PAM_OUTCOMES_MAX])
{
	const struct pam_question *question = userdata;
	const struct pam_line *line = &stack->lines[at];
	unsigned told = pam_line_tells(question, line) ? WAY_TOLD : 0;
	enum pam_card card = pam_line_card(question, line);

	if (is_ours(line))
		flags = after_ours(line, flags);
	switch (card) {
	case CARD_NONE:
		ret[0] = (struct pam_outcome){pam_module_returns(line, PAM_TYPE_AUTH, question->service),
					      flags};
		return 1;
	case CARD_NEVER:
		ret[0] = (struct pam_outcome){refusals(line), flags};
		return 1;
	case CARD_MAYBE:
	case CARD_ALWAYS:
		break;
	}
	ret[1] = (struct pam_outcome){refusals(line), flags};
	flags |= card == CARD_MAYBE ? WAY_SHARED : 0;
	ret[0] = (struct pam_outcome){PAM_BIT(PAM_SUCCESS), flags | WAY_CARD | told};
	ret[2] = (struct pam_outcome){PAM_BIT(PAM_SUCCESS), flags};
	return card == CARD_MAYBE ? 3 : 2;
}

size_t pam_session_answers(void *userdata, const struct pam_stack *stack, size_t at, unsigned flags,
			   struct pam_outcome ret[static PAM_OUTCOMES_MAX])
{
	const struct pam_question *question = userdata;
	const struct pam_line *line = &stack->lines[at];
	uint32_t returns = pam_module_returns(line, PAM_TYPE_SESSION, question->service);

	if (strcmp(line->module, "pam_systemd.so") == 0 || strcmp(line->module, "pam_elogind.so") == 0) {
		flags |= WAY_SYSTEMD;
		returns = PAM_BIT(PAM_SUCCESS); /* else there is no session to govern */
	} else if (is_ours(line) && flags & WAY_SYSTEMD)
		flags |= WAY_OURS;
	ret[0] = (struct pam_outcome){returns, flags};
	return 1;
}
