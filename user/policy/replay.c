/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/player.h"

struct replay {
	struct replay_handler handler;
	struct replay_result result;
	struct player *player;
	unsigned line;
	struct trace_buffer said; /* of the last event, as recordings have it */
	size_t read;		  /* how much of it was in the recording */
	int error;		  /* a verdict could not be kept */
};

static void on_verdict(void *userdata, const struct verdict *verdict)
{
	struct replay *replay = userdata;
	char line[TRACE_LINE_MAX];

	if (trace_append_verdict(verdict, &replay->said) < 0)
		replay->error = -ENOMEM;
	replay->result.verdicts++;
	if (replay->handler.verdict)
		replay->handler.verdict(replay->handler.userdata, verdict,
					trace_format_verdict(verdict, line));
}

int replay_new(const struct replay_handler *handler, struct replay **ret)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int r = replay ? player_new(on_verdict, replay, &replay->player) : -ENOMEM;

	if (r < 0) {
		free(replay);
		return r;
	}
	replay->handler = *handler;
	*ret = replay;
	return 0;
}

struct replay *replay_free(struct replay *replay)
{
	if (!replay)
		return NULL;
	player_free(replay->player);
	free(replay->said.text);
	free(replay);
	return NULL;
}

const struct replay_result *replay_result(const struct replay *replay)
{
	return &replay->result;
}

/* ---- verdicts ------------------------------------------------------------------------------------------- */

static bool is_young(const char *line, size_t size)
{
	static const char *const words[] = {"= dealt ", "= unguarded "};

	for (size_t i = 0; i < ELEMENTS(words); i++) {
		if (size >= strlen(words[i]) && strncmp(line, words[i], strlen(words[i])) == 0)
			return true;
	}
	return false;
}

/* The core's next line that the recording did not have yet; *ret_size is 0 after the last one. */
static const char *next_said(const struct replay *replay, size_t *ret_size)
{
	const char *said = replay->said.text ? replay->said.text + replay->read : "";

	*ret_size = replay->said.used > replay->read ? strcspn(said, "\n") : 0;
	return said;
}

static void skip_young(struct replay *replay)
{
	size_t size;
	const char *said = next_said(replay, &size);

	while (is_young(said, size)) {
		replay->read += size + 1;
		said = next_said(replay, &size);
	}
}

static int differ(struct replay *replay, const char *recorded, size_t recorded_size)
{
	size_t size;
	const char *said = next_said(replay, &size);

	if (size == 0) {
		said = "nothing";
		size = strlen(said);
	}
	snprintf(replay->result.error, sizeof(replay->result.error),
		 "line %u: recorded \"%.*s\", now \"%.*s\"", replay->line,
		 (int)(recorded_size < 80 ? recorded_size : 80), recorded, (int)(size < 80 ? size : 80),
		 said);
	return -EREMOTEIO;
}

int replay_end(struct replay *replay)
{
	static const char nothing[] = "nothing more";

	skip_young(replay);
	if (replay->read < replay->said.used)
		return differ(replay, nothing, strlen(nothing));
	replay->said.used = replay->read = 0;
	return 0;
}

static int take_verdict(struct replay *replay, const char *line, size_t size)
{
	const char *said;
	size_t said_size;

	if (!is_young(line, size))
		skip_young(replay);
	said = next_said(replay, &said_size);
	if (said_size != size || memcmp(said, line, size) != 0)
		return differ(replay, line, size);
	replay->read += size + 1;
	return 0;
}

/* ---- events --------------------------------------------------------------------------------------------- */

static int play(struct replay *replay, const struct event *event)
{
	const char *broken = NULL;
	int r = player_event(replay->player, event, &broken);

	if (r == -ENOTRECOVERABLE)
		snprintf(replay->result.error, sizeof(replay->result.error),
			 "line %u: the core's state is broken: %.160s", replay->line, broken);
	return r < 0 ? r : replay->error;
}

static int take_event(struct replay *replay, const char *line, size_t size)
{
	struct trace_error error = {0};
	struct trace_event trace;
	/* Checks that the recording has every verdict of the event before. */
	int r = replay_end(replay);

	if (r < 0)
		return r;
	r = trace_parse_bytes(line, size, &trace, &error);
	if (r < 0) {
		snprintf(replay->result.error, sizeof(replay->result.error), "line %u, column %u: %s",
			 replay->line, error.column, error.text);
		return r;
	}
	replay->result.events++;
	if (replay->handler.event)
		replay->handler.event(replay->handler.userdata, &trace.event, line);
	return play(replay, &trace.event);
}

int replay_bytes(struct replay *replay, const char *line, size_t size)
{
	replay->line++;
	if (size > 0 && line[0] == '=')
		return take_verdict(replay, line, size);
	return size > 0 && line[0] != '#' ? take_event(replay, line, size) : 0;
}

int replay_line(struct replay *replay, const char *line)
{
	return replay_bytes(replay, line, strlen(line));
}
