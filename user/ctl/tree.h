/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Reads trees of json-c simply: a missing value is "", 0, false, or NULL. */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include <json-c/json.h>

#include "lib/cleanup.h"

static inline void tree_put_p(struct json_object **tree)
{
	json_object_put(*tree);
}
#define _cleanup_tree_ _cleanup_(tree_put_p)

/*
 * The value at which the message stands, as client.h describes it. `json`: control characters stay, and are
 * escaped when they are written. 0, or a negative errno.
 */
int tree_read(sd_bus_message *message, bool json, struct json_object **ret);

bool tree_has(struct json_object *tree, const char *key);
struct json_object *tree_get(struct json_object *tree, const char *key); /* borrowed */
const char *tree_string(struct json_object *tree, const char *key);
uint64_t tree_number(struct json_object *tree, const char *key);
bool tree_bool(struct json_object *tree, const char *key);

/* The number of elements of an array; 0 for anything else. */
size_t tree_count(struct json_object *array);

/* The value as one text: an array's elements with commas between them, "yes" and "no". malloc()ed; NULL: out of memory. */
char *tree_text(struct json_object *value);

/* Adds a text, cleaned as text.h says; `value` NULL: nothing is added. */
void tree_add_text(struct json_object *tree, const char *key, const char *value, bool json);
