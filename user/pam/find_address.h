/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A reader's USB address, which must not cost the record: SCardConnect() waits as long as another client holds a
 * transaction.
 */
#include "lib/card.h"

/*
 * Asks in a thread of its own, which is left to itself when it does not answer within `limit_ms` milliseconds: after
 * this the process may end by _exit() alone. An address that is not set when there is none, or none in time.
 */
struct usb_address find_address(const char *reader, unsigned int limit_ms);
