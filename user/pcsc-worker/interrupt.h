/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The other threads use this to get the main thread out of SCardGetStatusChange(). SCardCancel() does nothing
 * if the main thread is not yet, or no longer, waiting in there. So the errand stays noted here, and
 * SCardCancel() is repeated until the main thread has taken the note.
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
 * Starts the threads that listen to the daemon and that call SCardCancel(). Returns 0, or a negative errno,
 * after which the process must end. Lives as long as the process.
 */
int interrupt_new(struct interrupt **ret);

/* Main thread: sets the context that it waits with from now on; 0: it does not wait in PC/SC. */
void interrupt_set_context(struct interrupt *interrupt, SCARDCONTEXT context);
/* Main thread: takes what is noted; false if nothing is. */
bool interrupt_take(struct interrupt *interrupt, struct errand *ret);

/* Any thread. */
void interrupt_note_addresses(struct interrupt *interrupt);
