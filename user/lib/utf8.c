/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/utf8.h"

#include <stdint.h>

#include "lib/macro.h"

size_t utf8_length(const char *text)
{
	static const struct {
		unsigned char mask, lead;
		size_t length;
		uint32_t least; /* a smaller number has a shorter form, and only that is valid */
	} forms[] = {
		{0x80, 0x00, 1, 0},
		{0xe0, 0xc0, 2, 0x80},
		{0xf0, 0xe0, 3, 0x800},
		{0xf8, 0xf0, 4, 0x10000},
	};
	const unsigned char *bytes = (const unsigned char *)text;

	for (size_t form = 0; form < ELEMENTS(forms); form++) {
		uint32_t point = bytes[0] & (unsigned char)~forms[form].mask;

		if ((bytes[0] & forms[form].mask) != forms[form].lead)
			continue;
		for (size_t i = 1; i < forms[form].length; i++) {
			if ((bytes[i] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (bytes[i] & 0x3f);
		}
		if (point < forms[form].least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
			return 0;
		return forms[form].length;
	}
	return 0;
}
