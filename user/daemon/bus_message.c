/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus_message.h"

#include <string.h>

/* The longest text that is told: of a rule's, a unit's or a trail entry's. */
#define TEXT_SIZE 1024

/* The length of the sequence at `text` (RFC 3629, 4), 0 when it is none. */
static size_t sequence_length(const unsigned char *text)
{
	static const struct {
		unsigned char first, last, second_min, second_max;
		size_t length;
	} forms[] = {
		{0x01, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (*text < forms[i].first || *text > forms[i].last)
			continue;
		for (size_t n = 1; n < forms[i].length; n++)
			if (text[n] < (n == 1 ? forms[i].second_min : 0x80) ||
			    text[n] > (n == 1 ? forms[i].second_max : 0xbf))
				return 0;
		return forms[i].length;
	}
	return 0;
}

const char *text_utf8(const char *text, char *buffer, size_t size)
{
	size_t used = 0;

	while (*text) {
		size_t length = sequence_length((const unsigned char *)text);

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

static void keep(struct put *put, int r)
{
	if (r < 0 && !put->error)
		put->error = r;
}

void put_open(struct put *put, char type, const char *contents)
{
	if (!put->error)
		keep(put, sd_bus_message_open_container(put->message, type, contents));
}

void put_close(struct put *put)
{
	if (!put->error)
		keep(put, sd_bus_message_close_container(put->message));
}

void put_string(struct put *put, const char *text)
{
	char safe[TEXT_SIZE];

	if (!put->error)
		keep(put, sd_bus_message_append(put->message, "s", text_utf8(text ? text : "", safe, sizeof(safe))));
}

void put_plain_uint32(struct put *put, uint32_t value)
{
	if (!put->error)
		keep(put, sd_bus_message_append(put->message, "u", value));
}

void put_plain_uint64(struct put *put, uint64_t value)
{
	if (!put->error)
		keep(put, sd_bus_message_append(put->message, "t", value));
}

void put_plain_double(struct put *put, double value)
{
	if (!put->error)
		keep(put, sd_bus_message_append(put->message, "d", value));
}

void put_text(struct put *put, const char *key, const char *text)
{
	char safe[TEXT_SIZE];

	if (!put->error && text)
		keep(put, sd_bus_message_append(put->message, "{sv}", key, "s", text_utf8(text, safe, sizeof(safe))));
}

void put_bool(struct put *put, const char *key, bool value)
{
	if (!put->error)
		keep(put, sd_bus_message_append(put->message, "{sv}", key, "b", (int)value));
}

void put_uint32(struct put *put, const char *key, uint32_t value)
{
	if (!put->error)
		keep(put, sd_bus_message_append(put->message, "{sv}", key, "u", value));
}

void put_uint64(struct put *put, const char *key, uint64_t value)
{
	if (!put->error)
		keep(put, sd_bus_message_append(put->message, "{sv}", key, "t", value));
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
