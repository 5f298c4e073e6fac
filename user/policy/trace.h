/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Events and verdicts as text, one a line, so that people can store and read what happened, and run it through the core
 * again; scpolicyctl(1) describes the language.
 *
 *   1500ms probe slot-change usb=1:5 slots=02
 *   1504ms pcsc reader name=Reader%2000%2000 slot=0 usb=1:5 card=empty counter=2 atr=
 *
 * A stamp is a number and a unit (ns, us, ms, s). A value runs to the next blank; unprintable bytes,
 * blanks and '%' are written as %XX. A line has everything that the core looks at in the event. A key of the
 * settings applies to every cause or, written as "reader.action=logout", to that cause. The causes client and no-card
 * need their name.
 */
#include <stddef.h>

#include "policy/verdict.h"

/* Room for the longest line that is written: a record whose causes all have settings, units and rules of their own. */
#define TRACE_LINE_MAX 12288

/* Room for what a parsed event points to, and for each key (trace_keys.c). */
struct trace_event {
	struct event event;
	struct reader_state reader;
	struct login_record login;
	struct settings settings[CAUSE_COUNT];
	unsigned kind;
	bool away;
	bool known;
	char path[USB_PATH_SIZE];
	char id[10];
	char session[SESSION_ID_SIZE];
	uint8_t endpoint;
	struct {
		uint8_t size;
		uint8_t bytes[8];
	} slots;
};

struct trace_error {
	char text[128];
	unsigned column; /* where the wrong word begins, in bytes from 1 */
};

/*
 * Returns 0, or -EBADMSG with ret_error saying what is wrong. `ret` is usable only after success, and must
 * not be moved. The line is without its newline, of any length, and may hold any byte.
 */
int trace_parse_bytes(const char *line, size_t size, struct trace_event *ret, struct trace_error *ret_error);
int trace_parse(const char *line, struct trace_event *ret, struct trace_error *ret_error);

/* The line, without a newline, into `line`; returns it. */
const char *trace_format(const struct event *event, char line[static TRACE_LINE_MAX]);
const char *trace_format_verdict(const struct verdict *verdict, char line[static TRACE_LINE_MAX]);

/*
 * Copies `text` with %XX for bytes that a value cannot hold, and cuts off what does not fit. Returns
 * `buffer`.
 */
const char *trace_escape(const char *text, char *buffer, size_t size);

/* Text that grows; `text` is NULL, or malloc()ed with room for `size`, `used` of it before the NUL. */
struct trace_buffer {
	char *text;
	size_t used, size;
};

/* Adds "= ", the verdict's line and a newline, as recordings have it. 0, or -ENOMEM and nothing added. */
int trace_append_verdict(const struct verdict *verdict, struct trace_buffer *buffer);
