/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* A directory with a PAM service that has our module, the helper that the module runs, and what it was asked. */
#include <limits.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/macro.h"

/* What libpam makes of PAM_IGNORE where no other module has a say. */
#define IGNORED PAM_PERM_DENIED

#define NOTE "READER=Reader 00 00\tSLOT=0\tATR=3BD5\tCOUNTER=7\t"

#define KEEP_REQUEST "cat > \"${0%/*}/$1\"\n"
/* Answers as the real one does when all is well. */
#define GOOD_HELPER                                                                                          \
	KEEP_REQUEST "printf 'RESULT=done\\nTEXT=done it\\n'\n"                                              \
		     "[ \"$1\" != look ] || printf 'NOTE=READER=Reader 00 "                                  \
		     "00\\tSLOT=0\\tATR=3BD5\\tCOUNTER=7\\t\\n'\n"

#define PAM_STAGE_LOG_SIZE 8192
extern char pam_stage_folder[64];
extern char pam_stage_module[PATH_MAX];
extern char pam_stage_logged[PAM_STAGE_LOG_SIZE]; /* by the module since pam_stage_set_helper() */

/* Of a group of tests. */
int pam_stage_make(void **state);
int pam_stage_remove(void **state);

/* A file of the directory. */
void pam_stage_put(const char *name, mode_t mode, const char *format, ...) _printf_(3, 4);

/* The helper from now on, and nothing asked yet; NULL: there is none. */
void pam_stage_set_helper(const char *script);

/* What the helper was last sent with a verb; "" when it was not run so. */
const char *pam_stage_asked(const char *verb);

/* A handle of a program; `arguments` are our lines'. */
pam_handle_t *pam_stage_start(const char *arguments, const char *user);
void pam_stage_put_environment(pam_handle_t *pamh, const char *const *variables, size_t count);
int pam_stage_answer_nothing(int count, const struct pam_message **messages, struct pam_response **responses,
			     void *data);
