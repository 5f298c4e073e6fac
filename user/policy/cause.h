/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Why a removal was a removal: every cause, and every word that there is for it. */
#include <stdbool.h>
#include <stddef.h>

enum cause {
	CAUSE_CARD,	 /* the card was taken out of its reader */
	CAUSE_READER,	 /* the reader was taken away, or can no longer be used */
	CAUSE_ABSENT,	 /* found missing when looked for */
	CAUSE_PCSC_LOST, /* pcscd stays away, and nothing else watches the reader */
	CAUSE_CLIENT,	 /* the client of a remote session is away; only a rule that names it governs it */
	CAUSE_NO_CARD,	 /* a remote session has shown no card in time; likewise */
	CAUSE_COUNT,
};

/* The names, for messages. test_cause.c compares them with the table. */
#define CAUSE_LIST(last) "card, reader, absent, pcsc-lost, client " last " no-card"
#define CAUSE_WORDS	 "card reader absent pcsc-lost client no-card"
#define CAUSE_HELP                                                                                           \
	"CAUSE is card (it is removed), reader (it is removed), absent (the card is found\n"                 \
	"missing), pcsc-lost (pcscd stays away), client (a remote session's client is away)\n"               \
	"or no-card (a remote session has shown no card in time).\n"

/* As Cause=, SCPOLICY_CAUSE= and recordings have it; NULL outside the enum. */
const char *cause_name(enum cause cause);

/* The cause whose name is the `length` bytes at `name`. False: there is none. */
bool cause_find(const char *name, size_t length, enum cause *ret);

/* What happened, in the words of the journal ("its card was removed") and of the desktop ("Your smart card was …"). */
const char *cause_message(enum cause cause);
const char *cause_notice(enum cause cause);

/* Bit n: [Policy] and rules without Cause= govern cause n. Any other cause needs a rule that names it. */
unsigned cause_of_any_rule(void);
