/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * pcscd's comings: connects to it, and while it is away sleeps until its socket appears.
 */
#include <stdbool.h>
#include <winscard.h>

struct service;

/*
 * Waits until there is a folder for the socket that libpcsclite uses in this process, having told the daemon that there
 * is none, and makes that folder all that the process sees of the file system (sandbox.h). To be called before the first
 * thread is started, and before the first call into libpcsclite. 0, or a negative errno. Lives as long as the process.
 */
int service_new(struct service **ret);

/* One try. The context, which keeps pcscd from ending for lack of clients; 0 when pcscd cannot be reached. */
SCARDCONTEXT service_connect(void);
/*
 * Sleeps until another try may succeed. While the socket's file is missing that is until it appears, however
 * long; while it is there and nobody answers (pcscd starting, or dead by a signal), a growing while.
 */
void service_wait(struct service *service);
/* pcscd has served for a while: the next wait starts short again. */
void service_reached(struct service *service);
