/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/recorder.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "policy/trace.h"

/* Room for the verdicts of an event: nothing is allocated on the hot path, unless there are hundreds. */
#define PENDING_SIZE 65536

struct recorder {
	FILE *file; /* NULL after an error */
	struct trace_buffer pending;
	int error; /* a verdict could not be kept */
};

DEFINE_CLEANUP(struct recorder *, recorder_free)

int recorder_new(const char *path, struct recorder **ret)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	_cleanup_(recorder_free_p) struct recorder *recorder = NULL;

	if (fd < 0)
		return -errno;
	recorder = calloc(1, sizeof(*recorder));
	if (!recorder)
		return -ENOMEM;
	recorder->pending = (struct trace_buffer){.text = calloc(1, PENDING_SIZE), .size = PENDING_SIZE};
	if (!recorder->pending.text)
		return -ENOMEM;
	recorder->file = fdopen(fd, "ae");
	if (!recorder->file)
		return -ENOMEM;
	(void)steal_fd(&fd);
	*ret = steal_pointer(recorder);
	return 0;
}

struct recorder *recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return NULL;
	if (recorder->file)
		fclose(recorder->file);
	free(recorder->pending.text);
	free(recorder);
	return NULL;
}

void recorder_verdict(struct recorder *recorder, const struct verdict *verdict)
{
	if (recorder->file && trace_append_verdict(verdict, &recorder->pending) < 0)
		recorder->error = ENOMEM;
}

void recorder_event(struct recorder *recorder, const struct event *event)
{
	char line[TRACE_LINE_MAX];

	if (!recorder->file)
		return;
	errno = recorder->error;
	if (errno || fprintf(recorder->file, "%s\n", trace_format(event, line)) < 0 ||
	    fwrite(recorder->pending.text, 1, recorder->pending.used, recorder->file) !=
		    recorder->pending.used ||
	    fflush(recorder->file) != 0) {
		log_error("cannot write the recording: %m; it ends here");
		fclose(recorder->file);
		recorder->file = NULL;
	}
	recorder->pending.used = 0;
}
