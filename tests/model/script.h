/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A history before it happens: what the machine is, and what is done to it, step by step. Plain numbers, so
 * that steps can be left out one by one to see which of them matter. Each step has random numbers of its own:
 * leaving one out changes no other.
 */
#include <stdbool.h>
#include <stdint.h>

#define STEPS_MOST    48
#define DEVICES_MOST  4
#define SESSIONS_MOST 4
#define PEOPLE_MOST   3

/* What is done. `a`, `b` and `c` choose among what there is. */
enum op {
	OP_WAIT,	 /* only time passes */
	OP_QUIET,	 /* everything comes to rest, and the judge looks */
	OP_CARD_OUT,	 /* of unit a */
	OP_CARD_IN,	 /* the card that belongs there; b: another one */
	OP_CARD_BLINK,	 /* out and in, b milliseconds later */
	OP_READER_OUT,	 /* device a */
	OP_READER_IN,	 /* device a; b: where, c: with which address */
	OP_READER_BLINK, /* out and in at the same port, b times 20 ms later */
	OP_HUB_OUT,	 /* every device */
	OP_FALSE_NOTICE, /* the reader says "out", and it is not */
	OP_COMM_ERROR,	 /* unit a cannot be read for a while */
	OP_PCSCD_CRASH,	 /* c: its names come in another order */
	OP_PCSCD_START,
	OP_PCSCD_RESTART,
	OP_PCSCD_HANG,
	OP_PCSCD_GO_ON,
	OP_PCSCD_DEAF, /* it misses the next plug */
	OP_WORKER_RESTART,
	OP_CLIENT_HOLD, /* a program holds reader a: its address cannot be found */
	OP_CLIENT_RELEASE,
	OP_DAEMON_STOP,
	OP_DAEMON_START,
	OP_SLEEP,
	OP_RESUME, /* b: devices that re-enumerate */
	OP_LOGIND_RESTART,
	OP_RELOAD,  /* a: the new settings */
	OP_SIGN_IN, /* person a, b: with the id of an ended session */
	OP_SESSION_END,
	OP_UNLOCK,	/* session a is unlocked by its person */
	OP_PERSON_LOCK, /* … locked */
	OP_LOSE,	/* source a loses its next b messages */
	OP_COUNT,
};

struct history_step {
	uint32_t gap; /* microseconds after the step before */
	uint32_t seed;
	uint8_t op, a, b, c;
};

enum addresses {
	ADDRESS_PROMPT,
	ADDRESS_LATE,
	ADDRESS_NEVER, /* the driver has no such attribute */
	ADDRESS_MIXED, /* now so, now so */
};

/* What the machine is made of. */
struct setup {
	uint8_t devices, people, sessions;
	uint8_t models;		      /* 1: all of one */
	uint8_t two_slots, composite; /* bit n: device n */
	uint8_t endpoints;	      /* the probe tells a notice's endpoint */
	uint8_t deaf_slots;	      /* bit n: device n has no interrupt endpoint */
	uint8_t addresses;	      /* enum addresses */
	uint8_t equal_atrs;	      /* people have cards of one kind */
	uint8_t shared_card;	      /* the second session is the first person's, too */
	uint8_t probe;
	uint8_t slow;			/* sources are late: 0 a little, 2 much */
	uint8_t stamps;			/* stamps of PC/SC lie */
	uint8_t settings;		/* the policy's number at start */
	uint8_t lockers[SESSIONS_MOST]; /* enum locker */
	uint8_t kinds[SESSIONS_MOST];	/* number of a kind */
	uint8_t final;			/* how the last removal is done */
	uint8_t late_pcscd;		/* pcscd starts after the daemon */
	uint8_t docked;			/* readers are in a dock, and come and go with its controller */
	uint8_t free_numbers; /* so many device numbers are free on a crowded bus; 0: it is not crowded */
};

struct script {
	uint64_t seed;
	struct setup setup;
	unsigned count;
	struct history_step steps[STEPS_MOST];
};

/* splitmix64: small, fast, and the same everywhere. */
static inline uint64_t rng_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* 0 … below-1 */
static inline uint32_t rng_below(uint64_t *state, uint32_t below)
{
	return (uint32_t)(((rng_next(state) & 0xffffffffU) * below) >> 32);
}

/* True `percent` times of a hundred. */
static inline bool rng_chance(uint64_t *state, uint32_t percent)
{
	return rng_below(state, 100) < percent;
}

const char *op_name(enum op op);

/* The profiles: "prompt", "late", …; NULL after the last. */
const char *history_profile(unsigned number);

/* Makes the history of this seed. */
void history_make(uint64_t seed, unsigned profile, struct script *ret);
