/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* One line of a recording while it is written. It is cut at TRACE_LINE_MAX. */
#include "lib/macro.h"
#include "policy/trace_keys.h"

struct trace_text {
	char *line; /* TRACE_LINE_MAX bytes, the caller's */
	size_t used;
};

void trace_put(struct trace_text *text, const char *format, ...) _printf_(2, 3);
void trace_put_escaped(struct trace_text *text, const char *value);
void trace_put_usb(struct trace_text *text, struct usb_address usb);
