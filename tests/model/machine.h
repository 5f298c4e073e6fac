/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The simulated machine: what is really there (devices, cards, people), what pcscd and its observer make of
 * it, what each source reports and when, and the daemon's wiring round the core under test. The judge looks
 * at all of it.
 *
 * A "unit" is one slot as pcscd names it: a device has one, or two (two slots, or two CCID interfaces).
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/macro.h"
#include "policy/world.h"
#include "script.h"

#define UNITS	     2
#define PORTS	     6
#define CARDS	     6
#define READERS_MOST 12 /* pcscd's */
/* The numbers that the bus gives to readers, unless the set-up says how many are free. */
#define ADDRESS_FIRST 5
#define ADDRESS_END   128
#define ITEMS_MOST    512
#define IDS_MOST      8
#define NEVER	      UINT64_MAX
#define NO_CARD	      (-1)
#define MS	      NSEC_PER_MSEC
#define SEC	      NSEC_PER_SEC
#define RESUME_GRACE  (5 * SEC)
/* The longest pause between two questions where a reader is. */
#define LOCATE_MOST (64 * SEC)

/* What FACTS say of pcscd, and the core may rely on: so long a card may settle, or a reader be unreadable. */
#define PCSC_DOUBT (2 * SEC)

struct device {
	uint8_t model, units;
	bool composite, no_notices;
	int port; /* -1: unplugged */
	struct usb_address usb;
	uint32_t plug;	      /* which presence this is; counts over the machine */
	uint64_t sysfs_until; /* unplugged: listed until then */
	int8_t card[UNITS], last_card[UNITS];
	uint32_t insertion[UNITS]; /* which insertion this is; counts over the machine */
	bool notice_spent;	   /* pcscd hangs, and its one interrupt URB has completed */
	bool held;		   /* a client holds it: no address is to be had */
	bool renumbering;	   /* after sleep: it is coming back */
	int last_port;
	uint32_t renumbered; /* which presence began by that */
	uint64_t unplugged_at;
	uint64_t emptied_at[UNITS], changed_at[UNITS];
};

/* What pcscd has under one name. */
struct pcsc_reader {
	bool used, stuck; /* stuck: its device is gone, and pcscd has not noticed and never will */
	uint8_t device, unit, model, index;
	struct usb_address usb;	  /* where it was found */
	uint32_t plug, insertion; /* insertion: 0 none seen */
	uint32_t arrival;
	int8_t card;
	uint16_t counter;
	bool settling, unreadable;
	/* How often it could not be read for a while, and has counted that; … and the worker that runs saw it; … before that one. */
	unsigned errors, heard_errors, old_errors;
};

/* What its observer, the worker, has under that name. */
struct observed {
	bool used, announced;
	uint8_t model, index, unit;
	uint32_t arrival;
	struct usb_address usb;
	enum card_state state;
	uint16_t counter;
	int8_t card;
};

enum locker {
	LOCKER_GOOD, /* obeys, sets the hint */
	LOCKER_MUTE, /* obeys, never sets it */
	LOCKER_SLOW, /* sets it after LockTimeout= */
	LOCKER_DIES, /* sets it, dies within 300 ms */
	LOCKER_NONE,
	LOCKER_DIES_ONCE,
	LOCKER_COUNT,
};

struct login {
	bool used, ended, recorded; /* recorded: its record is on disk */
	bool told;		    /* … and was read by this daemon */
	uint8_t person, number, locker, kind_index;
	unsigned kind;
	struct login_record record, bound;
	bool has_bound, away;
	uint32_t pcscd;		       /* whose count the record has, or what it is bound to */
	unsigned errors, heard_errors; /* of its reader, when that count was read */
	bool hint, died_once;
	uint64_t hint_at;
	uint64_t refuse_until; /* logind refuses its calls */
};

enum lane {
	LANE_PROBE,
	LANE_UEVENT,
	LANE_UDEV,
	LANE_PCSC,
	LANE_LOGIND,
	LANE_RECORD,
	LANE_COUNT,
};

