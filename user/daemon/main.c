/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdbool.h>

#include "cleanup.h"
#include "daemon.h"
#include "log.h"

DEFINE_CLEANUP(struct daemon *, daemon_free)

static const char usage[] = "Usage: scpolicyd [OPTION]\n"
			    "Lock the login session whose smart card or reader is taken away.\n\n"
			    "  -d, --debug    say more on standard error\n"
			    "  -h, --help     show this\n"
			    "  -V, --version  show the version\n\n"
			    "Usually started by systemd; see scpolicyd.service.\n";

/* A negative value: go on; else the exit status. */
static int parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"debug", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};

	for (;;) {
		switch (getopt_long(argc, argv, "dhV", options, NULL)) {
		case -1:
			if (optind == argc)
				return -1;
			fprintf(stderr, "scpolicyd: takes no argument: %s\n", argv[optind]);
			return 2;
		case 'd':
			log_set_debug(true);
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("scpolicyd " VERSION);
			return 0;
		default:
			return 2;
		}
	}
}

int main(int argc, char **argv)
{
	_cleanup_(daemon_free_p) struct daemon *daemon = NULL;
	int r;

	r = parse_options(argc, argv);
	if (r >= 0)
		return r;
	r = daemon_new(&daemon);
	if (r < 0)
		return EXIT_FAILURE;
	return daemon_run(daemon);
}
