/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The lines of a file in pam.d and the words of a line, cut as libpam cuts them. No I/O. */

#define PAM_BLANKS " \n\t"

/*
 * Cuts the next line out of the text, and counts those that it had. A backslash at its end joins it with the one
 * after it, blank lines and comments left out; a comment ends it. 1; 0 when there is no further line; -EBADMSG when the
 * text ends in a backslash.
 */
int pam_text_line(char **text, unsigned *number, char **ret, unsigned *ret_first);

/*
 * The next word of `text`, which is cut up and moved on; "[...]" is one word, without its brackets. NULL: there is
 * none. libpam's way to split control values and arguments.
 */
char *pam_text_word(char **text);
