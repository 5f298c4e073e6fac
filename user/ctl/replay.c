/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/replay.h"

#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/describe.h"
#include "ctl/output.h"
#include "ctl/text.h"

struct showing {
	struct ctl *ctl;
	uint64_t begin; /* the first event's stamp: times are counted from there */
	bool begun;
	struct json_object *events;   /* --json */
	struct json_object *verdicts; /* … of the last of them; borrowed */
};

/* ---- for people ----------------------------------------------------------------------------------------- */

static void on_event(void *userdata, const struct event *event, const char *line _unused_)
{
	struct showing *showing = userdata;
	char text[DESCRIPTION_SIZE];

	if (!showing->begun)
		showing->begin = event->stamp;
	showing->begun = true;
	/* A report from the kernel may be older than a report that arrived before it. */
	printf("%12.4f  %-8s %s\n", ((double)event->stamp - (double)showing->begin) / NSEC_PER_SEC,
	       event_source_name(event->source), text_clean((char *)describe_event(event, text), false));
}

static void show_verdict(void *userdata, const struct verdict *verdict, const char *line _unused_)
{
	const struct showing *showing = userdata;
	char text[DESCRIPTION_SIZE];

	describe_verdict(verdict, text);
	printf("%24s%s%s%s\n", "-> ",
	       output_paint(showing->ctl, verdict->type == VERDICT_ACT ? PAINT_BOLD : PAINT_GOOD),
	       text_clean(text, false), output_paint(showing->ctl, PAINT_OFF));
}

/* ---- for programs --------------------------------------------------------------------------------------- */

static void add_event(void *userdata, const struct event *event, const char *line)
{
	struct showing *showing = userdata;
	struct json_object *object = json_object_new_object();
	char text[DESCRIPTION_SIZE];

	showing->verdicts = json_object_new_array();
	json_object_object_add(object, "stamp_nsec", json_object_new_uint64(event->stamp));
	json_object_object_add(object, "source", json_object_new_string(event_source_name(event->source)));
	tree_add_text(object, "message", describe_event(event, text), true);
	tree_add_text(object, "line", line, true);
	json_object_object_add(object, "verdicts", showing->verdicts);
	json_object_array_add(showing->events, object);
}

static void add_verdict(void *userdata, const struct verdict *verdict, const char *line)
{
	struct showing *showing = userdata;
	struct json_object *object = json_object_new_object();
	char text[DESCRIPTION_SIZE];

	if (verdict->login)
		tree_add_text(object, "session", verdict->login->session, true);
	tree_add_text(object, "message", describe_verdict(verdict, text), true);
	tree_add_text(object, "line", line, true);
	json_object_array_add(showing->verdicts, object);
}

static void show_result_json(const struct showing *showing, const struct replay_result *result, bool same)
{
	_cleanup_tree_ struct json_object *all = json_object_new_object();

	json_object_object_add(all, "events", json_object_get(showing->events));
	json_object_object_add(all, "event_count", json_object_new_uint64(result->events));
	json_object_object_add(all, "verdict_count", json_object_new_uint64(result->verdicts));
	json_object_object_add(all, "as_recorded", json_object_new_boolean(same));
	if (!same)
		tree_add_text(all, "error", result->error, true);
	output_json(all);
}

/* ---- the file ------------------------------------------------------------------------------------------- */

static int put_through(struct replay *replay, FILE *recording)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int r = 0;

	while (r >= 0 && (length = getline(&line, &size, recording)) >= 0) {
		if (length > 0 && line[length - 1] == '\n')
			line[--length] = '\0';
		r = replay_bytes(replay, line, (size_t)length);
	}
	if (r >= 0 && ferror(recording))
		r = -EIO;
	return r < 0 ? r : replay_end(replay);
}

static int show_result(const struct showing *showing, const char *path, const struct replay_result *result,
		       int r)
{
	_cleanup_free_ char *error = strdup(result->error[0] ? result->error : strerror(r < 0 ? -r : 0));

	if (showing->ctl->json)
		show_result_json(showing, result, r >= 0);
	else if (r >= 0 && result->events > 0)
		printf("\n%zu events, %zu verdicts, all as recorded\n", result->events, result->verdicts);
	if (r >= 0 && result->events > 0)
		return EXIT_FINE;
	output_error("%s: %s", path, r >= 0 ? "holds no event" : error ? text_clean(error, false) : "");
	return EXIT_FAULT;
}

static int replay_file(struct ctl *ctl, const char *path)
{
	_cleanup_tree_ struct json_object *events = json_object_new_array();
	struct showing showing = {.ctl = ctl, .events = events};
	const struct replay_handler people = {on_event, show_verdict, &showing};
	const struct replay_handler programs = {add_event, add_verdict, &showing};
	_cleanup_(replay_free_p) struct replay *replay = NULL;
	_cleanup_fclose_ FILE *recording = fopen(path, "re");
	int r;

	if (!recording) {
		output_error("%s: %s", path, strerror(errno));
		return EXIT_FAULT;
	}
	r = replay_new(ctl->json ? &programs : &people, &replay);
	if (r < 0) {
		output_error("%s", strerror(-r));
		return EXIT_FAULT;
	}
	r = put_through(replay, recording);
	return show_result(&showing, path, replay_result(replay), r);
}

int verb_replay(struct ctl *ctl, int argc, char **argv)
{
	if (ctl->live && (argc > 1 || ctl->json)) {
		output_error("replay --live takes %s: it reads standard input and prints lines",
			     ctl->json ? "no --json" : "no FILE");
		return EXIT_USAGE;
	}
	if (!ctl->live && argc == 1) {
		output_error("replay wants: scpolicyctl replay FILE, or scpolicyctl replay --live");
		return EXIT_USAGE;
	}
	return ctl->live ? replay_live() : replay_file(ctl, argv[1]);
}
