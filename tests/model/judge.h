/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The oracle. It knows what really happened, and what was reported of it by when; it looks at what the core
 * does, as it does it and when all is quiet. evidence.c keeps what is true and what was reported, acts.c
 * judges each step, judge.c the state at rest, and has the table of what nobody can know.
 */
#include "machine.h"

enum fault {
	FAULT_NONE,
	FAULT_MISSED,
	FAULT_FALSE,
	FAULT_UNGUARDED,
	FAULT_BROKEN, /* a deadline for ever, a state that is not on the page */
	FAULT_COUNT,
};

/* Why the truth cannot be known: judge.c says it in words. */
enum exception {
	EXCEPTION_UNSEEN,
	EXCEPTION_DAEMON_AWAY,
	EXCEPTION_LIKE_READERS,
	EXCEPTION_NO_PLACE,
	EXCEPTION_PCSCD_DEAF,
	EXCEPTION_SWAP_UNSEEN,
	EXCEPTION_RENUMBERED,
	EXCEPTION_SLEEP_UNHEARD,
	EXCEPTION_DENIED,
	EXCEPTION_HUNG,
	EXCEPTION_HELD,
	EXCEPTION_PCSCD_AWAY,
	EXCEPTION_RECOUNTED,
	EXCEPTION_ERRORS_UNHEARD,
	EXCEPTION_COUNT,
};

#define UNKNOWABLE_REMOVAL                                                                                   \
	(1U << EXCEPTION_UNSEEN | 1U << EXCEPTION_DAEMON_AWAY | 1U << EXCEPTION_LIKE_READERS |               \
	 1U << EXCEPTION_NO_PLACE | 1U << EXCEPTION_SWAP_UNSEEN | 1U << EXCEPTION_RENUMBERED |               \
	 1U << EXCEPTION_PCSCD_DEAF | 1U << EXCEPTION_SLEEP_UNHEARD | 1U << EXCEPTION_DENIED |               \
	 1U << EXCEPTION_HELD | 1U << EXCEPTION_PCSCD_AWAY)
#define UNKNOWABLE_PLACE                                                                                     \
	(1U << EXCEPTION_LIKE_READERS | 1U << EXCEPTION_NO_PLACE | 1U << EXCEPTION_PCSCD_DEAF |              \
	 1U << EXCEPTION_HELD)

/* One session, since everything was at rest last. */
struct judged {
	bool known; /* it has a login record, and was not ended */
	/* The place of its card, and what was there when the core last heard of it. */
	int port;
	uint8_t device, unit, model, atr;
	uint8_t index; /* of its reader's name */
	bool composite;
	uint32_t plug, insertion, pcsc_life;
	uint16_t counter;
	/* PC/SC's last word on its reader since then, and how often that could be read again: each adds 1. */
	uint8_t said_state, read_state; /* read: … when it could be read */
	uint16_t said_counter, read_counter;
	unsigned recovered;
	bool jumped, ran_back; /* its last word, to the one before it */
	struct usb_address usb;
	bool place_known;	/* the record, or PC/SC since, gave its address */
	uint64_t placed_at;	/* … after the record was read; 0: with it */
	bool in_place, guarded; /* guarded: at the last rest, by the core's own word */
	bool at_hand;		/* … and it knew where its reader is */
	bool excused;	  /* what the core believes of it may be wrong, for a reason that the table has */
	uint64_t told_at; /* when PC/SC last spoke of its reader */
	/* The truth since. */
	unsigned departures;
	uint64_t departed_at, returned_at;
	bool reader_there, found_again;
	uint64_t reader_left_at; /* … with its reader, not out of it */
	bool may_be_found;	 /* a new daemon has no note that its removal was dealt with */
	bool daemon_away, pcscd_away, names_moved, reloaded, slept;
	uint64_t old_confirm; /* reloaded: the least that was in force */
	unsigned rebound;     /* by unlocks */
	/* What was reported since. */
	unsigned words, fresh_words, false_words,
		backs;			 /* fresh: since it left last; backs: the reader said "in" */
	uint64_t first_word, first_true; /* a false notice is a word, too */
	uint64_t fresh_true;		 /* … since it left last */
	uint64_t fresh_down_at;		 /* when pcscd went away after that; 0: it has not */
	uint64_t device_gone_at, reader_gone_at;
	uint64_t unread_at;   /* since when PC/SC cannot read it */
	uint64_t any_gone_at; /* any device: it may be its own */
	bool device_word, slot_word, back_word, pcsc_moved, pcsc_unmoved, pcsc_empty;
	bool old_notice;     /* "out", stamped before its record, or before PC/SC's last "in" */
	uint64_t present_at; /* PC/SC's last "in" */
	bool settles_long;   /* pcscd said "empty" of a card that settled, for longer than that may take */
	bool placed_late;    /* PC/SC said where it was when the kernel had said that it left */
	bool was_rebound;    /* by an unlock, since its record was written */
	bool misbound;	     /* to a reader that is not its own, and nobody could know */
	bool by_deaf;	     /* pcscd named a reader that is gone: the session was restored by that */
	uint64_t kernel_word_at; /* since when; 0: it has not */
	bool kernel_word;	 /* the kernel reported to this daemon: it needs no pcscd */
	bool unlisted;		 /* … that the device is not there, whose session it cannot know yet */
	uint64_t recorded_at;
	uint64_t pcsc_empty_at;
	uint64_t bound_made;   /* when PC/SC first read it in this presence of its reader */
	uint64_t notice_made;  /* the reader's last "out" */
	uint32_t notice_pcscd; /* … to which pcscd */
	bool settles;	       /* "empty" is of a card that settles */
	bool named_again;      /* … its reader, and has not read a card there since */
	bool empty_word;       /* pcscd said "empty", which becomes a word if it stays so */
	uint8_t empty_index;   /* … of the reader with this number */
	uint64_t read_at;      /* when it was first read in its stay */
	/* What the core did since. */
	unsigned removals_before; /* … of those, before this daemon read its record */
	unsigned removals, settled, contradicted, comm_errors, unguarded, restored, locks, losing, cancelled;
	unsigned failures;
	bool began_losing;
	uint64_t removed_at, first_act, first_departure;
	unsigned lost_pcsc;    /* removals of cause pcsc-lost */
	bool away_for_pcsc;    /* the last one was */
	bool after_pcsc;       /* … the one before it: nobody has dealt with the card's leaving yet */
	bool agreed;	       /* the evidence did, at some moment */
	bool pcsc_was_present; /* … reported in this life of pcscd */
	/* Of the event that is being taken in. */
	unsigned locks_now, removals_now;
	unsigned losing_now; /* bit n: enum step n */
	enum cause cause_now;
	enum session_state state_before;
	/* The locker, as it was reported. */
	unsigned hint_died_after;     /* … after the first act */
	bool kind_told, kind_unknown; /* unknown: when a removal was acted on */
	unsigned deaths;
	bool hint_told, ever_hint, worked_since; /* worked_since: unlocked after the removal */
	uint64_t hint_told_at;
	bool must_be_reported; /* unlocked while its card was elsewhere */
	uint32_t candidate;    /* … the insertion that it should be bound to; 0: none, or several */
};

