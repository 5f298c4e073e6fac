/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Asks the daemon over D-Bus, for a locker that runs as the person and can write no record. */

#define ASK_TEXT_SIZE 256

/*
 * Has the daemon bind the session of this process to the card that is in. 1: it is guarded. 0: it is not, and `ret_text`
 * says why, or is "" where no card opened it or no daemon runs. A negative errno: `ret_text` says why.
 */
int ask_rebind(unsigned int timeout_ms, char ret_text[static ASK_TEXT_SIZE]);
