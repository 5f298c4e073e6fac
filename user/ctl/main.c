/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static const struct verb verbs[] = {
	{"status", verb_status, 0, 0, "", "is it on, who is governed by what, what is wrong (the default)", NULL},
	{"sessions", verb_sessions, 0, 0, "", "the sessions that a card opened", NULL},
	{"readers", verb_readers, 0, 0, "", "the readers, and what watches them", NULL},
	{"metrics", verb_metrics, 0, 0, "", "what happened since the daemon started, counted, as OpenMetrics text", NULL},
	{"reload", verb_reload, 0, 0, "", "read the configuration anew", NULL},
};

void complain(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("scpolicyctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

/* ---- words that are nearly right ------------------------------------------------------------------------ */

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
	size_t best = strlen(word) / 2 + 1;

	for (size_t i = 0; i < count; i++) {
		size_t distance = word_distance(word, words[i]);

		if (strlen(word) >= 2 && strncmp(words[i], word, strlen(word)) == 0)
			distance = 0;
		if (distance >= best)
			continue;
		best = distance;
		nearest = words[i];
	}
	return nearest;
}

/* ---- help ----------------------------------------------------------------------------------------------- */

static void show_help(void)
{
	puts("Usage: scpolicyctl [OPTION...] [VERB] [ARGUMENT...]\n"
	     "See what scpolicyd, the smart card removal policy service, guards and does.\n");
	for (size_t i = 0; i < ELEMENTS(verbs); i++) {
		char synopsis[64];

		snprintf(synopsis, sizeof(synopsis), "%s %s", verbs[i].name, verbs[i].arguments);
		printf("  %-26s %s\n", synopsis, verbs[i].summary);
	}
	puts("\n"
	     "  -j, --json                 JSON instead of text for people\n"
	     "  -h, --help                 show this; after a verb, more about that verb\n"
	     "  -V, --version              show the version\n\n"
	     "Exit status: 0 fine, 1 it failed or a fault was found, 2 usage, 3 the daemon does not run.\n"
	     "More: scpolicyctl(1), scpolicyd.conf(5).");
}

static void show_verb_help(const struct verb *verb)
{
	printf("Usage: scpolicyctl %s%s%s\n%c%s.\n", verb->name, *verb->arguments ? " " : "", verb->arguments,
	       verb->summary[0] - 'a' + 'A', verb->summary + 1);
	if (verb->help)
		printf("\n%s\n", verb->help);
}

/* ---- verbs ---------------------------------------------------------------------------------------------- */

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ELEMENTS(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

static int unknown_verb(const char *name)
{
	const char *names[ELEMENTS(verbs)], *nearest;

	for (size_t i = 0; i < ELEMENTS(verbs); i++)
		names[i] = verbs[i].name;
	nearest = nearest_word(name, names, ELEMENTS(names));
	if (nearest)
		complain("no verb \"%s\"; did you mean \"%s\"?", name, nearest);
	else
		complain("no verb \"%s\"; scpolicyctl --help lists them", name);
	return EXIT_USAGE;
}

static int wrong_count(const struct verb *verb, int count)
{
	if (count < verb->least)
		complain("%s wants: scpolicyctl %s %s", verb->name, verb->name, verb->arguments);
	else if (verb->most == 0)
		complain("%s takes no argument", verb->name);
	else
		complain("too many arguments: scpolicyctl %s %s", verb->name, verb->arguments);
	return EXIT_USAGE;
}

static int run_verb(struct ctl *ctl, bool help, int argc, char **argv)
{
	static char *status[] = {(char *)"status", NULL};
	const struct verb *verb;

	if (argc == 0) {
		argc = 1;
		argv = status;
	}
	verb = find_verb(argv[0]);
	if (!verb)
		return unknown_verb(argv[0]);
	if (help) {
		show_verb_help(verb);
		return EXIT_FINE;
	}
	if (argc - 1 < verb->least || argc - 1 > verb->most)
		return wrong_count(verb, argc - 1);
	return verb->run(ctl, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct ctl ctl = {.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR")};
	bool help = false;
	int option, status;

	setlocale(LC_ALL, "");
	while ((option = getopt_long(argc, argv, "jhV", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			ctl.json = true;
			break;
		case 'h':
			help = true;
			break;
		case 'V':
			puts("scpolicyctl " VERSION);
			return EXIT_FINE;
		default:
			return EXIT_USAGE;
		}
	}
	if (help && optind == argc) {
		show_help();
		return EXIT_FINE;
	}
	status = run_verb(&ctl, help, argc - optind, argv + optind);
	sd_bus_flush_close_unref(ctl.bus);
	return status;
}
