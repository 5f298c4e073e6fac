/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The core's own types; only the files of this folder include this. */
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
/* A step that gives no sign was taken unless it is told by then that it failed: our own process tells, at once. */
#define NO_SIGN_NSEC (100 * NSEC_PER_MSEC)
/* A reader still listed with a device that is gone: PC/SC is asked so much later, each time twice as much, up to the most. */
#define STALE_READER_FIRST_NSEC (500 * NSEC_PER_MSEC)
#define STALE_READER_MOST_NSEC	(32 * NSEC_PER_SEC)
/* A device that the probe saw disconnected stays in sysfs for some ms; a listing made meanwhile is stale. */
#define STALE_NSEC (5 * NSEC_PER_SEC)

enum presence {
	PRESENCE_UNKNOWN, /* no source has told */
	PRESENCE_HERE,
	PRESENCE_GONE,
};

struct device {
	uint32_t key; /* bus << 16 | device number */
	struct usb_address usb;
	char path[USB_PATH_SIZE];
	char id[10];
	enum presence presence;
	uint64_t disconnected; /* the probe's stamp; 0: not seen by it */
	unsigned listing;      /* the listing in which it was last told of */
	bool watched;
	bool shares_slots; /* its interfaces number their slots alike, as PC/SC told once */
	struct session *sessions; /* bound to this device */
	struct reader *readers;	  /* that PC/SC names for it */
	UT_hash_handle hh;
};

struct reader {
	struct reader_state state;
	struct device *device;	     /* NULL: not on USB */
	struct reader *prev, *next; /* device->readers */
	unsigned listing;
	uint64_t told; /* stamp of PC/SC's last word on it */
	UT_hash_handle hh;
};

enum guard {
	GUARD_ON,   /* the card is in: a removal opens a case */
	GUARD_AWAY, /* a case was opened, the card is not back yet */
};

/* What speaks for a removal; what may be done depends on it. */
enum evidence {
	EVIDENCE_DEVICE = 1 << 0,  /* the reader's USB device is gone: proof by itself */
	EVIDENCE_SLOT = 1 << 1,	   /* the reader said that the card went */
	EVIDENCE_PCSC = 1 << 2,	   /* PC/SC says so */
	EVIDENCE_SILENCE = 1 << 3, /* nobody contradicted within Confirm= */
};

/* The sign that would show that an action was obeyed. */
enum awaited {
	AWAIT_NOTHING,
	AWAIT_LOCK, /* LockedHint */
	AWAIT_END,  /* the session ends */
	AWAIT_NONE_COMES, /* there is none: the outcome is unverified */
};

struct session_link {
	struct session *prev, *next;
};

struct session {
	struct login_record login; /* login.card is the insertion it is bound to now */
	struct governance governance;
	unsigned kind; /* enum session_kind bits */
	enum guard guard;
	struct device *device; /* NULL: not on USB */

	bool locked;   /* LockedHint */
	bool provable; /* LockedHint was seen set in this session's life */
	bool console_locked; /* physlock runs: it has a terminal of its own, until the session is active again */
	bool unsure;   /* the machine slept, and PC/SC has not confirmed the card since */
	bool suspect;  /* … and something spoke for a removal meanwhile */
	bool comm_error; /* told; until the reader can be read again */
	bool doubt_over; /* PC/SC had its time: what it says now counts */
	bool doubt_at_look; /* the doubt began while everything was looked at anew */
	unsigned pcsc_epoch; /* the life of pcscd that login.card.event_counter belongs to */

	/* The case: set when it is opened, and kept until the next one. */
	const struct settings *settings; /* that govern it */
	uint64_t opened;		 /* stamp of the first word of it */
	uint64_t opened_now;		 /* when that word was taken in */
	enum cause cause;
	enum event_source source;
	unsigned evidence;    /* enum evidence bits */
	uint32_t heard;	      /* HEARD_BIT()s already told */
	bool card_back;	      /* the reader's own notice said that the card came back */
	bool retried;	      /* a lock was sent a second time, or a step that failed was made up for */
	enum action pending;  /* waits for agreement; ACTION_NONE: nothing does */
	enum action taken;    /* the last one sent, whose outcome is awaited */
	enum awaited awaited; /* its sign */

	/* Deadlines, CLOCK_MONOTONIC ns; 0: none. `busy` exactly while one is set. */
	uint64_t settle_until;	 /* the removal is forgotten if the insertion is back by then */
	uint64_t confirm_until;	 /* a second word is awaited */
	uint64_t verify_until;	 /* the sign of obedience is awaited */
	uint64_t then_at;	 /* the second stage */
	uint64_t announce_at;	 /* the next word of its countdown */
	uint64_t doubt_until;	 /* PC/SC cannot tell, or has just come back */
	uint64_t unsure_until;	 /* devices come back after sleep */
	uint64_t lag_until;	 /* not a deadline: PC/SC may still be counting a removal that is over */
	uint64_t unsure_since;	 /* not a deadline: when the machine woke up */
	uint64_t pcsc_lost_until; /* pcscd comes back */
	bool busy;

	/* What report() tells at the end of the event. */
	struct verdict overtaken;
	bool to_report, report_overtaken, report_removal, report_action, report_cannot_lock, report_countdown, report_bound;

