/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The core's own types. Only the files of this directory include this.
 *
 * An event changes FACTS. From the facts one pure function computes the BELIEF about each session that the event
 * concerns. A belief that the card is out opens a CASE. Nothing else keeps an opinion.
 *
 * FACTS    what each source last reported: about a device (which life of its address), a reader (which stay in which
 *          life of pcscd), a slot, the locker, sleep. Stored with the event's place in the order of events.
 *
 * BELIEF   is the bound insertion of the card in?                                             belief.c
 *            in        PC/SC reads it; or no report contradicts it
 *            out       with its evidence: the device is gone, the reader reported it, PC/SC reports it
 *            doubt     until a moment T: PC/SC settles or cannot read; devices come back after sleep
 *            unknown   nobody knows now: pcscd is away, the machine sleeps, the reader stays unreadable
 *
 * BINDING  device and life, slot, name, ATR, counter. Each binding has a number, the *insertion*.  bind.c
 *            a record, the card's return to its place, or an unlock makes a new one
 *
 * CASE     what is done about one insertion that is out. It names that insertion, so a session is *away* exactly
 *          while its case names the insertion that is bound.                                  case.c, act.c, sign.c
 *
 *                       out                 Settle= over, or none
 *            none ───────────────► settling ───────────────────► acted
 *              ▲                      │ same insertion back        │  stage 1: lock at once; what loses work
 *              └──────────────────────┘                            │           is *pending* until agreement, at
 *                                                                  │           CONFIRM's end at the latest
 *                                                                  │  sign:    SIGN runs until the lock shows, the
 *                                                                  │           session ends, or neither did
 *                                                                  │  stage 2: THEN runs, COUNTDOWN beside it
 *
 *          The card's return makes a new insertion. It ends *away*. The rest of the case continues: the sign,
 *          what is pending, stage 2. An unlock cancels what is pending and stage 2; a contradiction does as well.
 *
 * LOCKER   plain facts: the hint, since when, whether it was ever seen (provable), whether physlock runs.  sign.c
 *
 * REMOTE   what a session's own client reports: remote.c. Nothing of this machine's devices and readers concerns it.
 *
 * Only deadline_set() sets deadlines. Only report_later() queues what is reported after the calls.
 * world_check() enforces this page.
 */
#include "policy/facts.h"

/* ---- belief --------------------------------------------------------------------------------------------- */

enum belief_kind {
	BELIEF_IN,
	BELIEF_OUT,
	BELIEF_DOUBT,
	BELIEF_UNKNOWN,
};

/* The evidence for a removal; what may be done depends on it. */
enum evidence {
	EVIDENCE_DEVICE = 1 << 0,  /* the reader's USB device is gone: proof by itself */
	EVIDENCE_SLOT = 1 << 1,	   /* the reader reported that the card was removed */
	EVIDENCE_PCSC = 1 << 2,	   /* PC/SC reports it */
	EVIDENCE_SILENCE = 1 << 3, /* nobody contradicted within Confirm= */
};

/* What PC/SC reports about the bound insertion. */
enum hearing {
	HEARING_NONE,	    /* pcscd is away, or has not listed its readers yet */
	HEARING_MISSING,    /* it names no reader that can be the session's */
	HEARING_UNREADABLE, /* it names the reader and cannot read it */
	HEARING_OLDER,	    /* its report may be older than the login record */
	HEARING_SETTLING,   /* "empty", from a pcscd or a reader that may not have looked yet */
	HEARING_EMPTY,
	HEARING_SAME,	/* the recorded insertion */
	HEARING_REREAD, /* the recorded insertion, but the counter moved for another reason: adopt it */
	HEARING_COUNTED, /* the recorded insertion: PC/SC has now counted an absence that ended before it was bound */
	HEARING_OTHER, /* out and in again, or another card */
};

enum reason {
	REASON_READ,	   /* PC/SC reads the card, its counter as recorded */
	REASON_PLUGGED_IN, /* the token is a USB device by itself, and that is here */
	REASON_NOTHING,	   /* no source contradicts */
	REASON_ASLEEP,	   /* the machine sleeps */
	REASON_COMES_BACK, /* devices are enumerated again after sleep */
	REASON_DEVICE_GONE,
	REASON_SLOT, /* the reader's own notice */
	REASON_EMPTY,
	REASON_OTHER_CARD, /* out and in again, or another card */
	REASON_NO_PCSCD,
	REASON_NO_READER, /* PC/SC does not name the session's reader */
	REASON_UNREADABLE,
	REASON_SETTLING,    /* pcscd, or the reader, is new */
	REASON_OLDER,	    /* PC/SC's report is older than the login record */
	REASON_CLIENT_AWAY, /* the client of a remote session */
	REASON_NO_CARD_YET, /* … has shown no card */
	REASON_COUNT,
};

