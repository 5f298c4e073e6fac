/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No text makes config_parse() misbehave, what it refuses
 * it refuses with a printable sentence, and what it takes decides about sessions.
 */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void resolve(const struct rules *rules, const struct session_facts *facts)
{
	struct governance governance = rules_resolve(rules, facts);

	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
		const struct settings *settings = governance.by_cause[cause];

		assert(settings->action < ACTION_COUNT && settings->then < ACTION_COUNT);
		assert(settings->then != ACTION_LOCK);
		assert(settings->confirm <= 60 * NSEC_PER_SEC && settings->lock_timeout > 0);
		assert(!settings->rule[0] || rules_find(rules, settings->rule));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const groups[] = {"users", "wheel"};
	static const struct session_facts unknown, known = {.user = "anna",
							    .service = "login",
							    .reader = "Foo 00 00",
							    .groups = groups,
							    .group_count = 2,
							    .kind = KIND_LOCAL | KIND_TTY};
	struct config config;
	struct config_error error = {""};
	FILE *stream;

	/* fmemopen() refuses none at all. */
	if (size == 0)
		return 0;
	stream = fmemopen((void *)data, size, "r");
	assert(stream && rules_new(&config.rules) == 0);
	if (config_parse(stream, "fuzz", config.rules, &error) < 0) {
		assert(strncmp(error.text, "fuzz:", 5) == 0);
		for (const char *c = error.text; *c; c++)
			assert(!iscntrl((unsigned char)*c));
	} else {
		rules_complete(config.rules);
		resolve(config.rules, &unknown);
		resolve(config.rules, &known);
	}
	config_free(&config);
	fclose(stream);
	return 0;
}