	struct session_link on_device; /* its device's, or world->placeless */
	struct session_link on_away, on_busy, on_report;
	UT_hash_handle hh;
};

struct world {
	verdict_handler handler;
	void *userdata;

	struct device *devices;	  /* by key */
	struct reader *readers;	  /* by name */
	struct session *sessions; /* by id */
	struct session *placeless; /* bound to no device: their reader is known by its name */
	struct session *away, *busy, *report;

	bool looking_devices, looking_pcsc; /* until the listing that was asked for is complete */
	bool recheck_asked;
	uint64_t now; /* the event at hand's */
	unsigned device_listing, reader_listing;
	bool pcsc_up, pcsc_listed;
	bool pcsc_down; /* it was told so: not the same as not up yet */
	unsigned pcsc_epoch;
	bool probe;  /* the kernel probe listens */
	bool asleep; /* between EVENT_SLEEP and EVENT_RESUME */

	uint64_t stale_until; /* deadline: PC/SC should have noticed by then that a device is gone; 0: none */
	uint64_t stale_wait;  /* how long it was given for that */
	bool stale_look;      /* a device is back: ask once, whatever is known */
};

#define HEARD_BIT(source, cause) (1U << ((unsigned)(source) * CAUSE_COUNT + (unsigned)(cause)))

/* world.c */
struct session *session_find(const struct world *world, const char *id);

/* devices.c */
struct device *device_find(struct world *world, struct usb_address usb);
struct device *device_get(struct world *world, struct usb_address usb); /* makes one; NULL: no memory */
void device_watch(struct world *world, struct device *device);
void device_release(struct world *world, struct device *device); /* forgets it when nothing needs it */
struct reader *reader_find(const struct world *world, const char *name);
struct reader *reader_get(struct world *world, const struct reader_state *state); /* NULL: no memory */
void reader_forget(struct world *world, struct reader *reader);
struct reader *reader_of_session(const struct world *world, const struct session *session);
bool device_is_elsewhere(const struct device *device, const struct session *session); /* known to be another port */
bool slot_is_shared(const struct device *device, uint8_t slot); /* by two of its readers */

/* session.c: is the session's card in? */
void session_bind_device(struct world *world, struct session *session, struct device *device);
void session_place(struct world *world, struct session *session);
void session_look(struct world *world, struct session *session, enum event_source source, uint64_t stamp);
void session_slot(struct world *world, struct session *session, bool present, uint64_t stamp);
bool session_restore(struct world *world, struct session *session, const struct reader *reader, uint64_t stamp);
void session_record(struct world *world, struct session *session, const struct event *event, struct device *device);
void session_govern(struct world *world, struct session *session, const struct governance *governance);
void session_set_kind(struct world *world, struct session *session, unsigned kind);
void session_comm_error(struct world *world, struct session *session, uint64_t stamp, const char *detail); /* once */
void session_sleep(struct world *world, struct session *session);
void session_resume(struct world *world, struct session *session);
void session_pcsc_down(struct world *world, struct session *session);
void session_time(struct world *world, struct session *session);
void session_forget(struct world *world, struct session *session);

/* plan.c: what that would ask for */
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
bool plan_agreed(const struct world *world, const struct session *session, unsigned evidence);
bool plan_heeds_pcsc(const struct world *world, const struct session *session);
bool plan_probe_watches(const struct world *world, const struct session *session);

/* case.c: what follows when it is not */
void session_remove(struct world *world, struct session *session, enum cause cause, enum event_source source,
		    enum evidence evidence, uint64_t stamp);
void case_time(struct world *world, struct session *session);
void case_confirmed(struct world *world, struct session *session);
void case_contradicted(struct world *world, struct session *session, uint64_t stamp);
void case_govern(struct world *world, struct session *session, const struct settings *settings);
void case_person_proven(struct world *world, struct session *session, uint64_t stamp, const char *how);
void case_locked(struct world *world, struct session *session, bool locked, uint64_t stamp);
void case_ended(struct world *world, struct session *session, uint64_t stamp);
void case_console_locked(struct world *world, struct session *session, uint64_t stamp);
void case_step_failed(struct world *world, struct session *session, uint64_t stamp);
void case_bound(struct world *world, struct session *session);
void case_report(struct world *world, struct session *session);
void case_tell(struct world *world, const struct session *session, enum verdict_type type, uint64_t stamp,
	       const char *detail);
void session_set_guard(struct world *world, struct session *session, enum guard guard);
uint64_t session_deadline(const struct session *session);
void session_busy_update(struct world *world, struct session *session);
void world_tell(struct world *world, const struct session *session, struct verdict verdict);

#define LIST_ADD(head, session, link)    DL_APPEND2(head, session, link.prev, link.next)
#define LIST_DELETE(head, session, link) DL_DELETE2(head, session, link.prev, link.next)

/* Whether a deadline has come; then it is none any more. */
static inline bool due(uint64_t *deadline, uint64_t now)
{
	if (!*deadline || now < *deadline)
		return false;
	*deadline = 0;
	return true;
}

/* Nanoseconds from `start` to `stamp`; 0 when a stamp of another source lies before it. */
static inline uint64_t since(uint64_t start, uint64_t stamp)
{
	return stamp > start ? stamp - start : 0;
}