struct belief {
	enum belief_kind kind;
	enum reason reason;
	uint64_t until; /* DOUBT: when the answer changes at the latest */
	/* OUT: */
	unsigned evidence; /* enum evidence bits */
	enum cause cause;
	enum event_source source;
	uint64_t stamp; /* when it arose */
};

/* ---- case ----------------------------------------------------------------------------------------------- */

/* The sign that would show that an action was obeyed. */
enum awaited {
	AWAIT_NOTHING,
	AWAIT_LOCK,	  /* LockedHint */
	AWAIT_END,	  /* the session ends */
	AWAIT_NONE_COMES, /* there is none: the outcome is unverified */
};

enum deadline {
	DEADLINE_BELIEF,    /* a doubt ends */
	DEADLINE_PCSC_LOST, /* pcscd stays away */
	DEADLINE_CONFIRM,   /* waiting for a second report */
	DEADLINE_SETTLE,    /* the removal is forgotten if the insertion is back by then */
	DEADLINE_COUNTDOWN, /* the next report of stage 2's countdown */
	DEADLINE_THEN,	    /* stage 2 */
	DEADLINE_SIGN,	    /* waiting for the sign of obedience */
	DEADLINE_COUNT,
};

/* What is reported once every call of the event was made; in this order. */
enum report {
	REPORT_OVERTAKEN = 1 << 0,
	REPORT_KEPT = 1 << 1,
	REPORT_REMOVAL = 1 << 2,
	REPORT_ACTION = 1 << 3,
	REPORT_CANNOT_LOCK = 1 << 4,
	REPORT_COUNTDOWN = 1 << 5,
	REPORT_BOUND = 1 << 6,
	REPORT_DEALT = 1 << 7, /* if it differs from what was last reported */
};

/* What was reported once. It is not repeated until it is over. */
enum said {
	SAID_COMM_ERROR = 1 << 0,
	SAID_UNGUARDED = 1 << 1,
	SAID_DEALT = 1 << 2,
	SAID_MISSED = 1 << 3, /* LockTimeout= ended without the sign of its last lock */
};

/* Which key of the policy asks for what is pending. */
enum because {
	BECAUSE_ACTION,
	BECAUSE_THEN,
	BECAUSE_CANNOT_LOCK,
	BECAUSE_LOCK_FAILS,
};

/* As much as a cache line holds: the removal of a reader's hundred sessions writes a hundred of these. */
struct removal {
	unsigned insertion;		 /* the insertion that it is about; 0: there was none yet */
	const struct settings *settings; /* that govern it */
	struct moment opened;		 /* its first report */
	uint64_t locked_at;		 /* our clock, when its last lock was sent; 0: none was */
	uint8_t heard[CAUSE_COUNT];	 /* bit n: event source n has reported that cause */
	uint8_t evidence;		 /* enum evidence bits */
	enum cause cause : 8;
	enum event_source source : 8;
	enum action pending : 8;  /* waits for agreement; ACTION_NONE: nothing waits */
	enum because because : 8; /* … why */
	enum action taken : 8;	  /* the last one sent, whose sign is awaited */
	enum awaited awaited : 8;
	enum action then : 8;	   /* stage 2, while DEADLINE_THEN is set */
	enum cause then_cause : 8; /* whose settings ask for it: of this removal, or of one before it */
	bool locks : 1;		   /* stage 1 was a lock: an unlock would be the person's answer */
	bool denied : 1;	   /* PC/SC has reported since that the card is in, its counter unmoved */
	bool retried : 1;	   /* a lock was sent a second time, or a lock replaced a step that failed */
	unsigned deferred : 3;	   /* how often silence said nothing yet about what is pending */
};
_Static_assert(SOURCE_COUNT <= 8, "removal.heard has a bit for each source");
_Static_assert(sizeof(struct removal) <= 64, "a cache line holds a removal");

struct remote_table {
	struct remote_reader {
		struct reader_state state;
		unsigned recovered; /* how many times it could be read again since the card was bound */
	} readers[REMOTE_READERS_MAX];
	unsigned count;
};

