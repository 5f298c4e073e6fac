/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The core's own types. Only the files of this folder include this.
 *
 * An event changes FACTS. From the facts one pure function computes the BELIEF about each session that the event
 * concerns. A belief that the card is out opens a CASE. Nothing else keeps an opinion.
 *
 * FACTS    what each source last said: of a device (which life of its address), of a reader (which stay in which life
 *          of pcscd), of a slot, of the locker, of sleep. Stored with the event's place in the order of events.
 *
 * BELIEF   is the bound insertion of the card in?                                             belief.c
 *            in        PC/SC reads it; or nothing speaks against it
 *            out       with its evidence: the device is gone, the reader said so, PC/SC says so
 *            doubt     until a moment T: PC/SC settles or cannot read; devices come back after sleep
 *            unknown   nobody can say now: pcscd is away, the machine sleeps, the reader stays unreadable
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
 *          The card's return makes a new insertion. It ends *away* and leaves what still runs of the case: the sign,
 *          what is pending, stage 2. An unlock cancels what is pending and stage 2; a contradiction does as well.
 *
 * LOCKER   plain facts: the hint, since when, whether it was ever seen (provable), whether physlock runs.  sign.c
 *
 * Every deadline is set by deadline_set() alone, everything that is reported after the calls by report_later() alone.
 * world_check() enforces this page.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* uthash must report an allocation that failed instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "macro.h"
#include "world.h"

/* How long a reader that cannot be read, though its USB device is there, is given to answer again. */
#define DOUBT_NSEC (2 * NSEC_PER_SEC)
/* How long PC/SC may lag behind a card that was out and in again. */
#define LAG_NSEC (2 * NSEC_PER_SEC)
/* How long after sleep devices may take to come back before they count as gone. */
#define RESUME_NSEC (5 * NSEC_PER_SEC)
/* PcscLost=: how long pcscd may stay away. */
#define PCSC_LOST_NSEC (5 * NSEC_PER_SEC)
/* How long logind may take until a session that was to end has ended. */
#define END_NSEC (10 * NSEC_PER_SEC)
/* A step that gives no sign was taken unless its failure is reported by then: our own process reports at once. */
#define NO_SIGN_NSEC (100 * NSEC_PER_MSEC)
/* A hint that vanishes so soon after it came was not taken away by a person: the locker ended (xss-lock, seen). */
#define VANISH_NSEC NSEC_PER_SEC
/* How long after LockTimeout= a hint still counts as the answer to the lock. */
#define LATE_NSEC (10 * NSEC_PER_SEC)
/* A reader without an address and a USB device that left within this time of each other are the same thing. */
#define TOGETHER_NSEC NSEC_PER_SEC
/* A reader still listed with a device that is gone: PC/SC is asked so much later, each time twice as much, up to the most. */
#define STALE_READER_FIRST_NSEC (500 * NSEC_PER_MSEC)
#define STALE_READER_MOST_NSEC	(32 * NSEC_PER_SEC)
/*
 * Among more readers, or readers of one device, nobody looks for a session's by elimination: each event's work would grow
 * with their square. PC/SC names 16 at most (PCSCLITE_MAX_READERS_CONTEXTS in pcsclite.h).
 */
#define READERS_CROWD 64
/* No clock comes near it: what is added to it is later. */
#define NOW_MAX (UINT64_MAX / 4)
/* A device that the probe saw disconnected stays in sysfs for some ms; a listing made meanwhile is stale. */
#define STALE_NSEC (5 * NSEC_PER_SEC)

/* ---- facts ---------------------------------------------------------------------------------------------- */

/* When something was said: by the event's own stamp (never later than `now`), by our clock, in the order of events. */
struct moment {
	uint64_t stamp, now;
	uint64_t order; /* counts events from 1; 0: never */
};

enum presence {
	PRESENCE_UNKNOWN, /* no source has reported it */
	PRESENCE_HERE,
	PRESENCE_GONE,
};

