/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The core as a filter, scpolicyctl replay --live: lines of a recording come in, its verdicts go out; scpolicyctl(1)
 * describes both.
 */
#include "lib/macro.h"
#include "policy/trace.h"

struct live;

/* Takes each line that goes out, without its newline. */
struct live_output {
	void (*line)(void *userdata, const char *line);
	void *userdata;
};

/* 0, or -ENOMEM. */
int live_new(const struct live_output *output, struct live **ret);
struct live *live_free(struct live *live);
DEFINE_CLEANUP(struct live *, live_free)

/*
 * The next line without its newline, of `size` bytes. Returns 0; -EBADMSG for a line that is no event, of
 * which nothing was taken in; -ENOTRECOVERABLE if the core's own state is broken; -ENOMEM. ret_error says
 * what is wrong in the first two failures.
 */
int live_line(struct live *live, const char *line, size_t size, struct trace_error *ret_error);

/* Prints the sessions, as the line "?" asks for and the end of the input does. */
void live_sessions(const struct live *live);
