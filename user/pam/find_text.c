/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/find_text.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/log.h"

void find_tell(struct find_text *text, const char *format, ...)
{
	char raw[sizeof(text->text)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(raw, sizeof(raw), format, arguments);
	va_end(arguments);
	log_safe(raw, text->text, sizeof(text->text));
}
