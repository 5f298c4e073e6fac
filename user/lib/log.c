/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>

static bool show_debug;
static log_writer writer;
static void *writer_userdata;

void log_set_debug(bool debug)
{
	show_debug = debug;
}

void log_set_writer(log_writer write, void *userdata)
{
	writer = write;
	writer_userdata = userdata;
}

void log_line(int priority, const char *format, ...)
{
	int saved = errno;
	char text[1024], line[sizeof(text) + 8];
	int length;
	va_list arguments;

	if (priority == LOG_DEBUG && !show_debug)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	length = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	if (writer)
		writer(writer_userdata, line, (size_t)length);
	else
		fputs(line, stderr);
	errno = saved;
}

const char *log_safe(const char *text, char *buffer, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];

		buffer[i] = (c < 0x20 || c == 0x7f) ? '?' : text[i];
	}
	buffer[i] = '\0';
	return buffer;
}
