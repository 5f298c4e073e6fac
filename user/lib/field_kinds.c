/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the value of a field may be. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/card.h"
#include "lib/fields.h"
#include "lib/ids.h"
#include "lib/macro.h"

/* Far more than any clock shows, and no sum of two overflows. */
#define STAMP_MAXIMUM (UINT64_MAX / 4)
#define STAMP_DIGITS  19

/* One spelling a number: no sign, no blank, no leading zero. */
static bool number_parse(const char *text, size_t length, uint64_t maximum, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (length == 0 || length > STAMP_DIGITS || (length > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	if (number > maximum)
		return false;
	*ret_number = number;
	return true;
}

static bool parse_number(const struct field *field, const char *value, void *to)
{
	uint64_t number;

	if (!number_parse(value, strlen(value), field->maximum, &number) || number < field->minimum)
		return false;
	if (field->size == sizeof(uint8_t))
		*(uint8_t *)to = (uint8_t)number;
	else if (field->size == sizeof(uint16_t))
		*(uint16_t *)to = (uint16_t)number;
	else
		*(uint32_t *)to = (uint32_t)number;
	return true;
}

static void format_number(const struct field *field, const void *from, char *buffer, size_t size)
{
	uint32_t number = field->size == sizeof(uint8_t)    ? *(const uint8_t *)from
			  : field->size == sizeof(uint16_t) ? *(const uint16_t *)from
							    : *(const uint32_t *)from;

	snprintf(buffer, size, "%" PRIu32, number);
}

const struct field_kind field_number = {.parse = parse_number, .format = format_number};

static bool parse_stamp(const struct field *field _unused_, const char *value, void *to)
{
	return number_parse(value, strlen(value), STAMP_MAXIMUM, to);
}

static void format_stamp(const struct field *field _unused_, const void *from, char *buffer, size_t size)
{
	const uint64_t stamp = *(const uint64_t *)from;

	snprintf(buffer, size, stamp ? "%" PRIu64 : "", stamp);
}

const struct field_kind field_stamp = {"nanoseconds", .parse = parse_stamp, .format = format_stamp};

static bool parse_text(const struct field *field, const char *value, void *to)
{
	snprintf(to, field->size, "%s", value);
	return true;
}

static void format_text(const struct field *field, const void *from, char *buffer, size_t size)
{
	snprintf(buffer, size, "%.*s", (int)field->size, (const char *)from);
}

const struct field_kind field_text = {.parse = parse_text, .format = format_text};
const struct field_kind field_list = {.parse = parse_text, .format = format_text, .tabs = true};

static bool parse_session_id(const struct field *field, const char *value, void *to)
{
	return session_id_valid(value) && parse_text(field, value, to);
}

const struct field_kind field_session_id = {
	.expected = "a session id",
	.parse = parse_session_id,
	.format = format_text,
};

static bool is_lower_hex(const char *text, size_t length)
{
	return strspn(text, "0123456789abcdef") >= length;
}

static bool parse_boot_id(const struct field *field, const char *value, void *to)
{
	return strlen(value) == 32 && is_lower_hex(value, 32) && parse_text(field, value, to);
}

const struct field_kind field_boot_id = {
	.expected = "32 hexadecimal digits in lower case",
	.parse = parse_boot_id,
	.format = format_text,
};

static bool parse_path(const struct field *field, const char *value, void *to)
{
	return value[0] == '/' && parse_text(field, value, to);
}

const struct field_kind field_path = {
	.expected = "an absolute path",
	.parse = parse_path,
	.format = format_text,
};

static int hex_digit(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *found = c ? strchr(digits, toupper((unsigned char)c)) : NULL;

	return found ? (int)(found - digits) : -1;
}

static bool parse_atr(_unused_ const struct field *field, const char *value, void *to)
{
	struct atr *atr = to;
	size_t length = strlen(value);

	if (length % 2 || length / 2 > ATR_SIZE)
		return false;
	for (size_t i = 0; i < length / 2; i++) {
		int high = hex_digit(value[2 * i]), low = hex_digit(value[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		atr->bytes[i] = (uint8_t)(high << 4 | low);
	}
	atr->size = (uint8_t)(length / 2);
	return true;
}

static void format_atr(_unused_ const struct field *field, const void *from, char *buffer, size_t size)
{
	const struct atr *atr = from;

	buffer[0] = '\0';
	/* A size that no ATR has makes a text that readers refuse. */
	if (atr->size > ATR_SIZE)
		snprintf(buffer, size, "%s", "over-long");
	for (size_t i = 0; i < atr->size && atr->size <= ATR_SIZE; i++)
		snprintf(buffer + 2 * i, size - 2 * i, "%02X", atr->bytes[i]);
}

const struct field_kind field_atr = {
	.expected = "an ATR in hexadecimal",
	.parse = parse_atr,
	.format = format_atr,
};

/* As in /dev/bus/usb/BBB/DDD: three digits a bus; a device address has 7 bits (USB 2.0, 9.4.6). */
static bool parse_usb_address(_unused_ const struct field *field, const char *value, void *to)
{
	struct usb_address *address = to;
	const char *colon = strchr(value, ':');
	uint64_t bus, device;

	if (!colon || !number_parse(value, (size_t)(colon - value), 999, &bus) ||
	    !number_parse(colon + 1, strlen(colon + 1), 127, &device) || bus == 0 || device == 0)
		return false;
	*address = (struct usb_address){.bus = (uint16_t)bus, .device = (uint16_t)device};
	return true;
}

static void format_usb_address(_unused_ const struct field *field, const void *from, char *buffer,
			       size_t size)
{
	const struct usb_address *address = from;

	buffer[0] = '\0';
	if (usb_address_is_set(*address))
		snprintf(buffer, size, "%u:%u", address->bus, address->device);
}

const struct field_kind field_usb_address = {
	.expected = "a USB bus from 1 to 999, a colon and a device from 1 to 127",
	.parse = parse_usb_address,
	.format = format_usb_address,
};

/* bus-port.port.port: the sysfs name of a device behind hubs. */
static bool parse_usb_path(const struct field *field, const char *value, void *to)
{
	char last = '\0';
	bool dash = false;

	for (const char *p = value; *p; last = *p++) {
		bool digit = *p >= '0' && *p <= '9', after_digit = last >= '0' && last <= '9';

		if (!digit && (!after_digit || *p != (dash ? '.' : '-')))
			return false;
		dash |= !digit;
	}
	return dash && last >= '0' && last <= '9' && parse_text(field, value, to);
}

const struct field_kind field_usb_path = {
	.expected = "a USB port path such as 1-4.1",
	.parse = parse_usb_path,
	.format = format_text,
};

static bool parse_usb_id(const struct field *field, const char *value, void *to)
{
	return strlen(value) == 9 && is_lower_hex(value, 4) && value[4] == ':' &&
	       is_lower_hex(value + 5, 4) && parse_text(field, value, to);
}

const struct field_kind field_usb_id = {
	.expected = "a USB id such as 08e6:4433",
	.parse = parse_usb_id,
	.format = format_text,
};

static bool parse_usb_token(_unused_ const struct field *field, const char *value, void *to)
{
	*(bool *)to = strcmp(value, "usb") == 0;
	return *(bool *)to || strcmp(value, "card") == 0;
}

static void format_usb_token(_unused_ const struct field *field, const void *from, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s", *(const bool *)from ? "usb" : "");
}

const struct field_kind field_usb_token = {"card or usb", .parse = parse_usb_token,
					   .format = format_usb_token};
