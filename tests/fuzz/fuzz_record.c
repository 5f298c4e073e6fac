/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No text makes record_parse() misbehave, and what it takes is
 * written and read back as the same.
 */
#include <assert.h>
#include <string.h>

#include "lib/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct login_record record, again;
	char text[RECORD_FILE_MAX], text_again[RECORD_FILE_MAX];
	struct record_error error = {""};
	ssize_t length;

	if (record_parse((const char *)data, size, &record, &error) < 0) {
		assert(error.text[0]);
		return 0;
	}
	length = record_format(&record, text, sizeof(text));
	assert(length > 0);
	assert(record_parse(text, (size_t)length, &again, &error) == 0);
	assert(record_format(&again, text_again, sizeof(text_again)) == length);
	assert(strcmp(text, text_again) == 0);
	return 0;
}
