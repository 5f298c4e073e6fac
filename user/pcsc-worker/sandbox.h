/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the worker gives up. It keeps the user that it was started as, because pcscd asks polkit about every
 * user but root, and accepts root even if nobody is logged in. Root's only remaining right is then to reach
 * sockets, and the only socket with a path that the worker can see is pcscd's.
 */
#include <stdbool.h>

/*
 * Gives up everything but what the next function needs. Threads inherit this and the next: call both before
 * the first thread is started. 0, or a negative errno.
 */
int sandbox_drop_privileges(void);
/*
 * Makes `folder` the root of the file system, and drops the rest. If that is not allowed, the process
 * continues with the file system that it sees, and logs that. With NULL it only drops the rest. 0, or a
 * negative errno.
 */
int sandbox_enter(const char *folder, bool *ret_entered);
/*
 * Leaves every thread, running ones included, only the system calls that libpcsclite and the watch need. No
 * file can be opened any more. 0, or a negative errno.
 */
int sandbox_restrict_calls(void);
