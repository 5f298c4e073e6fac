/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The trail: one journal entry for every removal, action and outcome, for a countdown and its end, and for the
 * configuration, with the fields that programs read (SCPOLICY_EVENT=, SCPOLICY_SESSION=, …). Never called
 * before the action was sent.
 */
#include "verdict.h"

/* When each step was done (CLOCK_MONOTONIC, ns); 0: not, or not known. */
struct audit_times {
	uint64_t decided; /* the core gave its verdict */
	uint64_t sent;	  /* the call was written to the bus */
};

/* Writes the entry that belongs to a verdict that tells; ignores the others. */
void audit_verdict(const struct verdict *verdict, const struct audit_times *times);

/* The sources changed: which serve (`detail`), and whether removals may be seen late (`degraded`). */
void audit_sources(bool degraded, const char *detail);

/* The configuration was read anew (`text` says so), or `refused`: `text` says where and why, the old one stays. */
void audit_config(const char *text, bool refused);
