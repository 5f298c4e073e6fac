/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/places.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLANKS	   " \t"
#define PLACES_ARE "none, or a list of xrdp and absolute paths"
#define XRDP_PATH  "%h/.pcsc%d/pcscd.comm"

bool places_next(const char **list, char ret_place[static PLACES_SIZE])
{
	const char *from = *list + strspn(*list, BLANKS);
	size_t length = strcspn(from, BLANKS);

	*list = from + length;
	if (!length || length >= PLACES_SIZE)
		return false;
	memcpy(ret_place, from, length);
	ret_place[length] = '\0';
	return true;
}

/* ---- checks ------------------------------------------------------------------------------------------------ */

static bool specifiers_known(const char *place)
{
	for (const char *c = strchr(place, '%'); c; c = strchr(c + 2, '%'))
		if (!c[1] || !strchr("huid%", c[1]))
			return false;
	return true;
}

static const char *wrong_with_place(const char *place)
{
	if (strcmp(place, PLACE_XRDP) == 0)
		return NULL;
	if (strcmp(place, PLACES_NONE) == 0)
		return "none alone, nor a list without none";
	if (place[0] != '/' && strncmp(place, "%h/", 3) != 0)
		return PLACES_ARE;
	if (!specifiers_known(place))
		return "a list of paths in which % stands before h, u, i, d or %";
	return strlen(place) >= PLACE_SIZE ? "a list of paths of at most 107 bytes" : NULL;
}

const char *places_wrong(const char *value)
{
	char place[PLACES_SIZE];
	const char *wrong = NULL;
	unsigned count = 0;

	if (strcmp(value, PLACES_NONE) == 0)
		return NULL;
	if (strlen(value) >= PLACES_SIZE)
		return "short enough";
	while (!wrong && places_next(&value, place)) {
		wrong = wrong_with_place(place);
		count++;
	}
	return count > 0 ? wrong : PLACES_ARE;
}

bool place_is_for(const char *place, bool xrdp)
{
	return strcmp(place, PLACES_NONE) != 0 && (strcmp(place, PLACE_XRDP) == 0) == xrdp;
}

/* ---- paths ------------------------------------------------------------------------------------------------- */

/* What stands for %`letter`, which places_wrong() has let through. NULL: there is no such thing. */
static const char *value_of(char letter, const struct place_owner *owner, char number[static 16])
{
	switch (letter) {
	case 'h':
		return owner->home;
	case 'u':
		return owner->name;
	case 'i':
		snprintf(number, 16, "%u", owner->uid);
		return number;
	case 'd':
		snprintf(number, 16, "%d", owner->display);
		return owner->display < 0 ? NULL : number;
	default:
		return "%";
	}
}

int place_path(const char *place, const struct place_owner *owner, char ret_path[static PLACE_SIZE])
{
	char path[PLACE_SIZE], number[16];
	size_t used = 0;

	for (const char *c = strcmp(place, PLACE_XRDP) == 0 ? XRDP_PATH : place; *c; c++) {
		bool stands_for = *c == '%' && c[1];
		const char *text = stands_for ? value_of(*++c, owner, number) : c;
		size_t length = !text ? 0 : stands_for ? strlen(text) : 1;

		if (!text)
			return -ENXIO;
		if (length >= sizeof(path) - used)
			return -ENAMETOOLONG;
		memcpy(path + used, text, length);
		used += length;
	}
	path[used] = '\0';
	memcpy(ret_path, path, used + 1);
	return 0;
}
