/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Dictionaries (a{sv}) put into D-Bus messages. The first error stays in `error`, and nothing more is put
 * then. Text from outside need not be UTF-8, but everything on the bus has to be: it disconnects who sends
 * anything else. So whatever is not becomes '?'.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "lib/names.h"

/* Errors of our own. */
#define NO_SESSION BUS_NAME ".Error.NoSuchSession"
#define NOT_BOUND  BUS_NAME ".Error.NotBound"

struct put {
	sd_bus_message *message;
	int error; /* 0, or a negative errno */
};

/* `contents` as sd_bus_message_open_container() has them: 'a' "{sv}" begins a dictionary. */
void put_open(struct put *put, char type, const char *contents);
void put_close(struct put *put);

/* Plain values; NULL is "". */
void put_string(struct put *put, const char *text);
void put_plain_uint32(struct put *put, uint32_t value);
void put_plain_uint64(struct put *put, uint64_t value);
void put_plain_double(struct put *put, double value);

/* Keys of the dictionary at hand. A text that is NULL is not known: nothing is put. */
void put_text(struct put *put, const char *key, const char *text);
void put_bool(struct put *put, const char *key, bool value);
void put_uint32(struct put *put, const char *key, uint32_t value);
void put_uint64(struct put *put, const char *key, uint64_t value);
/* The key, and a value of this type, to be filled in and closed: for "as" put_string() each, then put_end(). */
void put_begin(struct put *put, const char *key, char type, const char *contents);
void put_end(struct put *put);

/* `text` with every byte that is not part of valid UTF-8 as '?', cut at `size`. Returns `buffer`. */
const char *text_utf8(const char *text, char *buffer, size_t size);
