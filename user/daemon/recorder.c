/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>

#include "cleanup.h"
#include "log.h"
#include "trace.h"

/* Verdicts of one event: a handful for each session that it concerns. */
#define PENDING_SIZE 65536

struct recorder {
	FILE *file; /* NULL after an error */
	size_t used;
	char pending[PENDING_SIZE];
};

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
	trace_append_verdict(verdict, recorder->pending, sizeof(recorder->pending), &recorder->used);
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
