/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Which of several security keys has a credential of the user's: each is asked for a silent assertion (no touch, no
 * verification), as pam_u2f does to find out. Only with u2f_keys= of the line, and libfido2, which is loaded then.
 */
#include "lib/pam_message.h"
#include "pam/find_text.h"

/*
 * `nodes` are the keys' nodes in /dev, "hidraw0". The number of the only one, or a negative errno with ret_text: none has one,
 * several have, or one did not answer within its part of `timeout_ms`, so that nobody knows.
 */
int fido_choose(const struct pam_request *request, const char *const *nodes, size_t count,
		unsigned int timeout_ms, struct find_text *ret_text);
