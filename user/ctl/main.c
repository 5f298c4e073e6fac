/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/words.h"
#include "policy/cause.h"

static const struct verb verbs[] = {
	{"status", verb_status, 0, 0, "", "is it on, who is governed by what, what is wrong (the default)",
	 NULL},
	{"sessions", verb_sessions, 0, 0, "", "the sessions that a card opened, and what governs them",
	 "STATE is guarded (the card is in), away (it was removed, and the\n"
	 "daemon acted on that) or pending (something is still to come). An ordinary user sees\n"
	 "their own sessions."},
	{"readers", verb_readers, 0, 0, "", "the readers, and who listens to them",
	 "PROBE says whether the kernel probe listens: then the daemon notices a\n"
	 "removal in the millisecond in which it happens."},
	{"explain", verb_explain, 0, 1, "[SESSION]", "what governs a session, and where that is written",
	 "SESSION is an id as loginctl has it; without one, or with \"self\", your own.\n\n"
	 "  scpolicyctl explain 12"},
	{"simulate", verb_simulate, 0, 2, "[SESSION] CAUSE", "what would be done; does nothing",
	 CAUSES_HELP "\n"
		     "  scpolicyctl simulate 12 card\n"
		     "  scpolicyctl simulate reader        your own session"},
	{"monitor", verb_monitor, 0, 0, "", "what happens, while it happens, until Ctrl-C",
	 "One line an event; SINCE is counted from the removal, by the kernel's own stamp if\n"
	 "the probe heard it. With --json one object a line.\n\n"
	 "  scpolicyctl monitor --json | jq 'select(.event == \"outcome\")'"},
	{"replay", verb_replay, 0, 1, "FILE|--live",
	 "what a recording says, and whether this version says the same",
	 "scpolicyd --record=FILE makes one. Exit status 1 where it differs.\n\n"
	 "  --live                     lines of a recording from standard input; prints what is\n"
	 "                             decided after each. \"?\" shows the sessions\n\n"
	 "  scpolicyctl replay removal.trace\n"
	 "  scpolicyctl replay --live < removal.trace"},
	{"doctor", verb_doctor, 0, 0, "", "what would keep a removal from being acted on, and what helps",
	 "Looks at the service, its installation and configuration, PAM, pcscd, readers, records,\n"
	 "sessions and the desktop. Exit status 1 when it finds a fault. As root it sees more,\n"
	 "and says what it could not see.\n\n"
	 "  --root=DIR                 look at the files of a machine whose root directory is DIR\n"
	 "  --metrics                  only how many findings, as OpenMetrics text; exit status 0\n\n"
	 "  scpolicyctl doctor --json | jq '.findings[] | select(.severity == \"fault\")'"},
	{"compliance", verb_compliance, 0, 0, "",
	 "evidence for an auditor: one verdict a rule, and what it rests on",
	 "Whether sessions lock on removal, by which line of policy, for every kind of connection;\n"
	 "who may change that; whether the daemon and its probe are on; what came of the last\n"
	 "removal. Exit status 1 if a rule fails, or could not be looked at. Run it as root.\n\n"
	 "  --xccdf-results=FILE       write it as XCCDF 1.2 too, for oscap and what reads that\n"
	 "  --root=DIR                 look at the files of a machine whose root directory is DIR\n\n"
	 "  scpolicyctl compliance --json | jq '.rules[] | select(.result != \"pass\")'"},
	{"gpo", verb_gpo, 0, INT_MAX, "[FILE...]", "what Windows policy files say, and which of them wins",
	 "FILE is a security template, GptTmpl.inf; without one, those that SSSD, Samba or adsys\n"
	 "keep here for this machine. Exit status 1 if one cannot be understood.\n\n"
	 "  scpolicyctl gpo GptTmpl.inf        ScRemoveOption=1 -> lock"},
	{"metrics", verb_metrics, 0, 0, "",
	 "what happened since the daemon started, counted, as OpenMetrics text", NULL},
	{"notify", verb_notify, 0, 0, "", "show removals of your own cards on the desktop, until logout",
	 "Desktops start it by themselves (/etc/xdg/autostart/scpolicyctl-notify.desktop); for sway,\n"
	 "add this line to its configuration: exec scpolicyctl notify. It counts down to a logout\n"
	 "that unlocking prevents."},
	{"attach", verb_attach, 0, 1, "[SOCKET]", "have the card at this session's client guard it",
	 "SOCKET is a connection to the client's pcscd, as ssh forwards it, or xrdp's. Without one:\n"
	 "$PCSCLITE_CSOCK_NAME, else xrdp's of $DISPLAY, else /run/user/UID/pcscd.comm. It is let go\n"
	 "when the shell that called this ends.\n\n"
	 "  scpolicyctl attach"},
	{"reload", verb_reload, 0, 0, "", "read the configuration again",
	 "A faulty file is refused, named with its line, and the policy in force stays."},
};

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
	     "  -h, --help                 show this; after a verb, more about that verb;\n"
	     "                             so does: scpolicyctl help [VERB]\n"
	     "  -V, --version              show the version\n\n"
	     "Examples:\n"
	     "  scpolicyctl                at a glance\n"
	     "  scpolicyctl simulate card  what pulling your card would do now\n"
	     "  scpolicyctl explain 12     why session 12 is governed as it is: rule, file, line\n"
	     "  scpolicyctl monitor        then pull it, and see what happens when\n\n"
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
		output_error("no verb \"%s\"; did you mean \"%s\"?", name, nearest);
	else
		output_error("no verb \"%s\"; scpolicyctl --help lists them", name);
	return EXIT_USAGE;
}

