/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * One far end: what it was asked, what it has answered, which readers it names. Pure: bytes in, bytes out, and the time is
 * given; so it is tested and fuzzed without a socket. It never powers, connects to or locks a card.
 *
 * Nothing here trusts the peer. Buffers are fixed, an answer never decides how much memory is used, each request has its own
 * time limit, and a fault ends this far end only.
 */
#include <stddef.h>

#include "lib/remote_message.h"

/* Of pcscd: sixteen readers of 184 bytes, then what may come in between and after (pcsclite.c). The longest answer of all. */
#define FAR_IN_SIZE  (16 * 184 + 8 + 12)
#define FAR_OUT_SIZE 512

/* How long an answer may take. */
#define FAR_ANSWER_NSEC 3000000000ULL

struct far_end {
	enum remote_dialect dialect;

	/* What it has reported. */
	struct reader_state readers[REMOTE_READERS_MAX];
	unsigned count;
	unsigned life;	      /* counts how often it was reached: its counters may begin again each time */
	bool listed;	      /* `readers` holds all that it names */
	bool silent;	      /* an answer is overdue */
	enum remote_why over; /* 0: it lives */
	char detail[64];      /* … and why it is over */

	/* The wire: what came and is incomplete; what is to be sent in one piece. */
	uint8_t in[FAR_IN_SIZE];
	size_t in_used, in_wanted;
	uint8_t out[FAR_OUT_SIZE];
	size_t out_used;
	uint64_t deadline; /* far_end_time() is due; 0: never */

	uint64_t paced; /* since when `paces` answers came: a flood is asked less often */
	unsigned paces;
	union {
		struct {
			unsigned state;
			uint8_t hello[12]; /* its own version, as it said it */
			bool pinged;	   /* the answer to a heartbeat is to come */
		} pcsclite;
		struct {
			unsigned state;
			uint32_t context; /* 0: none */
			uint32_t lost;	  /* the one whose answer did not come */
			uint32_t held;	  /* … until it came: it is to be released */
			struct reader_state found[REMOTE_READERS_MAX]; /* while it lists them again */
			uint32_t current[REMOTE_READERS_MAX]; /* what is known of each, as it said it */
			unsigned found_count, at;
			uint64_t asked;	  /* when the pending request was sent */
			uint64_t timeout; /* … and how long the far end may wait itself */
			unsigned failures;
			unsigned form;	  /* how requests are filled up (chansrv_request.c) … */
			unsigned refused; /* … and how many forms in turn the client did not take */
			unsigned entries; /* in the pending status request */
		} xrdp;
	};
};

/* Begins; fills `out`. */
void far_end_start(struct far_end *far, enum remote_dialect dialect, uint64_t now);

/* Takes `size` more bytes, which the caller has put behind in_used: at most in_wanted - in_used. */
void far_end_take(struct far_end *far, size_t size, uint64_t now);

/* The deadline has come. */
void far_end_time(struct far_end *far, uint64_t now);

/* ---- for the two dialects ---------------------------------------------------------------------------------- */

void far_end_over(struct far_end *far, enum remote_why why, const char *detail);

/* Appends to `out`. What does not fit is a fault of the far end, which did not read. */
void far_end_send(struct far_end *far, const void *bytes, size_t size);

/*
 * Copies a name of at most `size` bytes, printable. False: it has no end, or no beginning.
 */
bool far_end_name(const uint8_t *bytes, size_t size, struct reader_state *reader);

/* How long to wait before the next question, so that a flood costs little; 0: not at all. */
uint64_t far_end_pace(struct far_end *far, uint64_t now);

void pcsclite_start(struct far_end *far, uint64_t now);
void pcsclite_take(struct far_end *far, uint64_t now);
void pcsclite_time(struct far_end *far, uint64_t now);

void chansrv_start(struct far_end *far, uint64_t now);
void chansrv_take(struct far_end *far, uint64_t now);
void chansrv_time(struct far_end *far, uint64_t now);
