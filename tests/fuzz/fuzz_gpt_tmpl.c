/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No bytes make gpt_tmpl_parse() misbehave, and what it refuses it refuses with a printable sentence and a line. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "config/gpt_tmpl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpt_tmpl template;
	int r = gpt_tmpl_parse((const char *)data, size, &template);

	assert(template.option <= SC_REMOVE_NOT_SET);
	if (r == 0) {
		assert((template.line > 0) == (template.option != SC_REMOVE_NOT_SET) && !template.error[0]);
		return 0;
	}
	assert(template.option == SC_REMOVE_NOT_SET && template.line > 0 && template.error[0]);
	for (const char *c = template.error; *c; c++)
		assert(isprint((unsigned char)*c));
	return 0;
}
