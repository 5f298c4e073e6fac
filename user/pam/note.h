/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the auth line passes to the session line: the note of the card that it found, or why it found none. The note is
 * passed twice. One copy is PAM data. The other is in the PAM environment, because sshd may authenticate in a child
 * whose data is lost. Others could put a note into the environment too, so the data wins.
 */
#include <security/pam_modules.h>

/* "": the card was used, but which one is not known. */
void note_keep(pam_handle_t *pamh, const char *note);

/* NULL: the auth line was not reached, or found no card. Valid until note_forget(). */
const char *note_find(pam_handle_t *pamh);

/* The card's path was taken, and no card was found. */
void note_miss(pam_handle_t *pamh, const char *reason);
/* Its reason; NULL: that is not so. Valid until note_forget(). */
const char *note_missed(pam_handle_t *pamh);

/* The session must not inherit it. */
void note_forget(pam_handle_t *pamh);
