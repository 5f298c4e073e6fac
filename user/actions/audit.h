/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Writes the trail to the journal, with the fields that programs read (SCPOLICY_EVENT=, SCPOLICY_SESSION=, …). */
#include "actions/trail.h"

void audit_write(const struct trail_entry *entry);
