/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include <stddef.h>
#include <stdint.h>

/* The bytes of the UTF-8 sequence that begins here, by RFC 3629; 0: there is none. */
static size_t sequence_length(const unsigned char *text)
{
	static const struct {
		unsigned char mask, lead;
		size_t length;
		uint32_t least;
	} forms[] = {
		{0x80, 0x00, 1, 0},
		{0xe0, 0xc0, 2, 0x80},
		{0xf0, 0xe0, 3, 0x800},
		{0xf8, 0xf0, 4, 0x10000},
	};

	for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
		uint32_t point = text[0] & (unsigned char)~forms[form].mask;

		if ((text[0] & forms[form].mask) != forms[form].lead)
			continue;
		for (size_t i = 1; i < forms[form].length; i++) {
			if ((text[i] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (text[i] & 0x3f);
		}
		if (point < forms[form].least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
			return 0;
		return forms[form].length;
	}
	return 0;
}

static bool is_control(const unsigned char *text)
{
	return text[0] < 0x20 || text[0] == 0x7f || (text[0] == 0xc2 && text[1] < 0xa0);
}

char *text_clean(char *text, bool keep_controls)
{
	unsigned char *at = (unsigned char *)text;

	while (*at) {
		size_t length = sequence_length(at);
		bool bad = length == 0 || (!keep_controls && is_control(at));

		length = length ? length : 1;
		for (size_t i = 0; bad && i < length; i++)
			at[i] = '?';
		at += length;
	}
	return text;
}
