/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/gpo_list.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#include "lib/cleanup.h"

/* Where an element's keys are: below the document's mapping, and the list in it. */
#define ELEMENT_DEPTH 3

struct reading {
	gpo_list_handler on_policy;
	void *userdata;
	unsigned depth; /* of mappings and lists around what is read */
	bool is_value;	/* at depth 1 or 3: the key has been read */
	char key[32];	/* … which was this one */
	bool in_gpos;	/* within the value of "gpos" */
	char *error;
	size_t error_size;
};

static bool is_id(const char *text)
{
	size_t length = strlen(text);

	if (length < 3 || length > 64 || text[0] != '{' || text[length - 1] != '}')
		return false;
	for (const char *c = text + 1; c < text + length - 1; c++)
		if (!isalnum((unsigned char)*c) && *c != '-')
			return false;
	return true;
}

static bool has_keys(const struct reading *reading)
{
	return reading->depth == 1 || (reading->in_gpos && reading->depth == ELEMENT_DEPTH);
}

static int take_scalar(struct reading *reading, const char *text, size_t line)
{
	if (!has_keys(reading))
		return 0;
	reading->is_value = !reading->is_value;
	if (reading->is_value) {
		snprintf(reading->key, sizeof(reading->key), "%s", text);
		return 0;
	}
	if (reading->depth != ELEMENT_DEPTH || strcmp(reading->key, "id") != 0)
		return 0;
	if (is_id(text))
		return reading->on_policy(reading->userdata, text);
	snprintf(reading->error, reading->error_size, "line %zu: the id is not a GUID in braces", line + 1);
	return -EBADMSG;
}

static void enter_level(struct reading *reading)
{
	if (reading->depth == 1 && reading->is_value)
		reading->in_gpos = strcmp(reading->key, "gpos") == 0;
	reading->depth++;
	if (has_keys(reading))
		reading->is_value = false;
}

/* A mapping or a list that ends was somebody's value. */
static void leave_level(struct reading *reading)
{
	reading->depth--;
	if (has_keys(reading))
		reading->is_value = false;
}

static int take_yaml(struct reading *reading, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(reading, (const char *)event->data.scalar.value, event->start_mark.line);
	case YAML_ALIAS_EVENT:
		return take_scalar(reading, "", event->start_mark.line);
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		enter_level(reading);
		return 0;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		leave_level(reading);
		return 0;
	default:
		return 0;
	}
}

static int refuse_list(struct reading *reading, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	snprintf(reading->error, reading->error_size, "line %zu: %s", parser->problem_mark.line + 1,
		 parser->problem ? parser->problem : "not YAML");
	return -EBADMSG;
}

int gpo_list_read(const char *text, size_t size, gpo_list_handler on_policy, void *userdata, char *ret_error,
		  size_t error_size)
{
	struct reading reading = {
		.on_policy = on_policy, .userdata = userdata, .error = ret_error, .error_size = error_size};
	_cleanup_(yaml_parser_delete) yaml_parser_t parser;
	bool end = false;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	while (r >= 0 && !end) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event))
			return refuse_list(&reading, &parser);
		end = event.type == YAML_STREAM_END_EVENT;
		r = take_yaml(&reading, &event);
		yaml_event_delete(&event);
	}
	return r;
}
