/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the worker gives up. It keeps the user it was started as: pcscd asks polkit for every other one, and
 * as root it is let in where nobody is logged in. What is left of root is then the right to reach sockets; those
 * with a path are out of sight, but pcscd's.
 */
#include <stdbool.h>

/*
 * Threads inherit this and the next: call both before the first is started. All but what the next needs. 0, or a
 * negative errno.
 */
int sandbox_drop_privileges(void);
/*
 * Makes `folder` the root of the file system, and drops the rest. Where that is not allowed the process goes on with
 * what it sees, and says so; with NULL it drops the rest alone. 0, or a negative errno.
 */
int sandbox_enter(const char *folder, bool *ret_entered);
/*
 * Leaves every thread, those running included, only the system calls that libpcsclite and the watch need: no file can be
 * opened any more. 0, or a negative errno.
 */
int sandbox_restrict_calls(void);
