/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A PKCS#11 module and what it says of the card in one reader. What runs here is a foreign library: only in a
 * process of its own (find_token.c). Sessions are read-only, C_Login is never called.
 */
#include <p11-kit/pkcs11.h>

#include "lib/pam_message.h"

/* What a card's PKCS#11 tokens say. */
struct token_answer {
	bool read;	  /* false: nothing below is known */
	bool label;	  /* a token has the label that the sign-in left */
	bool certificate; /* a token has the certificate that the sign-in left */
	bool user; /* a token's label, or the common name in one of its certificates, is the user's name */
	char why[160]; /* not read: the reason */
};

/* A module that nobody but root can have put there. 0, or a negative errno. */
int module_check(const char *path);

/* Loads and starts the module at `path`, or p11-kit's for "". NULL with answer->why filled. */
CK_FUNCTION_LIST *module_start(const char *path, struct token_answer *answer);
/* Lets go of the cards; else pcscd would reset them when the process ends. */
void module_end(CK_FUNCTION_LIST *module);

/*
 * Fills the answer for the card in `reader`. A slot is that reader's by its description. Where another reader
 * has the same one, its card is taken for this one's too, unless the module was told to hide it.
 */
void token_read(CK_FUNCTION_LIST *module, const struct pam_request *request, const char *reader,
		struct token_answer *answer);

/*
 * Before the module is loaded: when another card's reader has a name that a slot description cannot tell from
 * that of the card `shown`, has OpenSC ignore these readers (opensc.conf(5), ignored_readers). Other modules
 * do not listen, and then each of these cards seems to be the one, which is no harm: two are none.
 */
void opensc_hide_twins(const struct reader_state *cards, size_t count, size_t shown);
