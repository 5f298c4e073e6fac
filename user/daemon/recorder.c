/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "trace.h"
#include "world.h"

/* Verdicts of one event: a handful for each session that it concerns. */
#define PENDING_SIZE 65536

struct recorder {
	FILE *file; /* NULL after an error */
	size_t used;
	char pending[PENDING_SIZE];
};

/* Adds the verdict's line to `lines`, of PENDING_SIZE bytes; one that does not fit is left out. Returns it. */
static const char *append(char *lines, size_t *used, const struct verdict *verdict)
{
	char line[TRACE_LINE_MAX], *start = lines + *used;
	size_t left = PENDING_SIZE - *used;
	int length = snprintf(start, left, "= %s\n", trace_format_verdict(verdict, line));

	if (length > 0 && (size_t)length < left)
		*used += (size_t)length;
	else
		start[0] = '\0';
	return start;
}

/* ---- recording ------------------------------------------------------------------------------------------ */

int recorder_new(const char *path, struct recorder **ret)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct recorder *recorder;

	if (fd < 0)
		return -errno;
	recorder = malloc(sizeof(*recorder));
	if (!recorder)
		return -ENOMEM;
	recorder->used = 0;
	recorder->file = fdopen(fd, "ae");
	if (!recorder->file) {
		free(recorder);
		return -ENOMEM;
	}
	(void)steal_fd(&fd);
	*ret = recorder;
	return 0;
}

struct recorder *recorder_free(struct recorder *recorder)
{
	if (recorder && recorder->file)
		fclose(recorder->file);
	free(recorder);
	return NULL;
}

void recorder_verdict(struct recorder *recorder, const struct verdict *verdict)
{
	append(recorder->pending, &recorder->used, verdict);
}

void recorder_event(struct recorder *recorder, const struct event *event)
{
	char line[TRACE_LINE_MAX];

	if (!recorder->file)
		return;
	if (fprintf(recorder->file, "%s\n%.*s", trace_format(event, line), (int)recorder->used, recorder->pending) < 0 ||
	    fflush(recorder->file) != 0) {
		log_error("cannot write the recording: %m; it ends here");
		fclose(recorder->file);
		recorder->file = NULL;
	}
	recorder->used = 0;
}

/* ---- replaying ------------------------------------------------------------------------------------------ */

/* The core borrows settings from the events that brought them: these are kept. */
struct kept {
	struct trace_event event;
	struct kept *next;
};

struct replaying {
	FILE *recording, *print;
	struct replay_result *result;
	struct kept *kept;
	struct world *world;
	unsigned line;
	size_t used, read; /* of `verdicts`: what the core said, how much of it was in the recording */
	char verdicts[PENDING_SIZE];
};

static void on_verdict(void *userdata, const struct verdict *verdict)
{
	struct replaying *replaying = userdata;
	const char *line = append(replaying->verdicts, &replaying->used, verdict);

	replaying->result->verdicts++;
	if (replaying->print)
		fputs(line, replaying->print);
}

static int differ(struct replaying *replaying, const char *recorded)
{
	const char *said = replaying->read < replaying->used ? replaying->verdicts + replaying->read : "nothing";

	snprintf(replaying->result->error, sizeof(replaying->result->error),
		 "line %u: recorded \"%.80s\", now \"%.*s\"", replaying->line, recorded,
		 (int)(strcspn(said, "\n") < 80 ? strcspn(said, "\n") : 80), said);
	return -EREMOTEIO;
}

/* Before the next event: was everything that the core said in the recording too? */
static int check_all_read(struct replaying *replaying)
{
	if (replaying->read < replaying->used)
		return differ(replaying, "nothing more");
	replaying->read = replaying->used = 0;
	return 0;
}

static int replay_verdict(struct replaying *replaying, const char *line)
{
	const char *said = replaying->verdicts + replaying->read;
	size_t length = strlen(line);

	if (replaying->used - replaying->read <= length || strncmp(said, line, length) != 0 || said[length] != '\n')
		return differ(replaying, line);
	replaying->read += length + 1;
	return 0;
}

static int replay_event(struct replaying *replaying, const char *line)
{
	struct trace_error error = {""};
	struct kept *kept;
	int r;

	r = check_all_read(replaying);
	if (r < 0)
		return r;
	kept = malloc(sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	kept->next = replaying->kept;
	replaying->kept = kept;
	r = trace_parse(line, &kept->event, &error);
	if (r < 0) {
		snprintf(replaying->result->error, sizeof(replaying->result->error), "line %u: %s", replaying->line,
			 error.text);
		return r;
	}
	replaying->result->events++;
	if (replaying->print)
		fprintf(replaying->print, "%s\n", line);
	return world_event(replaying->world, &kept->event.event);
}

static int replay_lines(struct replaying *replaying)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int r = 0;

	while (r >= 0 && (length = getline(&line, &size, replaying->recording)) >= 0) {
		replaying->line++;
		if (length > 0 && line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (line[0] == '=')
			r = replay_verdict(replaying, line);
		else if (line[0] && line[0] != '#')
			r = replay_event(replaying, line);
	}
	return r < 0 ? r : check_all_read(replaying);
}

int replay(FILE *recording, FILE *print, struct replay_result *ret)
{
	_cleanup_free_ struct replaying *replaying = calloc(1, sizeof(*replaying));
	int r;

	*ret = (struct replay_result){0};
	if (!replaying)
		return -ENOMEM;
	replaying->recording = recording;
	replaying->print = print;
	replaying->result = ret;
	r = world_new(on_verdict, replaying, &replaying->world);
	if (r >= 0)
		r = replay_lines(replaying);
	/* Freed, the world says nothing more; what it borrowed goes after it. */
	world_free(replaying->world);
	while (replaying->kept) {
		struct kept *next = replaying->kept->next;

		free(replaying->kept);
		replaying->kept = next;
	}
	return r;
}
