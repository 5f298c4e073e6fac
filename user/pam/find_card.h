/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Which card a sign-in used: what pcscd and udev say now. */
#include "lib/pam_message.h"
#include "pam/find_text.h"

struct find_times {
	unsigned int tokens_ms;	 /* how long the cards' PKCS#11 tokens may take to be read */
	unsigned int address_ms; /* how long the reader's USB address may take to be found */
};

/*
 * Looks for the card that signed in, in a reader whose name matches the request's pattern (fnmatch(3); empty:
 * any reader), and fills the card's members of ret_record: card, usb_path, usb_id, usb_serial. With several
 * such cards their PKCS#11 tokens are asked. An address that is not found in time is left unset, as are the
 * usb_ members: the daemon finds it later. 1; 0 when there is no card, or more than one and which it was is not
 * known; -ENOMEM, which may pass; -ECOMM when pcscd cannot be asked; all with ret_text saying so and the record
 * untouched.
 */
int card_find(const struct pam_request *request, const struct find_times *times,
	      struct login_record *ret_record, struct find_text *ret_text);
