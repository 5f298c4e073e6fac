/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What both the PC/SC worker and the PAM helper ask pcscd. Only these two programs link libpcsclite; the
 * daemon and the PAM module never do.
 */
#include <winscard.h>

#include "lib/card.h"

/*
 * The USB address of a reader, from SCARD_ATTR_CHANNEL_ID (0x0020 << 16 | bus << 8 | address for USB, PC/SC
 * part 10), through SCARD_SHARE_DIRECT and SCARD_LEAVE_CARD: no card is powered or reset. It waits for
 * another client's transaction, as long as that lasts: call it only from a thread that nobody waits for.
 * SCARD_S_SUCCESS; SCARD_E_SHARING_VIOLATION while another client has the reader under SCARD_SHARE_EXCLUSIVE;
 * any other error: this reader has no such address.
 */
LONG pcsc_reader_usb(SCARDCONTEXT context, const char *name, struct usb_address *ret_usb);

/* Slot number from the name's last two hexadecimal digits; 0 when it has none. */
uint8_t pcsc_reader_slot(const char *name);

/* Fills card, event_counter and atr of `reader` from what SCardGetStatusChange() returned. */
void pcsc_reader_read(const SCARD_READERSTATE *state, struct reader_state *reader);
