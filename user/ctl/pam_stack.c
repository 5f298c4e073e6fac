/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/pam_stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/pam_text.h"
#include "lib/cleanup.h"

/* One service being read. */
struct taking {
	pam_reader read;
	void *userdata;
	enum pam_type type;
	struct pam_stack *stack;
	unsigned reads;
};

/* The file that is being read. */
struct place {
	const char *file;
	unsigned line;
	unsigned level, depth;
	bool any; /* lines of every type may stand here; else lines of the wanted type alone count */
};

static int take_file(struct taking *taking, const char *name, const struct place *from);

static void refuse(struct pam_stack *stack, const struct place *place, const char *why)
{
	if (stack->problem)
		return;
	stack->problem = why;
	stack->problem_file = place->file;
	stack->problem_line = place->line;
}

/* Takes `path` over; the same text for the same path. NULL: out of memory. */
static const char *keep_file(struct pam_stack *stack, char *path)
{
	char **files;

	for (size_t i = 0; path && i < stack->file_count; i++)
		if (strcmp(stack->files[i], path) == 0) {
			free(path);
			return stack->files[i];
		}
	files = path ? reallocarray(stack->files, stack->file_count + 1, sizeof(*files)) : NULL;
	if (!files) {
		free(path);
		return NULL;
	}
	stack->files = files;
	files[stack->file_count++] = path;
	return path;
}

/* ---- words ---------------------------------------------------------------------------------------------- */

static int type_number(const char *word)
{
	static const char *const names[] = {"auth", "account", "password", "session"};

	for (size_t i = 0; i < ELEMENTS(names); i++)
		if (strcasecmp(word, names[i]) == 0)
			return (int)i;
	return -EINVAL;
}

/* ---- lines ---------------------------------------------------------------------------------------------- */

/* -E2BIG: the stack is full. */
static int add_line(struct pam_stack *stack, const struct pam_line *line, const char *path,
		    const char *arguments)
{
	const char *slash = strrchr(path, '/');
	struct pam_line copy = *line, *lines;

	if (stack->count == PAM_LINES_MAX)
		return -E2BIG;
	/* Room doubles: a stack of a single line is the rule, one of thousands the exception. */
	if ((stack->count & (stack->count - 1)) == 0) {
		lines = reallocarray(stack->lines, stack->count ? 2 * stack->count : 1, sizeof(*lines));
		if (!lines)
			return -ENOMEM;
		stack->lines = lines;
	}
	copy.module = strdup(slash ? slash + 1 : path);
	copy.path = strdup(path);
	copy.arguments = strdup(arguments);
	stack->lines[stack->count++] = copy;
	return copy.module && copy.path && copy.arguments ? 0 : -ENOMEM;
}

/* libpam keeps such a line, and it fails as the control value says. */
static int add_failure(struct taking *taking, const struct place *place, struct pam_line *line,
		       const char *why)
{
	refuse(taking->stack, place, why);
	line->kind = PAM_MUST_FAIL;
	pam_control_fill(line->actions, PAM_ACTION_BAD);
	return add_line(taking->stack, line, "", "");
}

static const char *why_not_included(int error)
{
	switch (error) {
	case -ELOOP:
		return "files include each other without end";
	case -EACCES:
	case -EPERM:
		return "the file that it includes may not be read by this user";
	case -EILSEQ:
		return "the file that it includes is no text";
	case -ENOENT:
		return "the file that it includes is not there";
	default:
		return "the file that it includes cannot be read";
	}
}

static int take_include(struct taking *taking, const struct place *place, struct pam_line *line, char *rest,
			unsigned level)
{
	char *name = pam_text_word(&rest);
	struct place from = {.file = place->file, .line = place->line, .level = level, .depth = place->depth};
	int r = name ? take_file(taking, name, &from) : -EINVAL;

	if (r >= 0 || r == -ENOMEM || r == -E2BIG)
		return r;
	return add_failure(taking, place, line, name ? why_not_included(r) : "it includes nothing");
}

static int take_substack(struct taking *taking, const struct place *place, struct pam_line *line, char *rest)
{
	struct pam_line start = *line;
	int r;

	start.kind = PAM_SUBSTACK;
	r = add_line(taking->stack, &start, "", "");
	return r < 0 ? r : take_include(taking, place, line, rest, place->level + 1);
}

static int take_module(struct taking *taking, const struct place *place, struct pam_line *line, char *control,
		       char *rest)
{
	char *path;

	if (strcasecmp(control, "include") == 0)
		return take_include(taking, place, line, rest, place->level);
	if (strcasecmp(control, "substack") == 0)
		return take_substack(taking, place, line, rest);
	if (pam_control_parse(control, line->actions) < 0)
		refuse(taking->stack, place, "its control value is none that PAM knows");
	path = pam_text_word(&rest);
	if (!path)
		return add_failure(taking, place, line, "it names no module");
	if (strchr(path, '\r') || strchr(rest, '\r'))
		refuse(taking->stack, place,
		       "it ends with a carriage return, which PAM takes for part of the last word");
	return add_line(taking->stack, line, path, rest + strspn(rest, PAM_BLANKS));
}

/*
 * Debian's libpam alone has it: the file's lines, of whatever type, stand in its place. Without the file libpam gives the
 * service up; where one type alone is read, that type fails.
 */
