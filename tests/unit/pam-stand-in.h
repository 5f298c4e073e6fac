/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What test_pam_oracle.c and its module share. */
#include <stddef.h>

#define STAND_IN_LINES 6400
#define STAND_IN_LOG   1024

struct stand_in {
	int returns[STAND_IN_LINES];
	unsigned log[STAND_IN_LOG]; /* the lines that were asked, in order */
	size_t asked;
};
extern struct stand_in stand_in;
