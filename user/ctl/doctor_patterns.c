/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns of readers' names, held against the readers that were seen. */
#include <string.h>

#include "ctl/doctor.h"
#include "lib/record.h"
#include "policy/rules.h"

/* What is known of one pattern. */
struct match {
	const char *pattern;
	bool any, matches; /* some reader was seen; one of them matches */
};

static void hold(struct match *match, const char *reader)
{
	match->any |= *reader != '\0';
	match->matches |= pattern_matches(match->pattern, reader);
}

static void hold_records(const struct doctor *doctor, struct match *match)
{
	_cleanup_names_ struct names names = {0};

	if (doctor_list(doctor, RECORD_DIR, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_free_ char *path = NULL, *text = NULL;
		struct login_record record;
		struct record_error error;

		if (asprintf(&path, RECORD_DIR "/%s", names.names[i]) < 0)
			path = NULL;
		else if (doctor_read(doctor, path, &text) >= 0 &&
			 record_parse(text, strlen(text), &record, &error) >= 0)
			hold(match, record.card.name);
	}
}

bool doctor_reader_seen(const struct doctor *doctor, const char *pattern)
{
	struct match match = {.pattern = pattern};

	for (size_t i = 0; i < tree_count(doctor->readers); i++)
		hold(&match, tree_string(json_object_array_get_idx(doctor->readers, i), "name"));
	hold_records(doctor, &match);
	return match.matches || !match.any;
}
