/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PAM stacks as libpam walks them; and that no file, however broken, does more than be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <security/_pam_types.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/pam_walk.h"

/* A pam.d of two files. */
struct folder {
	const char *service, *other;
};

static int read_file(void *userdata, const char *name, char **ret_text, char **ret_path)
{
	const struct folder *folder = userdata;
	const char *text = strcmp(name, "service") == 0 ? folder->service
			   : strcmp(name, "other") == 0 ? folder->other
							: NULL;

	if (!text)
		return -ENOENT;
	*ret_text = strdup(text);
	*ret_path = strdup(name);
	return 0;
}

/* card.so succeeds, or fails; the others succeed, pam_deny.so does not. A flag for each: ours.so was asked. */
static size_t answers(void *userdata, const struct pam_stack *stack, size_t at, unsigned flags,
		      struct pam_outcome *ret)
{
	const struct pam_line *line = &stack->lines[at];
	bool fails = strcmp(line->module, "card.so") == 0 ? *(bool *)userdata
							  : strcmp(line->module, "pam_deny.so") == 0;

	*ret = (struct pam_outcome){fails ? PAM_BIT(PAM_AUTH_ERR) : PAM_BIT(PAM_SUCCESS),
				    flags | (strcmp(line->module, "ours.so") == 0)};
	return 1;
}

/* Whether ours.so is asked, and the person let in. Where ours.so is not: the number of the line that leads past it. */
static void test_ways(void **state _unused_)
{
	static const struct {
		const char *service, *other;
		bool card_fails, reached, in;
		unsigned turned_at;
	} cases[] = {
		{"auth required card.so\nauth optional ours.so", "", false, true, true, 0},
		{"auth required card.so\nauth optional ours.so", "", true, true, false, 0},
		{"auth requisite card.so\nauth optional ours.so", "", true, false, false, 1},
		{"auth sufficient card.so\nauth optional ours.so", "", false, false, true, 1},
		{"auth sufficient card.so\nauth optional ours.so", "", true, true, true, 0},
		{"auth [success=1 default=ignore] card.so\nauth requisite pam_deny.so\nauth optional ours.so",
		 "", false, true, true, 0},
		{"auth [success=1 default=ignore] card.so\nauth requisite pam_deny.so\nauth optional ours.so",
		 "", true, false, false, 2},
		{"auth [success=2 default=ignore] card.so\nauth optional x.so\nauth optional ours.so", "",
		 false, false, false, 1},
		{"auth [default=1] card.so\nauth requisite pam_deny.so\nauth optional ours.so", "", false,
		 true, true, 0},
		{"auth [auth_err=die default=ignore] card.so\nauth optional ours.so", "", true, false, false,
		 1},
		/* Unsaid answers are failures. */
		{"auth [new_authtok_reqd=ok] card.so\nauth optional ours.so", "", false, true, false, 0},
		/* A jump out of a substack, or out of the stack, is one. */
		{"auth substack other\nauth optional ours.so", "auth [success=1] card.so", false, true, false,
		 0},
		/* done ends a substack alone; of an include, the stack. */
		{"auth substack other\nauth optional ours.so",
		 "auth sufficient card.so\nauth requisite pam_deny.so", false, true, true, 0},
		{"auth include other\nauth optional ours.so", "auth sufficient card.so\n", false, false, true,
		 1},
		{"@include other\nauth optional ours.so", "auth sufficient card.so\n", false, false, true, 1},
		/* A jump takes a substack as one. */
		{"auth [success=1] card.so\nauth substack other\nauth optional ours.so",
		 "auth required x.so\nauth required y.so", false, true, true, 0},
		{"auth [success=1] card.so\nauth substack other\n",
		 "auth required x.so\nauth optional ours.so", false, false, false, 1},
		/* reset: as it was before the substack. */
		{"auth required x.so\nauth substack other\nauth optional ours.so",
		 "auth required card.so\nauth [default=reset] y.so", true, true, true, 0},
		/* Words as people write them. */
		{"# auth required pam_deny.so\n\n-AUTH\tRequired  /lib/security/card.so  a b\\\n c\nauth optional ours.so",
		 "", false, true, true, 0},
		{"session required ours.so\nauth required card.so # auth optional ours.so", "", false, false,
		 true, 2},
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct folder folder = {cases[i].service, cases[i].other};
		bool card_fails = cases[i].card_fails;
		struct pam_stack stack;
		struct pam_walk *walk;
		struct pam_end end;
		size_t turn;

		assert_int_equal(pam_stack_read(read_file, &folder, "service", PAM_TYPE_AUTH, &stack), 0);
		assert_null(stack.problem);
		assert_int_equal(pam_walk_new(&stack, answers, &card_fails, &walk), 0);
		assert_int_equal(pam_walk_count(walk), 1);
		end = pam_walk_end(walk, 0);
		if (end.flags != cases[i].reached || end.success != cases[i].in)
			fail_msg("%s: reached %u, in %d", cases[i].service, end.flags, end.success);
		turn = pam_walk_turn(walk, 0, pam_stack_find(&stack, "ours.so", 0));
		if (!cases[i].reached && turn < stack.count)
			assert_int_equal(stack.lines[turn].line, cases[i].turned_at);
		pam_walk_free(walk);
		pam_stack_clear(&stack);
	}
}