struct device {
	uint32_t key; /* bus << 16 | device number */
	struct usb_address usb;
	char path[USB_PATH_SIZE];
	char id[10];
	enum presence presence;
	unsigned life; /* counts what has sat at this address: a session is bound to one life of it */
	struct moment came, left;  /* of this life; of the last one that ended */
	enum event_source left_by; /* who reported that; STARTUP: it was found missing */
	bool left_round_sleep;	   /* … while devices came and went for no reason of ours */
	uint64_t disconnected;	   /* the probe's stamp of that; 0: not seen by it, or here again since */
	uint64_t listed, heard;	   /* order of the last listing, and of the last uevent, that had it */
	bool udevd_owes;	   /* udevd has not reported the end of the last life yet */
	bool watched;
	bool shares_slots;	  /* its interfaces number their slots alike, as PC/SC showed once */
	struct slot_notice {	  /* the last one, to learn which endpoint belongs to which reader */
		struct moment moment;
		uint8_t from;	  /* its endpoint */
		uint8_t endpoint; /* … while a count of PC/SC can mean it alone */
		uint32_t changed; /* bit n: slot n */
	} notice;
	struct session *sessions; /* bound to this device, whichever life */
	struct reader *readers;	  /* that PC/SC names for it */
	unsigned named;		  /* how many */
	struct port *port;
	struct device *prev, *next; /* of the port */
	struct model *model;
	struct device *model_prev, *model_next; /* of those of the model that are here and that no reader claims */
	bool released; /* stands in world->released: nothing needs it any more */
	struct device *released_prev, *released_next;
	bool unclaimed, counted; /* stands in the model's list; in its number */
	UT_hash_handle hh;
};

/* Where devices are plugged in: one after another, each with an address of its own. */
struct port {
	char path[USB_PATH_SIZE];
	struct device *devices;
	struct session *sessions; /* whose card has, or had, its place here */
	UT_hash_handle hh;
};

struct model {
	char id[10];
	unsigned here; /* devices of it that are here */
	uint64_t left; /* our clock, when one of it left last; 0: none has */
	struct device *unclaimed;
	UT_hash_handle hh;
};

struct reader {
	struct reader_state state;
	struct device *device; /* NULL: its address is not known (yet), or it is not on USB */
	unsigned life;	       /* of the device, when PC/SC last named the two together */
	unsigned stay;	       /* a number of its own: a reader that leaves and comes back has another */
	uint8_t endpoint;	/* its interface's interrupt endpoint, learnt; 0: not known */
	uint8_t maybe_endpoint; /* … as PC/SC's last count after a notice has it; the second time it is known */
	uint64_t came;	       /* order of the word that began the stay */
	uint64_t since;	       /* … our clock */
	struct moment said;    /* PC/SC's last word on it */
	uint64_t card_since;   /* our clock, when `state.card` last changed */
	unsigned outs;	       /* cards that were seen to leave in this stay */
	bool had_card;	       /* one was in, at a count of: */
	uint16_t first_count;
	enum card_state read;  /* when it could last be read; what it counted then, and how many recoveries had been seen */
	uint16_t counted;
	unsigned read_recovered;
	unsigned recovered;    /* how many times it could be read again: pcscd counts each as it counts a card */
	bool found;	       /* its state last changed while everything was looked at again */
	struct reader *prev, *next;		 /* device->readers */
	struct reader *lost_prev, *lost_next; /* world->unlocated */
	UT_hash_handle hh;
};

/* ---- belief --------------------------------------------------------------------------------------------- */

enum belief_kind {
	BELIEF_IN,
	BELIEF_OUT,
	BELIEF_DOUBT,
	BELIEF_UNKNOWN,
};

/* What speaks for a removal; what may be done depends on it. */
enum evidence {
	EVIDENCE_DEVICE = 1 << 0,  /* the reader's USB device is gone: proof by itself */
	EVIDENCE_SLOT = 1 << 1,	   /* the reader said that the card went */
	EVIDENCE_PCSC = 1 << 2,	   /* PC/SC says so */
	EVIDENCE_SILENCE = 1 << 3, /* nobody contradicted within Confirm= */
};

