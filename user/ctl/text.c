/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/text.h"

#include <stddef.h>
#include <string.h>

#include "lib/utf8.h"

static bool is_control(const unsigned char *text)
{
	return text[0] < 0x20 || text[0] == 0x7f || (text[0] == 0xc2 && text[1] < 0xa0);
}

char *text_clean(char *text, bool keep_controls)
{
	unsigned char *at = (unsigned char *)text;

	while (*at) {
		size_t length = utf8_length((const char *)at);
		bool bad = length == 0 || (!keep_controls && is_control(at));

		length = length ? length : 1;
		for (size_t i = 0; bad && i < length; i++)
			at[i] = '?';
		at += length;
	}
	return text;
}

char *text_trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r");
	length = strlen(text);
	while (length > 0 && strchr(" \t\r", text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}