static void test_arguments(void **state _unused_)
{
	struct folder folder = {"auth required card.so always reader=x", ""};
	struct pam_stack stack;

	assert_int_equal(pam_stack_read(read_file, &folder, "service", PAM_TYPE_AUTH, &stack), 0);
	assert_true(pam_line_has(&stack.lines[0], "always"));
	assert_false(pam_line_has(&stack.lines[0], "reader"));
	assert_false(pam_line_has(&stack.lines[0], "x"));
	pam_stack_clear(&stack);
}

static void test_refused(void **state _unused_)
{
	static const struct {
		const char *service;
		unsigned line;
	} cases[] = {
		{"auth required", 1},	      {"auth", 1},
		{"\nauth sometimes x.so", 2}, {"auth [success] x.so", 1},
		{"auth [success=0] x.so", 1}, {"auth [success=99999999999999999999] x.so", 1},
		{"auth include", 1},	      {"auth include nowhere", 1},
		{"@include service", 1},      {"authentication required x.so", 1},
		{"a\\\nb\nauth", 1},	      {"auth required x.so\nauth substack service", 2},
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct folder folder = {cases[i].service, ""};
		struct pam_stack stack;

		assert_int_equal(pam_stack_read(read_file, &folder, "service", PAM_TYPE_AUTH, &stack), 0);
		if (!stack.problem)
			fail_msg("not refused: %s", cases[i].service);
		assert_int_equal(stack.problem_line, cases[i].line);
		pam_stack_clear(&stack);
	}
}

static int read_forks(void *userdata, const char *name _unused_, char **ret_text, char **ret_path)
{
	++*(unsigned *)userdata;
	*ret_text = strdup("auth required x.so\n@include a\n@include b\n@include c\n");
	*ret_path = strdup(name);
	return 0;
}

/* Every file includes three others: the depth alone would let it read 3^16. */
static void test_bounded(void **state _unused_)
{
	struct pam_stack stack;
	unsigned reads = 0;

	assert_int_equal(pam_stack_read(read_forks, &reads, "service", PAM_TYPE_AUTH, &stack), 0);
	assert_non_null(stack.problem);
	assert_in_range(reads, 1, PAM_READS_MAX);
	assert_in_range(stack.count, 1, PAM_LINES_MAX);
	pam_stack_clear(&stack);
}

/* Words and bytes of such files in any order; seeded, so that a failure can be had again. */
static void test_random(void **state _unused_)
{
	static const char *const pieces[] = {
		"auth ",
		"session ",
		"-auth ",
		"required ",
		"sufficient ",
		"[success=",
		"[default=die ",
		"2",
		"=",
		"ignore] ",
		"]",
		"[",
		"card.so ",
		"ours.so ",
		"\n",
		"\n",
		"\\\n",
		"\\",
		"@include ",
		"include ",
		"substack ",
		"other\n",
		"service\n",
		"#",
		"\t",
		" ",
		"pam_deny.so\n",
		"\r\n",
		"\x01\xff ",
		"/",
		"99999 ",
	};
	char texts[2][400];

	srandom(1);
	for (int round = 0; round < 20000; round++) {
		struct folder folder = {texts[0], texts[1]};
		bool card_fails = round % 2;
		struct pam_stack stack;
		struct pam_walk *walk;

		for (int file = 0; file < 2; file++) {
			texts[file][0] = '\0';
			for (long words = random() % 30; words > 0; words--)
				strcat(texts[file], pieces[(size_t)random() % ELEMENTS(pieces)]);
		}
		assert_int_equal(pam_stack_read(read_file, &folder, "service", PAM_TYPE_AUTH, &stack), 0);
		assert_int_equal(pam_walk_new(&stack, answers, &card_fails, &walk), 0);
		pam_walk_free(walk);
		pam_stack_clear(&stack);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),	cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