struct judge {
	struct judged sessions[SESSIONS_MOST];
	enum fault fault;
	char text[160];
	uint64_t fault_at;
	uint64_t daemon_at, up_at, down_at, resume_at; /* reported, of this daemon's life; 0: never */
	bool up, asleep;
	uint32_t life; /* of pcscd, as it was reported */
	unsigned daemon_starts;
	bool deaf[DEVICES_MOST];
	uint32_t known_plug[DEVICES_MOST];     /* the presence of each device that was reported last */
	uint32_t gone_plug[DEVICES_MOST];      /* … whose end was, to this daemon */
	uint32_t left_over_plug[DEVICES_MOST]; /* … at which a reader must be that has not said where it is */
	uint64_t named_at;		       /* when PC/SC last named a reader */
	uint64_t unplugged_at;		       /* when a device was last reported to have left */
	uint32_t left_plug[DEVICES_MOST];      /* … because sleep had it enumerated again */
	struct usb_address told_usb[READERS_MOST]; /* of each that the worker has, as it was reported */
	bool address_moved;			   /* of the reader at hand: its name is another's now */
	unsigned long excepted[EXCEPTION_COUNT];
};

void judge_reset(struct judge *judge);

/* The truth changed. */
void judge_truth(struct machine *machine);
void judge_deaf(struct machine *machine, unsigned device);
void judge_signed_in(struct machine *machine, unsigned session, unsigned device, unsigned unit);
void judge_ended(struct machine *machine, unsigned session);

/* A report reaches the daemon: before, and after. */
void judge_report(struct machine *machine, const struct report *report);
void judge_reported(struct machine *machine, const struct report *report);
void judge_recorded(struct machine *machine, unsigned session, bool fresh, bool away);
void judge_reloaded(struct machine *machine, uint8_t old_policy);
void judge_daemon(struct machine *machine, bool runs);

/* It decides. */
void judge_verdict(struct machine *machine, const struct verdict *verdict);
void judge_event_done(struct machine *machine);
void judge_broken(struct machine *machine, const char *what);

/* All is quiet. `repaired`: everything works that did not. */
void judge_rest(struct machine *machine, bool repaired);

/* ---- among the judge's own files ---- */
_printf_(4, 5) void judge_fault(struct machine *machine, enum fault fault, unsigned session,
				const char *format, ...);
bool judge_agreed(const struct machine *machine, const struct judged *judged);
unsigned judge_like_readers(const struct machine *machine, const struct judged *judged);
void judge_empty(struct machine *machine, struct judged *judged);
bool judge_excepted(struct machine *machine, struct judged *judged, unsigned which);
bool judge_misplaced(const struct machine *machine, const struct judged *judged);
bool judge_found_again(const struct machine *machine, const struct judged *judged);
bool judge_pcsc_out(const struct machine *machine, const struct judged *judged);
void judge_place(struct machine *machine, unsigned session, const char *path);
void judge_bind(struct machine *machine, unsigned session, unsigned device, unsigned unit, uint16_t counter);

/* Whether an exception says that a removal cannot be known of, or that nobody can know of none. */
bool judge_excuses_removal(struct machine *machine, unsigned session);

const char *exception_name(unsigned exception);
const char *fault_name(enum fault fault);
