/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A PKCS#11 module, and what it reports about the card in one reader. This runs a foreign library, so it runs
 * only in a process of its own (find_token.c). Sessions are read-only, and C_Login is never called.
 */
#include <p11-kit/pkcs11.h>

#include "lib/pam_message.h"

/* What a card's PKCS#11 tokens report. */
struct token_answer {
	bool read;	  /* false: nothing below is known */
	bool label;	  /* a token has the label that the sign-in left */
	bool certificate; /* a token has the certificate that the sign-in left */
	bool user; /* a token's label, or the common name in one of its certificates, is the user's name */
	char why[160]; /* not read: the reason */
};

/* Checks that only root can have put the module there. 0, or a negative errno. */
int token_module_check(const char *path);

/* Loads and starts the module at `path`, or p11-kit's for "". NULL with answer->why filled. */
CK_FUNCTION_LIST *token_module_start(const char *path, struct token_answer *answer);
/* Releases the cards; otherwise pcscd would reset them when the process ends. */
void token_module_end(CK_FUNCTION_LIST *module);

/*
 * Fills the answer for the card in `reader`. A slot's description says which reader it belongs to. If another
 * reader has the same description, its card counts as this reader's too, unless the module has to hide
 * that reader.
 */
void token_read(CK_FUNCTION_LIST *module, const struct pam_request *request, const char *reader,
		struct token_answer *answer);

/*
 * Call this before the module is loaded. A slot description may not distinguish another card's reader from
 * the reader of the card `shown`. Then this has OpenSC ignore those readers (opensc.conf(5),
 * ignored_readers). Other modules do not listen to it, and each of these cards seems to be the one. That does
 * no harm: two cards count as none.
 */
void opensc_hide_twins(const struct reader_state *cards, size_t count, size_t shown);
