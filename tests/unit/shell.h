/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* How cases set files up: after cmocka's header. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/macro.h"

static void shell(const char *format, ...) _printf_(1, 2);
static void shell(const char *format, ...)
{
	char command[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	assert_int_equal(system(command), 0);
}
