/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* Verdicts of one event: a handful for each session that it concerns. */
#define VERDICTS_SIZE 65536

/* The core borrows settings from the events that brought them: these are kept. */
struct kept {
	struct trace_event event;
	struct kept *next;
};

struct replay {
	struct replay_handler handler;
	struct replay_result result;
	struct kept *kept;
	struct world *world;
	unsigned line;
	size_t used, read; /* of `verdicts`: what the core said, how much of it was in the recording */
	char verdicts[VERDICTS_SIZE];
};

static void on_verdict(void *userdata, const struct verdict *verdict)
{
	struct replay *replay = userdata;
	char line[TRACE_LINE_MAX];

	trace_append_verdict(verdict, replay->verdicts, sizeof(replay->verdicts), &replay->used);
	replay->result.verdicts++;
	if (replay->handler.verdict)
		replay->handler.verdict(replay->handler.userdata, verdict, trace_format_verdict(verdict, line));
}

int replay_new(const struct replay_handler *handler, struct replay **ret)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int r = replay ? world_new(on_verdict, replay, &replay->world) : -ENOMEM;

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
	/* Freed, the world says nothing more; what it borrowed goes after it. */
	world_free(replay->world);
	while (replay->kept) {
		struct kept *next = replay->kept->next;

		free(replay->kept);
		replay->kept = next;
	}
	free(replay);
	return NULL;
}

const struct replay_result *replay_result(const struct replay *replay)
{
	return &replay->result;
}

static int differ(struct replay *replay, const char *recorded)
{
	const char *said = replay->read < replay->used ? replay->verdicts + replay->read : "nothing";

	snprintf(replay->result.error, sizeof(replay->result.error), "line %u: recorded \"%.80s\", now \"%.*s\"",
		 replay->line, recorded, (int)(strcspn(said, "\n") < 80 ? strcspn(said, "\n") : 80), said);
	return -EREMOTEIO;
}

int replay_end(struct replay *replay)
{
	if (replay->read < replay->used)
		return differ(replay, "nothing more");
	replay->read = replay->used = 0;
	return 0;
}

static int take_verdict(struct replay *replay, const char *line)
{
	const char *said = replay->verdicts + replay->read;
	size_t length = strlen(line);

	if (replay->used - replay->read <= length || strncmp(said, line, length) != 0 || said[length] != '\n')
		return differ(replay, line);
	replay->read += length + 1;
	return 0;
}

static int take_event(struct replay *replay, const char *line)
{
	struct trace_error error = {""};
	struct kept *kept;
	/* Was everything that the core said of the one before in the recording too? */
	int r = replay_end(replay);

	if (r < 0)
		return r;
	kept = malloc(sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	kept->next = replay->kept;
	replay->kept = kept;
	r = trace_parse(line, &kept->event, &error);
	if (r < 0) {
		snprintf(replay->result.error, sizeof(replay->result.error), "line %u: %s", replay->line, error.text);
		return r;
	}
	replay->result.events++;
	if (replay->handler.event)
		replay->handler.event(replay->handler.userdata, &kept->event.event, line);
	return world_event(replay->world, &kept->event.event);
}

int replay_line(struct replay *replay, const char *line)
{
	replay->line++;
	if (line[0] == '=')
		return take_verdict(replay, line);
	return line[0] && line[0] != '#' ? take_event(replay, line) : 0;
}