/* One message on its way to the daemon, with what it really is about. */
struct report {
	uint64_t stamp, made; /* made: when it really arose */
	uint32_t plug, insertion, seqnum;
	struct usb_address usb;
	uint16_t counter;
	uint8_t lane, type, source; /* type: enum event_type */
	uint8_t device, unit, session;
	uint8_t model, index, port, slots, endpoint, bytes;
	int8_t card;
	uint8_t state;	/* enum card_state */
	bool uncertain; /* the card is there and pcscd does not see it: it settles; the device is about to be
			   found again */
	bool first;	/* of this reader */
	bool false_notice;
	bool unheard;  /* the core has the probe not listen there: only the judge knows */
	uint8_t truth; /* TRUTH_* */
};

enum {
	TRUTH_OUT = 1 << 0, /* the card really was out of its slot when the source looked */
};

enum item_kind {
	ITEM_REPORT,
	ITEM_PCSC_PLUG, /* pcscd hears of a plug */
	ITEM_PCSC_UNPLUG,
	ITEM_PCSC_CARD, /* pcscd looks at a slot */
	ITEM_PCSC_SETTLED,
	ITEM_PCSC_READABLE,
	ITEM_PCSC_START,
	ITEM_PCSC_GO_ON,
	ITEM_WORKER_POLL,
	ITEM_WORKER_ADDRESS,
	ITEM_WORKER_REQUEST,
	ITEM_WORKER_START,
	ITEM_READER_IN, /* the rest of a blink, or of a re-enumeration */
	ITEM_CARD_IN,
	ITEM_HINT,
	ITEM_HINT_GONE,
	ITEM_SESSION_END,
	ITEM_LOST,
};

struct item {
	uint64_t at;
	uint32_t order, life; /* life: of the daemon, of pcscd or of the worker, as the kind needs */
	uint8_t kind, device, unit, flag;
	int8_t card;
	uint32_t plug;
	struct report report;
};

struct item_ref {
	uint64_t at;
	uint32_t order;
	uint16_t item;
};

struct pcscd {
	bool up, hung, deaf;
	uint64_t hung_until;
	uint32_t life;
	bool reverse; /* it finds devices in the other order */
	struct pcsc_reader readers[READERS_MOST];
};

struct worker {
	bool running, connected, synced, located, asked;
	uint32_t life;
	struct observed seen[READERS_MOST];
};

struct daemon {
	struct world *world; /* NULL: it does not run */
	uint32_t life;
	bool recheck, reread, locate;
	bool watched[128];	   /* by device number */
	struct settings *settings; /* the policy in force */
};

struct judge;

struct machine {
	const struct script *script;
	uint64_t now, rng;
	uint32_t next_plug, next_insertion, next_seqnum, next_arrival, next_leader;
	uint16_t next_address;
	struct device devices[DEVICES_MOST];
	uint8_t device_count;
	struct pcscd pcscd;
	struct worker worker;
	struct login logins[SESSIONS_MOST];
	struct daemon daemon;
	bool asleep;
	uint64_t slept_at, resumed_at; /* the truth's; 0: never */
	uint64_t restless_at;	       /* when it first slept: two sleeps in a row are one restless time */
	uint32_t lose[LANE_COUNT];     /* how many of its next messages are lost */
	bool lost_pending[LANE_COUNT];
	uint64_t lane_last[LANE_COUNT];
	uint64_t hotplug_last;	      /* udevd's queue, which pcscd listens to, keeps the order */
	uint32_t known_seqnum[PORTS]; /* what the udev part of the daemon last heard of a port */
	struct usb_address known_usb[PORTS];
	uint8_t policy;	    /* the settings' number */
	int show_exception; /* 0; else one more than the exception to be taken for a fault */
	struct judge *judge;
	char *trace; /* NULL: not recorded */
	size_t trace_used, trace_size;
	/* The queue of what is to come: a heap of references; everything below is not cleared. */
	uint32_t order, events;
	unsigned heap_count, free_count, fresh;
	bool overflow;
	struct item_ref heap[ITEMS_MOST];
	uint16_t free_items[ITEMS_MOST];
	struct item items[ITEMS_MOST];
};

