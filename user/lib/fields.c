/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/fields.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/card.h"
#include "lib/cleanup.h"
#include "lib/ids.h"
#include "lib/log.h"

/* ---- kinds of value ---------------------------------------------------------------------------------------
 */

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

/* ---- the text ---------------------------------------------------------------------------------------------
 */

/* Where a complaint goes, and what it begins with: "line 4: " or nothing. */
struct complaint {
	char *text;
	size_t size;
	size_t line;
};

_printf_(2, 3) static int put_complaint(const struct complaint *complaint, const char *format, ...)
{
	int used = 0;
	va_list arguments;

	if (!complaint->text)
		return -EBADMSG;
	if (complaint->line)
		used = snprintf(complaint->text, complaint->size, "line %zu: ", complaint->line);
	if (used >= 0 && (size_t)used < complaint->size) {
		va_start(arguments, format);
		vsnprintf(complaint->text + used, complaint->size - (size_t)used, format, arguments);
		va_end(arguments);
	}
	return -EBADMSG;
}

static const char *find_control(const char *text, size_t size, bool tabs)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && !(tabs && c == '\t')) || c == 0x7f)
			return text + i;
	}
	return NULL;
}

static const struct field *find_field(const struct field *fields, size_t count, const char *name,
				      size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(fields[i].name) == length && memcmp(fields[i].name, name, length) == 0)
			return &fields[i];
	return NULL;
}

/* Names the unknown field. It is from outside, so only its first 32 bytes are shown, made printable. */
static int complain_unknown(const struct complaint *complaint, const char *name, size_t length)
{
	char raw[33], safe[33];

	snprintf(raw, sizeof(raw), "%.*s", (int)(length < 32 ? length : 32), name);
	return put_complaint(complaint, "unknown field %s=", log_safe(raw, safe, sizeof(safe)));
}

static int value_parse(const struct field *field, const char *value, size_t length, void *to,
		       const struct complaint *complaint)
{
	char terminated[FIELD_VALUE_SIZE];

	if (length == 0)
		return field->mandatory ? put_complaint(complaint, "field %s= is empty", field->name) : 0;
	if (length > field->length || length >= sizeof(terminated))
		return put_complaint(complaint, "field %s= is longer than %zu bytes", field->name,
				     field->length);
	if (find_control(value, length, field->kind->tabs))
		return put_complaint(complaint, "field %s= holds a control character", field->name);
	memcpy(terminated, value, length);
	terminated[length] = '\0';
	if (field->kind->parse(field, terminated, to))
		return 0;
	if (field->kind->expected)
		return put_complaint(complaint, "field %s= is not %s", field->name, field->kind->expected);
	return put_complaint(complaint, "field %s= is not a number from %" PRIu64 " to %" PRIu64, field->name,
			     field->minimum, field->maximum);
}

/* One bit for each field that was read already. */
static int entry_parse(const struct field *fields, size_t count, const char *entry, size_t length, void *to,
		       uint32_t *seen, const struct complaint *complaint)
{
	const char *equals = memchr(entry, '=', length);
	const struct field *field;
	uint32_t bit;

	if (memchr(entry, '\0', length))
		return put_complaint(complaint, "holds a NUL byte");
	if (!equals || equals == entry)
		return put_complaint(complaint, "is not FIELD=value");
	field = find_field(fields, count, entry, (size_t)(equals - entry));
	if (!field)
		return complain_unknown(complaint, entry, (size_t)(equals - entry));
	bit = 1U << (field - fields);
	if (*seen & bit)
		return put_complaint(complaint, "field %s= given twice", field->name);
	*seen |= bit;
	return value_parse(field, equals + 1, length - (size_t)(equals + 1 - entry),
			   (char *)to + field->offset, complaint);
}

int fields_parse(const struct field *fields, size_t count, char separator, const char *text, size_t size,
		 void *to, char *ret_error, size_t error_size)
{
	struct complaint complaint = {.text = ret_error, .size = error_size};
	const char *end = text + size;
	uint32_t seen = 0;

	for (const char *entry = text, *stop; entry < end; entry = stop + 1) {
		int r;

		complaint.line++;
		stop = memchr(entry, separator, (size_t)(end - entry));
		if (!stop)
			return put_complaint(&complaint, "does not end with a %s",
					     separator == '\n' ? "newline" : "separator");
		r = entry_parse(fields, count, entry, (size_t)(stop - entry), to, &seen, &complaint);
		if (r < 0)
			return r;
	}
	complaint.line = 0;
	for (size_t i = 0; i < count; i++)
		if (fields[i].mandatory && !(seen & 1U << i))
			return put_complaint(&complaint, "field %s= is missing", fields[i].name);
	return 0;
}

/* Checks the value as fields_parse() would: what that refuses later is refused now. */
static int value_format(const struct field *field, const void *from, char value[static FIELD_VALUE_SIZE],
			const struct complaint *complaint)
{
	uint64_t scratch[FIELD_VALUE_SIZE / sizeof(uint64_t)];

	field->kind->format(field, (const char *)from + field->offset, value, FIELD_VALUE_SIZE);
	return value_parse(field, value, strlen(value), scratch, complaint) < 0 ? -EINVAL : 0;
}

ssize_t fields_format(const struct field *fields, size_t count, char separator, const void *from,
		      char *buffer, size_t size, char *ret_error, size_t error_size)
{
	const struct complaint complaint = {.text = ret_error, .size = error_size};
	size_t used = 0;

	if (size == 0)
		return -ENOBUFS;
	buffer[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		char value[FIELD_VALUE_SIZE];
		int length, r = value_format(&fields[i], from, value, &complaint);

		if (r < 0)
			return r;
		if (value[0] == '\0')
			continue;
		length = snprintf(buffer + used, size - used, "%s=%s%c", fields[i].name, value, separator);
		if (length < 0 || (size_t)length >= size - used)
			return -ENOBUFS;
		used += (size_t)length;
	}
	return (ssize_t)used;
}
