/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/cause.h"

#include <string.h>

enum governed { NAMED_RULE = 0, ANY_RULE = 1 };
enum shows { NO_REMOVAL, REMOVAL };
enum sessions { ANY_SESSION, REMOTE_SESSION };

#define ROW(number, name, governed, shows, sessions, help, message, notice)                                  \
	[CAUSE_##number] = {name, message, notice, governed, shows, sessions},

static const struct {
	const char *name, *message, *notice;
	enum governed governed;
	enum shows shows;
	enum sessions sessions;
} causes[] = {EVERY_CAUSE(ROW, ROW, ROW)};

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

bool cause_is_removal(enum cause cause)
{
	return causes[cause].shows == REMOVAL;
}

bool cause_is_remote(enum cause cause)
{
	return causes[cause].sessions == REMOTE_SESSION;
}

unsigned cause_of_any_rule(void)
{
	unsigned mask = 0;

	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		mask |= (unsigned)causes[cause].governed << cause;
	return mask;
}
