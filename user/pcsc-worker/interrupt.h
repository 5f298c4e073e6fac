/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * How the other threads get the main thread out of SCardGetStatusChange(). SCardCancel() does nothing when
 * the main thread is not yet, or no longer, waiting in there; so what is asked of it stays noted here, and
 * the call is repeated until the main thread has taken the note.
 */
#include <stdbool.h>
#include <stdint.h>
#include <winscard.h>

struct interrupt;

/* What the main thread is to do. */
struct errand {
	bool recheck;	 /* the daemon asks for every reader's state */
	bool locate;	 /* … and for every reader's USB address */
	uint32_t number; /* of its latest request: it answers the earlier ones too */
	bool addresses;	 /* USB addresses were found */
};

/*
 * Starts the threads that listen to the daemon and that call SCardCancel(). 0, or a negative errno, after
 * which the process must end. Lives as long as the process.
 */
int interrupt_new(struct interrupt **ret);

/* Main thread: the context that it waits with from now on; 0: it does not wait in PC/SC. */
void interrupt_set_context(struct interrupt *interrupt, SCARDCONTEXT context);
/* Main thread: takes what is noted; false when nothing is. */
bool interrupt_take(struct interrupt *interrupt, struct errand *ret);

/* Any thread. */
void interrupt_note_addresses(struct interrupt *interrupt);
