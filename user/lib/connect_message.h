/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * One question to the connector (user/connect) and its answer, over SOCK_SEQPACKET: where is the PC/SC of this session's
 * client? Each connection gets a process of its own, which becomes the session's user and answers once.
 */
#include <stdint.h>

#include "lib/places.h"

/* Not in a directory of the daemon's: it lives as long as the socket's unit. */
#define CONNECT_SOCKET "/run/scpolicyd-connect.socket"
#define CONNECT_MAGIC  0x53434331U /* "SCC1": changed with every change of these structs */

/* How long the connector may take, whatever holds it up. */
#define CONNECT_SEC 5

struct connect_request {
	uint32_t magic;
	uint32_t uid;		  /* the session's user */
	uint32_t leader;	  /* the session's leader */
	int32_t display;	  /* its number; -1: none */
	uint32_t xrdp;		  /* it is xrdp's session (place_is_for()) */
	char places[PLACES_SIZE]; /* Pcsc= */
};

struct connect_answer {
	uint32_t magic;
	/*
	 * 0: the answer comes with a connected socket and what REMOTE_OFFER has after it (remote_message.h). -ENOENT: nobody
	 * serves there yet. Else `detail` says what is wrong. If it is not 0, one descriptor may come: an inotify instance that
	 * is readable once it is worth while to ask again.
	 */
	int32_t result;
	uint32_t dialect; /* enum remote_dialect */
	char detail[PLACE_SIZE + 84];
};