/* Facts about a session's client. */
struct remote {
	bool up, silent, listed;
	unsigned life;	      /* counts how often its PC/SC was reached */
	unsigned bound_life;  /* in which the bound card's counter was read; 0: by an earlier daemon */
	uint64_t up_since;    /* our clock: when it was last reached */
	uint64_t away_since;  /* … since when it is away */
	uint64_t all_gone;    /* … when several readers were gone at once; 0: they were not */
	uint64_t unreadable;  /* … since when the session's reader cannot be read */
	uint64_t recorded;    /* … when the session was recorded first */
	struct moment said;   /* its last list */
	struct moment out;    /* the removal of the bound insertion, */
	enum cause out_cause; /* … and its cause */
	struct remote_table now, next; /* the last list; what was reported since */
};

/* A token that the person has proven in the session, beside the one that it is bound to; Keep=. */
struct kept {
	struct kept *next;
	uint64_t order; /* of the event that made another one the bound one */
	unsigned life, stay, others, interfaces, interface, recovered, pcsc_life;
	struct login_record login; /* what describes the token in it counts, and no more */
	struct verdict verdict;	   /* that it took over */
};

struct session_link {
	struct session *prev, *next;
};

struct session {
	/* A removal reads and writes what stands first, down to `governance`. The less memory that is, the sooner the last
	   of a reader's hundred sessions is locked. */
	struct session_link on_device; /* its device's, or world->placeless, or world->remote */
	struct session_link on_port;
	struct session_link on_report;
	struct device *device; /* NULL: not on USB, or not known */
	struct port *port;     /* of login.usb_path; NULL: that is not known */

	/* The binding. */
	unsigned insertion; /* counts from 1 */
	unsigned life;	    /* of the device */
	struct moment bound;

	struct removal removal;
	uint64_t deadlines[DEADLINE_COUNT]; /* our clock; 0: none */
	uint64_t
		unheard; /* our clock, since when PC/SC reads no reader for it; 0: it does, or pcscd is away */
	unsigned heap;	 /* place in world->heap, from 1; 0: not there */
	uint16_t reports;    /* enum report bits */
	uint16_t said;	     /* enum said bits */
	unsigned kind;	     /* enum session_kind bits */
	bool provable;	     /* LockedHint was seen set in this session's life */
	bool console_locked; /* physlock runs: it has a terminal of its own, until the session is active again */
	bool is_remote;	     /* its card is at its client: remote.c says what is believed of it */
	bool proven;	     /* a sign-in or unlock of this machine has proven the bound token; Keep= */
	struct kept *kept; /* the one that was bound last is the first */
	struct governance governance;

	/* More facts about its locker. */
	bool locked;	 /* LockedHint */
	uint64_t hinted; /* our clock, when the hint last came */
	uint64_t
		answered; /* our clock, when the lock that this hint followed was sent; 0: no lock was requested */

	/* More of the binding. */
	unsigned stay;	     /* of the reader, when PC/SC last confirmed the card there; 0: not yet */
	unsigned others;     /* readers up to this stay were there beside it, and are not the session's */
	unsigned interfaces; /* how many of the device's CCID interfaces have such a slot; 0: not known */
	unsigned interface;  /* which of them it is, from 0 */
	unsigned recovered;  /* reader->recovered, when the counter was taken */
	unsigned
		pcsc_life; /* that the counter belongs to; 0: that of the record, which may be this one or an earlier one */
	uint64_t
		recorded; /* our clock, when its login record was read; 0: bound since by the card's return */
	uint64_t lag_until; /* PC/SC may still be counting an absence that ended before it was bound */
	bool failing; /* its reader could not be read when PC/SC's last worker ended: that counts once more */

	/* Facts about this insertion. */
	struct moment slot_out, slot_in; /* the reader's last notices */
	unsigned outs;			 /* how many times it said "out" */
	bool pcsc_found;		 /* pcsc_out was given while everything was looked at again */
	struct moment pcsc_out;		 /* PC/SC's first report that it is out, or was */
	uint64_t
		unnamed; /* our clock, when the stay that it was read in ended while pcscd ran on; 0: that did not happen */

