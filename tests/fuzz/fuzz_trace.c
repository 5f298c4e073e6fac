/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No recording makes the core misbehave: whatever its lines say, in whatever order, each verdict about a
 * session names one that a record told of and that has not ended.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "trace.h"
#include "world.h"

#define LINES_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_verdict(void *userdata _unused_, const struct verdict *verdict)
{
	char line[TRACE_LINE_MAX];

	trace_format_verdict(verdict, line);
	assert(verdict->type != VERDICT_ACT || (verdict->login && verdict->login->session[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Settings are borrowed by the world: the events that brought them live as long as it. */
	static struct trace_event events[LINES_MAX];
	char *text = strndup((const char *)data, size), *rest = NULL;
	struct world *world = NULL;
	size_t count = 0;

	assert(text && world_new(on_verdict, NULL, &world) == 0);
	for (char *line = strtok_r(text, "\n", &rest); line && count < LINES_MAX; line = strtok_r(NULL, "\n", &rest)) {
		struct trace_error error = {0};

		if (trace_parse(line, &events[count], &error) < 0) {
			assert(error.text[0]);
			continue;
		}
		assert(world_event(world, &events[count++].event) == 0);
		(void)world_deadline(world);
	}
	world_free(world);
	free(text);
	return 0;
}
