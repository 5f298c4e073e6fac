/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/pam_stack.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

#define BLANKS " \t\r"

/* One file being taken in. */
struct taking {
	pam_reader read;
	void *userdata;
	enum pam_type type;
	struct pam_stack *stack;
	unsigned reads;
};

static int take_file(struct taking *taking, const char *name, unsigned level, unsigned depth);

static void refuse(struct pam_stack *stack, const char *file, unsigned line, const char *why)
{
	if (stack->problem)
		return;
	stack->problem = why;
	stack->problem_file = file;
	stack->problem_line = line;
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

/* The next word, cut out of the text; "[...]" is one, without its brackets. NULL: there is none. */
static char *take_word(char **text)
{
	char *word = *text + strspn(*text, BLANKS), *end;

	if (!*word)
		return NULL;
	if (*word == '[') {
		word++;
		end = strchr(word, ']');
		if (!end)
			end = word + strlen(word);
	} else
		end = word + strcspn(word, BLANKS);
	*text = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static int type_number(const char *word)
{
	static const char *const names[] = {"auth", "account", "password", "session"};

	for (size_t i = 0; i < ELEMENTS(names); i++)
		if (strcasecmp(word, names[i]) == 0)
			return (int)i;
	return -EINVAL;
}

struct answer {
	bool given;
	int action;
};

/* "ok", "3": 0 or -EINVAL. */
static int parse_action(const char *text, int *ret)
{
	static const struct {
		const char *name;
		int action;
	} actions[] = {
		{"ignore", PAM_ACTION_GO_ON}, {"ok", PAM_ACTION_GO_ON}, {"reset", PAM_ACTION_GO_ON},
		{"bad", PAM_ACTION_BAD},      {"die", PAM_ACTION_DIE},	{"done", PAM_ACTION_DONE},
	};
	char *end;
	long number;

	for (size_t i = 0; i < ELEMENTS(actions); i++)
		if (strcasecmp(text, actions[i].name) == 0) {
			*ret = actions[i].action;
			return 0;
		}
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	number = strtol(text, &end, 10);
	if (*end || number < 1 || number > PAM_LINES_MAX)
		return -EINVAL;
	*ret = (int)number;
	return 0;
}

/* "success=2 default=ignore". What is not said of an answer is a failure, as in libpam. */
static int parse_actions(char *text, struct pam_line *line)
{
	struct answer success = {0}, refused = {0}, other = {0};
	int action;

	for (char *word = take_word(&text); word; word = take_word(&text)) {
		char *value = strchr(word, '=');

		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (parse_action(value, &action) < 0)
			return -EINVAL;
		if (strcasecmp(word, "success") == 0)
			success = (struct answer){true, action};
		else if (strcasecmp(word, "auth_err") == 0)
			refused = (struct answer){true, action};
		else if (strcasecmp(word, "default") == 0)
			other = (struct answer){true, action};
	}
	if (!other.given)
		other.action = PAM_ACTION_BAD;
	line->on_success = success.given ? success.action : other.action;
	line->on_failure = refused.given ? refused.action : other.action;
	return 0;
}

static int parse_control(char *word, bool bracketed, struct pam_line *line)
{
	static const struct {
		const char *name;
		int on_success, on_failure;
	} controls[] = {
		{"required", PAM_ACTION_GO_ON, PAM_ACTION_BAD},
		{"requisite", PAM_ACTION_GO_ON, PAM_ACTION_DIE},
		{"sufficient", PAM_ACTION_DONE, PAM_ACTION_GO_ON},
		{"optional", PAM_ACTION_GO_ON, PAM_ACTION_GO_ON},
	};

	if (bracketed)
		return parse_actions(word, line);
	for (size_t i = 0; i < ELEMENTS(controls); i++)
		if (strcasecmp(word, controls[i].name) == 0) {
			line->on_success = controls[i].on_success;
			line->on_failure = controls[i].on_failure;
			return 0;
		}
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
	lines = reallocarray(stack->lines, stack->count + 1, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	stack->lines = lines;
	copy.module = strdup(slash ? slash + 1 : path);
	copy.path = strdup(path);
	copy.arguments = strdup(arguments);
	lines[stack->count++] = copy;
	return copy.module && copy.path && copy.arguments ? 0 : -ENOMEM;
}

/* 0, or a negative errno that ends everything; what the file says wrong does not. */
static int take_include(struct taking *taking, const struct pam_line *at, char *rest, unsigned level,
			unsigned depth)
{
	char *name = take_word(&rest);
	int r;

	if (!name) {
		refuse(taking->stack, at->file, at->line, "it includes nothing");
		return 0;
	}
	r = depth < PAM_DEPTH_MAX ? take_file(taking, name, level, depth + 1) : -ELOOP;
	if (r == -ENOMEM)
		return r;
	if (r == -ELOOP)
		refuse(taking->stack, at->file, at->line, "files include each other without end");
	else if (r == -E2BIG)
		refuse(taking->stack, at->file, at->line, "the stack is too long");
	else if (r == -EACCES || r == -EPERM)
		refuse(taking->stack, at->file, at->line,
		       "the file that it includes may not be read by this user");
	else if (r < 0)
		refuse(taking->stack, at->file, at->line, "the file that it includes cannot be read");
	return 0;
}

static int take_substack(struct taking *taking, struct pam_line *line, char *rest, unsigned depth)
{
	int r = add_line(taking->stack, line, "", "");

	return r < 0 ? r : take_include(taking, line, rest, line->level + 1, depth);
}

static int take_module(struct taking *taking, struct pam_line *line, char *control, bool bracketed,
		       char *rest, unsigned depth)
{
	char *path;

	if (!bracketed && strcasecmp(control, "include") == 0)
		return take_include(taking, line, rest, line->level, depth);
	if (!bracketed && strcasecmp(control, "substack") == 0)
		return take_substack(taking, line, rest, depth);
	if (parse_control(control, bracketed, line) < 0) {
		refuse(taking->stack, line->file, line->line, "its control value is none that PAM knows");
		return 0;
	}
	path = take_word(&rest);
	if (!path) {
		refuse(taking->stack, line->file, line->line, "it names no module");
		return 0;
	}
	return add_line(taking->stack, line, path, rest + strspn(rest, BLANKS));
}

static int take_line(struct taking *taking, struct pam_line *line, char *text, unsigned depth)
{
	char *word = take_word(&text), *control;
	bool bracketed;
	int type;

	if (!word)
		return 0;
	if (strcasecmp(word, "@include") == 0)
		return take_include(taking, line, text, line->level, depth);
	type = type_number(word + (*word == '-'));
	if (type < 0) {
		refuse(taking->stack, line->file, line->line,
		       "it begins with none of auth, account, password, session");
		return 0;
	}
	if (type != (int)taking->type)
		return 0;
	bracketed = text[strspn(text, BLANKS)] == '[';
	control = take_word(&text);
	if (!control) {
		refuse(taking->stack, line->file, line->line, "it has no control value");
		return 0;
	}
	return take_module(taking, line, control, bracketed, text, depth);
}

/*
 * Cuts the next line out of the text, a backslash at its end joining it with the one after it, unless that is part
 * of a comment. Counts lines.
 */
static char *next_line(char **text, unsigned *number)
{
	char *start = *text, *end = start;

	if (!*start)
		return NULL;
	for (;; end++) {
		char *comment = end + strcspn(end, "#\n");

		end = comment + strcspn(comment, "\n");
		++*number;
		if (!*end || *comment == '#' || end == start || end[-1] != '\\')
			break;
		end[-1] = end[0] = ' ';
	}
	*text = *end ? end + 1 : end;
	*end = '\0';
	start[strcspn(start, "#")] = '\0';
	return start;
}

/* A file's lines and what it includes. -E2BIG when there are too many. */
static int take_file(struct taking *taking, const char *name, unsigned level, unsigned depth)
{
	_cleanup_free_ char *text = NULL;
	char *path = NULL, *next;
	unsigned number = 0, first;
	const char *file;
	int r = taking->reads++ < PAM_READS_MAX ? taking->read(taking->userdata, name, &text, &path) : -E2BIG;

	if (r < 0)
		return r;
	file = keep_file(taking->stack, path);
	if (!file)
		return -ENOMEM;
	next = text;
	for (first = 1;; first = number + 1) {
		char *line = next_line(&next, &number);

		if (!line)
			return 0;
		r = take_line(taking, &(struct pam_line){.file = file, .line = first, .level = level}, line,
			      depth);
		if (r < 0)
			return r;
	}
}

int pam_stack_read(pam_reader read, void *userdata, const char *service, enum pam_type type,
		   struct pam_stack *ret)
{
	_cleanup_(pam_stack_clear) struct pam_stack stack = {0};
	int r = take_file(&(struct taking){read, userdata, type, &stack, 0}, service, 0, 0);

	if (r == -E2BIG && stack.file_count > 0) {
		refuse(&stack, stack.files[0], 1, "the stack is too long");
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

bool pam_line_has(const struct pam_line *line, const char *argument)
{
	size_t length = strlen(argument);

	for (const char *at = line->arguments; *at; at += strspn(at, BLANKS)) {
		size_t word = strcspn(at, BLANKS);

		if (word == length && strncmp(at, argument, length) == 0)
			return true;
		at += word;
	}
	return false;
}

/* The line after the substack that line `at` is in; after everything, if it is in none. */
static size_t after_level(const struct pam_stack *stack, size_t at)
{
	unsigned level = stack->lines[at].level;

	if (level == 0)
		return stack->count;
	while (at < stack->count && stack->lines[at].level >= level)
		at++;
	return at;
}

/* A substack counts as one module. */
static size_t after_jump(const struct pam_stack *stack, size_t at, int modules)
{
	unsigned level = stack->lines[at].level;

	for (at++; modules > 0 && at < stack->count; modules--)
		for (at++; at < stack->count && stack->lines[at].level > level; at++)
			;
	return at;
}

struct pam_way pam_stack_walk(const struct pam_stack *stack, size_t from, size_t target,
			      bool (*fails)(void *userdata, const struct pam_line *line), void *userdata)
{
	struct pam_way way = {.turned_at = from};
	size_t at = from;

	while (at < stack->count && at < target) {
		const struct pam_line *line = &stack->lines[at];
		bool failure = strcmp(line->module, "pam_deny.so") == 0 || (fails && fails(userdata, line));
		int action = failure ? line->on_failure : line->on_success;

		way.turned_at = at;
		if (action == PAM_ACTION_BAD || action == PAM_ACTION_DIE)
			way.failed = true;
		if (action == PAM_ACTION_DIE || (action == PAM_ACTION_DONE && !way.failed))
			at = after_level(stack, at);
		else
			at = action > 0 ? after_jump(stack, at, action) : at + 1;
	}
	way.reached = at == target && target < stack->count;
	return way;
}
