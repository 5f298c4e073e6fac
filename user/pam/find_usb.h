/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Which USB device a sign-in used as its token, where that is no card in a reader: what sysfs says now. */
#include "lib/pam_message.h"
#include "pam/find_text.h"

/*
 * Finds the device that request->usb_token describes, "fido" (the device of the only FIDO interface, by the report descriptor of
 * its hidraw node) or "usb:VID:PID[:SERIAL]", and fills the card's members of ret_record. `root` is before /sys: "" but in tests.
 * Several security keys are asked within `timeout_ms` which one has a credential of the user's, if the request has u2f_keys.
 * 1; 0 when there is no such device, or several, with ret_text saying so and the record untouched.
 */
int usb_token_find(const char *root, const struct pam_request *request, unsigned int timeout_ms,
		   struct login_record *ret_record, struct find_text *ret_text);