/* What PC/SC says of the bound insertion. */
enum hearing {
	HEARING_NONE,	    /* pcscd is away, or has not listed its readers yet */
	HEARING_MISSING,    /* it names no reader that could be the session's */
	HEARING_UNREADABLE, /* it names the reader and cannot read it */
	HEARING_OLDER,	    /* what it says may be older than the login record */
	HEARING_SETTLING,   /* "empty", from a pcscd or a reader that may not have looked yet */
	HEARING_EMPTY,
	HEARING_SAME,	/* the recorded insertion */
	HEARING_REREAD, /* the recorded insertion, but the counter moved for another reason: adopt it */
	HEARING_COUNTED, /* the recorded insertion: PC/SC has now counted an absence that ended before it was bound */
	HEARING_OTHER,	/* out and in again, or another card */
};

enum reason {
	REASON_READ,	     /* PC/SC reads the card, its counter as recorded */
	REASON_NOTHING,	     /* nobody says otherwise */
	REASON_ASLEEP,	     /* the machine sleeps */
	REASON_COMES_BACK,   /* devices are enumerated again after sleep */
	REASON_DEVICE_GONE,
	REASON_SLOT,	     /* the reader's own notice */
	REASON_EMPTY,
	REASON_OTHER_CARD,   /* out and in again, or another one */
	REASON_NO_PCSCD,
	REASON_NO_READER,    /* PC/SC does not name the session's reader */
	REASON_UNREADABLE,
	REASON_SETTLING,     /* pcscd, or the reader, is new */
	REASON_OLDER,	     /* what PC/SC says is older than the login record */
	REASON_COUNT,
};

struct belief {
	enum belief_kind kind;
	enum reason reason;
	uint64_t until; /* DOUBT: when the answer is another one at the latest */
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
	AWAIT_LOCK, /* LockedHint */
	AWAIT_END,  /* the session ends */
	AWAIT_NONE_COMES, /* there is none: the outcome is unverified */
};

enum deadline {
	DEADLINE_BELIEF,    /* a doubt ends */
	DEADLINE_PCSC_LOST, /* pcscd stays away */
	DEADLINE_CONFIRM,   /* a second word is awaited */
	DEADLINE_SETTLE,    /* the removal is forgotten if the insertion is back by then */
	DEADLINE_COUNTDOWN, /* the next word of stage 2's countdown */
	DEADLINE_THEN,	    /* stage 2 */
	DEADLINE_SIGN,	    /* the sign of obedience is awaited */
	DEADLINE_COUNT,
};

/* What is reported once every call of the event was made; in this order. */
enum report {
	REPORT_OVERTAKEN = 1 << 0,
	REPORT_REMOVAL = 1 << 1,
	REPORT_ACTION = 1 << 2,
	REPORT_CANNOT_LOCK = 1 << 3,
	REPORT_COUNTDOWN = 1 << 4,
	REPORT_BOUND = 1 << 5,
	REPORT_DEALT = 1 << 6, /* where it differs from what was last reported */
};

/* What was reported once and is not repeated until it is over. */
enum said {
	SAID_COMM_ERROR = 1 << 0,
	SAID_UNGUARDED = 1 << 1,
	SAID_DEALT = 1 << 2,
};

/* Which key of the policy asks for what is pending. */
enum because {
	BECAUSE_ACTION,
	BECAUSE_THEN,
	BECAUSE_CANNOT_LOCK,
	BECAUSE_LOCK_FAILS,
};

