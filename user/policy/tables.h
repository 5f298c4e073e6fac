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
	struct session *sessions; /* bound to this device */
	struct reader *readers;	  /* that PC/SC names for it */
	UT_hash_handle hh;
};

struct reader {
	struct reader_state state;
	struct device *device;	     /* NULL: not on USB */
	struct reader *prev, *next; /* device->readers */
	unsigned listing;
	UT_hash_handle hh;
};

enum guard {
	GUARD_ON,   /* the card is in: a removal opens a case */
	GUARD_AWAY, /* a case was opened, the card is not back yet */
};

struct session_link {
	struct session *prev, *next;
};

struct session {
	struct login_record login; /* login.card is the insertion it is bound to now */
	struct settings settings;
	enum guard guard;
	struct device *device; /* NULL: not on USB */

	bool locked;   /* LockedHint */
	bool provable; /* LockedHint was seen set in this session's life */

	/* The case, while guard is AWAY and until its outcome is told. */
	uint64_t opened;
	enum cause cause;
	enum event_source source;
	uint32_t heard;	    /* HEARD_BIT()s already told */
	bool card_back;	    /* the reader's own notice said that the card came back */
	bool outcome_due;   /* an action was sent and its outcome not told */

	/* Deadlines; 0: none. `busy` exactly while one is set. */
	uint64_t doubt_until;	/* PC/SC cannot tell, or has just come back */
	uint64_t confirm_until; /* a slot change awaits a second word */
	uint64_t verify_until;	/* LockedHint is awaited */
	bool doubt_at_look;	/* the doubt began while everything was looked at anew */
	bool comm_error;	/* told; until the reader can be read again */
	bool doubt_over;	/* PC/SC had its time: what it says now counts */
	unsigned pcsc_epoch;	/* the life of pcscd that login.card.event_counter belongs to */
	bool busy;
	bool to_report;

	struct session_link on_device, on_away, on_busy, on_report;
	UT_hash_handle hh;
};

struct world {
	verdict_handler handler;
	void *userdata;

	struct device *devices;	  /* by key */
	struct reader *readers;	  /* by name */
	struct session *sessions; /* by id */
	struct session *away, *busy, *report;

	bool looking_devices, looking_pcsc; /* until the listing that was asked for is complete */
	bool recheck_asked;
	unsigned device_listing, reader_listing;
	bool pcsc_up, pcsc_listed;
	unsigned pcsc_epoch;
};

#define HEARD_BIT(source, cause) (1U << ((unsigned)(source) * 3 + (unsigned)(cause)))

/* devices.c */
struct device *device_find(struct world *world, struct usb_address usb);
struct device *device_get(struct world *world, struct usb_address usb); /* makes one; NULL: no memory */
void device_watch(struct world *world, struct device *device);
void device_release(struct world *world, struct device *device); /* forgets it when nothing needs it */
struct reader *reader_find(struct world *world, const char *name);
struct reader *reader_get(struct world *world, const struct reader_state *state); /* NULL: no memory */
void reader_forget(struct world *world, struct reader *reader);
struct reader *reader_of_session(struct world *world, const struct session *session);

/* session.c: what an event means for one session */
void session_bind_device(struct world *world, struct session *session, struct device *device);
void session_remove(struct world *world, struct session *session, enum cause cause, enum event_source source,
		    uint64_t stamp);
void session_look(struct world *world, struct session *session, enum event_source source, uint64_t stamp);
void session_slot(struct world *world, struct session *session, bool present, uint64_t stamp);
void session_time(struct world *world, struct session *session, uint64_t now);
void session_locked(struct world *world, struct session *session, bool locked, uint64_t stamp);
void session_action_failed(struct world *world, struct session *session, uint64_t stamp);
void session_record(struct world *world, struct session *session, const struct login_record *login,
		    const struct settings *settings, struct device *device);
void session_report(struct world *world, struct session *session);
void session_forget(struct world *world, struct session *session);
bool session_restore(struct world *world, struct session *session, const struct reader *reader, uint64_t stamp);
uint64_t session_deadline(const struct session *session);
void session_busy_update(struct world *world, struct session *session);
void world_tell(struct world *world, const struct session *session, struct verdict verdict);
