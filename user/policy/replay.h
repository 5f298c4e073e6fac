/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A recording, put through a core of its own: one line an event, as trace.h writes it; below it, each behind
 * "= ", the verdicts that followed. Lines that begin with '#' and empty ones are skipped.
 *
 * "dealt" and "unguarded" are younger than the first recordings: where a recording has no such line, what the core says
 * of these two is skipped.
 */
#include "lib/macro.h"
#include "policy/trace.h"

struct replay;

struct replay_result {
	size_t events, verdicts;
	char error
		[256]; /* "line 7, column 12: …" of -EBADMSG; "line 7: …" of -EREMOTEIO and -ENOTRECOVERABLE */
};

/* What is told while lines are put through; each may be NULL. `line` is without a newline. */
struct replay_handler {
	void (*event)(void *userdata, const struct event *event, const char *line);
	void (*verdict)(void *userdata, const struct verdict *verdict, const char *line);
	void *userdata;
};

int replay_new(const struct replay_handler *handler, struct replay **ret);
struct replay *replay_free(struct replay *replay);
DEFINE_CLEANUP(struct replay *, replay_free)

/*
 * The next line without its newline, of `size` bytes with a NUL behind them. 0; -EREMOTEIO when a verdict is not as
 * recorded; -EBADMSG for a line that is neither event nor verdict; -ENOTRECOVERABLE when the core's own state is broken;
 * -ENOMEM. After a failure nothing more is to be told.
 */
int replay_bytes(struct replay *replay, const char *line, size_t size);
int replay_line(struct replay *replay, const char *line);

/* After the last line: 0, or -EREMOTEIO when the core said more than was recorded. */
int replay_end(struct replay *replay);

/* What was found so far; lives as long as the replay. */
const struct replay_result *replay_result(const struct replay *replay);
