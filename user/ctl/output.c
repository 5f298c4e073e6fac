/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/output.h"

#include <stdarg.h>
#include <string.h>

void output_error(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("scpolicyctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

/* json-c escapes the control characters below 0x20; a terminal treats DEL and C1 as commands as well. */
static void write_json(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)text[0], next = (unsigned char)text[1];

		if (c == 0x7f)
			fputs("\\u007f", stdout);
		else if (c == 0xc2 && next < 0xa0) {
			printf("\\u%04x", next);
			text++;
		} else
			putchar(c);
	}
	putchar('\n');
	fflush(stdout);
}

void output_json(struct json_object *tree)
{
	write_json(json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
								JSON_C_TO_STRING_NOSLASHESCAPE));
}

void output_json_line(struct json_object *tree)
{
	write_json(json_object_to_json_string_ext(tree,
						  JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

const char *output_paint(const struct ctl *ctl, enum paint paint)
{
	static const char *const sequences[] = {
		[PAINT_OFF] = "\033[0m",   [PAINT_BOLD] = "\033[1m",  [PAINT_DIM] = "\033[2m",
		[PAINT_GOOD] = "\033[32m", [PAINT_WARN] = "\033[33m", [PAINT_BAD] = "\033[1;31m",
	};
	ASSERT_ROWS(sequences, PAINT_BAD + 1);

	return ctl->colour ? sequences[paint] : "";
}

void output_field(const char *label, const char *format, ...)
{
	va_list arguments;

	printf("%14s%s ", label, *label ? ":" : " ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

/* ---- tables --------------------------------------------------------------------------------------------- */

static int add_row(const struct ctl *ctl, struct libscols_table *table, struct json_object *row,
		   const struct column *columns, size_t count)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		char *text = tree_text(tree_get(row, columns[i].key));

		/* So that each cell is a word, for eyes and awk alike. */
		if (text && !*text) {
			free(text);
			text = strdup("-");
		}
		if (!text || scols_line_refer_data(line, i, text) != 0) {
			free(text);
			return -ENOMEM;
		}
		if (columns[i].paint && columns[i].paint(text) != PAINT_OFF)
			scols_cell_set_color(scols_line_get_cell(line, i),
					     output_paint(ctl, columns[i].paint(text)));
	}
	return 0;
}

static int fill_table(const struct ctl *ctl, struct libscols_table *table, struct json_object *rows,
		      const struct column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!scols_table_new_column(table, columns[i].title, 0, columns[i].flags))
			return -ENOMEM;
	}
	for (size_t i = 0; i < tree_count(rows); i++) {
		int r = add_row(ctl, table, json_object_array_get_idx(rows, i), columns, count);

		if (r < 0)
			return r;
	}
	return 0;
}

DEFINE_CLEANUP(struct libscols_table *, scols_unref_table)

static int print_table(struct ctl *ctl, struct json_object *rows, const struct column *columns, size_t count)
{
	_cleanup_(scols_unref_table_p) struct libscols_table *table = scols_new_table();
	int r = table ? fill_table(ctl, table, rows, columns, count) : -ENOMEM;

	if (r >= 0) {
		scols_table_enable_colors(table, ctl->colour);
		r = scols_print_table(table);
	}
	if (r == 0)
		return EXIT_FINE;
	output_error("cannot print the table: %s", strerror(-r));
	return EXIT_FAULT;
}

int output_rows(struct ctl *ctl, const char *name, struct json_object *rows, const struct column *columns,
		size_t count, const char *none)
{
	if (ctl->json) {
		_cleanup_tree_ struct json_object *named = json_object_new_object();

		json_object_object_add(named, name, json_object_get(rows));
		output_json(named);
		return EXIT_FINE;
	}
	if (tree_count(rows) > 0)
		return print_table(ctl, rows, columns, count);
	puts(none);
	return EXIT_FINE;
}
