/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"

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
