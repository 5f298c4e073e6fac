/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the sources last reported, and how much time their reports get. Only core.h includes this; its page
 * says what facts are for.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* uthash must report a failed allocation instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "lib/macro.h"
#include "policy/verdict.h"

struct session;

/* How long a reader may stay unreadable while its USB device is there. */
#define DOUBT_NSEC (2 * NSEC_PER_SEC)
/* How long PC/SC may lag behind a card that was out and in again. */
#define LAG_NSEC (2 * NSEC_PER_SEC)
/* How long after sleep devices may take to come back before they count as gone. */
#define RESUME_NSEC (5 * NSEC_PER_SEC)
/* How often silence may say nothing yet, 2 s each time: who plugs in one reader after another puts off no logout. */
#define DEFER_MOST 5
/* PcscLost=: how long pcscd may stay away. */
#define PCSC_LOST_NSEC (5 * NSEC_PER_SEC)
/* How long logind may take until a session that was to end has ended. */
#define END_NSEC (10 * NSEC_PER_SEC)
/* A step that gives no sign was taken unless its failure is reported by then: our own process reports at once. */
#define NO_SIGN_NSEC (100 * NSEC_PER_MSEC)
/* A hint that vanishes so soon was not cleared by a person: the locker ended (xss-lock, seen). */
#define VANISH_NSEC NSEC_PER_SEC
/* How long after LockTimeout= a hint still counts as the answer to the lock. */
#define LATE_NSEC (10 * NSEC_PER_SEC)
/* If a reader without an address and a USB device are removed within this time, they are the same thing. */
#define TOGETHER_NSEC NSEC_PER_SEC
/* A reader still listed with a device that is gone: PC/SC is asked after this time, then after twice that, up to: */
#define STALE_READER_FIRST_NSEC (500 * NSEC_PER_MSEC)
#define STALE_READER_MOST_NSEC	(32 * NSEC_PER_SEC)
/*
 * Among more readers, or readers of one device, the core does not find a session's reader by elimination:
 * each event's work would grow with their square. PC/SC names 16 at most (PCSCLITE_MAX_READERS_CONTEXTS in
 * pcsclite.h).
 */
#define READERS_CROWD 64
/* … nor among more products than this: all that were ever plugged in are looked through. */
#define MODELS_CROWD 1024
/* No clock comes near it, and adding a span to it does not overflow. */
#define NOW_MAX (UINT64_MAX / 4)
/* A device that the probe saw disconnected stays in sysfs for some ms; a listing made meanwhile is stale. */
#define STALE_NSEC (5 * NSEC_PER_SEC)

/* ---- small things --------------------------------------------------------------------------------------- */

#define CACHE_LINE 64U

/* Zeroed, and from the start of a cache line: then what a removal reads of it takes the fewest lines. */
static inline void *alloc_lines(size_t size)
{
	size_t lines = (size + CACHE_LINE - 1) / CACHE_LINE;
	void *memory = aligned_alloc(CACHE_LINE, lines * CACHE_LINE);

	return memory ? memset(memory, 0, size) : NULL;
}

/* Nanoseconds from `start` to `stamp`; 0 if the stamp, from another source, is earlier. */
static inline uint64_t since(uint64_t start, uint64_t stamp)
{
	return stamp > start ? stamp - start : 0;
}

/* A moment out of reach counts as one that never comes. */
static inline uint64_t later(uint64_t moment, uint64_t span)
{
	return span > UINT64_MAX - 1 - moment ? UINT64_MAX - 1 : moment + span;
}

/* ---- facts ---------------------------------------------------------------------------------------------- */

/*
 * When something was reported: by the event's own stamp (never later than `now`), by our clock, in the order
 * of events.
 */
struct moment {
	uint64_t stamp, now;
	uint64_t order; /* counts events from 1; 0: never */
};

enum presence {
	PRESENCE_UNKNOWN, /* no source has reported it */
	PRESENCE_HERE,
	PRESENCE_GONE,
};

