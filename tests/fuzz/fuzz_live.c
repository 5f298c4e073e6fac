/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scpolicyctl replay --live: whatever comes in, each line that goes out is a printable one, a line that is refused says
 * where and changes nothing.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/live.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct check {
	unsigned answers; /* lines other than verdicts, of the last line that came in */
};

static void on_line(void *userdata, const char *line)
{
	struct check *check = userdata;

	assert((line[0] == '=' || line[0] == '.') && line[1] == ' ');
	for (const char *c = line; *c; c++)
		assert(*c >= ' ' && *c < 0x7f);
	if (line[0] == '.')
		check->answers++;
}

static int take_line(struct live *live, struct check *check, const char *line, size_t size)
{
	struct trace_error error = {0};
	int r;

	check->answers = 0;
	r = live_line(live, line, size, &error);
	assert(r == 0 || r == -EBADMSG);
	assert(r == 0 ||
	       (check->answers == 0 && error.text[0] && error.column >= 1 && error.column <= size + 1));
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data, *end = line + size;
	struct check check = {0};
	const struct live_output output = {on_line, &check};
	struct live *live = NULL;

	assert(live_new(&output, &live) == 0);
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline ? newline : end) - line);

		(void)take_line(live, &check, line, length);
		line += length + 1;
	}
	live_sessions(live);
	live_free(live);
	return 0;
}
