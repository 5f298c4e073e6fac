/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Finds readers' USB addresses in threads and PC/SC contexts of their own: SCardConnect() waits as long as
 * another client holds a transaction, and neither the watch nor another reader's address must wait with it.
 */
#include "lib/card.h"
#include "lib/names.h"
#include "pcsc-worker/interrupt.h"

struct address_finder;

struct address_answer {
	struct usb_address usb; /* not set: the reader has none, or does not report it now */
	bool exclusive;		/* … because another client holds it exclusively: ask again when that ends */
};

/* 0, or a negative errno. Lives as long as the process; `interrupt` must outlive it. */
int address_finder_new(struct interrupt *interrupt, struct address_finder **ret);

/* Asks for a reader's address; asking again while it is being found changes nothing. */
void address_ask(struct address_finder *finder, const char *name);
/* Waits until everything asked was found, or until `timeout_ms` have passed. */
void address_wait(struct address_finder *finder, unsigned int timeout_ms);
/*
 * Takes one answer out; false if there is none. After address_wait(), interrupt_note_addresses() reports each
 * later answer.
 */
bool address_take(struct address_finder *finder, char ret_name[static READER_NAME_SIZE],
		  struct address_answer *ret_answer);
/* Forgets the question or its answer: the reader was removed. */
void address_forget(struct address_finder *finder, const char *name);
