/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/gpt_tmpl.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"

#define SECTION "Registry Values"
#define KEY	"\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon\\ScRemoveOption"

/* The registry's types, of those that a template may have. */
enum registry_type {
	TYPE_SZ = 1,
	TYPE_EXPAND_SZ = 2,
	TYPE_DWORD = 4,
	TYPE_MULTI_SZ = 7,
};

struct reading {
	struct gpt_tmpl *template;
	bool in_section;
};

static int refuse_template(struct gpt_tmpl *template, const char *format, ...) _printf_(2, 3);
static int refuse_template(struct gpt_tmpl *template, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(template->error, sizeof(template->error), format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

/* ---- encodings ------------------------------------------------------------------------------------------ */

enum encoding {
	BYTES, /* UTF-8, or one byte a character */
	UTF16LE,
	UTF16BE,
};

/* Windows writes UTF-16LE with its mark. Without one, every other byte of ASCII's is 0. */
static enum encoding find_encoding(const unsigned char *from, size_t size, size_t *ret_mark)
{
	*ret_mark = 0;
	if (size < 2)
		return BYTES;
	if (memcmp(from, "\xff\xfe", 2) == 0 || memcmp(from, "\xfe\xff", 2) == 0) {
		*ret_mark = 2;
		return *from == 0xff ? UTF16LE : UTF16BE;
	}
	if (size >= 3 && memcmp(from, "\xef\xbb\xbf", 3) == 0) {
		*ret_mark = 3;
		return BYTES;
	}
	if (from[0] && !from[1])
		return UTF16LE;
	return !from[0] && from[1] ? UTF16BE : BYTES;
}

/*
 * What is looked for is ASCII: any other character becomes '?', and so does a NUL. Wherever one stands, it costs no more
 * than its own line. Half a character at the end is none.
 */
static void decode(const char *bytes, size_t size, char *text)
{
	const unsigned char *from = (const unsigned char *)bytes;
	size_t i;
	enum encoding encoding = find_encoding(from, size, &i);

	for (; i + (encoding != BYTES) < size; i += encoding == BYTES ? 1 : 2) {
		unsigned character = encoding == UTF16LE   ? from[i] | (unsigned)from[i + 1] << 8
				     : encoding == UTF16BE ? (unsigned)from[i] << 8 | from[i + 1]
							   : from[i];

		*text++ = character && character < 0x80 ? (char)character : '?';
	}
	*text = '\0';
}

/* ---- lines ---------------------------------------------------------------------------------------------- */

/* Without blanks at both ends; `text` is cut. */
static char *cut_blanks(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* Without its quotes; NULL: one of them is missing. */
static char *unquote(char *text)
{
	size_t length = strlen(text);

	if (*text != '"' && (length == 0 || text[length - 1] != '"'))
		return text;
	if (length < 2 || *text != '"' || text[length - 1] != '"')
		return NULL;
	text[length - 1] = '\0';
	return cut_blanks(text + 1);
}

/* So much of it as an error can show. */
static const char *shown(char *text)
{
	for (char *c = text; *c; c++)
		*c = isprint((unsigned char)*c) ? *c : '?';
	if (strlen(text) > 24)
		strcpy(text + 21, "...");
	return text;
}

/* A ';' behind a blank, and outside of quotes, begins a comment. */
static void cut_comment(char *text)
{
	bool quoted = false, blank = true;

	for (; *text; text++) {
		if (*text == ';' && blank && !quoted) {
			*text = '\0';
			return;
		}
		quoted ^= *text == '"';
		blank = isspace((unsigned char)*text);
	}
}

/* The decimal number that the whole text is, or a hexadecimal one behind 0x. -1: it is none, or a large one. */
static long number_of(const char *text)
{
	bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *end;
	long number;

	if (!isxdigit((unsigned char)*text))
		return -1;
	number = strtol(text, &end, hexadecimal ? 16 : 10);
	return *end || number > INT_MAX ? -1 : number;
}

/* A string is one digit; a number has leading zeros as well. */
static int take_option(struct gpt_tmpl *template, char *option, enum registry_type type)
{
	long number = type == TYPE_DWORD ? number_of(option) : strlen(option) == 1 ? *option - '0' : -1;

	if (number < 0 || number >= SC_REMOVE_COUNT)
		return refuse_template(template, "ScRemoveOption: \"%s\" is not 0, 1, 2 or 3", shown(option));
	template->option = (enum sc_remove_option)number;
	return 0;
}

/* "1,"2"": the type, and the option's digit. */
static int take_value(struct gpt_tmpl *template, char *value)
{
	char *comma = strchr(value, ','), *option;
	long type;

	if (!comma)
		return refuse_template(template,
				       "ScRemoveOption: \"%s\" is not a type and a value, as in 1,\"1\"",
				       shown(value));
	*comma = '\0';
	value = cut_blanks(value);
	type = number_of(value);
	if (type != TYPE_SZ && type != TYPE_EXPAND_SZ && type != TYPE_DWORD && type != TYPE_MULTI_SZ)
		return refuse_template(template, "ScRemoveOption: type \"%s\" is no text and no number",
				       shown(value));
	option = unquote(cut_blanks(comma + 1));
	if (!option)
		return refuse_template(template, "ScRemoveOption: one quote alone");
	return take_option(template, option, (enum registry_type)type);
}

/* The registry's root has two names, and the whole name may stand in quotes. */
static bool is_key(char *name)
{
	static const char *const roots[] = {"MACHINE", "HKEY_LOCAL_MACHINE"};

	name = unquote(cut_blanks(name));
	for (size_t i = 0; name && i < ELEMENTS(roots); i++) {
		size_t length = strlen(roots[i]);

		if (strncasecmp(name, roots[i], length) == 0 && strcasecmp(name + length, KEY) == 0)
			return true;
	}
	return false;
}

static bool is_section(char *line)
{
	char *end = strchr(line, ']');

	if (!end)
		return false;
	*end = '\0';
	return strcasecmp(cut_blanks(line + 1), SECTION) == 0;
}

/* Windows sets one value after the other, so the last line is in force. */
static int take_template_line(struct reading *reading, unsigned number, char *line)
{
	struct gpt_tmpl *template = reading->template;
	char *equals;

	cut_comment(line);
	line = cut_blanks(line);
	if (*line == '[')
		reading->in_section = is_section(line);
	equals = strchr(line, '=');
	if (!reading->in_section || !equals)
		return 0;
	*equals = '\0';
	if (!is_key(line))
		return 0;
	template->line = number;
	return take_value(template, equals + 1);
}

int gpt_tmpl_parse(const char *bytes, size_t size, struct gpt_tmpl *ret)
{
	_cleanup_free_ char *text = malloc(size + 1);
	struct reading reading = {.template = ret};
	char *rest = text;
	int r = 0;

	*ret = (struct gpt_tmpl){.option = SC_REMOVE_NOT_SET};
	if (!text)
		return -ENOMEM;
	decode(bytes, size, text);
	for (unsigned number = 1; r >= 0 && rest; number++)
		r = take_template_line(&reading, number, strsep(&rest, "\n"));
	if (r < 0)
		ret->option = SC_REMOVE_NOT_SET;
	return r;
}
