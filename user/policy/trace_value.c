/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of recordings, read. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/macro.h"
#include "policy/trace_keys.h"

static bool read_number(const char *text, unsigned long long most, unsigned long long *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *ret <= most;
}

static bool read_byte(const char *text, unsigned long long most, uint8_t *ret)
{
	unsigned long long number = 0;
	bool good = read_number(text, most, &number);

	*ret = (uint8_t)number;
	return good;
}

static bool read_counter(const char *text, uint16_t *ret)
{
	unsigned long long number = 0;
	bool good = read_number(text, UINT16_MAX, &number);

	*ret = (uint16_t)number;
	return good;
}

bool trace_read_nsec(const char *text, uint64_t *ret)
{
	static const struct {
		const char *unit;
		uint64_t nsec;
	} units[] = {{"ns", 1}, {"us", NSEC_PER_USEC}, {"ms", NSEC_PER_MSEC}, {"s", NSEC_PER_SEC}};
	char *end;
	uint64_t value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	for (size_t i = 0; errno == 0 && i < ELEMENTS(units); i++) {
		if (strcmp(end, units[i].unit) == 0)
			return !__builtin_mul_overflow(value, units[i].nsec, ret);
	}
	return false;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* -1: these are not two digits. */
static int hex_byte(const char *text)
{
	int high = digit_value(text[0]), low = high < 0 ? -1 : digit_value(text[1]);

	return low < 0 ? -1 : high << 4 | low;
}

/* Its size, then its bytes. */
static bool read_hex(const char *text, size_t most, uint8_t *field)
{
	size_t size = 0;

	for (; *text; text += 2) {
		int byte = hex_byte(text);

		if (size == most || byte < 0)
			return false;
		field[++size] = (uint8_t)byte;
	}
	field[0] = (uint8_t)size;
	return true;
}

static bool read_process(const char *text, pid_t *ret)
{
	unsigned long long number = 0;
	bool good = read_number(text, INT_MAX, &number);

	*ret = (pid_t)number;
	return good;
}

static bool read_text(const char *text, size_t size, char *value)
{
	size_t used = 0;

	while (*text) {
		int byte = (unsigned char)*text++;

		if (byte == '%') {
			byte = hex_byte(text);
			text += byte < 0 ? 0 : 2;
		}
		if (byte <= 0 || used + 1 >= size)
			return false;
		value[used++] = (char)byte;
	}
	value[used] = '\0';
	return true;
}

static bool read_usb(char *text, struct usb_address *ret)
{
	char *colon = strchr(text, ':');

	if (!colon)
		return false;
	*colon = '\0';
	return read_counter(text, &ret->bus) && read_counter(colon + 1, &ret->device);
}

static bool read_card_state(const char *text, enum card_state *ret)
{
	for (enum card_state card = 0; card < TRACE_CARD_STATES; card++) {
		if (strcmp(trace_card_names[card], text) != 0)
			continue;
		*ret = card;
		return true;
	}
	return false;
}

static bool read_action(const char *text, enum action *ret)
{
	for (enum action action = ACTION_NONE; action < ACTION_COUNT; action++) {
		if (strcmp(action_name(action), text) != 0)
			continue;
		*ret = action;
		return true;
	}
	return false;
}

static bool read_choice(const char *text, const char *no, const char *yes, bool *ret)
{
	*ret = strcmp(text, yes) == 0;
	return *ret || strcmp(text, no) == 0;
}

static bool read_fallback(const char *text, enum fallback *ret)
{
	bool logout, good = read_choice(text, "warn", "logout", &logout);

	*ret = logout ? FALLBACK_LOGOUT : FALLBACK_WARN;
	return good;
}

static bool read_kind(char *text, unsigned *ret)
{
	char *rest = NULL;

	*ret = 0;
	for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		unsigned bit = 0;

		while (session_kind_name(bit) && strcmp(session_kind_name(bit), word) != 0)
			bit++;
		if (!session_kind_name(bit))
			return false;
		*ret |= 1U << bit;
	}
	return true;
}

bool trace_read_value(const struct trace_key *key, char *text, void *field)
{
	switch (key->type) {
	case VALUE_TEXT:
		return read_text(text, key->limit, field);
	case VALUE_HEX:
		return read_hex(text, key->limit, field);
	case VALUE_BYTE:
		return read_byte(text, key->limit, field);
	case VALUE_COUNTER:
		return read_counter(text, field);
	case VALUE_PROCESS:
		return read_process(text, field);
	case VALUE_TIME:
		return trace_read_nsec(text, field);
	case VALUE_USB:
		return read_usb(text, field);
	case VALUE_CARD:
		return read_card_state(text, field);
	case VALUE_KIND:
		return read_kind(text, field);
	case VALUE_YES:
		return read_choice(text, "no", "yes", field);
	case VALUE_ACTION:
		return read_action(text, field);
	case VALUE_FALLBACK:
		return read_fallback(text, field);
	case VALUE_LOCK:
		return read_choice(text, "ignore", "lock", field);
	case VALUE_BIND:
		return read_choice(text, "none", "first", field);
	case VALUE_SOURCE:
		break;
	}
	return login_source_find(text, field);
}