struct removal {
	unsigned insertion;		 /* that it is about; 0: there was none yet */
	const struct settings *settings; /* that govern it */
	struct moment opened;		 /* its first word */
	enum cause cause;
	enum event_source source;
	unsigned evidence;	    /* enum evidence bits */
	uint8_t heard[CAUSE_COUNT]; /* bit n: event source n has reported that cause */
	enum action pending;	    /* waits for agreement; ACTION_NONE: nothing does */
	enum because because;	    /* … why */
	enum action taken;	    /* the last one sent, whose sign is awaited */
	enum awaited awaited;
	enum action then;      /* stage 2, while DEADLINE_THEN is set */
	enum cause then_cause; /* whose settings ask for it: of this removal, or of one before it */
	bool locks;	/* stage 1 was a lock: an unlock would be the person's answer */
	bool denied;	/* PC/SC has said since that the card is in, its counter unmoved */
	bool retried;	/* a lock was sent a second time, or a step that failed was made up for */
	uint64_t locked_at; /* our clock, when its last lock was sent; 0: none was */
};
_Static_assert(SOURCE_COUNT <= 8, "removal.heard has a bit for each source");

struct session_link {
	struct session *prev, *next;
};

struct session {
	/* What a removal reads and writes comes first, and what is looked up by name or only copied last: a removal of a
	   reader's hundred sessions costs as many cache lines as this order makes it cost. */
	struct session_link on_device; /* its device's, or world->placeless */
	struct session_link on_port;
	struct session_link on_report;
	struct port *port; /* of login.usb_path; NULL: that is not known */

	unsigned kind;	  /* enum session_kind bits */
	unsigned reports; /* enum report bits */
	unsigned said;	  /* enum said bits */

	/* The binding. */
	unsigned insertion;    /* counts from 1 */
	struct moment bound;
	struct device *device; /* NULL: not on USB, or not known */
	unsigned life;	       /* of the device */
	unsigned stay;	       /* of the reader, when PC/SC last confirmed the card there; 0: not yet */
	unsigned others;       /* readers up to this stay were there beside it, and are none of its */
	unsigned interfaces;   /* how many of the device's CCID interfaces have such a slot; 0: not known */
	unsigned interface;    /* which of them it is, from 0 */
	unsigned recovered;    /* reader->recovered, when the counter was taken */
	unsigned pcsc_life;    /* that the counter belongs to; 0: the record's, which may be this one's or an earlier one's */
	uint64_t recorded;     /* our clock, when its login record was read; 0: bound since by the card's return */
	uint64_t lag_until;    /* PC/SC may still be counting an absence that ended before it was bound */

	/* Facts about this insertion. */
	struct moment slot_out, slot_in; /* the reader's last notices */
	unsigned outs;		 /* how many times it said "out" */
	struct moment pcsc_out;	 /* PC/SC's first word that it is out, or was */
	bool pcsc_found;	 /* … given while everything was looked at again */
	uint64_t unheard;	 /* our clock, since when PC/SC reads no reader for it; 0: it does, or pcscd is away */
	uint64_t unnamed;	 /* our clock, when the stay ended that it was read in, while pcscd went on; 0: it did not */

	/* Facts about its locker. */
	bool locked;	     /* LockedHint */
	bool provable;	     /* LockedHint was seen set in this session's life */
	bool console_locked; /* physlock runs: it has a terminal of its own, until the session is active again */
	uint64_t hinted;     /* our clock, when the hint last came */
	uint64_t answered;   /* our clock, when the lock was sent that this hint came after; 0: nobody asked for it */

	struct removal removal;
	uint64_t deadlines[DEADLINE_COUNT]; /* our clock; 0: none */
	uint64_t next;			    /* the first of them; UINT64_MAX: none */
	size_t heap;			    /* place in world->heap, from 1; 0: not there */

	struct governance governance;
	struct login_record login; /* login.card and login.usb_* are what it is bound to now */
	struct verdict overtaken;
	UT_hash_handle hh;
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
	struct session *report;

	struct session **heap; /* those with a deadline, the first on top */
	size_t heap_used, heap_room;

	uint64_t now;	/* never runs backwards */
	uint64_t order; /* of the event at hand */

