/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings: how a verdict is written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/trace_text.h"

static const char *const verdict_names[VERDICT_TYPE_COUNT] = {
	[VERDICT_ACT] = "act",
	[VERDICT_ARM] = "arm",
	[VERDICT_DISARM] = "disarm",
	[VERDICT_WATCH] = "watch",
	[VERDICT_UNWATCH] = "unwatch",
	[VERDICT_RECHECK] = "recheck",
	[VERDICT_REREAD] = "reread",
	[VERDICT_LOCATE] = "locate",
	[VERDICT_BOUND] = "bound",
	[VERDICT_DEALT] = "dealt",
	[VERDICT_REMOVAL] = "removal",
	[VERDICT_ACTION] = "action",
	[VERDICT_OUTCOME] = "outcome",
	[VERDICT_HEARD] = "heard",
	[VERDICT_CONTRADICTED] = "contradicted",
	[VERDICT_COMM_ERROR] = "comm-error",
	[VERDICT_RESTORED] = "restored",
	[VERDICT_RECHECKED] = "rechecked",
	[VERDICT_UNIT] = "unit",
	[VERDICT_SETTLED] = "settled",
	[VERDICT_COUNTDOWN] = "countdown",
	[VERDICT_CANCELLED] = "cancelled",
	[VERDICT_CANNOT_LOCK] = "cannot-lock",
	[VERDICT_KEPT] = "kept",
	[VERDICT_UNGUARDED] = "unguarded",
};

static void put_steps(struct trace_text *text, unsigned steps)
{
	for (enum step step = 0; step < STEP_COUNT; step++) {
		if (steps & 1U << step)
			trace_put(text, " %s", step_name(step));
	}
}

static void put_verdict(struct trace_text *text, const struct verdict *verdict)
{
	switch (verdict->type) {
	case VERDICT_ACT:
		trace_put(text, " %s", step_name(verdict->step));
		break;
	case VERDICT_ARM:
		put_steps(text, verdict->steps);
		break;
	case VERDICT_BOUND:
		trace_put(text, " usb=");
		trace_put_usb(text, verdict->login->card.usb);
		trace_put(text, " counter=%u", verdict->login->card.event_counter);
		break;
	case VERDICT_DEALT:
		trace_put(text, " %s", verdict->dealt ? "yes" : "no");
		break;
	case VERDICT_ACTION:
	case VERDICT_CANCELLED:
		trace_put(text, " %s", action_name(verdict->action));
		break;
	case VERDICT_COUNTDOWN:
		trace_put(text, " %s %llums", action_name(verdict->action),
			  (unsigned long long)(verdict->later / NSEC_PER_MSEC));
		break;
	case VERDICT_UNIT:
		trace_put(text, " ");
		trace_put_escaped(text, verdict->settings->unit);
		break;
	case VERDICT_REMOVAL:
	case VERDICT_HEARD:
	case VERDICT_CONTRADICTED:
	case VERDICT_KEPT:
		trace_put(text, " %s %s", cause_name(verdict->cause), event_source_name(verdict->source));
		break;
	case VERDICT_OUTCOME:
		trace_put(text, " %s %s", action_name(verdict->action), outcome_name(verdict->outcome));
		break;
	case VERDICT_WATCH:
	case VERDICT_UNWATCH:
		trace_put(text, " usb=");
		trace_put_usb(text, verdict->usb);
		break;
	case VERDICT_DISARM:
	case VERDICT_RECHECK:
	case VERDICT_REREAD:
	case VERDICT_LOCATE:
	case VERDICT_COMM_ERROR:
	case VERDICT_RESTORED:
	case VERDICT_RECHECKED:
	case VERDICT_SETTLED:
	case VERDICT_CANNOT_LOCK:
	case VERDICT_UNGUARDED:
	case VERDICT_TYPE_COUNT:
		break;
	}
}

const char *trace_format_verdict(const struct verdict *verdict, char line[static TRACE_LINE_MAX])
{
	struct trace_text text = {.line = line};

	trace_put(&text, "%s", verdict_names[verdict->type]);
	if (verdict->login) {
		trace_put(&text, " ");
		trace_put_escaped(&text, verdict->login->session);
	}
	put_verdict(&text, verdict);
	return line;
}

static int make_room(struct trace_buffer *buffer, size_t size)
{
	char *text;

	if (size <= buffer->size)
		return 0;
	size = size > 2 * buffer->size ? size : 2 * buffer->size;
	text = realloc(buffer->text, size);
	if (!text)
		return -ENOMEM;
	buffer->text = text;
	buffer->size = size;
	return 0;
}

int trace_append_verdict(const struct verdict *verdict, struct trace_buffer *buffer)
{
	char line[TRACE_LINE_MAX];
	size_t length = strlen(trace_format_verdict(verdict, line)) + strlen("= \n");
	int r = make_room(buffer, buffer->used + length + 1);

	if (r < 0)
		return r;
	snprintf(buffer->text + buffer->used, length + 1, "= %s\n", line);
	buffer->used += length;
	return 0;
}
