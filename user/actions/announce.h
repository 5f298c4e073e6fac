/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Tells the person at a session's terminal what is about to happen to it, as wall(1) would: countdowns,
 * that they were cancelled, and what is not protected. Graphical sessions have no terminal that anybody sees.
 */
#include "policy/verdict.h"

/*
 * Writes the line that belongs to a COUNTDOWN, CANCELLED, CANNOT_LOCK or UNGUARDED to `tty`, logind's TTY
 * property ("tty2", "pts/0"; "": none, nothing is done). Ignores other verdicts. Never blocks; failures are
 * logged.
 */
void announce_verdict(const struct verdict *verdict, const char *tty);

/*
 * Writes one line to the terminal `tty`, if it is one and belongs to `uid`. -EINVAL: not the name of a
 * terminal; -ENOTTY, -EPERM: not a terminal, not this user's; -EAGAIN: it takes no more now.
 */
int announce_write(const char *tty, uid_t uid, const char *text);