	bool looking_devices, looking_pcsc; /* until the listing that was asked for is complete */
	bool recheck_asked;
	/*
	 * Listings: order of the last complete one; of the request that the next one answers, or of one before that; of
	 * the last request; when the one at hand began. How many are to come.
	 */
	struct listing {
		uint64_t last, asked, asked_last, began;
		unsigned owed;
	} devices_listing, readers_listing;

	bool pcsc_up, pcsc_listed;
	bool pcsc_down; /* it was reported: not the same as not up yet */
	unsigned pcsc_life, stays;
	uint64_t pcsc_since; /* our clock, when it was reached */
	bool probe;	/* the kernel probe listens */
	bool asleep;	/* between EVENT_SLEEP and EVENT_RESUME */
	uint64_t slept, resumed; /* our clock; 0: never */
	uint64_t unplugged;	 /* our clock: the last USB device that left and that no reader was known for; 0: none */

	bool inferred;	       /* where a reader is turned out in this event: that concerns all whose reader is to be found */
	uint64_t certain_at;   /* deadline: uevents have had their time to tell where the newest reader is; 0: they had */
	struct moment lost;    /* a source last said that it had lost something */
	uint64_t relist_at;    /* deadline: a listing was ignored as stale, or is in doubt: ask for another */
	uint64_t locate_at;    /* deadline: PC/SC should know by then that a device is gone; 0: none */
	uint64_t locate_delay; /* how long it was given for that */
	bool locate_once;      /* ask once, whatever is known */
};

/* ---- small things --------------------------------------------------------------------------------------- */

#define LIST_ADD(head, session, link)    DL_APPEND2(head, session, link.prev, link.next)
#define LIST_DELETE(head, session, link) DL_DELETE2(head, session, link.prev, link.next)

/* Nanoseconds from `start` to `stamp`; 0 when a stamp of another source lies before it. */
static inline uint64_t since(uint64_t start, uint64_t stamp)
{
	return stamp > start ? stamp - start : 0;
}

/* A moment that never comes is as good as one that is out of reach. */
static inline uint64_t later(uint64_t moment, uint64_t span)
{
	return span > UINT64_MAX - 1 - moment ? UINT64_MAX - 1 : moment + span;
}

static inline struct moment moment_now(const struct world *world, uint64_t stamp)
{
	return (struct moment){.stamp = stamp, .now = world->now, .order = world->order};
}

/* Devices come and go for no reason of ours. */
static inline bool world_just_resumed(const struct world *world)
{
	return world->resumed && world->now < later(world->resumed, RESUME_NSEC);
}

/* A removal of the bound insertion was acted on, or is settling. */
static inline bool session_is_away(const struct session *session)
{
	return session->removal.insertion == session->insertion;
}

static inline bool device_is_crowded(const struct device *device)
{
	return device->named > READERS_CROWD;
}

static inline bool world_is_crowded(const struct world *world)
{
	return HASH_COUNT(world->readers) > READERS_CROWD;
}