/* What getopt_long() stopped at: ':' for a missing value, else '?'. */
static int wrong_option(int option, const char *word)
{
	if (option == ':')
		output_error("%s wants a value; scpolicyctl --help tells more", word);
	else if (optopt)
		output_error("option -%c is not understood; scpolicyctl --help lists them", optopt);
	else
		output_error("option %s is not understood; scpolicyctl --help lists them", word);
	return EXIT_USAGE;
}

static int wrong_count(const struct verb *verb, int count)
{
	if (count < verb->least)
		output_error("%s wants: scpolicyctl %s %s", verb->name, verb->name, verb->arguments);
	else if (verb->most == 0)
		output_error("%s takes no argument", verb->name);
	else
		output_error("too many arguments: scpolicyctl %s %s", verb->name, verb->arguments);
	return EXIT_USAGE;
}

static bool options_fit(const struct ctl *ctl, verb_function run)
{
	const struct {
		bool given;
		verb_function verb, other;
		const char *wrong;
	} limited[] = {
		{ctl->root, verb_doctor, verb_compliance, "--root= is for doctor and compliance alone"},
		{ctl->xccdf, verb_compliance, NULL, "--xccdf-results= is for compliance alone"},
		{ctl->metrics, verb_doctor, NULL, "--metrics is for doctor alone"},
		{ctl->live, verb_replay, NULL, "--live is for replay alone"},
	};

	for (size_t i = 0; i < ELEMENTS(limited); i++) {
		if (!limited[i].given || run == limited[i].verb || run == limited[i].other)
			continue;
		output_error("%s", limited[i].wrong);
		return false;
	}
	return true;
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
	if (!options_fit(ctl, verb->run))
		return EXIT_USAGE;
	if (argc - 1 < verb->least || argc - 1 > verb->most)
		return wrong_count(verb, argc - 1);
	return verb->run(ctl, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},    {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'}, {"root", required_argument, NULL, 'r'},
		{"live", no_argument, NULL, 'l'},    {"xccdf-results", required_argument, NULL, 'x'},
		{"metrics", no_argument, NULL, 'm'}, {NULL, 0, NULL, 0},
	};
	const char *no_colour = getenv("NO_COLOR");
	struct ctl ctl = {.colour = isatty(STDOUT_FILENO) && (!no_colour || !*no_colour)};
	bool help = false;
	int option, status;

	setlocale(LC_ALL, "");
	while ((option = getopt_long(argc, argv, ":jhV", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			ctl.json = true;
			break;
		case 'h':
			help = true;
			break;
		case 'r':
			ctl.root = optarg;
			break;
		case 'l':
			ctl.live = true;
			break;
		case 'x':
			ctl.xccdf = optarg;
			break;
		case 'm':
			ctl.metrics = true;
			break;
		case 'V':
			puts("scpolicyctl " VERSION);
			return EXIT_FINE;
		default:
			return wrong_option(option, argv[optind - 1]);
		}
	}
	if (optind < argc && strcmp(argv[optind], "help") == 0) {
		help = true;
		optind++;
	}
	if (help && optind == argc) {
		show_help();
		return EXIT_FINE;
	}
	status = run_verb(&ctl, help, argc - optind, argv + optind);
	sd_bus_flush_close_unref(ctl.bus);
	return status;
}
