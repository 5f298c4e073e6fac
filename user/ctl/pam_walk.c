/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/pam_walk.h"

#include <errno.h>
#include <security/_pam_types.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

#define WAYS_MAX 2048 /* that differ on one line */

/* libpam's "impression" of the stack so far. */
enum impression { UNDECIDED, POSITIVE, NEGATIVE };

/* How things stand before a line. What libpam would return matters as success or failure alone. */
struct mood {
	enum impression impression;
	bool success;
};

struct way {
	struct mood mood;
	unsigned flags;
	uint64_t entered; /* the moods in which its substacks were entered, 3 bits a level, for "reset" */
	uint32_t from_line, from_way;
};

/* The ways that stand before one line. */
struct column {
	struct way *ways;
	size_t count, room;
};

struct pam_walk {
	const struct pam_stack *stack;
	pam_answers answers;
	void *userdata;
	bool resets;		/* some line resets: else the moods of substacks do not matter */
	struct column *columns; /* one for each line, and one for the end */
};

/* The way that is being followed from a line. */
struct step {
	struct pam_walk *walk;
	size_t line, way;
};

/* ---- columns -------------------------------------------------------------------------------------------- */

static unsigned pack(struct mood mood)
{
	return (unsigned)mood.impression << 1 | mood.success;
}

static struct mood unpack(unsigned packed)
{
	return (struct mood){(enum impression)(packed >> 1), packed & 1};
}

static bool is_same(const struct way *a, const struct way *b)
{
	return a->mood.impression == b->mood.impression && a->mood.success == b->mood.success &&
	       a->flags == b->flags && a->entered == b->entered;
}

