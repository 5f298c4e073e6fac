/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Finds out through PKCS#11 which of several cards signed in. This needs a foreign library, so a separate
 * process asks each card, all at the same time. Such a process may only read files and talk to pcscd. If it
 * crashes, hangs or lies, only that card's answer is lost. It never logs in to a card.
 */
#include "lib/pam_message.h"
#include "pam/find_text.h"
#include "pam/token.h"

/*
 * Asks every card, for at most timeout_ms milliseconds. `cards` have their names set. Returns 0 with each
 * card's answer. If the module is not to be trusted, no card is asked: returns a negative errno, and ret_text
 * says so.
 */
int tokens_ask(const struct pam_request *request, const struct reader_state *cards, size_t count,
	       unsigned int timeout_ms, struct token_answer *ret_answers, struct find_text *ret_text);

/*
 * Finds the card that signed in: by the certificate, else by the label and, if several cards have it, by the
 * user's name. The name alone counts if the sign-in left nothing else. Returns the card's index, or -ENOENT
 * if it is not known; ret_text says why: several cards, none, or a card that could not be read and may be the
 * one.
 */
int token_choose(const struct pam_request *request, const struct reader_state *cards,
		 const struct token_answer *answers, size_t count, struct find_text *ret_text);
