/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What a removal would do, in one clause for people. */
#include "policy/world.h"

#define WOULD_SIZE 512

/* "locked at once; logged out 2min later unless it is unlocked". Returns `text`. */
const char *would_text(const struct simulation *simulation, char text[static WOULD_SIZE]);
