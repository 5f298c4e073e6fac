/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A reader's USB address, which must not cost the record: SCardConnect() waits as long as another client holds a
 * transaction.
 */
#include "lib/card.h"

/*
 * Asks in a thread of its own. If the thread does not answer within `limit_ms` milliseconds, it is left
 * alone, and the process may then end only with _exit(). Returns an unset address if there is none, or none
 * in time.
 */
struct usb_address find_address(const char *reader, unsigned int limit_ms);
