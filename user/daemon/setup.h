/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The daemon's start, in named steps. */
#include <stddef.h>

struct daemon;

#define SETUP_AFTER_MAX 4

struct setup_step {
	const char *name;
	int (*run)(struct daemon *daemon);	/* 0, or a negative errno: the daemon does not start */
	const char *after[SETUP_AFTER_MAX + 1]; /* the steps that must have been taken; NULL ends them */
};

/* In the order in which they are taken; a step without a name ends them. */
extern const struct setup_step setup_steps[];

/* Takes each step. 0, or the negative errno of the first that fails. daemon_free() undoes what was set up. */
int setup_run(struct daemon *daemon);
