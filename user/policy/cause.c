/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/cause.h"

#include <string.h>

#include "lib/macro.h"

static const struct {
	const char *name, *message, *notice;
	bool any_rule; /* [Policy] and rules without Cause= govern it; else only a rule that names it does */
} causes[] = {
	[CAUSE_CARD] = {"card", "its card was removed", "Your smart card was removed", true},
	[CAUSE_READER] = {"reader", "its card's reader was removed",
			  "The reader of your smart card was removed", true},
	[CAUSE_ABSENT] = {"absent", "its card was found absent", "Your smart card is missing", true},
	[CAUSE_PCSC_LOST] = {"pcsc-lost", "pcscd stays away, and nothing else can watch its card",
			     "Your smart card can no longer be watched", true},
	[CAUSE_CLIENT] = {"client", "its client is away, so nobody knows whether its card is in",
			  "The machine with your smart card is away", false},
	[CAUSE_NO_CARD] = {"no-card", "its client has shown no card in time",
			   "No smart card was found in time", false},
};
ASSERT_ROWS(causes, CAUSE_COUNT);

const char *cause_name(enum cause cause)
{
	return cause < CAUSE_COUNT ? causes[cause].name : NULL;
}

bool cause_find(const char *name, size_t length, enum cause *ret)
{
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		if (strlen(causes[cause].name) == length && strncmp(causes[cause].name, name, length) == 0) {
			*ret = cause;
			return true;
		}
	return false;
}

const char *cause_message(enum cause cause)
{
	return causes[cause].message;
}

const char *cause_notice(enum cause cause)
{
	return causes[cause].notice;
}

unsigned cause_of_any_rule(void)
{
	unsigned mask = 0;

	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		mask |= (unsigned)causes[cause].any_rule << cause;
	return mask;
}
