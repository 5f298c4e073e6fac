/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Why a card was not found: one sentence for the log. It is printable, whatever names the readers have. */
#include "lib/macro.h"

struct find_text {
	char text[512];
};

void find_tell(struct find_text *text, const char *format, ...) _printf_(2, 3);
