/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reader-id/driver_list.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(literal) (literal), sizeof(literal) - 1

static bool skip(const char **at, const char *word, size_t length)
{
	if (strncmp(*at, word, length) != 0)
		return false;
	*at += length;
	return true;
}

/* Behind the next `end`; false: there is none. */
static bool skip_past(const char **at, const char *end)
{
	const char *found = strstr(*at, end);

	if (found)
		*at = found + strlen(end);
	return found;
}

/* The next tag that is no comment, up to behind its '<'; false: there is none. */
static bool next_tag(const char **at)
{
	while (skip_past(at, "<")) {
		if (!skip(at, TEXT("!--")))
			return true;
		if (!skip_past(at, "-->"))
			return false;
	}
	return false;
}

/* NULL: no such array. */
static const char *find_array(const char *text, const char *key)
{
	const char *at = text;

	while (next_tag(&at)) {
		if (!skip(&at, TEXT("key>")) || !skip(&at, key, strlen(key)) || !skip(&at, TEXT("</key>")))
			continue;
		return next_tag(&at) && skip(&at, TEXT("array>")) ? at : NULL;
	}
	return NULL;
}

/* False: the array ends. What is no number counts as one: the arrays stay in step. */
static bool next_number(const char **at, unsigned long *ret)
{
	while (next_tag(at)) {
		if (skip(at, TEXT("string>"))) {
			*ret = strtoul(*at, NULL, 0);
			return true;
		}
		if (skip(at, TEXT("/array>")))
			return false;
	}
	return false;
}

bool driver_list_names(const char *text, uint16_t vendor, uint16_t product)
{
	const char *vendors = find_array(text, "ifdVendorID"), *products = find_array(text, "ifdProductID");
	unsigned long one, other;

	if (!vendors || !products)
		return false;
	while (next_number(&vendors, &one) && next_number(&products, &other))
		if (one == vendor && other == product)
			return true;
	return false;
}
