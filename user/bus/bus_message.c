/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/bus_message.h"

#include <string.h>

#include "lib/utf8.h"

/* The longest text that is sent: of a rule's, a unit's or a trail entry's. */
#define TEXT_SIZE 1024

const char *text_utf8(const char *text, char *buffer, size_t size)
{
	size_t used = 0;

	while (*text) {
		size_t length = utf8_length(text);

		if (used + (length ? length : 1) >= size)
			break;
		if (length)
			memcpy(buffer + used, text, length);
		else
			buffer[used] = '?';
		length = length ? length : 1;
		used += length;
		text += length;
	}
	buffer[used] = '\0';
	return buffer;
}

static void keep_error(struct put *put, int r)
{
	if (r < 0 && !put->error)
		put->error = r;
}

void put_open(struct put *put, char type, const char *contents)
{
	if (!put->error)
		keep_error(put, sd_bus_message_open_container(put->message, type, contents));
}

void put_close(struct put *put)
{
	if (!put->error)
		keep_error(put, sd_bus_message_close_container(put->message));
}

void put_string(struct put *put, const char *text)
{
	char safe[TEXT_SIZE];

	if (!put->error)
		keep_error(put, sd_bus_message_append(put->message, "s",
						      text_utf8(text ? text : "", safe, sizeof(safe))));
}

void put_plain_uint32(struct put *put, uint32_t value)
{
	if (!put->error)
		keep_error(put, sd_bus_message_append(put->message, "u", value));
}

void put_plain_uint64(struct put *put, uint64_t value)
{
	if (!put->error)
		keep_error(put, sd_bus_message_append(put->message, "t", value));
}

void put_plain_double(struct put *put, double value)
{
	if (!put->error)
		keep_error(put, sd_bus_message_append(put->message, "d", value));
}

void put_text(struct put *put, const char *key, const char *text)
{
	char safe[TEXT_SIZE];

	if (!put->error && text)
		keep_error(put, sd_bus_message_append(put->message, "{sv}", key, "s",
						      text_utf8(text, safe, sizeof(safe))));
}

void put_bool(struct put *put, const char *key, bool value)
{
	if (!put->error)
		keep_error(put, sd_bus_message_append(put->message, "{sv}", key, "b", (int)value));
}

void put_uint32(struct put *put, const char *key, uint32_t value)
{
	if (!put->error)
		keep_error(put, sd_bus_message_append(put->message, "{sv}", key, "u", value));
}

void put_uint64(struct put *put, const char *key, uint64_t value)
{
	if (!put->error)
		keep_error(put, sd_bus_message_append(put->message, "{sv}", key, "t", value));
}

void put_begin(struct put *put, const char *key, char type, const char *contents)
{
	char signature[64] = {type};

	strncpy(signature + 1, contents, sizeof(signature) - 2);
	put_open(put, 'e', "sv");
	put_string(put, key);
	put_open(put, 'v', signature);
	put_open(put, type, contents);
}

void put_end(struct put *put)
{
	put_close(put);
	put_close(put);
	put_close(put);
}
