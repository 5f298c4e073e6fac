/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the core decides. Verdicts come while world_event() runs, in the order in which they must be carried
 * out: every VERDICT_ACT of an event comes before its verdicts that only report or ask.
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
	VERDICT_WATCH,	/* have the probe watch `usb` */
	VERDICT_UNWATCH,
	VERDICT_RECHECK, /* have every source report again what is there */
	VERDICT_REREAD,	 /* have only PC/SC report again */
	VERDICT_LOCATE,	 /* … and where on USB each reader is, too */
	VERDICT_BOUND,	 /* store `login`: the session is no longer bound to what was recorded */
	VERDICT_DEALT, /* store for a later daemon: its removal was acted on, or (`dealt` false) there is none */
	VERDICT_UNIT, /* start `settings`->unit for the session */
	/* Report. */
	VERDICT_REMOVAL,      /* a case was opened for the session */
	VERDICT_ACTION,	      /* what was done about it */
	VERDICT_OUTCOME,      /* how that action ended */
	VERDICT_HEARD,	      /* another source reported the same removal; `later` after the first */
	VERDICT_CONTRADICTED, /* it was no removal after all */
	VERDICT_COMM_ERROR,   /* the reader cannot be read, or could not; no removal */
	VERDICT_RESTORED,     /* the card is back: the session is governed again */
	VERDICT_RECHECKED,    /* every session was compared again */
	VERDICT_SETTLED,      /* the same insertion was back within Settle=: nothing is done */
	VERDICT_COUNTDOWN,    /* `action` follows in `later` nanoseconds unless the session is unlocked */
	VERDICT_CANCELLED,    /* the second stage is cancelled: `detail` says why */
	VERDICT_CANNOT_LOCK,  /* nothing can lock the session */
	VERDICT_KEPT, /* Keep=any: a token was removed, and another that its person has proven stays: no removal */
	VERDICT_UNGUARDED, /* its person works, and the daemon would not notice that the card in use is removed */
	VERDICT_TYPE_COUNT,
};

/* One call to the outside. `action` becomes one of these, depending on the session's kind. */
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
	OUTCOME_UNVERIFIED, /* no sign of it, and none was expected here */
	OUTCOME_FAILED,	    /* a sign was expected and did not come; or the call was refused */
	OUTCOME_COUNT,
};

struct verdict {
	enum verdict_type type;
	enum event_source source; /* who reported; for a case: who opened it */
	enum cause cause;
	enum action action;
	enum step step; /* ACT */
	unsigned steps; /* ARM: bit n for enum step n */
	enum outcome outcome;
	bool dealt;		/* DEALT */
	struct usb_address usb; /* WATCH, UNWATCH */
	uint64_t stamp;		/* when the removal happened; for HEARD, when this source's report arose */
	uint64_t later;		/* HEARD, OUTCOME: nanoseconds after the case's own stamp; COUNTDOWN: left */
	const struct login_record *login; /* the session's; NULL where no session is meant */
	const struct settings *settings;  /* of a case: what governs it */
	const char *detail;		  /* one clause for people, or NULL */
};

typedef void (*verdict_handler)(void *userdata, const struct verdict *verdict);

const char *step_name(enum step step);
const char *outcome_name(enum outcome outcome);
