/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Text from outside (names of readers, users, files), made fit to be shown. */
#include <stdbool.h>

/*
 * In place: what is not UTF-8 becomes '?'; so does each byte of a control character (C0, DEL, C1), unless
 * `keep_controls`: where they are escaped later. Returns `text`.
 */
char *text_clean(char *text, bool keep_controls);
