/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Makes text from outside (names of readers, users, files) fit to be shown. */
#include <stdbool.h>

/*
 * Works in place: what is not UTF-8 becomes '?', and so does each byte of a control character (C0, DEL, C1).
 * `keep_controls` keeps those for a caller that escapes them later. Returns `text`.
 */
char *text_clean(char *text, bool keep_controls);

/* Cuts blanks and a carriage return off both ends. */
char *text_trim(char *text);
