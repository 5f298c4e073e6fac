/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The worker's end of the socket to the daemon. Messages wait while the daemon is slow and are never dropped;
 * when the daemon is gone the process ends, because nobody needs the watch any more.
 */
#include <stdbool.h>

#include "lib/worker_message.h"

/* CLOCK_MONOTONIC now, in nanoseconds. */
uint64_t channel_stamp(void);

/* PCSC_UP, PCSC_DOWN (number 0) and SYNCED. */
void channel_send(enum worker_message_type type, uint64_t stamp, uint32_t number);
/* READER and READER_GONE. */
void channel_send_reader(enum worker_message_type type, uint64_t stamp, const struct reader_state *reader);
/*
 * Waits for a packet. True if it is a request; other packets are skipped. Does not return when the daemon is
 * gone.
 */
bool channel_receive(struct worker_request *ret);
