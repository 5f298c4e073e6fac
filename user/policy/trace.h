/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Events and verdicts as text, one a line, so that what happened can be kept, read, and put through the core
 * again:
 *
 *   1500ms probe slot-change usb=1:5 slots=02
 *   1504ms pcsc reader name=Reader%2000%2000 slot=0 usb=1:5 card=empty counter=2 atr=
 *
 * A stamp is a number and a unit (ns, us, ms, s). A value runs to the next blank; bytes outside the printable
 * ones, blanks and '%' stand as %XX. Everything of an event that the core looks at is in its line. A key of
 * the settings holds for every cause, or, written "reader.action=logout", for that one.
 */
#include <stddef.h>

#include "verdict.h"

#define TRACE_LINE_MAX 4096

/* Room for what a parsed event points to. */
struct trace_event {
	struct event event;
	struct reader_state reader;
	struct login_record login;
	struct settings settings[CAUSE_COUNT];
	unsigned kind;
	bool away;
	char path[USB_PATH_SIZE];
	char id[10];
	char session[SESSION_ID_SIZE];
	uint8_t slots[8], slot_bytes;
};

struct trace_error {
	char text[128];
};

/* 0; -EBADMSG with ret_error saying what is wrong. `ret` is usable only after success, and not to be moved. */
int trace_parse(const char *line, struct trace_event *ret, struct trace_error *ret_error);

/* The line, without a newline, into `line`; returns it. */
const char *trace_format(const struct event *event, char line[static TRACE_LINE_MAX]);
const char *trace_format_verdict(const struct verdict *verdict, char line[static TRACE_LINE_MAX]);

/*
 * Adds "= ", the verdict's line and a newline at `*used` of `buffer`, and a NUL, as recordings have it. One that
 * does not fit is left out.
 */
void trace_append_verdict(const struct verdict *verdict, char *buffer, size_t size, size_t *used);
