/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The readers that pcscd lists: what the daemon knows about each, and who looks for its USB address. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <winscard.h>

#include "lib/card.h"
#include "pcsc-worker/address.h"

struct watched_reader {
	struct reader_state state;
	DWORD known;	/* dwCurrentState: pcscd's last report; SCARD_STATE_UNAWARE: none yet */
	bool announced; /* the daemon knows `state` */
	bool listed;	/* by the latest SCardListReaders() */
	bool exclusive; /* another client held it exclusively when we asked for its address */
};

struct readers {
	struct address_finder *finder;
	size_t count;
	bool full;     /* this libpcsclite takes no entry beside those that there are */
	bool too_many; /* the log says so */
	struct watched_reader of[READERS_MAX];
};

/* Brings the table in line with the names that pcscd lists, each with its NUL; true when there are new ones. */
bool readers_merge(struct readers *readers, const char *names, uint64_t stamp);

/* Reports the reader at `i` as removed. The last one moves to its place. */
void readers_remove(struct readers *readers, size_t i, uint64_t stamp);

/* Forgets all of them and reports nothing: pcscd is another one. */
void readers_forget(struct readers *readers);

/* Reports the state of one. */
void readers_announce(struct watched_reader *reader, uint64_t stamp);

/* Takes the addresses that were found meanwhile, and reports them. */
void readers_take_addresses(struct readers *readers);
