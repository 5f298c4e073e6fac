/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The daemon's loop: its clock and its priorities. */
#include <stdint.h>
#include <systemd/sd-event.h>

#include "lib/clock.h"

/*
 * Priorities on the loop. What can be a removal comes first. What follows from a removal (a reply, a journal
 * entry) is dispatched only when nothing more urgent waits.
 */
#define PRIORITY_PROBE	(SD_EVENT_PRIORITY_IMPORTANT - 50)
#define PRIORITY_SOURCE SD_EVENT_PRIORITY_IMPORTANT
#define PRIORITY_REST	SD_EVENT_PRIORITY_NORMAL
