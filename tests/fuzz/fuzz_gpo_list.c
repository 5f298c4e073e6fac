/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No text makes gpo_list_read() misbehave, and no id that it tells of leads out of a folder. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "config/gpo_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_policy(void *userdata, const char *id)
{
	size_t *count = userdata;

	assert(strlen(id) >= 3 && *id == '{' && !strpbrk(id, "./"));
	return ++*count > 100 ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[96] = "";
	size_t count = 0;

	if (gpo_list_read((const char *)data, size, on_policy, &count, error, sizeof(error)) == 0)
		assert(!*error);
	return 0;
}
