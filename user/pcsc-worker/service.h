/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Connects to pcscd, and while it is away sleeps until its socket appears. */
#include <stdbool.h>
#include <winscard.h>

struct service;

/*
 * Waits until there is a directory for the socket that libpcsclite uses in this process; while there is none,
 * it reports that to the daemon. Then it makes that directory the only part of the file system that the
 * process sees (sandbox.h). Call it before the first thread is started, and before the first call into
 * libpcsclite. 0, or a negative errno. Lives as long as the process.
 */
int service_new(struct service **ret);

/*
 * Tries once. Returns the context, which keeps pcscd from exiting for lack of clients; 0 if pcscd cannot be
 * reached.
 */
SCARDCONTEXT service_connect(void);
/*
 * Sleeps until another try may succeed. If the socket's file is missing, it sleeps until the file appears,
 * however long. If the file is there and nobody answers (pcscd is starting, or a signal killed it), it sleeps
 * for a growing time.
 */
void service_wait(struct service *service);
/* pcscd has served for a while: the next wait starts short again. */
void service_reached(struct service *service);
