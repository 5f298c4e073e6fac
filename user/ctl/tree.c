/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/tree.h"

#include <ctype.h>
#include <string.h>

#include "ctl/text.h"

/* ---- from D-Bus ----------------------------------------------------------------------------------------- */

/* "EventCounter": "event_counter". */
static void add_key(struct json_object *object, const char *key, struct json_object *value)
{
	char small[128];
	size_t used = 0;

	for (; *key && used + 2 < sizeof(small); key++) {
		if (isupper((unsigned char)*key) && used > 0)
			small[used++] = '_';
		small[used++] = (char)tolower((unsigned char)*key);
	}
	small[used] = '\0';
	json_object_object_add(object, small, value);
}

static struct json_object *new_text(const char *text, bool json)
{
	_cleanup_free_ char *copy = strdup(text);

	return copy ? json_object_new_string(text_clean(copy, json)) : NULL;
}

static int read_basic(sd_bus_message *message, char type, bool json, struct json_object **ret)
{
	union {
		const char *text;
		uint8_t byte;
		int boolean;
		int16_t int16;
		uint16_t uint16;
		int32_t int32;
		uint32_t uint32;
		int64_t int64;
		uint64_t uint64;
		double real;
	} value;
	int r = sd_bus_message_read_basic(message, type, &value);

	if (r < 0)
		return r;
	switch (type) {
	case 's':
	case 'o':
	case 'g':
		*ret = new_text(value.text, json);
		break;
	case 'b':
		*ret = json_object_new_boolean(value.boolean);
		break;
	case 'y':
		*ret = json_object_new_uint64(value.byte);
		break;
	case 'n':
		*ret = json_object_new_int64(value.int16);
		break;
	case 'q':
		*ret = json_object_new_uint64(value.uint16);
		break;
	case 'i':
		*ret = json_object_new_int64(value.int32);
		break;
	case 'u':
		*ret = json_object_new_uint64(value.uint32);
		break;
	case 'x':
		*ret = json_object_new_int64(value.int64);
		break;
	case 't':
		*ret = json_object_new_uint64(value.uint64);
		break;
	case 'd':
		*ret = json_object_new_double(value.real);
		break;
	default:
		return -EBADMSG;
	}
	return *ret ? 0 : -ENOMEM;
}

/* An array of dictionary entries becomes an object; every other container becomes an array. */
static int read_elements(sd_bus_message *message, bool json, struct json_object *array)
{
	struct json_object *element;
	int r;

	while ((r = sd_bus_message_at_end(message, false)) == 0) {
		r = tree_read(message, json, &element);
		if (r < 0)
			return r;
		json_object_array_add(array, element);
	}
	return r < 0 ? r : 0;
}

static int read_entries(sd_bus_message *message, bool json, struct json_object *object, const char *types)
{
	struct json_object *value;
	const char *key;
	int r;

	while ((r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, types)) > 0) {
		r = sd_bus_message_read_basic(message, 's', &key);
		if (r >= 0)
			r = tree_read(message, json, &value);
		if (r < 0)
			return r;
		add_key(object, key, value);
		r = sd_bus_message_exit_container(message);
		if (r < 0)
			return r;
	}
	return r;
}

/* "{sv}": "sv"; NULL for anything that is no array of such entries. */
static const char *entry_types(const char *contents, char *buffer, size_t size)
{
	size_t length = strlen(contents);

	if (contents[0] != '{' || contents[1] != 's' || length - 2 >= size)
		return NULL;
	memcpy(buffer, contents + 1, length - 2);
	buffer[length - 2] = '\0';
	return buffer;
}

static int read_container(sd_bus_message *message, char type, const char *contents, bool json,
			  struct json_object **ret)
{
	_cleanup_tree_ struct json_object *tree = NULL;
	char buffer[64];
	const char *types = type == SD_BUS_TYPE_ARRAY ? entry_types(contents, buffer, sizeof(buffer)) : NULL;
	int r = sd_bus_message_enter_container(message, type, contents);

	if (r < 0)
		return r;
	if (type == SD_BUS_TYPE_VARIANT)
		r = tree_read(message, json, &tree);
	else {
		tree = types ? json_object_new_object() : json_object_new_array();
		r = types ? read_entries(message, json, tree, types) : read_elements(message, json, tree);
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(message);
	if (r >= 0)
		*ret = steal_pointer(tree);
	return r < 0 ? r : 0;
}

int tree_read(sd_bus_message *message, bool json, struct json_object **ret)
{
	const char *contents;
	char type;
	int r = sd_bus_message_peek_type(message, &type, &contents);

	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	return contents ? read_container(message, type, contents, json, ret)
			: read_basic(message, type, json, ret);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

struct json_object *tree_get(struct json_object *tree, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(tree, json_type_object))
		json_object_object_get_ex(tree, key, &value);
	return value;
}

bool tree_has(struct json_object *tree, const char *key)
{
	return tree_get(tree, key) != NULL;
}

const char *tree_string(struct json_object *tree, const char *key)
{
	struct json_object *value = tree_get(tree, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

uint64_t tree_number(struct json_object *tree, const char *key)
{
	struct json_object *value = tree_get(tree, key);

	return json_object_is_type(value, json_type_int) ? json_object_get_uint64(value) : 0;
}

bool tree_bool(struct json_object *tree, const char *key)
{
	struct json_object *value = tree_get(tree, key);

	return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

size_t tree_count(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

static char *array_text(struct json_object *array)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < tree_count(array); i++) {
		_cleanup_free_ char *element = tree_text(json_object_array_get_idx(array, i));

		fprintf(stream, "%s%s", i ? ", " : "", element ? element : "");
	}
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

char *tree_text(struct json_object *value)
{
	if (!value)
		return strdup("");
	if (json_object_is_type(value, json_type_array))
		return array_text(value);
	if (json_object_is_type(value, json_type_boolean))
		return strdup(json_object_get_boolean(value) ? "yes" : "no");
	return strdup(json_object_get_string(value));
}

void tree_add_text(struct json_object *tree, const char *key, const char *value, bool json)
{
	if (value)
		json_object_object_add(tree, key, new_text(value, json));
}
