/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The files of one machine's pam.d, for the doctor's walk in memory, and for libpam below a directory of our own. There
 * each module but those that decide by the service's name is a stand-in that returns what the table says.
 */
#include <stdbool.h>
#include <stddef.h>

#include "ctl/pam_modules.h"
#include "tests/unit/pam-stand-in.h"

#define PAM_SET_FILES 64
#define PAM_SET_LINES 60 /* of a file that get a line number of the stand-in's; ids are unique in all files */

struct pam_set {
	char *names[PAM_SET_FILES], *texts[PAM_SET_FILES];
	size_t count;
};

extern char pam_set_directory[];
extern struct stand_in *pam_set_table;

/* Of a group of tests. */
int pam_set_up(void **state);
int pam_set_down(void **state);

/* Takes the text over. */
void pam_set_add(struct pam_set *set, const char *name, char *text);
void pam_set_write(const struct pam_set *set, const char *service);
void pam_set_clear(struct pam_set *set);

/* A pam_reader of it. */
int pam_set_read(void *userdata, const char *name, char **ret_text, char **ret_path);

/* The stand-in's number of a line. */
unsigned pam_set_line(const struct pam_set *set, const struct pam_line *line);

/* libpam loads these themselves where one value is all that they can return. */
bool pam_set_is_real(const struct pam_line *line, enum pam_type type, const char *service);