struct slot_notice {
	struct moment moment;
	uint8_t from;	  /* its endpoint */
	uint8_t endpoint; /* … while a count of PC/SC can only mean this endpoint */
	uint32_t changed; /* bit n: slot n */
};

struct device {
	struct usb_address usb;
	char path[USB_PATH_SIZE];
	char id[10];
	struct slot_notice notice; /* the last one, to learn which endpoint belongs to which reader */
	bool shares_slots;	   /* its interfaces number their slots alike, as PC/SC showed once */
	bool watched;
	unsigned named;	  /* how many readers PC/SC names for it */
	unsigned guessed; /* … how many of them only by a guess */
	struct device *model_prev,
		*model_next; /* of those devices of the model that are here and that no reader claims */
	struct device *released_prev, *released_next;

	/* Its removal reads and writes the rest. */
	struct device *prev, *next; /* of the port */
	struct session *sessions;   /* bound to this device, whichever life */
	struct reader *readers;	    /* the readers that PC/SC names at it */
	struct port *port;
	struct model *model;
	struct moment came, left; /* of this life; of the last one that ended */
	uint64_t listed, heard;	  /* order of the last listing, and of the last uevent, that had it */
	uint64_t disconnected;	  /* the probe's stamp of that; 0: not seen by it, or here again since */
	enum presence presence;
	unsigned life; /* counts what has sat at this address: a session is bound to one life of it */
	enum event_source left_by; /* who reported that it left; STARTUP: it was found missing */
	bool left_round_sleep;	   /* … around sleep */
	bool udevd_owes;	   /* udevd has not reported the end of the last life yet */
	bool released;		   /* stands in world->released: nothing needs it any more */
	bool unclaimed, counted;   /* stands in the model's list; in its number */
	uint32_t key;		   /* bus << 16 | device number */
	UT_hash_handle hh;
};

/* A place where devices are plugged in, one after another, each with an address of its own. */
struct port {
	char path[USB_PATH_SIZE];
	struct device *devices;
	struct session *sessions; /* whose card has, or had, its place here */
	UT_hash_handle hh;
};

struct model {
	char id[10];
	char reader_name[READER_NAME_SIZE]; /* that PC/SC or a record gave last; empty: none */
	unsigned here;			    /* devices of it that are here */
	uint64_t left;			    /* our clock, when a device was last removed from it; 0: never */
	struct device *unclaimed;
	UT_hash_handle hh;
};

struct reader {
	struct reader_state state;
	struct device *device; /* NULL: its address is not known (yet), or it is not on USB */
	unsigned life;	       /* of the device, when PC/SC last named the two together */
	unsigned stay;	       /* a number of its own: a reader that is removed and inserted gets another */
	uint8_t endpoint;      /* its interface's interrupt endpoint, learnt; 0: not known */
	uint8_t maybe_endpoint; /* … a first guess, from PC/SC's count after a notice; a second one confirms it */
	uint64_t learnt;	/* our clock, when one of the two last changed */
	uint64_t came;		/* order of the report that began the stay */
	uint64_t since;		/* … our clock */
	struct moment said;	/* PC/SC's last report about it */
	uint64_t card_since; /* our clock, when `state.card` last changed */
	unsigned outs;	     /* how many cards were removed in this stay */
	bool came_failing;   /* it could not be read when the stay began */
	bool had_card;	     /* one was in, at a count of: */
	uint16_t first_count;
	unsigned first_recovered; /* … and `recovered` was by then: */
	bool first_after_empty;	  /* … and the slot was empty before it */
	enum card_state
		read; /* when it could last be read; its card, what it counted then, and how many recoveries had been seen */
	struct atr read_atr;
	uint16_t counted;
	unsigned read_recovered;
	unsigned recovered; /* how many times it could be read again: pcscd counts each as it counts a card */
	bool guessed;	    /* to be there: PC/SC has not said where it is */
	bool found;	    /* its state last changed while everything was looked at again */
	bool naming;	    /* reader_is_naming(), when it was looked at last */
	struct reader *prev, *next;	      /* device->readers */
	struct reader *lost_prev, *lost_next; /* world->unlocated */
	UT_hash_handle hh;
};
