/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the core decides. Verdicts come while world_event() runs, in the order in which they must be carried
 * out: of one event, every VERDICT_ACT before anything that only tells or asks.
 */
#include "event.h"

enum verdict_type {
	/* Do. */
	VERDICT_ACT,	  /* carry `action` out on `session`, now */
	/* Prepare: never on the hot path. */
	VERDICT_ARM,	  /* the session is governed by `action`: make its call ready */
	VERDICT_DISARM,	  /* the session is gone: drop its call and its record */
	VERDICT_WATCH,	  /* have the probe listen to `usb` */
	VERDICT_UNWATCH,
	VERDICT_RECHECK,  /* have every source tell again what is there */
	VERDICT_REREAD,	  /* have PC/SC tell again, it alone */
	/* Tell. */
	VERDICT_REMOVAL,  /* a case was opened for the session */
	VERDICT_ACTION,	  /* what was done about it */
	VERDICT_OUTCOME,  /* how that ended */
	VERDICT_HEARD,	  /* another source told of the same removal; `later` after the first */
	VERDICT_CONTRADICTED, /* the removal was not one after all */
	VERDICT_COMM_ERROR,   /* the reader cannot be read, or could not; no removal */
	VERDICT_RESTORED,     /* the card is back: the session is governed again */
	VERDICT_RECHECKED,    /* everything was looked at anew */
};

enum cause {
	CAUSE_CARD,   /* the card was taken out of its reader */
	CAUSE_READER, /* the reader was taken away, or can no longer be used */
	CAUSE_ABSENT, /* found missing when looked for */
};

enum outcome {
	OUTCOME_VERIFIED,   /* LockedHint showed */
	OUTCOME_UNVERIFIED, /* it did not, but this session's locker never set it before either */
	OUTCOME_FAILED,	    /* it did not though it always had; or logind refused */
};

struct verdict {
	enum verdict_type type;
	enum event_source source; /* who told; of a case: who opened it */
	enum cause cause;
	enum action action;
	enum outcome outcome;
	struct usb_address usb;	/* WATCH, UNWATCH */
	uint64_t stamp;		/* when the removal arose; for HEARD, when this source's word arose */
	uint64_t later;		/* HEARD, OUTCOME: nanoseconds after the case's own stamp; 0 if before it */
	const struct login_record *login; /* the session's; NULL where no session is meant */
	const char *detail;	/* one clause for people, or NULL */
};

typedef void (*verdict_handler)(void *userdata, const struct verdict *verdict);

const char *cause_name(enum cause cause);
const char *outcome_name(enum outcome outcome);
