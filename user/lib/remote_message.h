/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The messages between the daemon and the watcher of remote cards (user/remote), over SOCK_SEQPACKET. One packet is one
 * struct, of exactly its size. The watcher listens, and outlives the daemon: the next one asks for REPORT and gets all that
 * is known.
 *
 * From watcher to daemon, for each session: UP when the far end was reached, then a READER for every reader that it names,
 * then LISTED. Afterwards a READER for every change and a READER_GONE for every reader that was removed. After SILENT the
 * far end does not answer, until HEARD. After DOWN the connection is gone. LET_GO: so is the session's own process.
 */
#include "lib/card.h"
#include "lib/ids.h"

/* Not in a directory of the daemon's: it lives as long as the socket's unit. */
#define REMOTE_SOCKET "/run/scpolicyd-remote.socket"
#define REMOTE_MAGIC  0x53435231U /* "SCR1": changed with every change of these structs */

/* Whose wire a far end speaks. */
enum remote_dialect {
	DIALECT_PCSCLITE = 1, /* pcscd, as OpenSSH forwards its socket */
	DIALECT_XRDP,	      /* xrdp's chansrv */
};

enum remote_request_type {
	REMOTE_ATTACH =
		1,     /* with a connected socket and, after it, pidfds: watch it until each of these ends */
	REMOTE_DROP,   /* close the session's connection */
	REMOTE_REPORT, /* report the session, or each if `session` is empty, from the start */
	REMOTE_OFFER,  /* as ATTACH, unless the session has a connection. What follows an xrdp socket is no
			* pidfd but a descriptor that is readable once the client has left */
};

struct remote_request {
	uint32_t magic;
	uint32_t type;	  /* enum remote_request_type */
	uint32_t dialect; /* ATTACH: enum remote_dialect */
	char session[SESSION_ID_SIZE];
};

enum remote_message_type {
	REMOTE_UP = 1,
	REMOTE_READER,
	REMOTE_READER_GONE, /* only reader.name counts */
	REMOTE_LISTED,
	REMOTE_SILENT,
	REMOTE_HEARD,
	REMOTE_DOWN,
	REMOTE_LET_GO,
};

/* Why a connection is gone. */
enum remote_why {
	WHY_CLOSED = 1, /* the far end closed it */
	WHY_FAULT,	/* it sent what nobody should: `detail` says what */
	WHY_VERSION,	/* its pcscd is too old: `detail` says which version */
	WHY_FULL,	/* it does not read, or the watcher watches as many as it can */
	WHY_REPLACED,	/* by a newer one of the same session */
};

struct remote_message {
	uint32_t magic;
	uint32_t type;	/* enum remote_message_type */
	uint64_t stamp; /* nanoseconds, CLOCK_MONOTONIC: when the watcher noticed it */
	uint32_t why;	/* DOWN: enum remote_why */
	uint32_t dialect;
	uint32_t again; /* UP: a daemon was told of this connection before */
	char session[SESSION_ID_SIZE];
	char detail[64];
	struct reader_state reader;
};
