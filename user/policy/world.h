/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The core: what is known about devices, readers and recorded sessions, and what follows from each event.
 * Pure: no I/O, no clock, no globals; the same events give the same verdicts.
 *
 * It allocates only when something new is reported (a device, a reader, a record), never for a removal.
 */
#include "policy/verdict.h"

struct world;

/*
 * `handler` is called from within world_event(); it may look at this world, and must not pass events to it.
 */
int world_new(verdict_handler handler, void *userdata, struct world **ret);
struct world *world_free(struct world *world);

/* 0, or -ENOMEM: then nothing of this event was taken in, and the caller should pass it again. */
int world_event(struct world *world, const struct event *event);

/*
 * Checks that the core's state is one of those that core.h shows. Returns NULL, or in words what is wrong. It
 * walks everything: tests, replays and fuzzers call it after each event.
 */
const char *world_check(const struct world *world);

/* The next moment (CLOCK_MONOTONIC, ns) at which an EVENT_TIME is due; UINT64_MAX when none is. */
uint64_t world_deadline(const struct world *world);

/* ---- what is known, for whoever asks ---------------------------------------------------------------------- */

enum session_state {
	SESSION_GUARDED, /* the card is in */
	SESSION_AWAY,	 /* a removal was acted on, the card is not back */
	SESSION_PENDING, /* something is still to be done about one */
};

/* Everything in it is borrowed until the next event. */
struct session_view {
	const struct login_record *login; /* its `card` is the insertion that the session is bound to now */
	const struct governance *governance;
	unsigned kind; /* enum session_kind bits */
	enum session_state state;
	bool locked;	     /* LockedHint */
	bool provable;	     /* its locker was seen to report */
	bool away;	     /* its card was removed, and nothing has bound it again */
	bool unguarded;	     /* … and that was reported: its person works without the card */
	enum action pending; /* what comes next; ACTION_NONE: nothing */
	uint64_t pending_at; /* … and when, CLOCK_MONOTONIC ns */
	const char *reader;  /* the PC/SC reader that has its card's slot now; NULL: none is known */
	bool client; /* its card is at its client, and that answers: login->source, login->late, login->awaiting */
};

struct reader_view {
	const struct reader_state *state;
	const char *usb_path, *usb_id; /* "": not known */
	bool watched;		       /* the kernel probe watches it */
};

/* What a removal would do. */
struct simulation {
	const struct settings *settings;
	enum action action;	     /* the policy's word */
	enum step steps[PLAN_STEPS]; /* `count` of them, in order */
	unsigned count;
	bool after_agreement; /* the last one waits until the evidence agrees, at most settings->confirm */
	bool cannot_lock;     /* nothing is known to obey the lock there */
	uint64_t settle;      /* everything waits for this long (ns) */
	enum action then;     /* the second stage, settings->after later; ACTION_NONE: none */
	bool then_if_seen;    /* … only if the lock shows LockedHint: otherwise an unlock would not be seen */
	bool starts_unit;     /* settings->unit is started too */
};

/* False: it has no record. */
bool world_session(const struct world *world, const char *session, struct session_view *ret);
/* The first one for NULL, then the one after `session`; false at the end. */
bool world_next_session(const struct world *world, const char *session, struct session_view *ret);
bool world_next_reader(const struct world *world, const char *reader, struct reader_view *ret);

/* The readers that a session's own client names, from 0; false at the end. */
bool world_remote_reader(const struct world *world, const char *session, unsigned index,
			 struct reader_view *ret);

/* Whether pcscd can be reached. */
bool world_pcsc_up(const struct world *world);

/* Room for the longest explanation. */
#define EXPLANATION_SIZE 640

/* What is believed about a session's card, and why. Nothing in it is borrowed, and `kind` is constant. */
struct explanation {
	const char *kind; /* "in", "out", "doubt" or "unknown" */
	/*
	 * For people, clauses with "; " between them: "card in: the reader reports it present; insertion 7,
	 * as recorded; no word from the probe for 12 min". The belief is the text up to the first ": ".
	 */
	char text[EXPLANATION_SIZE];
};

/*
 * Spans are counted from `now` (CLOCK_MONOTONIC, ns); a negative span becomes 0. False: no record, and `ret`
 * is untouched.
 */
bool world_explain(const struct world *world, const char *session, uint64_t now, struct explanation *ret);

/*
 * What would follow if the card or the reader was removed now and the first source reported it. False: no
 * record.
 */
bool world_simulate(const struct world *world, const char *session, enum cause cause, struct simulation *ret);
