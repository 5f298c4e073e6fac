/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/text.h"
#include "lib/cleanup.h"

/* No event is so long: a longer line is a comment or a mistake, and is not kept. */
#define LINE_SIZE 65536

struct input {
	FILE *file;
	unsigned line;
	char text[LINE_SIZE];
	size_t size;
	bool cut; /* the line goes on, and was skipped to its end */
};

/* False at the end of the input. A line may lack its newline only there. */
static bool input_next_line(struct input *input)
{
	int c = getc_unlocked(input->file);

	input->size = 0;
	input->cut = false;
	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc_unlocked(input->file)) {
		if (input->size < sizeof(input->text)) {
			input->text[input->size++] = (char)c;
			continue;
		}
		input->cut = true;
		/* Report an endless line at once. */
		if (input->text[0] != '#' && input->text[0] != '=')
			break;
	}
	input->line++;
	return true;
}

static void print_line(void *userdata _unused_, const char *line)
{
	puts(line);
}

static int say_fault(const struct input *input, struct trace_error *error, int r)
{
	text_clean(error->text, false);
	if (r == -EBADMSG)
		output_error("line %u, column %u: %s", input->line, error->column, error->text);
	else
		output_error("line %u: %s", input->line, r == -ENOTRECOVERABLE ? error->text : strerror(-r));
	return r == -EBADMSG ? EXIT_USAGE : EXIT_FAULT;
}

static int take_input(struct live *live, const struct input *input, struct trace_error *error)
{
	struct trace_event trace;

	if (!input->cut || input->text[0] == '#' || input->text[0] == '=')
		return live_line(live, input->text, input->size, error);
	if (trace_parse_bytes(input->text, input->size, &trace, error) == 0)
		*error = (struct trace_error){.text = "too long a line", .column = LINE_SIZE + 1};
	return -EBADMSG;
}

static int filter(struct live *live, struct input *input)
{
	struct trace_error error = {0};
	int r = 0;

	while (r >= 0 && input_next_line(input)) {
		r = take_input(live, input, &error);
		fflush(stdout);
	}
	return r < 0 ? say_fault(input, &error, r) : EXIT_FINE;
}

int replay_live(void)
{
	const struct live_output output = {.line = print_line};
	_cleanup_(live_free_p) struct live *live = NULL;
	_cleanup_free_ struct input *input = calloc(1, sizeof(*input));
	int status, r = input ? live_new(&output, &live) : -ENOMEM;

	if (r < 0) {
		output_error("%s", strerror(-r));
		return EXIT_FAULT;
	}
	input->file = stdin;
	status = filter(live, input);
	live_sessions(live);
	if (fflush(stdout) != 0 || ferror(stdout) || ferror(stdin)) {
		output_error("cannot %s: %s", ferror(stdin) ? "read" : "write", strerror(errno));
		return EXIT_FAULT;
	}
	return status;
}
