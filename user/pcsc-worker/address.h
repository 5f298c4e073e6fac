/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Finds readers' USB addresses in a thread and a PC/SC context of its own: SCardConnect() waits as long as
 * another client holds a transaction, and the watch over the other readers must not wait with it.
 */
#include "lib/card.h"
#include "lib/names.h"
#include "pcsc-worker/interrupt.h"

struct address_finder;

/* 0, or a negative errno. Lives as long as the process; `interrupt` must outlive it. */
int address_finder_new(struct interrupt *interrupt, struct address_finder **ret);

/* Asks for a reader's address; asking again while it is being found changes nothing. */
void address_ask(struct address_finder *finder, const char *name);
/* Waits until everything asked was found, or until `timeout_ms` have passed. */
void address_wait(struct address_finder *finder, unsigned int timeout_ms);
/*
 * Takes one answer out; false when there is none. Found in vain is an answer too: an address that is not
 * set. Once address_wait() was over, interrupt_note_addresses() tells of each later answer.
 */
bool address_take(struct address_finder *finder, char ret_name[static READER_NAME_SIZE],
		  struct usb_address *ret_usb);
/* Forgets the question or its answer: the reader went. */
void address_forget(struct address_finder *finder, const char *name);
