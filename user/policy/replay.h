/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Runs a recording through a core of its own. Each event is one line, as trace.h writes it. Below it are the
 * verdicts that followed, each behind "= ". Lines that begin with '#' and empty ones are skipped.
 *
 * "dealt" and "unguarded" are younger than the first recordings: if a recording has no such line, the core's
 * verdicts of these two kinds are skipped.
 */
#include "lib/macro.h"
#include "policy/trace.h"

struct replay;

struct replay_result {
	size_t events, verdicts;
	char error
		[256]; /* "line 7, column 12: …" of -EBADMSG; "line 7: …" of -EREMOTEIO and -ENOTRECOVERABLE */
};

/* What is reported while lines run through the core; each may be NULL. `line` is without a newline. */
struct replay_handler {
	void (*event)(void *userdata, const struct event *event, const char *line);
	void (*verdict)(void *userdata, const struct verdict *verdict, const char *line);
	void *userdata;
};

int replay_new(const struct replay_handler *handler, struct replay **ret);
struct replay *replay_free(struct replay *replay);
DEFINE_CLEANUP(struct replay *, replay_free)

/*
 * The next line without its newline, of `size` bytes with a NUL behind them. Returns 0; -EREMOTEIO if a
 * verdict is not as recorded; -EBADMSG for a line that is neither event nor verdict; -ENOTRECOVERABLE if the
 * core's own state is broken; -ENOMEM. After a failure, pass no more lines.
 */
int replay_bytes(struct replay *replay, const char *line, size_t size);
int replay_line(struct replay *replay, const char *line);

/* After the last line: 0, or -EREMOTEIO if the core has more verdicts than were recorded. */
int replay_end(struct replay *replay);

/* What was found so far; lives as long as the replay. */
const struct replay_result *replay_result(const struct replay *replay);
