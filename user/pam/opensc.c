/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/cleanup.h"
#include "pam/certificate.h"
#include "pam/token.h"

static bool are_twins(const char *a, const char *b)
{
	return strcmp(a, b) != 0 && strncmp(a, b, DESCRIPTION_SURE) == 0;
}

/* Characters that opensc.conf's strings cannot hold. */
static bool is_quotable(const char *name)
{
	return !strpbrk(name, "\"\\\n\r");
}

/*
 * OpenSC reads the program's own block beside "default", which stays. If a program has two blocks, the first
 * counts.
 */
static void write_block(FILE *file, const struct reader_state *cards, size_t count, size_t shown)
{
	const char *separator = "";

	fputs("app opensc-pkcs11 {\n ignored_readers = ", file);
	for (size_t i = 0; i < count; i++)
		if (are_twins(cards[shown].name, cards[i].name) && is_quotable(cards[i].name)) {
			fprintf(file, "%s\"%s\"", separator, cards[i].name);
			separator = ", ";
		}
	fputs(";\n}\n", file);
}

/* Debian's place for it, and that of other distributions. */
static void copy_machine_file(FILE *file)
{
	static const char *const paths[] = {"/etc/opensc/opensc.conf", "/etc/opensc.conf"};
	char buffer[4096];
	size_t size;

	for (size_t i = 0; i < ELEMENTS(paths); i++) {
		_cleanup_fclose_ FILE *from = fopen(paths[i], "re");

		while (from && (size = fread(buffer, 1, sizeof(buffer), from)) > 0)
			fwrite(buffer, 1, size, file);
	}
}

static bool has_quotable_twin(const struct reader_state *cards, size_t count, size_t shown)
{
	for (size_t i = 0; i < count; i++)
		if (are_twins(cards[shown].name, cards[i].name) && is_quotable(cards[i].name))
			return true;
	return false;
}

void opensc_hide_twins(const struct reader_state *cards, size_t count, size_t shown)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[32];
	int fd, copy;

	if (!has_quotable_twin(cards, count, shown))
		return;
	fd = memfd_create("opensc.conf", 0);
	copy = fd < 0 ? -1 : dup(fd);
	file = copy < 0 ? NULL : fdopen(copy, "w");
	if (!file)
		return;
	write_block(file, cards, count, shown);
	copy_machine_file(file);
	/* The descriptor stays open: the name is valid as long as the process lives. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	setenv("OPENSC_CONF", path, 1);
}