	struct remote *remote;	   /* what its client's PC/SC reports; NULL: it has none */
	struct login_record login; /* login.card and login.usb_* describe what it is bound to now */
	struct verdict overtaken;  /* what REPORT_OVERTAKEN tells */
	struct kept *taken;	   /* the one that took over in this event, for REPORT_KEPT; NULL: none */
	UT_hash_handle hh;
};

/* When the first of a session's deadlines comes. */
struct wake {
	uint64_t moment;
	struct session *session;
};

struct world {
	verdict_handler handler;
	void *userdata;

	struct device *devices; /* by address */
	struct port *ports;	/* by path */
	struct model *models;	/* by vendor and product */
	struct reader *readers; /* by name */
	struct reader *unlocated;
	struct device *released;
	struct session *sessions;  /* by id */
	struct session *placeless; /* bound to no device: their reader is known by its name */
	struct session *remote;	   /* their card is at their client */
	struct session *report;

	struct wake *heap; /* of those with a deadline, the first on top */
	size_t heap_used, heap_room;

	uint64_t now;	/* never runs backwards */
	uint64_t order; /* of the event at hand */

	bool looking_devices, looking_pcsc; /* until the requested listing is complete */
	bool recheck_asked;
	/*
	 * Listings: order of the last complete one; of the request that the next one answers, or of one before that; of
	 * the last request; when the one at hand began. How many are to come.
	 */
	struct listing {
		uint64_t last, asked, asked_last, began;
		uint64_t now; /* our clock, when the last one was complete */
		unsigned owed;
	} devices_listing, readers_listing;

	bool pcsc_up, pcsc_listed;
	bool pcsc_down; /* that was reported: not the same as not up yet */
	unsigned pcsc_life, stays;
	uint64_t pcsc_since;	 /* our clock, when it was reached */
	bool probe;		 /* the kernel probe listens */
	bool asleep;		 /* between EVENT_SLEEP and EVENT_RESUME */
	uint64_t slept, resumed; /* our clock; 0: never */
	uint64_t
		unplugged; /* our clock: when the last USB device without a known reader was removed; 0: none */
	uint64_t replugged; /* … when the last device came back after sleep */

	bool paired; /* two records named two readers in one slot of one device: any reader may show whose they are */
	bool inferred; /* where a reader is turned out in this event: that concerns all whose reader is to be found */
	uint64_t
		certain_at; /* deadline: uevents have had their time to tell where the newest reader is; 0: they had */
	uint64_t
		naming_at; /* deadline: PC/SC has had its time to name what belongs to some reader; 0: to all */
	uint64_t
		dropped_at; /* deadline: PC/SC has had its time to drop what belongs to a dropped reader; 0: it had */
	struct moment lost;    /* a source last said that it had lost something */
	uint64_t relist_at;    /* deadline: a listing was ignored as stale, or is in doubt: ask for another */
	uint64_t locate_at;    /* deadline: PC/SC should know by then that a device is gone; 0: none */
	uint64_t locate_delay; /* how much time it was given for that */
	bool locate_once;      /* ask once, whatever is known */
};

/* ---- small things --------------------------------------------------------------------------------------- */

#define LIST_ADD(head, session, link)	 DL_APPEND2(head, session, link.prev, link.next)
#define LIST_DELETE(head, session, link) DL_DELETE2(head, session, link.prev, link.next)

static inline struct moment moment_now(const struct world *world, uint64_t stamp)
{
	return (struct moment){.stamp = stamp, .now = world->now, .order = world->order};
}

/* Devices are removed and added without anybody touching them. */
static inline bool world_just_resumed(const struct world *world)
{
	return world->resumed && world->now < later(world->resumed, RESUME_NSEC);
}

/* It came so lately that PC/SC may have more readers of its device, or of its driver, to name. */
static inline bool reader_is_naming(const struct world *world, const struct reader *reader)
{
	return world->now < later(reader->since, DOUBT_NSEC);
}

/* A removal of the bound insertion was acted on, or is settling. */
static inline bool session_is_away(const struct session *session)
{
	return session->removal.insertion == session->insertion;
}

/* Its count and the names that belong to it come from another pcscd. */
static inline bool session_pcscd_is_new(const struct world *world, const struct session *session)
{
	return session->pcsc_life && session->pcsc_life != world->pcsc_life;
}

static inline bool device_is_crowded(const struct device *device)
{
	return device->named > READERS_CROWD;
}

static inline bool world_is_crowded(const struct world *world)
{
	return HASH_COUNT(world->readers) > READERS_CROWD;
}

#include "policy/calls.h"
