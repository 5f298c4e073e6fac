/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Which card a sign-in used: what pcscd and udev say now. */
#include "record.h"

/* Where pcscd listens (PCSCLITE_CSOCK_NAME in pcsc-lite's pcscd.h, on every distribution looked at). */
#define PCSC_SOCKET_DEFAULT "/run/pcscd/pcscd.comm"

/* One sentence for the log, printable whatever the readers are called. */
struct find_text {
	char text[512];
};

/*
 * Looks for the one card in a reader whose name matches `glob` (fnmatch(3); empty: any reader) and fills the
 * card's members of ret_record: card, usb_path, usb_id, usb_serial. 1; 0 when there is no card or more than
 * one, -ECOMM when pcscd cannot be asked, both with ret_text saying so and the record untouched.
 */
int card_find(const char *glob, struct login_record *ret_record, struct find_text *ret_text);
