/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/trace_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void trace_put(struct trace_text *text, const char *format, ...)
{
	char *end = text->line + text->used;
	va_list arguments;

	*end = '\0';
	va_start(arguments, format);
	vsnprintf(end, TRACE_LINE_MAX - text->used, format, arguments);
	va_end(arguments);
	text->used += strlen(end);
}

const char *trace_escape(const char *text, char *buffer, size_t size)
{
	size_t used = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c > ' ' && c < 0x7f && c != '%';
		size_t length = plain ? 1 : 3;

		if (used + length >= size)
			break;
		if (plain)
			buffer[used] = (char)c;
		else
			snprintf(buffer + used, size - used, "%%%02X", c);
		used += length;
	}
	buffer[used] = '\0';
	return buffer;
}

void trace_put_escaped(struct trace_text *text, const char *value)
{
	trace_escape(value, text->line + text->used, TRACE_LINE_MAX - text->used);
	text->used += strlen(text->line + text->used);
}

void trace_put_usb(struct trace_text *text, struct usb_address usb)
{
	trace_put(text, "%u:%u", usb.bus, usb.device);
}
