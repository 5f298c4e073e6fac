/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The messages between the daemon and the PC/SC worker, over a SOCK_SEQPACKET socketpair. One packet is one
 * struct, of exactly its size; a packet of any other size is a fault. The worker's end is file descriptor
 * WORKER_FD. The worker exits when the daemon's end is closed.
 *
 * Order, from worker to daemon: PCSC_UP when pcscd was reached, then a READER for every reader that pcscd
 * lists, then SYNCED. Afterwards a READER for every change and a READER_GONE for every reader that was
 * removed. After PCSC_DOWN nothing is known until the next PCSC_UP. The worker answers a RECHECK request with
 * a READER for every reader as it is now, then SYNCED with the request's number.
 */
#include "lib/card.h"

#define WORKER_FD    3
#define WORKER_MAGIC 0x53435032U /* "SCP2": changed with every change of these structs */

enum worker_message_type {
	WORKER_PCSC_UP = 1,
	WORKER_PCSC_DOWN,
	WORKER_READER,
	WORKER_READER_GONE, /* only reader.name counts */
	WORKER_SYNCED,
};

struct worker_message {
	uint32_t magic;
	uint32_t type;	 /* enum worker_message_type */
	uint64_t stamp;	 /* nanoseconds, CLOCK_MONOTONIC: when the worker noticed it */
	uint32_t number; /* SYNCED: of the RECHECK request it answers, 0 for the first list */
	uint32_t unused;
	struct reader_state reader;
};

/* From daemon to worker: read every reader's state again. */
struct worker_request {
	uint32_t magic;
	uint32_t number; /* counts from 1 */
	uint32_t locate; /* 1: also find the USB address of each reader again; it is reported later */
	uint32_t unused;
};
