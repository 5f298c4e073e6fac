/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Each governed session's calls, marshalled and sealed in advance. Of enforce.c alone, whose header says why. */
#include <stdbool.h>
#include <systemd/sd-bus.h>

#include <uthash.h>

#include "actions/xrdp.h"
#include "lib/record.h"
#include "policy/verdict.h"

/*
 * Serial numbers are set when a call is sealed, long before it is sent. sd-bus counts its own (Hello, and
 * whatever the library sends) from 1 on this connection; these start where it will not get to.
 */
#define FIRST_COOKIE 0x10000
#define REPLY_USEC   (25 * 1000 * 1000ULL)

#define SYSTEMD		"org.freedesktop.systemd1"
#define SYSTEMD_PATH	"/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD ".Manager"

/* STEP_CONSOLE_LOCK starts this unit of ours. */
#define CONSOLE_LOCK_UNIT "scpolicyd-console-lock.service"

struct call {
	sd_bus_message *message; /* sealed, not sent yet; NULL: to be made */
	uint64_t cookie;	 /* its serial */
	uint64_t outstanding;	 /* serial of the last one sent, until its reply comes; 0: none */
};

struct session_calls {
	char session[SESSION_ID_SIZE];
	unsigned steps;
	struct call calls[STEP_COUNT];
	struct xrdp_target xrdp;
	bool console_lock_runs; /* its job was requested and has not ended */
	uint64_t decided, sent;
	UT_hash_handle hh;
};

/* All of them, on one connection. */
struct calls {
	sd_bus *bus;
	uint64_t next_cookie; /* the next call's serial */
	struct session_calls *sessions;
};

/* NULL: the session is not armed. */
struct session_calls *session_calls_find(const struct calls *calls, const char *session);
/* … or a new one; NULL: out of memory. */
struct session_calls *session_calls_get(struct calls *calls, const char *session);
void session_calls_drop(struct calls *calls, struct session_calls *entry);

/* Whether the step is a D-Bus call at all. */
bool session_calls_is_call(enum step step);

/* Makes the step's call ready, if it is not. 0, or a negative errno. */
int session_calls_make(struct calls *calls, struct session_calls *entry, enum step step);
void session_calls_unmake(struct session_calls *entry, enum step step);

/* The hot path: one write, of a call that is ready or else made on the spot. 0, or a negative errno. */
int session_calls_send(struct calls *calls, struct session_calls *entry, enum step step);

/* The call that a reply with this cookie answers, its session and its step; NULL: none that was sent last. */
struct call *session_calls_answered(const struct calls *calls, uint64_t cookie,
				    struct session_calls **ret_entry, enum step *ret_step);

/* enforcer_start_unit() */
int calls_start_unit(struct calls *calls, const char *unit_template, const char *session);

/* Of an error. */
const char *calls_why_refused(sd_bus_message *reply);
