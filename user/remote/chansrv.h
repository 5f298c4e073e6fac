/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The wire of xrdp's chansrv (smartcard_pcsc.c): little endian, requests and answers with a header of size and command. The
 * answers name no context and no request, so only one request is pending. chansrv loses the card service's result: what
 * comes back is the state of the RDP channel. A client that has left is silence, for ever, and the same connection serves
 * again when the client is back.
 *
 * But while it comes back nothing may be asked: chansrv passes each question on at once, and FreeRDP 2.11 then loses all of its
 * devices until it connects again, drives and printers too (rdpdr_main.c, rdpdr_state_check()). So the connection is given up
 * when chansrv removes its socket, which it does when the client leaves. It makes a new one once the client takes questions.
 *
 * What a client takes ends at a multiple of 8 bytes, and xrdp does not see to that. Debian 13's FreeRDP 3.15 asks for it (seen),
 * and FreeRDP from 3.23 on by its source. So what such a client refuses is asked again, longer, in another form.
 */
#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/macro.h"
#include "remote/far_end.h"

#define CHANSRV_HEADER_SIZE 8
#define CHANSRV_NAME_SIZE   100
#define CHANSRV_ENTRY_SIZE  48 /* of a status answer: current, event, ATR length, ATR[36] */
#define CHANSRV_ENTRIES_MAX 3  /* a reader, and what fills the request up */
#define CHANSRV_FORMS	    3U

enum chansrv_command {
	CHANSRV_ESTABLISH = 0x01,
	CHANSRV_RELEASE = 0x02,
	CHANSRV_LIST = 0x03,
	CHANSRV_STATUS = 0x0C,
	CHANSRV_PAUSE = 0, /* no request is pending: the next one follows in a moment */
};

/* A client that has left is asked again this often. */
#define CHANSRV_AGAIN_NSEC (3 * NSEC_PER_SEC)

static inline uint32_t chansrv_number(const uint8_t *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return le32toh(number);
}

/* Each sends one request; its answer, or far->deadline, is what comes next. */
void chansrv_establish(struct far_end *far, uint64_t now);
/* Every context is released: the client's card service has a limited number of them. */
void chansrv_release(struct far_end *far, uint32_t *context, uint64_t now);
void chansrv_list(struct far_end *far, uint64_t now);
/* The state of the next reader that the list named. */
void chansrv_look_at_found(struct far_end *far, uint64_t now);
/* … of the next reader that is watched, when that changes. */
void chansrv_watch_next(struct far_end *far, uint64_t now);

/* No request is pending until then. What comes all the same is read, and counts as late. */
void chansrv_rest(struct far_end *far, uint64_t until);
