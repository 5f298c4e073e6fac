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

/* Names of rules and units are told in the audit: bounded, so that they can be kept without allocation. */
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
	char unit[UNIT_NAME_SIZE]; /* Unit=: "" or a template such as "note@.service" */
	char rule[RULE_NAME_SIZE]; /* which rule said so; "" for [Policy] */
};

/*
 * The keys that [Policy] and every rule may set: number, member, its word in recordings, which must not change, and what the
 * word's value is (enum trace_value). Recordings have them in this order. What stands in [Remote] only, [Policy] alone has: Grace=,
 * Bind=, ClientGrace=.
 */
#define EVERY_SETTING(ROW)                                                                                   \
	ROW(ACTION, action, "action", ACTION)                                                                \
	ROW(THEN, then, "then", ACTION)                                                                      \
	ROW(AFTER, after, "after", TIME)                                                                     \
	ROW(SETTLE, settle, "settle", TIME)                                                                  \
	ROW(CONFIRM, confirm, "confirm", TIME)                                                               \
	ROW(LOCK_TIMEOUT, lock_timeout, "lock-timeout", TIME)                                                \
	ROW(WHEN_LOCK_FAILS, when_lock_fails, "when-lock-fails", FALLBACK)                                   \
	ROW(WHEN_CANNOT_LOCK, when_cannot_lock, "when-cannot-lock", FALLBACK)                                \
	ROW(PCSC_LOST, lock_when_pcsc_lost, "pcsc-lost", LOCK)                                               \
	ROW(UNIT, unit, "unit", TEXT)                                                                        \
	ROW(CARD_WITHIN, card_within, "card-within", TIME)                                                   \
	ROW(GRACE, grace, "grace", TIME)                                                                     \
	ROW(BIND, bind_first, "bind", BIND)                                                                  \
	ROW(CLIENT_GRACE, client_grace, "client-grace", TIME)

#define SETTING_NUMBER(number, ...) SETTING_##number,
enum setting { EVERY_SETTING(SETTING_NUMBER) SETTING_COUNT };
#undef SETTING_NUMBER

#define SETTINGS_DEFAULT                                                                                     \
	{                                                                                                    \
		.action = ACTION_LOCK,                                                                       \
		.confirm = 500 * NSEC_PER_MSEC,                                                              \
		.lock_timeout = 3 * NSEC_PER_SEC,                                                            \
		.bind_first = true,                                                                          \
		.grace = 20 * NSEC_PER_SEC,                                                                  \
		.client_grace = 30 * NSEC_PER_SEC,                                                           \
	}

/*
 * What governs one session: for each cause the settings of the first rule that matches. They belong to the
 * rules they were resolved from; whoever replaces the rules resolves every session again first.
 */
struct governance {
	const struct settings *by_cause[CAUSE_COUNT];
};

/* "none", "lock", … as the configuration and SCPOLICY_ACTION= say them; NULL outside the enum. */
const char *action_name(enum action action);
