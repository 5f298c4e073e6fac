/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No recording makes the core misbehave, whatever its lines say, in whatever order: its state is sound after each event,
 * and each verdict about a session names one.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/player.h"
#include "policy/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_verdict(void *userdata _unused_, const struct verdict *verdict)
{
	char line[TRACE_LINE_MAX];

	trace_format_verdict(verdict, line);
	assert(verdict->type != VERDICT_ACT || (verdict->login && verdict->login->session[0]));
}

/* What is read, written and read again is the same. */
static void check_round_trip(const struct event *event)
{
	char line[TRACE_LINE_MAX], again[TRACE_LINE_MAX];
	struct trace_error error = {0};
	struct trace_event trace;

	assert(trace_parse(trace_format(event, line), &trace, &error) == 0);
	assert(strcmp(trace_format(&trace.event, again), line) == 0);
}

static void play_line(struct player *player, const char *line, size_t size)
{
	struct trace_error error = {0};
	struct trace_event trace;
	const char *broken = NULL;

	if (trace_parse_bytes(line, size, &trace, &error) < 0) {
		assert(error.text[0] && error.column >= 1 && error.column <= size + 1);
		return;
	}
	check_round_trip(&trace.event);
	assert(player_event(player, &trace.event, &broken) == 0);
	(void)world_deadline(player_world(player));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data, *end = line + size;
	struct player *player = NULL;

	assert(player_new(on_verdict, NULL, &player) == 0);
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline ? newline : end) - line);

		play_line(player, line, length);
		line += length + 1;
	}
	player_free(player);
	return 0;
}
