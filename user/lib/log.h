/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Diagnostics for people, to standard error, each line with the priority prefix that the journal and
 * sd-daemon(3) know. Events of sessions are written through actions/journal.h instead. Keeps errno.
 */
#include <stdbool.h>
#include <stddef.h>
#include <syslog.h>

#include "lib/cleanup.h"

/* Shows LOG_DEBUG lines too. */
void log_set_debug(bool debug);
/* A finished line, with its newline. */
typedef void (*log_writer)(void *userdata, const char *line, size_t size);
/* Lines go to `write` instead of standard error; NULL: to standard error again. */
void log_set_writer(log_writer write, void *userdata);
void log_line(int priority, const char *format, ...) _printf_(2, 3);

#define log_error(...)	 log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_DEBUG, __VA_ARGS__)

/* Text from outside (reader names, file names) made printable: control bytes become '?'. Returns `buffer`. */
const char *log_safe(const char *text, char *buffer, size_t size);
