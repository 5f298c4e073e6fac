/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/unit/pam_set.h"

char pam_set_directory[] = "/tmp/scpolicyd-pam-XXXXXX";
static char *modules;
struct stand_in *pam_set_table;

int pam_set_read(void *userdata, const char *name, char **ret_text, char **ret_path)
{
	const struct pam_set *set = userdata;

	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->names[i], name) == 0) {
			*ret_text = strdup(set->texts[i]);
			*ret_path = strdup(name);
			return 0;
		}
	return -ENOENT;
}

unsigned pam_set_line(const struct pam_set *set, const struct pam_line *line)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->names[i], line->file) == 0)
			return (unsigned)i * PAM_SET_LINES + line->line;
	fail_msg("no file %s", line->file);
	return 0;
}

void pam_set_add(struct pam_set *set, const char *name, char *text)
{
	assert_in_range(set->count, 0, PAM_SET_FILES - 1);
	set->names[set->count] = strdup(name);
	set->texts[set->count++] = text;
}

void pam_set_clear(struct pam_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		_cleanup_free_ char *path = NULL;

		assert_true(asprintf(&path, "%s/%s", pam_set_directory, set->names[i]) > 0);
		unlink(path);
		free(set->names[i]);
		free(set->texts[i]);
	}
	set->count = 0;
}

bool pam_set_is_real(const struct pam_line *line, enum pam_type type, const char *service)
{
	uint32_t returns = pam_module_returns(line, type, service);

	if (strcmp(line->module, "pam_permit.so") == 0 || strcmp(line->module, "pam_deny.so") == 0 ||
	    strcmp(line->module, "pam_debug.so") == 0)
		return true;
	return strcmp(line->module, "pam_succeed_if.so") == 0 && (returns & (returns - 1)) == 0;
}

/* The type of a line of a file, for pam_set_is_real(). */
static enum pam_type text_type(const char *text)
{
	text += strspn(text, " \t-");
	return strncasecmp(text, "session", 7) == 0 ? PAM_TYPE_SESSION : PAM_TYPE_AUTH;
}

/* A line for libpam: the module's name below our own directory, our id behind it; other files with their full names. */
static void write_line(FILE *file, const char *text, unsigned id, const char *service)
{
	const char *at = strstr(text, ".so"), *start = at;
	struct pam_line line = {.kind = PAM_MODULE};
	char name[64], arguments[512] = "";

	for (const char *word = strstr(text, "include"); word; word = NULL)
		if (text[0] == '@' || !at) {
			word += strlen("include");
			word += strspn(word, " \t");
			fprintf(file, "%.*s%s/%s\n", (int)(word - text), text, pam_set_directory, word);
			return;
		}
	for (const char *word = strstr(text, "substack"); word && !at; word = NULL) {
		word += strlen("substack");
		word += strspn(word, " \t");
		fprintf(file, "%.*s%s/%s\n", (int)(word - text), text, pam_set_directory, word);
		return;
	}
	while (start && start > text && !strchr(" \t/", start[-1]))
		start--;
	if (!at || text[strspn(text, " \t")] == '#') {
		fprintf(file, "%s\n", text);
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(at + 3 - start), start);
	snprintf(arguments, sizeof(arguments), "%.*s", (int)strcspn(at + 3, "#"), at + 3);
	line.module = name;
	line.arguments = arguments;
	if (pam_set_is_real(&line, text_type(text), service)) {
		fprintf(file, "%s\n", text);
		return;
	}
	{
		_cleanup_free_ char *link = NULL;

		assert_true(asprintf(&link, "%s/%s", modules, name) > 0);
		if (access(link, F_OK) != 0) {
			_cleanup_free_ char *real = realpath("build/san/tests/pam-stand-in.so", NULL);

			assert_int_equal(symlink(real, link), 0);
		}
	}
	while (start > text && !strchr(" \t", start[-1]))
		start--;
	fprintf(file, "%.*s%s/%s%s id=%u\n", (int)(start - text), text, modules, name, arguments, id);
}

void pam_set_write(const struct pam_set *set, const char *service)
{
	for (size_t i = 0; i < set->count; i++) {
		_cleanup_free_ char *path = NULL, *copy = strdup(set->texts[i]);
		_cleanup_fclose_ FILE *file = NULL;
		char *rest = copy;
		unsigned number = 0;

		assert_true(asprintf(&path, "%s/%s", pam_set_directory, set->names[i]) > 0);
		file = fopen(path, "we");
		assert_non_null(file);
		for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
			write_line(file, line, (unsigned)i * PAM_SET_LINES + ++number, service);
	}
}

int pam_set_up(void **state _unused_)
{
	void *module = dlopen("build/san/tests/pam-stand-in.so", RTLD_NOW | RTLD_NODELETE);

	pam_set_table = module ? dlsym(module, "stand_in") : NULL;
	if (!pam_set_table || !mkdtemp(pam_set_directory) ||
	    asprintf(&modules, "%s/modules", pam_set_directory) < 0)
		return -1;
	return mkdir(modules, 0700);
}

int pam_set_down(void **state _unused_)
{
	DIR *open = opendir(modules);
	struct dirent *entry;

	while (open && (entry = readdir(open)))
		unlinkat(dirfd(open), entry->d_name, 0);
	if (open)
		closedir(open);
	rmdir(modules);
	free(modules);
	return rmdir(pam_set_directory);
}
