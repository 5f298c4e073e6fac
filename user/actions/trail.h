/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The trail: one entry for every removal, action and outcome, for a countdown and its end, and for the
 * configuration. The words of an entry are made here, once. The journal, D-Bus and others write the same
 * words under their own names. No entry is made before the action was sent.
 */
#include "policy/verdict.h"

enum trail_text {
	TRAIL_EVENT, /* "removal", "action", …; not there: a line for people alone */
	TRAIL_SESSION,
	TRAIL_USER,
	TRAIL_READER, /* printable */
	TRAIL_CAUSE,
	TRAIL_SOURCE,
	TRAIL_ACTION,
	TRAIL_OUTCOME,
	TRAIL_RULE,
	TRAIL_TEXT_COUNT,
};

/* Microseconds. */
enum trail_number {
	TRAIL_MONOTONIC, /* when the removal happened, CLOCK_MONOTONIC */
	TRAIL_DECIDED,	 /* the others: after that, until the core decided */
	TRAIL_LATENCY,	 /* … until the call was sent */
	TRAIL_LATER,	 /* … until the event of this entry; for a countdown: the time that is left */
	TRAIL_NUMBER_COUNT,
};

/* Borrows from the verdict or text that it was made of, and from itself: do not move it. */
struct trail_entry {
	char message[768];		     /* one line for people */
	int priority;			     /* syslog's */
	const char *message_id;		     /* 128 bits in hexadecimal, for ever the same; NULL: none */
	const char *text[TRAIL_TEXT_COUNT];  /* NULL: says nothing of it */
	uint64_t number[TRAIL_NUMBER_COUNT]; /* where `numbers` has bit n */
	unsigned numbers;
	const struct login_record *login; /* of the session that it is about; NULL: of none */
	char reader[READER_NAME_SIZE];
};

/* "SESSION", as in the journal's SCPOLICY_SESSION=, and "Session", as on D-Bus. */
struct trail_name {
	const char *journal, *bus;
};
extern const struct trail_name trail_text_names[TRAIL_TEXT_COUNT], trail_number_names[TRAIL_NUMBER_COUNT];

/* When each step was done (CLOCK_MONOTONIC, ns); 0: not, or not known. */
struct trail_times {
	uint64_t decided; /* the core gave its verdict */
	uint64_t sent;	  /* the call was written to the bus */
};

/* False for a verdict that is not reported; `ret` is then untouched. */
bool trail_verdict(const struct verdict *verdict, const struct trail_times *times, struct trail_entry *ret);

/* The sources changed: which serve (`detail`), and whether removals may be seen late (`degraded`). */
void trail_sources(bool degraded, const char *detail, struct trail_entry *ret);

/*
 * The configuration was read again (`text` says so), or `refused`: `text` says where and why, and the old one
 * stays.
 */
void trail_config(const char *text, bool refused, struct trail_entry *ret);

/* A countdown is reported about on the second, a little early or late: rounded. */
uint64_t trail_seconds(uint64_t nanoseconds);
