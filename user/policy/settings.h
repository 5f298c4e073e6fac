/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What policy says for one session. Times in nanoseconds. */
#include <stdbool.h>
#include <stdint.h>

#include "lib/macro.h"
#include "policy/cause.h"

/* Action= and Then=. */
enum action {
	ACTION_NONE,
	ACTION_LOCK,
	ACTION_LOGOUT,
	ACTION_DISCONNECT, /* of a remote session; a local one is locked */
	ACTION_COUNT,
};

/* WhenLockFails= and WhenCannotLock=. */
enum fallback {
	FALLBACK_WARN,
	FALLBACK_LOGOUT,
};

/* Reports of actions have the names of rules and units: bounded, so that they can be kept without allocation. */
#define RULE_NAME_SIZE 64
#define UNIT_NAME_SIZE 256 /* UNIT_NAME_MAX of systemd, with the NUL */

struct settings {
	enum action action;
	enum action then;      /* a second stage: none, logout or disconnect */
	uint64_t after;	       /* … this long after the first */
	uint64_t settle;       /* forget the removal when the same insertion is back within this time */
	uint64_t confirm;      /* how long logout and disconnect wait for a second source to agree */
	uint64_t lock_timeout; /* how long until LockedHint must show where the locker is known to set it */
	enum fallback when_lock_fails;
	enum fallback when_cannot_lock;
	bool lock_when_pcsc_lost;  /* PcscLost=lock */
	bool bind_first;	   /* Bind=first: the first card that a session's client shows is bound */
	uint64_t card_within;	   /* how long a remote session may show no card; 0: for ever */
	uint64_t grace;		   /* how long its card may take to show once its client is back */
	uint64_t client_grace;	   /* how long its client may be away */
	bool keep_any;		   /* Keep=any: of the tokens proven in the session, the last one counts */
	char unit[UNIT_NAME_SIZE]; /* Unit=: "" or a template such as "note@.service" */
	char rule[RULE_NAME_SIZE]; /* which rule said so; "" for [Policy] */
};

/*
 * A row is a key: its number, its member, which sections it may stand in (RULE: [Policy] and every rule; REMOTE: [Remote]
 * alone), whom it concerns (REMOTE_SESSION: only who has the card at a client), whether every line of a recording has it
 * (MAY_MISS: it is a text, or newer than the first recordings), its name, its word in recordings, which must not change,
 * what the word's value is (enum trace_value), what the key's value may be (config_keys.c), and its default. Recordings
 * have them in this order.
 */
#define EVERY_SETTING(ROW)                                                                                   \
	ROW(ACTION, action, RULE, ANY_SESSION, ALWAYS, "Action", "action", ACTION, FIRST_STAGE, ACTION_LOCK) \
	ROW(THEN, then, RULE, ANY_SESSION, ALWAYS, "Then", "then", ACTION, SECOND_STAGE, ACTION_NONE)        \
	ROW(AFTER, after, RULE, ANY_SESSION, ALWAYS, "After", "after", TIME, UP_TO_DAY, 0)                   \
	ROW(SETTLE, settle, RULE, ANY_SESSION, ALWAYS, "Settle", "settle", TIME, UP_TO_MINUTE, 0)            \
	ROW(CONFIRM, confirm, RULE, ANY_SESSION, ALWAYS, "Confirm", "confirm", TIME, UP_TO_MINUTE,           \
	    500 * NSEC_PER_MSEC)                                                                             \
	ROW(LOCK_TIMEOUT, lock_timeout, RULE, ANY_SESSION, ALWAYS, "LockTimeout", "lock-timeout", TIME,      \
	    SOME_TIME, 3 * NSEC_PER_SEC)                                                                     \
	ROW(WHEN_LOCK_FAILS, when_lock_fails, RULE, ANY_SESSION, ALWAYS, "WhenLockFails", "when-lock-fails", \
	    FALLBACK, WARN_OR_LOGOUT, FALLBACK_WARN)                                                         \
	ROW(WHEN_CANNOT_LOCK, when_cannot_lock, RULE, ANY_SESSION, ALWAYS, "WhenCannotLock",                 \
	    "when-cannot-lock", FALLBACK, WARN_OR_LOGOUT, FALLBACK_WARN)                                     \
	ROW(PCSC_LOST, lock_when_pcsc_lost, RULE, ANY_SESSION, ALWAYS, "PcscLost", "pcsc-lost", LOCK,        \
	    IGNORE_OR_LOCK, false)                                                                           \
	ROW(UNIT, unit, RULE, ANY_SESSION, MAY_MISS, "Unit", "unit", TEXT, UNIT_TEMPLATE, "")                \
	ROW(CARD_WITHIN, card_within, RULE, REMOTE_SESSION, MAY_MISS, "CardWithin", "card-within", TIME,     \
	    UP_TO_DAY, 0)                                                                                    \
	ROW(KEEP, keep_any, RULE, ANY_SESSION, MAY_MISS, "Keep", "keep", YES, LAST_OR_ANY, false)            \
	ROW(GRACE, grace, REMOTE, REMOTE_SESSION, MAY_MISS, "Grace", "grace", TIME, UP_TO_HOUR,              \
	    20 * NSEC_PER_SEC)                                                                               \
	ROW(BIND, bind_first, REMOTE, REMOTE_SESSION, MAY_MISS, "Bind", "bind", BIND, FIRST_OR_NONE, true)   \
	ROW(CLIENT_GRACE, client_grace, REMOTE, REMOTE_SESSION, MAY_MISS, "ClientGrace", "client-grace",     \
	    TIME, UP_TO_DAY, 30 * NSEC_PER_SEC)

#define SETTING_NUMBER(number, ...) SETTING_##number,
enum setting { EVERY_SETTING(SETTING_NUMBER) SETTING_COUNT };

#define SETTING_VALUE(number, member, where, sessions, lines, key, word, type, values, value) .member = value,
#define SETTINGS_DEFAULT								      {EVERY_SETTING(SETTING_VALUE)}

/*
 * What governs one session: for each cause the settings of the first rule that matches. They belong to the
 * rules they were resolved from; whoever replaces the rules resolves every session again first.
 */
struct governance {
	const struct settings *by_cause[CAUSE_COUNT];
};

/* "none", "lock", … as the configuration and SCPOLICY_ACTION= say them; NULL outside the enum. */
const char *action_name(enum action action);
