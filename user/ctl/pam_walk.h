/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Every way through a stack, as libpam goes (its pam_dispatch.c): what each line may return decides, and no clock, user
 * or machine. Ways that are alike from some line on are followed once, so that the work grows with the length of the
 * stack and not with the number of ways.
 */
#include <stdint.h>

#include "ctl/pam_stack.h"

/* One of the things that a line may do on a way. */
struct pam_outcome {
	uint32_t returns; /* bit n: it may return value n */
	unsigned flags;	  /* the way's from then on; the caller's own, 16 bits */
};
#define PAM_OUTCOMES_MAX 4

/* What line `at` may do on a way that has `flags`: so many outcomes. */
typedef size_t (*pam_answers)(void *userdata, const struct pam_stack *stack, size_t at, unsigned flags,
			      struct pam_outcome ret[static PAM_OUTCOMES_MAX]);

#define PAM_BIT(value) (UINT32_C(1) << (value))

struct pam_walk;

/* 0; -E2BIG for a stack with more ways than this follows; -ENOMEM. The stack has to outlive it. */
int pam_walk_new(const struct pam_stack *stack, pam_answers answers, void *userdata, struct pam_walk **ret);
struct pam_walk *pam_walk_free(struct pam_walk *walk);
DEFINE_CLEANUP(struct pam_walk *, pam_walk_free)

/* The ends of its ways, those that differ. */
size_t pam_walk_count(const struct pam_walk *walk);
struct pam_end {
	bool success; /* what libpam returns to the program */
	bool refused; /* a line has refused; neither: no line has decided, and libpam refuses all the same */
	unsigned flags;
};
struct pam_end pam_walk_end(const struct pam_walk *walk, size_t end);

/* The last line on the way to this end before it passes by line `past`; `past` itself if it stood on it. */
size_t pam_walk_turn(const struct pam_walk *walk, size_t end, size_t past);
