/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What sources report to the core. An event is plain data; its pointers are borrowed for the duration of the
 * call. `stamp` is when the event happened, in nanoseconds of CLOCK_MONOTONIC: for the probe the kernel's own
 * stamp, for the others the moment when the source noticed it. Stamps may run backwards between sources;
 * `now` never does. Waiting is counted from `now`, so that a daemon that was delayed does not mistake its own
 * delay for the silence of others.
 */
#include "lib/record.h"
#include "policy/rules.h"

enum event_type {
	/* A USB device. */
	EVENT_DEVICE_ADD,     /* is there: enumerated, added, bound or authorised again */
	EVENT_DEVICE_REMOVE,  /* was disconnected, removed, unbound or deauthorised */
	EVENT_DEVICES_LISTED, /* every device that is there has been reported */
	EVENT_SLOT_CHANGE,    /* the reader's own notice that a card was removed or inserted */
	/* PC/SC. */
	EVENT_PCSC_UP, /* pcscd was reached: what was known about readers no longer holds */
	EVENT_PCSC_DOWN,
	EVENT_READER, /* a reader's state */
	EVENT_READER_GONE,
	EVENT_PCSC_LISTED, /* every reader that is there has been reported */
	/* Sessions. */
	EVENT_RECORD,	    /* a login record, new or written again */
	EVENT_SETTINGS,	    /* what governs a recorded session was resolved again */
	EVENT_SESSION_KIND, /* logind reported what kind of session it is */
	EVENT_SESSION_ENDED,
	EVENT_SESSION_LOCKED,	/* logind's LockedHint became true */
	EVENT_SESSION_UNLOCKED, /* … false */
	EVENT_SESSION_REBIND,	/* its person signed in to the locker, which runs as that person */
	EVENT_ACTION_DONE,	/* the console lock, which has no sign of its own, is known to have come up */
	EVENT_ACTION_FAILED,	/* a step was refused, or could not be taken */
	/* The PC/SC of a remote session's client. */
	EVENT_REMOTE_UP,     /* it was reached: what was known about its readers no longer holds */
	EVENT_REMOTE_DOWN,   /* the connection is gone */
	EVENT_REMOTE_SILENT, /* it does not answer, */
	EVENT_REMOTE_HEARD,  /* … and does again */
	EVENT_REMOTE_READER, /* a reader's state, which counts once they are listed */
	EVENT_REMOTE_READER_GONE,
	EVENT_REMOTE_LISTED,
	/* The daemon and the machine. */
	EVENT_PROBE, /* the kernel probe listens from now on; without it, PC/SC alone proves a removal */
	EVENT_SLEEP, /* the machine is about to sleep: devices are removed and added without anybody touching them */
	EVENT_RESUME,
	EVENT_LOST, /* a source lost messages: everything must be compared again */
	EVENT_TIME, /* only time has passed */
};

/* In the order in which they usually notice a removal; HEARD_BIT() numbers them. */
enum event_source {
	SOURCE_PROBE,
	SOURCE_UEVENT,
	SOURCE_UDEV,
	SOURCE_PCSC,
	SOURCE_STARTUP, /* found by looking, not reported: at start, after sleep, after a loss */
	SOURCE_LOGIND,
	SOURCE_RECORD,
	SOURCE_DAEMON,
	SOURCE_COUNT,
};

struct device_facts {
	struct usb_address usb;
	const char *path; /* "1-4.1"; NULL when the source does not know */
	const char *id;	  /* "08e6:4433"; NULL likewise */
};

struct event {
	enum event_type type;
	enum event_source source;
	uint64_t stamp;
	uint64_t now; /* when the daemon took it in; 0: at its stamp */
	union {
		struct device_facts device; /* DEVICE_* */
		struct {
			struct usb_address usb;
			uint8_t endpoint; /* number of its interrupt endpoint, one a CCID interface; 0: not known */
			uint8_t bytes;
			const uint8_t
				*slots; /* bit 2n: card in slot n; bit 2n+1: that changed (CCID 6.3.1) */
		} slot_change;
		const struct reader_state *reader; /* READER; READER_GONE, of which only the name counts */
		struct {
			const struct login_record *login;
			struct governance governance; /* what the rules say for it */
			bool away;		      /* an earlier daemon acted on its card's removal */
		} record;
		struct {
			const char *session;
			struct governance governance; /* SETTINGS */
			unsigned kind;		      /* SESSION_KIND: enum session_kind bits */
		} change;
		struct {
			const char *session;
			const struct reader_state *reader; /* READER, READER_GONE */
			bool known; /* UP: an earlier daemon, or this one, had this connection already */
		} remote;	    /* REMOTE_* */
		const char
			*session; /* SESSION_ENDED, _LOCKED, _UNLOCKED, _REBIND, ACTION_DONE, ACTION_FAILED */
	};
};

/* "probe", "uevent", … as in SCPOLICY_SOURCE=. */
const char *event_source_name(enum event_source source);
