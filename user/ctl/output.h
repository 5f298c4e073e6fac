/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Tables, JSON and colour on standard output. */
#include <stddef.h>

#include <libsmartcols/libsmartcols.h>

#include "ctl/ctl.h"
#include "ctl/tree.h"

/* Escape sequences, or "" where no colour is wanted. */
enum paint { PAINT_OFF, PAINT_BOLD, PAINT_DIM, PAINT_GOOD, PAINT_WARN, PAINT_BAD };
const char *output_paint(const struct ctl *ctl, enum paint paint);

/* "     label: …", labels right-aligned; a line. Label "": one more line of the field before. */
void output_field(const char *label, const char *format, ...) _printf_(2, 3);

struct column {
	const char *key;		       /* of the row's object */
	const char *title;		       /* in capitals */
	int flags;			       /* SCOLS_FL_… */
	enum paint (*paint)(const char *text); /* of a cell with this text; NULL: no column of colours */
};

/*
 * Prints an array of objects as a table, or with --json as {"name": [...]} with everything that the objects
 * hold. For an empty array it prints the sentence `none`. Returns 0, or an exit status after printing what
 * went wrong.
 */
int output_rows(struct ctl *ctl, const char *name, struct json_object *rows, const struct column *columns,
		size_t count, const char *none);

/* Indented, with a newline; always valid: strings hold UTF-8, control characters are escaped. */
void output_json(struct json_object *tree);
/* The same in one line. Flushed, so that a reader at the other end of a pipe gets it at once. */
void output_json_line(struct json_object *tree);
