/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Why a removal was a removal: every cause, and every word that there is for it. */
#include <stdbool.h>
#include <stddef.h>

/*
 * A row is a cause: its number; its name, as Cause=, SCPOLICY_CAUSE= and recordings have it; who governs it; what it
 * shows; which sessions can have it; and what happened, in the words of the help, of the journal and of the desktop.
 * ANY_RULE: [Policy] and rules without Cause= govern it. NAMED_RULE: only a rule that names it in Cause= does.
 * REMOVAL: the card is out of its place. NO_REMOVAL: nobody knows whether it is in.
 * ANY_SESSION, or REMOTE_SESSION: only a session whose card is at its client.
 */
#define EVERY_CAUSE(FIRST, NEXT, LAST)                                                                       \
	FIRST(CARD, "card", ANY_RULE, REMOVAL, ANY_SESSION, "the card is removed from its reader",           \
	      "its card was removed", "Your smart card was removed")                                         \
	NEXT(READER, "reader", ANY_RULE, REMOVAL, ANY_SESSION,                                               \
	     "the reader is removed, or can no longer be used", "its card's reader was removed",             \
	     "The reader of your smart card was removed")                                                    \
	NEXT(ABSENT, "absent", ANY_RULE, REMOVAL, ANY_SESSION,                                               \
	     "the card is found missing when the daemon looks for it", "its card was found absent",          \
	     "Your smart card is missing")                                                                   \
	NEXT(PCSC_LOST, "pcsc-lost", ANY_RULE, NO_REMOVAL, ANY_SESSION,                                      \
	     "pcscd stays away, and nothing else watches the reader",                                        \
	     "pcscd stays away, and nothing else can watch its card",                                        \
	     "Your smart card can no longer be watched")                                                     \
	NEXT(CLIENT, "client", NAMED_RULE, NO_REMOVAL, REMOTE_SESSION,                                       \
	     "the client of a remote session is away",                                                       \
	     "its client is away, so nobody knows whether its card is in",                                   \
	     "The machine with your smart card is away")                                                     \
	LAST(NO_CARD, "no-card", NAMED_RULE, NO_REMOVAL, REMOTE_SESSION,                                     \
	     "a remote session has shown no card in time", "its client has shown no card in time",           \
	     "No smart card was found in time")

#define CAUSE_NUMBER(number, ...) CAUSE_##number,
enum cause { EVERY_CAUSE(CAUSE_NUMBER, CAUSE_NUMBER, CAUSE_NUMBER) CAUSE_COUNT };

/* The names in messages: "card, reader … and pcsc-lost", "… or …", "card reader …"; and for the help a line each. */
#define CAUSE_ALONE(number, name, ...) name
#define CAUSE_COMMA(number, name, ...) ", " name
#define CAUSE_AND(number, name, ...)   " and " name
#define CAUSE_OR(number, name, ...)    " or " name
#define CAUSE_BLANK(number, name, ...) " " name

#define CAUSE_LINE(number, name, governed, shows, sessions, help, ...) "  " name ": " help "\n"

#define CAUSES_AND   EVERY_CAUSE(CAUSE_ALONE, CAUSE_COMMA, CAUSE_AND)
#define CAUSES_OR    EVERY_CAUSE(CAUSE_ALONE, CAUSE_COMMA, CAUSE_OR)
#define CAUSES_WORDS EVERY_CAUSE(CAUSE_ALONE, CAUSE_BLANK, CAUSE_BLANK)
#define CAUSES_HELP  "CAUSE is one of:\n" EVERY_CAUSE(CAUSE_LINE, CAUSE_LINE, CAUSE_LINE)

/* NULL outside the enum. */
const char *cause_name(enum cause cause);

/* The cause whose name is the `length` bytes at `name`. False: there is none. */
bool cause_find(const char *name, size_t length, enum cause *ret);

/* What happened, in the words of the journal ("its card was removed") and of the desktop ("Your smart card was …"). */
const char *cause_message(enum cause cause);
const char *cause_notice(enum cause cause);

/* REMOVAL and REMOTE_SESSION of the table. */
bool cause_is_removal(enum cause cause);
bool cause_is_remote(enum cause cause);

/* Bit n: [Policy] and rules without Cause= govern cause n. Any other cause needs a rule that names it. */
unsigned cause_of_any_rule(void);
