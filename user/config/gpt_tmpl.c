/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/gpt_tmpl.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"

#define SECTION "[Registry Values]"
#define KEY	"MACHINE\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon\\ScRemoveOption"
#define REG_SZ	"1"

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

/*
 * What is looked for is ASCII: any other character becomes '?'. A NUL, which would hide what comes after it, is no
 * text.
 */
static int narrow(const unsigned char *bytes, size_t size, bool wide, char *text, struct gpt_tmpl *template)
{
	for (size_t i = 0; i < size; i += wide ? 2 : 1) {
		unsigned character = wide ? bytes[i] | (unsigned)bytes[i + 1] << 8 : bytes[i];

		template->line += character == '\n';
		if (character == '\0')
			return refuse_template(template, "a NUL character in the line");
		*text++ = character < 0x80 ? (char)character : '?';
	}
	*text = '\0';
	return 0;
}

static int decode(const char *bytes, size_t size, char *text, struct gpt_tmpl *template)
{
	const unsigned char *from = (const unsigned char *)bytes;

	template->line = 1;
	if (size >= 2 && memcmp(from, "\xfe\xff", 2) == 0)
		return refuse_template(template, "UTF-16 of the other byte order");
	if (size >= 2 && memcmp(from, "\xff\xfe", 2) == 0) {
		if (size % 2)
			return refuse_template(template, "half a character of UTF-16 at the end of the file");
		return narrow(from + 2, size - 2, true, text, template);
	}
	if (size >= 3 && memcmp(from, "\xef\xbb\xbf", 3) == 0)
		return narrow(from + 3, size - 3, false, text, template);
	return narrow(from, size, false, text, template);
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

/* "1,"2"": the type, and the option's digit. */
static int take_value(struct gpt_tmpl *template, char *value)
{
	char *comma = strchr(value, ','), *option;

	if (!comma)
		return refuse_template(template,
				       "ScRemoveOption: \"%s\" is not a type and a value, as in 1,\"1\"",
				       shown(value));
	*comma = '\0';
	value = cut_blanks(value);
	if (strcmp(value, REG_SZ) != 0)
		return refuse_template(template, "ScRemoveOption: type \"%s\" is not 1 (REG_SZ)",
				       shown(value));
	option = unquote(cut_blanks(comma + 1));
	if (!option)
		return refuse_template(template, "ScRemoveOption: one quote alone");
	if (strlen(option) != 1 || *option < '0' || *option >= '0' + SC_REMOVE_COUNT)
		return refuse_template(template, "ScRemoveOption: \"%s\" is not 0, 1, 2 or 3", shown(option));
	template->option = (enum sc_remove_option)(*option - '0');
	return 0;
}

static int take_template_line(struct reading *reading, unsigned number, char *line)
{
	struct gpt_tmpl *template = reading->template;
	char *equals;

	line = cut_blanks(line);
	if (*line == '[')
		reading->in_section = strcasecmp(line, SECTION) == 0;
	equals = strchr(line, '=');
	if (!reading->in_section || *line == ';' || !equals)
		return 0;
	*equals = '\0';
	if (strcasecmp(cut_blanks(line), KEY) != 0)
		return 0;
	if (template->option != SC_REMOVE_NOT_SET) {
		unsigned first = template->line;

		template->line = number;
		return refuse_template(template, "ScRemoveOption is given twice, first in line %u", first);
	}
	template->line = number;
	return take_value(template, equals + 1);
}

int gpt_tmpl_parse(const char *bytes, size_t size, struct gpt_tmpl *ret)
{
	_cleanup_free_ char *text = malloc(size + 1);
	struct reading reading = {.template = ret};
	char *rest = text;
	int r;

	*ret = (struct gpt_tmpl){.option = SC_REMOVE_NOT_SET};
	if (!text)
		return -ENOMEM;
	r = decode(bytes, size, text, ret);
	if (r < 0)
		return r;
	ret->line = 0;
	for (unsigned number = 1; r >= 0 && rest; number++)
		r = take_template_line(&reading, number, strsep(&rest, "\n"));
	if (r < 0)
		ret->option = SC_REMOVE_NOT_SET;
	return r;
}
