/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Which of several cards signed in, asked through PKCS#11 of the cards themselves. A foreign library runs for
 * that, so each card is asked by a process of its own, at the same time, which may read files and talk to
 * pcscd, no more: one that crashes, hangs or lies costs that card's answer alone. Nothing is ever logged in
 * to.
 */
#include "lib/pam_message.h"
#include "pam/find_text.h"
#include "pam/token.h"

/*
 * Asks every card, for at most timeout_ms milliseconds. `cards` have their names set. 0 with each card's
 * answer; a negative errno, with ret_text saying so, when there is nothing to ask: the module is not to be
 * trusted.
 */
int tokens_ask(const struct pam_request *request, const struct reader_state *cards, size_t count,
	       unsigned int timeout_ms, struct token_answer *ret_answers, struct find_text *ret_text);

/*
 * Which one it was: by the certificate, else by the label and, where several have it, by the user's name; by
 * the name alone when the sign-in left nothing else. Its index, or -ENOENT with ret_text saying why it is not
 * known: more than one, none, or a card that could not be read and may be the one.
 */
int token_choose(const struct pam_request *request, const struct reader_state *cards,
		 const struct token_answer *answers, size_t count, struct find_text *ret_text);
