/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A PAM service's stack as libpam builds it from its files (pam.conf(5), and Linux-PAM's pam_handlers.c for what that
 * leaves open). No I/O: the files come from a reader. Whatever the files hold, this ends, in memory bounded by the
 * limits below.
 */
#include <stdbool.h>
#include <stddef.h>

#include "ctl/pam_control.h"

#define PAM_DEPTH_MAX 16    /* of includes; libpam's PAM_SUBSTACK_MAX_LEVEL */
#define PAM_LINES_MAX 65536 /* of a stack, includes expanded */
#define PAM_READS_MAX 12000 /* files, each time that it is included */

enum pam_type { PAM_TYPE_AUTH, PAM_TYPE_ACCOUNT, PAM_TYPE_PASSWORD, PAM_TYPE_SESSION };

enum pam_kind {
	PAM_MODULE,
	PAM_SUBSTACK,  /* the beginning of a substack; its lines follow, one level deeper */
	PAM_MUST_FAIL, /* a line that libpam cannot use: it fails without a module */
};

struct pam_line {
	const char *file; /* the stack's */
	unsigned line;
	unsigned level; /* how many substacks deep */
	enum pam_kind kind;
	int actions[PAM_RETURNS]; /* for each value that the module may return */
	char *module;		  /* its file name without directories; "": none */
	char *path;		  /* as the line has it */
	char *arguments;
};

struct pam_stack {
	struct pam_line *lines;
	size_t count;
	char **files; /* what was read, each once; the service's own first */
	size_t file_count;
	bool refused;	 /* libpam gives the whole service up */
	bool unfinished; /* longer than this reads */
	/* The first thing that libpam would refuse; NULL: nothing. */
	const char *problem;
	const char *problem_file; /* as a path below pam.d, or absolute */
	unsigned problem_line;
};

/*
 * The text of a file, for a name in pam.d ("login") or an absolute path; malloc()ed. 0 or a negative errno, -EILSEQ
 * for a file that is no text. The path that was read goes to ret_path, malloc()ed too.
 */
typedef int (*pam_reader)(void *userdata, const char *name, char **ret_text, char **ret_path);

/* The lines of one type of `service`. 0, or a negative errno when the service's own file cannot be read. */
int pam_stack_read(pam_reader read, void *userdata, const char *service, enum pam_type type,
		   struct pam_stack *ret);
void pam_stack_clear(struct pam_stack *stack);

/* The first line of this module from `from` on; its index, or stack->count. */
size_t pam_stack_find(const struct pam_stack *stack, const char *module, size_t from);
size_t pam_stack_find_last(const struct pam_stack *stack, const char *module);

/* Whether a word is among the line's arguments. */
bool pam_line_has(const struct pam_line *line, const char *argument);

/* What follows "name=" among the line's arguments, malloc()ed; NULL: it is not there. */
char *pam_line_value(const struct pam_line *line, const char *name);
