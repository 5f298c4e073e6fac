/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the worker gives up. It keeps the user it was started as: pcscd asks polkit for every other one, and
 * as root it is let in where nobody is logged in. What is left of root is then the right to reach sockets.
 */

/* Threads inherit this: call it before the first is started. 0, or a negative errno. */
int sandbox_drop_privileges(void);
/*
 * Leaves every thread, those running included, only the system calls that libpcsclite and the watch need.
 * libpcsclite 2.x loads its other half at the first call into it: make one before. 0, or a negative errno.
 */
int sandbox_restrict_calls(void);
