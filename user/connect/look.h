/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Looks for the socket as whoever this process is. */
#include <stddef.h>

#include "lib/connect_message.h"

/*
 * Fills in the answer and the descriptors that go with it: `most` at most, the caller's. How many there are.
 */
size_t look_for(const struct connect_request *request, const struct place_owner *owner,
		struct connect_answer *ret_answer, int *ret_fds, size_t most);
