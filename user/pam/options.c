/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "lib/cleanup.h"

static const struct {
	const char *name;
	size_t offset;
} flags_known[] = {
	{"always", offsetof(struct options, always)}, {"require", offsetof(struct options, require)},
	{"token", offsetof(struct options, token)},   {"quiet", offsetof(struct options, quiet)},
	{"debug", offsetof(struct options, debug)},
};

static const char *argument_value(const char *argument, const char *name)
{
	size_t length = strlen(name);

	return strncmp(argument, name, length) == 0 ? argument + length : NULL;
}

static bool parse_flag(const char *argument, struct options *options)
{
	for (size_t i = 0; i < ELEMENTS(flags_known); i++)
		if (strcmp(argument, flags_known[i].name) == 0) {
			*(bool *)((char *)options + flags_known[i].offset) = true;
			return true;
		}
	return false;
}

static bool parse_timeout(const char *value, struct options *options)
{
	unsigned int ms = 0;

	if (strspn(value, "0123456789") != strlen(value) || strlen(value) > 5 ||
	    sscanf(value, "%u", &ms) != 1 || ms < TIMEOUT_MINIMUM || ms > TIMEOUT_MAXIMUM)
		return false;
	options->timeout_ms = ms;
	return true;
}

static bool parse_glob(const char *value, struct options *options)
{
	size_t length = strlen(value);

	if (length == 0 || length >= sizeof(options->reader_glob))
		return false;
	memcpy(options->reader_glob, value, length + 1);
	return true;
}

static bool copy_value(const char *value, char *to, size_t size)
{
	size_t length = strlen(value);

	if (length >= size)
		return false;
	memcpy(to, value, length + 1);
	return true;
}

static bool parse_module(const char *value, struct options *options)
{
	return value[0] == '/' && copy_value(value, options->pkcs11_module, sizeof(options->pkcs11_module));
}

static bool parse_u2f_keys(const char *value, struct options *options)
{
	return value[0] == '/' && copy_value(value, options->u2f_keys, sizeof(options->u2f_keys));
}

static bool parse_origin(const char *value, struct options *options)
{
	return value[0] && copy_value(value, options->origin, sizeof(options->origin));
}

static bool is_hex(const char *text, size_t length)
{
	return strnlen(text, length) == length && strspn(text, "0123456789abcdefABCDEF") >= length;
}

/* "usb:VID:PID" or "usb:VID:PID:SERIAL". */
static bool parse_usb_token(const char *value, struct options *options)
{
	const char *ids = argument_value(value, USB_TOKEN_USB);
	size_t length = strlen(value);
	bool good = strcmp(value, USB_TOKEN_FIDO) == 0;

	if (ids)
		good = is_hex(ids, 4) && ids[4] == ':' && is_hex(ids + 5, 4) &&
		       (!ids[9] || (ids[9] == ':' && ids[10]));
	if (!good || length >= sizeof(options->usb_token))
		return false;
	memcpy(options->usb_token, value, length + 1);
	return true;
}

static bool parse_proof(const char *value, struct options *options)
{
	options->proof = strcmp(value, "pkinit") == 0;
	return options->proof;
}

static const struct {
	const char *name;
	bool (*parse)(const char *value, struct options *options);
	const char *expected;
} values_known[] = {
	{"timeout=", parse_timeout, "a number of milliseconds from 100 to 60000"},
	{"reader=", parse_glob, "a reader name pattern of 1 to 127 bytes"},
	{"u2f_keys=", parse_u2f_keys, "an absolute path of at most 255 bytes"},
	{"origin=", parse_origin, "an origin of 1 to 255 bytes"},
	{"token=", parse_usb_token, "fido or usb:VID:PID[:SERIAL]"},
	{"pkcs11_module=", parse_module, "an absolute path of at most 255 bytes"},
	{"proof=", parse_proof, "pkinit"},
};

static void parse_argument(pam_handle_t *pamh, const char *argument, struct options *options)
{
	if (parse_flag(argument, options))
		return;
	for (size_t i = 0; i < ELEMENTS(values_known); i++) {
		const char *value = argument_value(argument, values_known[i].name);

		if (!value)
			continue;
		if (!values_known[i].parse(value, options)) {
			pam_syslog(pamh, LOG_ERR, "argument %s: not %s", argument, values_known[i].expected);
			options->malformed = true;
		}
		return;
	}
	pam_syslog(pamh, LOG_ERR, "unknown argument %s", argument);
	options->malformed = true;
}

struct options options_parse(pam_handle_t *pamh, int argc, const char **argv)
{
	struct options options = {.timeout_ms = 2000};

	for (int i = 0; i < argc; i++)
		parse_argument(pamh, argv[i], &options);
	return options;
}