static int take_at_include(struct taking *taking, const struct place *place, struct pam_line *line,
			   char *rest)
{
	char *name = pam_text_word(&rest);
	int r = name ? take_file(taking, name, place) : -EINVAL;

	if (r >= 0 || r == -ENOMEM || r == -E2BIG)
		return r;
	if (!place->any)
		return add_failure(taking, place, line, name ? why_not_included(r) : "it includes nothing");
	refuse(taking->stack, place, name ? why_not_included(r) : "it includes nothing");
	return -EBADMSG;
}

static int take_line(struct taking *taking, const struct place *place, char *text)
{
	struct pam_line line = {.file = place->file, .line = place->line, .level = place->level};
	char *word = pam_text_word(&text), *control;
	bool broken = false;
	int type;

	if (word && strcasecmp(word + (*word == '-'), "@include") == 0)
		return take_at_include(taking, place, &line, text);
	type = word ? type_number(word + (*word == '-')) : -EINVAL;
	if (type < 0) {
		/* It counts as one of the type that is asked for; of auth where none is. */
		type = place->any ? PAM_TYPE_AUTH : (int)taking->type;
		broken = true;
		refuse(taking->stack, place, "it begins with none of auth, account, password, session");
	}
	if (type != (int)taking->type)
		return 0;
	control = pam_text_word(&text);
	if (!control)
		return add_failure(taking, place, &line, "it has no control value");
	if (broken && strcasecmp(control, "include") != 0 && strcasecmp(control, "substack") != 0) {
		pam_control_parse(control, line.actions);
		line.kind = PAM_MUST_FAIL;
		return add_line(taking->stack, &line, "", "");
	}
	return take_module(taking, place, &line, control, text);
}

static int take_lines(struct taking *taking, struct place *place, char *text)
{
	unsigned number = 0;
	char *line;
	int r;

	while ((r = pam_text_line(&text, &number, &line, &place->line)) > 0) {
		r = take_line(taking, place, line);
		if (r < 0)
			return r;
	}
	if (r == -EBADMSG)
		refuse(taking->stack, place, "the file ends within a line that is to be continued");
	return r;
}

/* A file's lines and what it includes. -E2BIG when there are too many. */
static int take_file(struct taking *taking, const char *name, const struct place *from)
{
	_cleanup_free_ char *text = NULL;
	struct place place = *from;
	char *path = NULL;
	int r;

	if (++place.depth > PAM_DEPTH_MAX)
		return -ELOOP;
	r = taking->reads++ < PAM_READS_MAX ? taking->read(taking->userdata, name, &text, &path) : -E2BIG;
	if (r < 0)
		return r;
	place.file = keep_file(taking->stack, path);
	return place.file ? take_lines(taking, &place, text) : -ENOMEM;
}

int pam_stack_read(pam_reader read, void *userdata, const char *service, enum pam_type type,
		   struct pam_stack *ret)
{
	_cleanup_(pam_stack_clear) struct pam_stack stack = {0};
	struct taking taking = {read, userdata, type, &stack, 0};
	int r = take_file(&taking, service, &(struct place){.any = true});

	if (r == -E2BIG && stack.file_count > 0) {
		refuse(&stack, &(struct place){.file = stack.files[0], .line = 1}, "the stack is too long");
		stack.unfinished = true;
		r = 0;
	}
	if (r == -EBADMSG && stack.file_count > 0) {
		stack.refused = true;
		r = 0;
	}
	if (r < 0)
		return r;
	*ret = stack;
	stack = (struct pam_stack){0};
	return 0;
}

void pam_stack_clear(struct pam_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		free(stack->lines[i].module);
		free(stack->lines[i].path);
		free(stack->lines[i].arguments);
	}
	for (size_t i = 0; i < stack->file_count; i++)
		free(stack->files[i]);
	free(stack->lines);
	free(stack->files);
	*stack = (struct pam_stack){0};
}

/* ---- asking --------------------------------------------------------------------------------------------- */

size_t pam_stack_find(const struct pam_stack *stack, const char *module, size_t from)
{
	while (from < stack->count && strcmp(stack->lines[from].module, module) != 0)
		from++;
	return from;
}

size_t pam_stack_find_last(const struct pam_stack *stack, const char *module)
{
	for (size_t at = stack->count; at > 0; at--)
		if (strcmp(stack->lines[at - 1].module, module) == 0)
			return at - 1;
	return stack->count;
}

/* The value of the first word that is `name`, "" if it is that word alone; malloc()ed. */
static char *find_argument(const struct pam_line *line, const char *name)
{
	_cleanup_free_ char *copy = strdup(line->arguments);
	size_t length = strlen(name);
	char *rest = copy, *word;

	while (rest && (word = pam_text_word(&rest)))
		if (strncmp(word, name, length) == 0 && (!word[length] || name[length - 1] == '='))
			return strdup(word + length);
	return NULL;
}

bool pam_line_has(const struct pam_line *line, const char *argument)
{
	_cleanup_free_ char *value = find_argument(line, argument);

	return value && !*value;
}

char *pam_line_value(const struct pam_line *line, const char *name)
{
	return find_argument(line, name);
}
