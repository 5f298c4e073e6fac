/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the watcher gives up: it has no file, no network, no right, and can make no descriptor. systemd starts it as a user of
 * its own in a network of its own (scpolicyd-remote.service).
 */

/*
 * Makes $RUNTIME_DIRECTORY, which is empty, the root of the file system where that is allowed; drops every capability, and
 * every system call that the watch does not need. 0, or a negative errno.
 */
int confine_watcher(void);
