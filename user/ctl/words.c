/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/macro.h"

/* ---- what may have been meant --------------------------------------------------------------------------- */

#define WORD_MAX 32

static size_t least_of(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein's distance: letters added, left out or exchanged. */
static size_t word_distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], length = strlen(b);

	if (strlen(a) > WORD_MAX || length > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= length; i++)
		row[i] = i;
	for (size_t j = 1; *a; a++, j++) {
		size_t diagonal = row[0];

		row[0] = j;
		for (size_t i = 1; i <= length; i++) {
			size_t above = row[i];

			row[i] = least_of(above + 1, row[i - 1] + 1, diagonal + (*a != b[i - 1]));
			diagonal = above;
		}
	}
	return row[length];
}

const char *nearest_word(const char *word, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	size_t length = strlen(word), best = length / 2 + 1;

	for (size_t i = 0; i < count; i++) {
		bool begun = length >= 2 && strncmp(words[i], word, length) == 0;
		size_t distance = begun ? 0 : word_distance(word, words[i]);

		if (distance >= best)
			continue;
		best = distance;
		nearest = words[i];
	}
	return nearest;
}

/* ---- times ---------------------------------------------------------------------------------------------- */

const char *span_text(uint64_t usec, char buffer[static SPAN_SIZE])
{
	static const struct {
		const char *unit, *smaller;
		uint64_t seconds, smaller_seconds;
	} units[] = {
		{"d", "h", 86400, 3600},
		{"h", "min", 3600, 60},
		{"min", "s", 60, 1},
	};
	uint64_t seconds = usec / USEC_PER_SEC;

	for (size_t i = 0; i < ELEMENTS(units); i++) {
		uint64_t rest = seconds % units[i].seconds / units[i].smaller_seconds;

		if (seconds < units[i].seconds)
			continue;
		if (rest)
			snprintf(buffer, SPAN_SIZE, "%llu %s %llu %s",
				 (unsigned long long)(seconds / units[i].seconds), units[i].unit,
				 (unsigned long long)rest, units[i].smaller);
		else
			snprintf(buffer, SPAN_SIZE, "%llu %s",
				 (unsigned long long)(seconds / units[i].seconds), units[i].unit);
		return buffer;
	}
	if (seconds)
		snprintf(buffer, SPAN_SIZE, "%llu s", (unsigned long long)seconds);
	else
		snprintf(buffer, SPAN_SIZE, "%llu ms", (unsigned long long)(usec / 1000));
	return buffer;
}

const char *offset_text(uint64_t usec, char buffer[static SPAN_SIZE])
{
	if (usec < 10 * USEC_PER_SEC)
		snprintf(buffer, SPAN_SIZE, "+%.1f ms", (double)usec / 1000);
	else
		snprintf(buffer, SPAN_SIZE, "+%.1f s", (double)usec / USEC_PER_SEC);
	return buffer;
}

static uint64_t clock_usec(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

uint64_t monotonic_usec(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

uint64_t realtime_usec(void)
{
	return clock_usec(CLOCK_REALTIME);
}
