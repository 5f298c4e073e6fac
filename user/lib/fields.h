/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * FIELD=value text, read and written by table: login records, and the messages between the PAM module and its
 * helper. Strict: every entry ends with the separator, each field comes at most once, no field is unknown, no
 * value is over-long or holds a control character. Nothing is quoted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* No value is longer than this, the NUL included. */
#define FIELD_VALUE_SIZE 1280

struct field;

struct field_kind {
	const char *expected; /* after "is not …"; NULL: every text will do, or a number's range says it */
	bool (*parse)(const struct field *field, const char *value, void *to);
	/* Writes the text of `from`, as snprintf() would; an empty text stands for "not set". */
	void (*format)(const struct field *field, const void *from, char *buffer, size_t size);
	bool tabs; /* tabs may be in the value: it is a list of fields itself */
};

/* A struct's member and how it is written. Optional fields may be absent or empty: the member stays zero. */
struct field {
	const char *name;
	bool mandatory;
	const struct field_kind *kind;
	size_t offset;
	size_t size;   /* of the member */
	size_t length; /* longest text */
	uint64_t minimum, maximum;
};

#define FIELD_OF(kind_, name_, mandatory_, type, member, length_)                                            \
	{.name = (name_),                                                                                    \
	 .mandatory = (mandatory_),                                                                          \
	 .kind = &(kind_),                                                                                   \
	 .offset = offsetof(type, member),                                                                   \
	 .size = sizeof(((type *)NULL)->member),                                                             \
	 .length = (length_)}

/* A char array, of any text that fits. */
#define FIELD_STRING(kind_, name_, mandatory_, type, member)                                                 \
	FIELD_OF(kind_, name_, mandatory_, type, member, sizeof(((type *)NULL)->member) - 1)

/* An unsigned integer of 1, 2 or 4 bytes, or a pid_t. */
#define FIELD_NUMBER(name_, mandatory_, type, member, minimum_, maximum_)                                    \
	{.name = (name_),                                                                                    \
	 .mandatory = (mandatory_),                                                                          \
	 .kind = &field_number,                                                                              \
	 .offset = offsetof(type, member),                                                                   \
	 .size = sizeof(((type *)NULL)->member),                                                             \
	 .length = 10,                                                                                       \
	 .minimum = (minimum_),                                                                              \
	 .maximum = (maximum_)}

/* field_kinds.c */
extern const struct field_kind field_text;
extern const struct field_kind field_list; /* text with tabs */
extern const struct field_kind field_number;
extern const struct field_kind field_stamp; /* uint64_t, nanoseconds */
extern const struct field_kind field_session_id;
extern const struct field_kind field_boot_id;
extern const struct field_kind field_path;
extern const struct field_kind field_atr;
extern const struct field_kind field_usb_address;
extern const struct field_kind field_usb_path;
extern const struct field_kind field_usb_id;
extern const struct field_kind field_usb_token; /* bool: "usb" or "card" */

/*
 * Fills the members of `to`, which the caller has zeroed. Returns 0, or -EBADMSG with one sentence in
 * ret_error and `to` half filled.
 */
int fields_parse(const struct field *fields, size_t count, char separator, const char *text, size_t size,
		 void *to, char *ret_error, size_t error_size);

/*
 * Writes every field that is set, and a NUL. Returns the length without the NUL, or -ENOBUFS, or -EINVAL with
 * one sentence in ret_error (which may be NULL) if fields_parse() would refuse the result.
 */
ssize_t fields_format(const struct field *fields, size_t count, char separator, const void *from,
		      char *buffer, size_t size, char *ret_error, size_t error_size);
