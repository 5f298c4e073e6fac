/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scpolicyd-reader-id VENDOR PRODUCT: is that USB device a smart card reader, by the lists of pcscd's drivers?
 * 0: yes; 1: no; 2: these are no ids. 70-scpolicyd.rules asks it about devices whose interfaces do not say so.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "reader-id/driver_list.h"

#define DRIVERS	  PCSCDRIVERDIR "/*.bundle/Contents/Info.plist"
#define LIST_SIZE (1U << 20) /* libccid's has 60 KiB; what is larger is read so far */

static bool parse_id(const char *text, uint16_t *ret)
{
	unsigned long id;
	char *end;

	if (strlen(text) != 4 || strspn(text, "0123456789abcdefABCDEF") != 4)
		return false;
	id = strtoul(text, &end, 16);
	*ret = (uint16_t)id;
	return *end == '\0';
}

static bool names(const char *path, char *text, uint16_t vendor, uint16_t product)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	text[fread(text, 1, LIST_SIZE - 1, file)] = '\0';
	return driver_list_names(text, vendor, product);
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *text = malloc(LIST_SIZE);
	uint16_t vendor, product;
	glob_t found = {0};
	bool named = false;

	if (!text || argc != 3 || !parse_id(argv[1], &vendor) || !parse_id(argv[2], &product)) {
		fprintf(stderr, "usage: scpolicyd-reader-id VENDOR PRODUCT (four hexadecimal digits each)\n");
		return 2;
	}
	if (glob(DRIVERS, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && !named; i++)
			named = names(found.gl_pathv[i], text, vendor, product);
	globfree(&found);
	return named ? 0 : 1;
}
