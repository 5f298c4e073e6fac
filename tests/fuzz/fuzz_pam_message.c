/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No text makes the two ends of the PAM module's pipe misbehave, and what a request or a reply parses to is
 * written and read back as the same. The first byte chooses the verb.
 */
#include <assert.h>
#include <string.h>

#include "lib/macro.h"
#include "lib/pam_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(enum pam_verb verb, const char *text, size_t size)
{
	char first[PAM_MESSAGE_MAX], second[PAM_MESSAGE_MAX];
	struct record_error error = {""};
	struct pam_request parsed, again;
	ssize_t length;

	if (pam_request_parse(verb, text, size, &parsed, &error) < 0) {
		assert(error.text[0]);
		return;
	}
	length = pam_request_format(verb, &parsed, first, sizeof(first), &error);
	if (length < 0)
		return;
	assert(pam_request_parse(verb, first, (size_t)length, &again, &error) == 0);
	assert(pam_request_format(verb, &again, second, sizeof(second), &error) == length);
	assert(memcmp(first, second, (size_t)length) == 0);
}

static void reply(const char *text, size_t size)
{
	char first[PAM_MESSAGE_MAX];
	struct record_error error = {""};
	struct pam_reply parsed, again;
	ssize_t length;

	if (pam_reply_parse(text, size, &parsed, &error) < 0)
		return;
	length = pam_reply_format(&parsed, first, sizeof(first), &error);
	if (length >= 0)
		assert(pam_reply_parse(first, (size_t)length, &again, &error) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 4 <= PAM_VERB_REBIND)
		request(data[0] % 4, (const char *)data + 1, size - 1);
	else
		reply((const char *)data + 1, size - 1);
	return 0;
}
