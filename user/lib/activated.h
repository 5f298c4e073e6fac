/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* A helper that systemd starts with a listening socket as file descriptor 3 (sd_listen_fds(3)). */
#include <stdbool.h>

#define ACTIVATED_FD 3

/* False: it is not there, and standard error says how the program is started. */
bool activated(const char *program);

/* For one that systemd starts for each connection, which is file descriptor 3. False: it is not there, or not root's. */
bool activated_connection(const char *program);

/* The next connection, with flags as of accept4(); the caller's. -EPERM: not root's; or another negative errno. */
int activated_accept(int flags);
