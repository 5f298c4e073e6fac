/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Which card a sign-in used: what pcscd and udev say now. */
#include "lib/pam_message.h"
#include "pam/find_text.h"

/*
 * Looks for the card that signed in, in a reader whose name matches the request's pattern (fnmatch(3); empty:
 * any reader), and fills the card's members of ret_record: card, usb_path, usb_id, usb_serial. With several
 * such cards their PKCS#11 tokens are asked, for at most timeout_ms milliseconds. 1; 0 when there is no card,
 * or more than one and which it was is not known; -ECOMM when pcscd cannot be asked; both with ret_text
 * saying so and the record untouched.
 */
int card_find(const struct pam_request *request, unsigned int timeout_ms, struct login_record *ret_record,
	      struct find_text *ret_text);
