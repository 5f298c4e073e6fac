/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/u2f_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"

/* ---- base64 ----------------------------------------------------------------------------------------------- */

/* Of the usual alphabet and of that for addresses (RFC 4648, 4 and 5): earlier versions of pam_u2f wrote the latter. */
static int digit_of(char c)
{
	static const char usual[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(usual, c == '-' ? '+' : c == '_' ? '/' : c) : NULL;

	return found ? (int)(found - usual) : -1;
}

/* False: it is no base64, or does not fit. */
static bool decode(const char *text, size_t length, struct u2f_handle *ret)
{
	unsigned bits = 0, value = 0;

	ret->size = 0;
	while (length > 0 && text[length - 1] == '=')
		length--;
	for (size_t i = 0; i < length; i++) {
		int digit = digit_of(text[i]);

		if (digit < 0 || ret->size == sizeof(ret->bytes))
			return false;
		value = (value << 6 | (unsigned)digit) & 0xfff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		ret->bytes[ret->size++] = (unsigned char)(value >> bits);
	}
	return ret->size > 0;
}

/* ---- the file --------------------------------------------------------------------------------------------- */

static void take_line(const char *line, size_t length, struct u2f_handles *handles)
{
	const char *end = line + length;

	while (line < end && handles->count < U2F_HANDLES_MAX) {
		const char *colon = memchr(line, ':', (size_t)(end - line)), *stop = colon ? colon : end;
		const char *comma = memchr(line, ',', (size_t)(stop - line));

		if (comma && decode(line, (size_t)(comma - line), &handles->handles[handles->count]))
			handles->count++;
		line = stop + 1;
	}
}

void u2f_keys_parse(const char *text, const char *user, struct u2f_handles *ret)
{
	size_t length = strlen(user);

	ret->count = 0;
	while (*text) {
		size_t line = strcspn(text, "\n");

		if (line > length && strncmp(text, user, length) == 0 && text[length] == ':')
			take_line(text + length + 1, line - length - 1, ret);
		text += line + (text[line] == '\n');
	}
}

static int refuse(struct find_text *text, const char *path, int error, const char *why)
{
	find_tell(text, "%s: %s", path, why);
	return -error;
}

int u2f_keys_read(const char *path, const char *user, struct u2f_handles *ret, struct find_text *ret_text)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = malloc(U2F_KEYS_MAX + 1);
	struct stat status;
	size_t used = 0;
	ssize_t more;

	if (!text)
		return refuse(ret_text, path, ENOMEM, strerror(ENOMEM));
	if (fd < 0 || fstat(fd, &status) < 0)
		return refuse(ret_text, path, errno, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return refuse(ret_text, path, EBADMSG, "not a regular file");
	while ((more = read(fd, text + used, U2F_KEYS_MAX + 1 - used)) > 0)
		used += (size_t)more;
	if (more < 0)
		return refuse(ret_text, path, errno, strerror(errno));
	if (used > U2F_KEYS_MAX)
		return refuse(ret_text, path, EFBIG, "larger than any such file is");
	text[used] = '\0';
	u2f_keys_parse(text, user, ret);
	if (ret->count == 0)
		return refuse(ret_text, path, ENOENT, "no credential of the user's is in it");
	return 0;
}
