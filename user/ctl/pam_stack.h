/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A PAM service's stack as libpam puts it together from its files (pam.conf(5), and Linux-PAM's pam_handlers.c for
 * what that leaves open), and which way through it a sign-in goes. No I/O: the files come from a reader. Whatever
 * the files hold, this ends, in memory bounded by the limits below.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/macro.h"

#define PAM_DEPTH_MAX 16   /* of includes; libpam allows 32, a loop is found either way */
#define PAM_LINES_MAX 2000 /* of a stack, includes expanded */
#define PAM_READS_MAX 256  /* files, each time that it is included */

enum pam_type { PAM_TYPE_AUTH, PAM_TYPE_ACCOUNT, PAM_TYPE_PASSWORD, PAM_TYPE_SESSION };

/* What follows when a module answers; a positive number skips that many modules. */
enum {
	PAM_ACTION_GO_ON = 0,
	PAM_ACTION_BAD = -1,  /* go on, but the stack has failed */
	PAM_ACTION_DIE = -2,  /* the (sub)stack ends, failed */
	PAM_ACTION_DONE = -3, /* it ends, unless it had failed before */
};

struct pam_line {
	const char *file; /* the stack's */
	unsigned line;
	unsigned level; /* how many substacks deep */
	int on_success, on_failure;
	char *module; /* its file name without folders; "" stands for the beginning of a substack */
	char *path;   /* as the line has it */
	char *arguments;
};

struct pam_stack {
	struct pam_line *lines;
	size_t count;
	char **files; /* what was read or asked for, each once */
	size_t file_count;
	/* The first thing that libpam would refuse; NULL: nothing. */
	const char *problem;
	const char *problem_file; /* as a path below pam.d, or absolute */
	unsigned problem_line;
};

/*
 * The text of a file, for a name in pam.d ("login") or an absolute path; malloc()ed. 0 or a negative errno. The
 * path that was read goes to ret_path, malloc()ed too.
 */
typedef int (*pam_reader)(void *userdata, const char *name, char **ret_text, char **ret_path);

/* The lines of one type of `service`. 0, or a negative errno when the service's own file cannot be read. */
int pam_stack_read(pam_reader read, void *userdata, const char *service, enum pam_type type,
		   struct pam_stack *ret);
void pam_stack_clear(struct pam_stack *stack);

/* The first line of this module from `from` on; its index, or stack->count. */
size_t pam_stack_find(const struct pam_stack *stack, const char *module, size_t from);

/* Whether a word is among the line's arguments. */
bool pam_line_has(const struct pam_line *line, const char *argument);

struct pam_way {
	bool reached;	  /* the target is asked */
	bool failed;	  /* … but the stack has failed by then */
	size_t turned_at; /* not reached: the line that leads past it or ends the stack */
};

/*
 * The way from line `from` to line `target`, when every module succeeds but pam_deny and those for which `fails`
 * says so (NULL: none).
 */
struct pam_way pam_stack_walk(const struct pam_stack *stack, size_t from, size_t target,
			      bool (*fails)(void *userdata, const struct pam_line *line), void *userdata);