/* machine.c: the hardware */
extern int machine_show_exception;
void machine_init(struct machine *machine, const struct script *script, struct judge *judge);
void machine_card_out(struct machine *machine, unsigned device, unsigned unit);
void machine_card_in(struct machine *machine, unsigned device, unsigned unit, int card);
void machine_unplug(struct machine *machine, unsigned device);
void machine_plug(struct machine *machine, unsigned device, int port);
void machine_false_notice(struct machine *machine, unsigned device, unsigned unit);
uint8_t machine_atr(const struct machine *machine, int card);
int machine_home_card(const struct machine *machine, unsigned device, unsigned unit);
uint64_t machine_delay(struct machine *machine, uint64_t least, uint64_t most);

/* queue.c */
void queue_add(struct machine *machine, struct item item);
uint64_t queue_next(const struct machine *machine);
void queue_take(struct machine *machine, struct item *ret);

/* pcscd.c */
void pcscd_start(struct machine *machine);
void pcscd_crash(struct machine *machine);
void pcscd_hang(struct machine *machine, bool hung);
void pcscd_comm_error(struct machine *machine, unsigned device, unsigned unit);
void pcscd_item(struct machine *machine, const struct item *item);
struct pcsc_reader *pcscd_find(struct machine *machine, unsigned device, unsigned unit);
/* What this pcscd has, or had last, under the name; NULL: nothing. */
const struct pcsc_reader *pcscd_last_named(const struct machine *machine, const char *name);
const struct pcsc_reader *pcscd_named(const struct machine *machine, const char *name); /* NULL: none */

/* worker.c */
/* What pcscd has under the name that was observed; NULL: nothing any more. */
const struct pcsc_reader *worker_reader(const struct machine *machine, const struct observed *seen);
/* Whether the worker has seen that the reader fails now. */
bool worker_saw_error(const struct machine *machine, const struct pcsc_reader *reader);
void worker_start(struct machine *machine);
void worker_stop(struct machine *machine);
void worker_poll_soon(struct machine *machine, bool may_be_slow);
void worker_request(struct machine *machine, bool locate);
void worker_item(struct machine *machine, const struct item *item);
void worker_pcscd_gone(struct machine *machine);

/* reports.c */
void reports_send(struct machine *machine, struct report report, uint64_t delay);
void reports_deliver(struct machine *machine, const struct item *item);
void reports_list_devices(struct machine *machine);
void reader_name(uint8_t model, uint8_t index, uint8_t slot, char name[static READER_NAME_SIZE]);
void reader_atr(uint8_t kind, struct atr *atr);
const char *report_port(unsigned port);
const char *report_id(unsigned model);
void reader_fill(struct machine *machine, const struct report *report, struct reader_state *state);

/* people.c */
bool people_sign_in(struct machine *machine, unsigned person, bool reuse, uint64_t delay);
void people_note_errors(struct login *login, const struct pcsc_reader *reader);
void people_tell(struct machine *machine, unsigned session);
void people_end(struct machine *machine, unsigned session, uint64_t delay);
void people_unlock(struct machine *machine, unsigned session);
void people_lock(struct machine *machine, unsigned session);
void people_act(struct machine *machine, unsigned session, enum step step);
void people_item(struct machine *machine, const struct item *item);
void people_logind_restart(struct machine *machine);
const char *people_id(const struct login *login);
struct login *people_find(struct machine *machine, const char *session);
bool people_home(const struct machine *machine, unsigned person, unsigned *device, unsigned *unit);

/* driver.c: the daemon's wiring */
void driver_start(struct machine *machine);
void driver_stop(struct machine *machine);
void driver_event(struct machine *machine, const struct event *event);
uint64_t driver_deadline(const struct machine *machine);
void driver_time(struct machine *machine, uint64_t now);
void driver_reload(struct machine *machine, uint8_t policy);
void driver_record(struct machine *machine, unsigned session);
void policy_settings(uint8_t policy, struct settings *ret);
void driver_ask_core(void);

/* steps.c */
void step_take(struct machine *machine, const struct history_step *step);
void step_card_in(struct machine *machine, unsigned device, unsigned unit, unsigned other);
void step_reader_out(struct machine *machine, unsigned device);
void step_resume(struct machine *machine, unsigned devices);

/* run.c: a whole history */
void run_script(struct machine *machine);
void run_rest(struct machine *machine, bool repaired);
void run_until(struct machine *machine, uint64_t until);