static inline bool atr_equal(const struct atr *a, const struct atr *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* Each file calls only those above it. */

/* report.c: what is said, and when */
void world_tell(struct world *world, const struct session *session, struct verdict *verdict);
struct verdict removal_verdict(const struct session *session, enum verdict_type type, uint64_t stamp);
void removal_tell(struct world *world, const struct session *session, enum verdict_type type, uint64_t stamp,
		  const char *detail);
void report_later(struct world *world, struct session *session, unsigned reports);
void report_comm_error(struct world *world, struct session *session, uint64_t stamp, const char *detail);
void report_flush(struct world *world);

/* deadline.c */
int deadline_reserve(struct world *world, size_t sessions);
void deadline_set(struct world *world, struct session *session, enum deadline deadline, uint64_t at); /* 0: none */
bool deadline_due(struct world *world, struct session *session, enum deadline deadline);

/* listing.c: asking the sources for everything again */
void listing_ask(struct world *world, enum verdict_type how, enum event_source source, uint64_t stamp);
void listing_complete(struct world *world, struct listing *listing);

/* device.c: facts of USB */
struct device *device_find(const struct world *world, struct usb_address usb);
struct device *device_get(struct world *world, struct usb_address usb); /* makes one; NULL: no memory */
int device_describe(struct world *world, struct device *device, const char *path, const char *id);
void device_watch(struct world *world, struct device *device);
void device_release(struct world *world, struct device *device); /* forgets it when nothing needs it */
void device_free_released(struct world *world); /* at an event's end */
void device_claim(struct device *device); /* brings its model's list up to date */
bool device_come(struct world *world, struct device *device, const struct event *event);
bool device_leave(struct world *world, struct device *device, enum event_source source, uint64_t stamp);
void device_miss(struct world *world, struct device *device);
bool device_missed(const struct world *world, const struct device *device);
struct port *port_get(struct world *world, const char *path); /* makes one; NULL: no memory */
struct device *port_device(const struct port *port); /* that is there now; NULL: none */
void port_place(struct world *world, struct session *session, struct port *port); /* NULL: nowhere */
void port_release(struct world *world, struct port *port); /* forgets it when nothing is there */
void device_forget_all(struct world *world);
void reader_learn_endpoint(struct reader *reader);

/* reader.c: facts of PC/SC */
struct reader *reader_find(const struct world *world, const char *name);
struct reader *reader_get(struct world *world, const struct event *event); /* NULL: no memory */
void reader_forget(struct world *world, struct reader *reader);
void reader_forget_all(struct world *world);
bool reader_count_shows_card(uint16_t from, uint16_t to, unsigned recovered);
bool reader_counts_again(const struct reader *reader, const struct reader_state *now);
bool reader_is_stale(const struct reader *reader);
bool reader_is_lost(const struct world *world, const struct reader *reader);
bool reader_is_older(const struct reader *reader, const struct device *device);
struct reader *reader_of_stay(const struct world *world, const struct session *session);
bool reader_may_have_another(const struct world *world, const struct reader *reader); /* at its device */
bool reader_same_family(const char *a, const char *b); /* names of one driver's readers */
unsigned reader_count_interfaces(const struct device *device, uint8_t slot, const struct reader *before);
bool slot_is_shared(const struct device *device, uint8_t slot); /* by two of its readers */
void reader_infer(struct world *world, struct reader *reader, struct device *device);
void reader_infer_interfaces(struct world *world);
void reader_learn_interface(const struct world *world, struct session *session, const struct reader *reader);

/* whose.c: which reader is a session's */
bool session_device_left(const struct session *session);
struct reader *reader_of_session(const struct world *world, const struct session *session);
bool reader_is_ambiguous(const struct world *world, const struct session *session);
struct device *device_in_place(const struct session *session);
struct reader *reader_in_place(const struct world *world, const struct session *session);

/* belief.c: pure */
enum hearing hearing_of(const struct world *world, const struct session *session, const struct reader *reader,
			uint64_t *ret_until);
struct belief belief_of(const struct world *world, const struct session *session);

/* plan.c: what a removal would ask for */
struct plan {
	enum step steps[PLAN_STEPS]; /* in this order: the first `locks` at once */
	unsigned locks, count;
	enum action losing; /* what the last step does; it loses work, so that it waits for agreement. Or NONE */
	bool cannot_lock;   /* nothing is known here that would obey the lock */
};

struct plan plan_action(const struct session *session, const struct settings *settings, enum action action);
enum step plan_step(const struct session *session, enum action action);
unsigned plan_steps(const struct session *session);
enum action plan_first(const struct settings *settings, enum cause cause);
enum action plan_then(const struct settings *settings, const struct plan *first, enum cause cause);
uint64_t plan_settle(const struct settings *settings, enum cause cause);
bool plan_cannot_lock(const struct session *session);
bool plan_unlock_shows(const struct session *session, bool locks);
bool plan_agreed(const struct world *world, const struct session *session, unsigned evidence);
bool plan_heeds_pcsc(const struct world *world, const struct session *session);
bool plan_probe_watches(const struct world *world, const struct session *session);

/* act.c: the calls */
void act_lock(struct world *world, struct session *session, const struct plan *plan);
void act_losing(struct world *world, struct session *session, enum action action, enum because because);
struct plan act(struct world *world, struct session *session, enum action action, enum because because);

/* sign.c: whether they were obeyed */
void sign_tell(struct world *world, struct session *session, enum outcome outcome, uint64_t stamp, const char *detail);
void sign_over(struct world *world, struct session *session);
void sign_failed(struct world *world, struct session *session, uint64_t stamp, const char *detail);

/* case.c: what is done about a removal, in stages */
void case_open(struct world *world, struct session *session, const struct belief *belief);
void case_word(struct world *world, struct session *session, enum cause cause, enum event_source source,
	       unsigned evidence, uint64_t stamp);
void case_heard(struct world *world, struct session *session, enum cause cause, enum event_source source,
		uint64_t stamp);
void case_confirmed(struct world *world, struct session *session);
void case_contradicted(struct world *world, struct session *session, uint64_t stamp);
void case_cancel(struct world *world, struct session *session, uint64_t stamp, const char *why);
void case_govern(struct world *world, struct session *session);
void case_time(struct world *world, struct session *session);
bool case_hint(struct world *world, struct session *session, bool locked, uint64_t stamp);
void case_ended(struct world *world, struct session *session, uint64_t stamp);
void case_console_locked(struct world *world, struct session *session, uint64_t stamp);

/* bind.c: to which insertion a session is bound */
void bind_device(struct world *world, struct session *session, struct device *device);
void bind_place(struct world *world, struct session *session, const struct device *device);
void bind_record(struct world *world, struct session *session, const struct event *event, struct device *device,
		 struct port *port);
void bind_confirm(struct world *world, struct session *session, struct reader *reader, uint64_t stamp);
bool bind_return(struct world *world, struct session *session, uint64_t stamp);
bool bind_after_sleep(struct world *world, struct session *session, uint64_t stamp);
void bind_person(struct world *world, struct session *session, uint64_t stamp);

/* session.c: one session, after anything that concerns it */
struct session *session_find(const struct world *world, const char *id);
struct session *session_get(struct world *world, const struct login_record *login); /* NULL: no memory */
void session_forget(struct world *world, struct session *session);
void session_update(struct world *world, struct session *session, enum event_source source, uint64_t stamp);
void session_slot(struct world *world, struct session *session, bool present, uint64_t stamp);
void session_govern(struct world *world, struct session *session, const struct governance *governance);
void session_set_kind(struct world *world, struct session *session, unsigned kind, uint64_t stamp);
void session_hint(struct world *world, struct session *session, bool locked, uint64_t stamp);
void session_heed_pcsc(struct world *world, struct session *session);
void session_time(struct world *world, struct session *session);

/* locate.c: asking PC/SC where readers are, for as long as that may help */
void locate_begin(struct world *world, const struct device *device);
void locate_device_back(struct world *world, const struct device *device);
void locate_stale(struct world *world, const struct reader *reader);
void locate_unlocated(struct world *world);
void locate_time(struct world *world);

/* update.c: which sessions an event concerns */
void update_all(struct world *world, const struct event *event);
bool update_list(struct world *world, struct session **list, const struct event *event); /* of a device */
bool update_place(struct world *world, struct device *device, const struct event *event);
void update_unlocated(struct world *world, const struct event *event);
void update_inferred(struct world *world, const struct event *event);

/* usb.c: what the kernel and udevd say */
int usb_added(struct world *world, const struct event *event);
int usb_removed(struct world *world, const struct event *event);
void usb_listed(struct world *world, const struct event *event);
void usb_slot_changed(struct world *world, const struct event *event);

/* pcsc.c: what PC/SC says */
void pcsc_changed(struct world *world, const struct event *event, bool up);
int pcsc_reader(struct world *world, const struct event *event);
void pcsc_reader_gone(struct world *world, const struct event *event);
void pcsc_listed(struct world *world, const struct event *event);