static int add_way(struct column *column, const struct way *way)
{
	struct way *more;

	for (size_t i = 0; i < column->count; i++)
		if (is_same(&column->ways[i], way))
			return 0;
	if (column->count == WAYS_MAX)
		return -E2BIG;
	if (column->count == column->room) {
		size_t room = column->room ? 2 * column->room : 4;

		more = reallocarray(column->ways, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		column->ways = more;
		column->room = room;
	}
	column->ways[column->count++] = *way;
	return 0;
}

static unsigned level_of(const struct pam_walk *walk, size_t line)
{
	return line < walk->stack->count ? walk->stack->lines[line].level : 0;
}

/* The step ends before line `next`, in this mood. libpam notes the mood where a line is deeper than the one before. */
static int arrive(const struct step *step, size_t next, struct mood mood, unsigned flags)
{
	struct pam_walk *walk = step->walk;
	struct way way = walk->columns[step->line].ways[step->way];
	unsigned level = level_of(walk, next);

	way.mood = mood;
	way.flags = flags;
	way.from_line = (uint32_t)step->line;
	way.from_way = (uint32_t)step->way;
	if (!walk->resets)
		way.entered = 0;
	else if (level > level_of(walk, step->line))
		way.entered = (way.entered & ~(UINT64_C(7) << 3 * level)) | (uint64_t)pack(mood) << 3 * level;
	/* Those of deeper substacks are noted again before they count. */
	way.entered &= (UINT64_C(1) << 3 * (level + 1)) - 1;
	return add_way(&walk->columns[next], &way);
}

/* ---- what an action leads to ---------------------------------------------------------------------------- */

/* After everything of the substack that the line is in. */
static size_t after_level(const struct pam_stack *stack, size_t at)
{
	unsigned level = stack->lines[at].level;

	while (at + 1 < stack->count && stack->lines[at + 1].level >= level)
		at++;
	return at + 1;
}

/* A substack counts as one module. *modules is what could not be skipped: the substack ends before. */
static size_t after_jump(const struct pam_stack *stack, size_t at, int *modules)
{
	unsigned level = stack->lines[at].level;

	while (at + 1 < stack->count && stack->lines[at + 1].level >= level && *modules > 0) {
		do
			at++;
		while (at + 1 < stack->count && stack->lines[at + 1].level > level);
		--*modules;
	}
	return at + 1;
}

static int act(const struct step *step, int value, unsigned flags)
{
	const struct pam_stack *stack = step->walk->stack;
	const struct pam_line *line = &stack->lines[step->line];
	const struct way *way = &step->walk->columns[step->line].ways[step->way];
	int action = line->actions[value];
	struct mood mood = way->mood;
	size_t next = step->line + 1;

	switch (action) {
	case PAM_ACTION_IGNORE:
		break;
	case PAM_ACTION_RESET:
		mood = unpack((unsigned)(way->entered >> 3 * line->level) & 7);
		break;
	case PAM_ACTION_OK:
	case PAM_ACTION_DONE:
		if (mood.impression == UNDECIDED || (mood.impression == POSITIVE && mood.success))
			mood = (struct mood){POSITIVE, value == PAM_SUCCESS};
		if (action == PAM_ACTION_DONE && mood.impression == POSITIVE)
			next = after_level(stack, step->line);
		break;
	case PAM_ACTION_BAD:
	case PAM_ACTION_DIE:
		mood = (struct mood){NEGATIVE, false};
		if (action == PAM_ACTION_DIE)
			next = after_level(stack, step->line);
		break;
	default:
		next = after_jump(stack, step->line, &action);
		if (action > 0)
			mood = (struct mood){NEGATIVE, false};
	}
	return arrive(step, next, mood, flags);
}

/* One for each action of the line: values with the same action do the same, but for success where it is OK. */
static int follow_outcome(const struct step *step, const struct pam_outcome *outcome)
{
	const struct pam_line *line = &step->walk->stack->lines[step->line];
	int r = 0;

	for (int value = 0; r >= 0 && value < PAM_RETURNS; value++) {
		bool done = false;

		/* With PAM_INCOMPLETE libpam returns to the program, which asks again. */
		if (!(outcome->returns & PAM_BIT(value)) || value == PAM_INCOMPLETE)
			continue;
		for (int before = PAM_SUCCESS + 1; before < value && !done; before++)
			done = outcome->returns & PAM_BIT(before) &&
			       line->actions[before] == line->actions[value];
		if (!done)
			r = act(step, value, outcome->flags);
	}
	return r;
}

static int follow(const struct step *step)
{
	struct pam_walk *walk = step->walk;
	const struct way way = walk->columns[step->line].ways[step->way];
	struct pam_outcome outcomes[PAM_OUTCOMES_MAX] = {{PAM_BIT(PAM_PERM_DENIED), way.flags}};
	size_t count = 1;
	int r = 0;

	switch (walk->stack->lines[step->line].kind) {
	case PAM_SUBSTACK:
		return arrive(step, step->line + 1, way.mood, way.flags);
	case PAM_MODULE:
		count = walk->answers(walk->userdata, walk->stack, step->line, way.flags, outcomes);
		break;
	case PAM_MUST_FAIL:
		break;
	}
	for (size_t i = 0; r >= 0 && i < count; i++)
		r = follow_outcome(step, &outcomes[i]);
	return r;
}

/* ---- the walk ------------------------------------------------------------------------------------------- */

static bool has_reset(const struct pam_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		for (int value = 0; value < PAM_RETURNS; value++)
			if (stack->lines[i].actions[value] == PAM_ACTION_RESET)
				return true;
	return false;
}

int pam_walk_new(const struct pam_stack *stack, pam_answers answers, void *userdata, struct pam_walk **ret)
{
	_cleanup_(pam_walk_free_p) struct pam_walk *walk = calloc(1, sizeof(*walk));
	int r;

	if (!walk)
		return -ENOMEM;
	*walk = (struct pam_walk){stack, answers, userdata, has_reset(stack), NULL};
	walk->columns = calloc(stack->count + 1, sizeof(*walk->columns));
	if (!walk->columns)
		return -ENOMEM;
	r = stack->refused ? 0 : add_way(&walk->columns[0], &(struct way){0});
	for (size_t line = 0; r >= 0 && line < stack->count; line++)
		for (size_t way = 0; r >= 0 && way < walk->columns[line].count; way++)
			r = follow(&(struct step){walk, line, way});
	if (r < 0)
		return r;
	*ret = steal_pointer(walk);
	return 0;
}

struct pam_walk *pam_walk_free(struct pam_walk *walk)
{
	if (walk && walk->columns)
		for (size_t i = 0; i <= walk->stack->count; i++)
			free(walk->columns[i].ways);
	if (walk)
		free(walk->columns);
	free(walk);
	return NULL;
}

static const struct column *last_column(const struct pam_walk *walk)
{
	return &walk->columns[walk->stack->count];
}

size_t pam_walk_count(const struct pam_walk *walk)
{
	return last_column(walk)->count;
}

struct pam_end pam_walk_end(const struct pam_walk *walk, size_t end)
{
	const struct way *way = &last_column(walk)->ways[end];

	return (struct pam_end){
		.success = way->mood.impression == POSITIVE && way->mood.success,
		.refused = way->mood.impression == NEGATIVE,
		.flags = way->flags,
	};
}

size_t pam_walk_turn(const struct pam_walk *walk, size_t end, size_t past)
{
	size_t line = walk->stack->count;

	for (size_t way = end; line > past;) {
		const struct way *here = &walk->columns[line].ways[way];

		line = here->from_line;
		way = here->from_way;
	}
	return line;
}
