/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the core decides. Verdicts come while world_event() runs, in the order in which they must be carried
 * out: of one event, every VERDICT_ACT before anything that only tells or asks.
 */
#include "policy/event.h"

/* The most steps that one removal asks for at a time. */
#define PLAN_STEPS 3

enum verdict_type {
	/* Do. */
	VERDICT_ACT, /* take `step` on the session, now */
	/* Prepare: never on the hot path. */
	VERDICT_ARM,	/* make the calls of `steps` ready for the session, and no others */
	VERDICT_DISARM, /* the session is gone: drop its call and its record */
	VERDICT_WATCH,	/* have the probe listen to `usb` */
	VERDICT_UNWATCH,
	VERDICT_RECHECK, /* have every source tell again what is there */
	VERDICT_REREAD,	 /* have PC/SC tell again, it alone */
	VERDICT_LOCATE,	 /* … and where on USB each reader is, too */
	VERDICT_BOUND,	 /* keep `login`: what the session is bound to is not what was recorded any more */
	VERDICT_DEALT, /* keep for a daemon that starts later: its removal was dealt with, or (`dealt` false) none is */
	VERDICT_UNIT, /* start `settings`->unit for the session */
	/* Tell. */
	VERDICT_REMOVAL,      /* a case was opened for the session */
	VERDICT_ACTION,	      /* what was done about it */
	VERDICT_OUTCOME,      /* how that ended */
	VERDICT_HEARD,	      /* another source told of the same removal; `later` after the first */
	VERDICT_CONTRADICTED, /* the removal was not one after all */
	VERDICT_COMM_ERROR,   /* the reader cannot be read, or could not; no removal */
	VERDICT_RESTORED,     /* the card is back: the session is governed again */
	VERDICT_RECHECKED,    /* everything was looked at anew */
	VERDICT_SETTLED,      /* the same insertion was back within Settle=: nothing is done */
	VERDICT_COUNTDOWN,    /* `action` follows in `later` nanoseconds unless the session is unlocked */
	VERDICT_CANCELLED,    /* it will not: `detail` says why */
	VERDICT_CANNOT_LOCK,  /* the session has nothing that would lock it */
	VERDICT_UNGUARDED, /* its person works, and no removal of the card that they use would be noticed */
	VERDICT_TYPE_COUNT,
};

/* One call to the outside. What `action` asks for becomes one of these by the session's kind. */
enum step {
	STEP_LOCK,	      /* logind LockSession */
	STEP_TERMINATE,	      /* logind TerminateSession */
	STEP_KILL_LEADER,     /* logind KillSession, leader, SIGTERM: an ssh session's gentle end */
	STEP_XRDP_DISCONNECT, /* xrdp's disconnect datagram: the client is dropped, the session lives */
	STEP_CONSOLE_LOCK,    /* physlock on the foreground console */
	STEP_COUNT,
};

enum outcome {
	OUTCOME_VERIFIED,   /* LockedHint showed; the session ended */
	OUTCOME_UNVERIFIED, /* no sign of it, and none was to be expected here */
	OUTCOME_FAILED,	    /* a sign was to be expected and did not come; or the call was refused */
	OUTCOME_COUNT,
};

struct verdict {
	enum verdict_type type;
	enum event_source source; /* who told; of a case: who opened it */
	enum cause cause;
	enum action action;
	enum step step; /* ACT */
	unsigned steps; /* ARM: bit n for enum step n */
	enum outcome outcome;
	bool dealt;		/* DEALT */
	struct usb_address usb; /* WATCH, UNWATCH */
	uint64_t stamp;		/* when the removal arose; for HEARD, when this source's word arose */
	uint64_t later;		/* HEARD, OUTCOME: nanoseconds after the case's own stamp; COUNTDOWN: left */
	const struct login_record *login; /* the session's; NULL where no session is meant */
	const struct settings *settings;  /* of a case: what governs it */
	const char *detail;		  /* one clause for people, or NULL */
};

typedef void (*verdict_handler)(void *userdata, const struct verdict *verdict);

const char *step_name(enum step step);
const char *outcome_name(enum outcome outcome);
