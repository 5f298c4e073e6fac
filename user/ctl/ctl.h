/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * scpolicyctl: what its verbs share. A verb is a row of the table in main.c; its function gets the words of
 * the command line after the options, the verb's own name first. It prints what went wrong in one line on
 * standard error, and returns the exit status.
 */
#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "lib/macro.h"

enum exit_status {
	EXIT_FINE = 0,
	EXIT_FAULT = 1, /* it failed, or a fault was found */
	EXIT_USAGE = 2,
	EXIT_NO_DAEMON = 3, /* the daemon does not run */
};

struct ctl {
	bool json;	   /* --json */
	bool colour;	   /* standard output is a terminal, and NO_COLOR is unset or empty */
	sd_bus *bus;	   /* the system bus; NULL until client_open() */
	const char *root;  /* --root=: the machine to look at; NULL: this one */
	bool live;	   /* --live */
	const char *xccdf; /* --xccdf-results= */
	bool metrics;	   /* --metrics */
};

typedef int (*verb_function)(struct ctl *ctl, int argc, char **argv);

struct verb {
	const char *name;
	verb_function run;
	int least, most;       /* arguments, without the verb's own name */
	const char *arguments; /* as the help shows them: "SESSION [CAUSE]" */
	const char *summary;   /* one line of the help */
	const char *help; /* what `scpolicyctl VERB --help` adds: what the verb is for, an example; or NULL */
};

/* Prints "scpolicyctl: …" on standard error. */
void output_error(const char *format, ...) _printf_(1, 2);

/* The verbs, one file for each group of them. */
int verb_status(struct ctl *ctl, int argc, char **argv);
int verb_sessions(struct ctl *ctl, int argc, char **argv);
int verb_readers(struct ctl *ctl, int argc, char **argv);
int verb_explain(struct ctl *ctl, int argc, char **argv);
int verb_simulate(struct ctl *ctl, int argc, char **argv);
int verb_monitor(struct ctl *ctl, int argc, char **argv);
int verb_replay(struct ctl *ctl, int argc, char **argv);
int replay_live(void); /* replay --live: from standard input to standard output */
int verb_notify(struct ctl *ctl, int argc, char **argv);
int verb_attach(struct ctl *ctl, int argc, char **argv);
int verb_reload(struct ctl *ctl, int argc, char **argv);
int verb_metrics(struct ctl *ctl, int argc, char **argv);
int verb_gpo(struct ctl *ctl, int argc, char **argv);
int verb_doctor(struct ctl *ctl, int argc, char **argv);
int verb_compliance(struct ctl *ctl, int argc, char **argv);
