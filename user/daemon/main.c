/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/daemon.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "policy/replay.h"

DEFINE_CLEANUP(struct daemon *, daemon_free)

static const char usage[] =
	"Usage: scpolicyd [OPTION]\n"
	"Lock, log out or disconnect the login session whose smart card or reader is taken\n"
	"away, as scpolicyd.conf(5) says.\n\n"
	"  -d, --debug        say more on standard error\n"
	"  -r, --record=FILE  append every event and verdict to FILE, to be replayed\n"
	"  -R, --replay=FILE  put a recording through the core, print what it says; 1 if\n"
	"                     it does not say what was recorded\n"
	"  -h, --help         show this\n"
	"  -V, --version      show the version\n\n"
	"Usually started by systemd; see scpolicyd.service.\n";

static void print_event(void *userdata _unused_, const struct event *event _unused_, const char *line)
{
	puts(line);
}

static void print_verdict(void *userdata _unused_, const struct verdict *verdict _unused_, const char *line)
{
	printf("= %s\n", line);
}

static int replay_lines(struct replay *replay, FILE *recording)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int r = 0;

	while (r >= 0 && (length = getline(&line, &size, recording)) >= 0) {
		if (length > 0 && line[length - 1] == '\n')
			line[--length] = '\0';
		r = replay_bytes(replay, line, (size_t)length);
	}
	return r < 0 ? r : replay_end(replay);
}

static int replay_recording(const char *path)
{
	static const struct replay_handler handler = {print_event, print_verdict, NULL};
	_cleanup_(replay_free_p) struct replay *replay = NULL;
	_cleanup_fclose_ FILE *recording = fopen(path, "re");
	const struct replay_result *result;
	int r;

	if (!recording || replay_new(&handler, &replay) < 0) {
		fprintf(stderr, "scpolicyd: %s: %m\n", path);
		return EXIT_FAILURE;
	}
	r = replay_lines(replay, recording);
	result = replay_result(replay);
	if (r < 0)
		fprintf(stderr, "scpolicyd: %s: %s\n", path, result->error[0] ? result->error : strerror(-r));
	else
		fprintf(stderr, "%zu events, %zu verdicts, all as recorded\n", result->events,
			result->verdicts);
	return r < 0 ? EXIT_FAILURE : 0;
}

/* What getopt_long() stopped at: ':' for a missing value, else '?'. */
static int refuse_option(int option, const char *word)
{
	char letter[] = {'-', (char)optopt, '\0'};

	fprintf(stderr, "scpolicyd: %s %s; see scpolicyd --help\n", optopt && option != ':' ? letter : word,
		option == ':' ? "wants a value" : "is not understood");
	return 2;
}

/* A negative value: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct daemon_options *ret_options)
{
	static const struct option options[] = {
		{"debug", no_argument, NULL, 'd'},	  {"record", required_argument, NULL, 'r'},
		{"replay", required_argument, NULL, 'R'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},	  {NULL, 0, NULL, 0},
	};

	for (;;) {
		int option = getopt_long(argc, argv, ":dr:R:hV", options, NULL);

		switch (option) {
		case -1:
			if (optind == argc)
				return -1;
			fprintf(stderr, "scpolicyd: takes no argument: %s\n", argv[optind]);
			return 2;
		case 'd':
			log_set_debug(true);
			break;
		case 'r':
			ret_options->record = optarg;
			break;
		case 'R':
			return replay_recording(optarg);
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("scpolicyd " VERSION);
			return 0;
		default:
			return refuse_option(option, argv[optind - 1]);
		}
	}
}

int main(int argc, char **argv)
{
	_cleanup_(daemon_free_p) struct daemon *daemon = NULL;
	struct daemon_options options = {0};
	int r;

	r = parse_options(argc, argv, &options);
	if (r >= 0)
		return r;
	r = daemon_new(&options, &daemon);
	/* A refused configuration: to start again would change nothing. */
	if (r == -EBADMSG)
		return EX_CONFIG;
	if (r < 0)
		return EXIT_FAILURE;
	return daemon_run(daemon);
}
