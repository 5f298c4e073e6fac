/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/pam_cards.h"
#include "lib/cleanup.h"
#include "tests/unit/pam_trial.h"

#define OPTIONS_MAX 40

static int no_conversation(int count _unused_, const struct pam_message **messages _unused_,
			   struct pam_response **responses _unused_, void *userdata _unused_)
{
	return PAM_CONV_ERR;
}

static pam_handle_t *start(const char *service)
{
	static const struct pam_conv conversation = {no_conversation, NULL};
	pam_handle_t *pam = NULL;

	return pam_start_confdir(service, "root", &conversation, pam_set_directory, &pam) == PAM_SUCCESS
		       ? pam
		       : NULL;
}

/* Whether libpam lets the person in; what it asked is in the pam_set_table. */
static bool ask(pam_handle_t *pam, enum pam_type type)
{
	pam_set_table->asked = 0;
	return (type == PAM_TYPE_AUTH ? pam_authenticate(pam, 0) : pam_open_session(pam, 0)) == PAM_SUCCESS;
}

/* What each line returns, as one of the outcomes that the question gives it. */
struct choice {
	size_t outcome;
	int value;
};

struct trial {
	const struct pam_set *set;
	enum pam_type type;
	struct pam_question question;
	struct pam_stack stack;
	struct choice choices[STAND_IN_LINES]; /* by id */
	bool hash; /* flags are a sum over the lines that were asked, in their order */
};

static size_t all_answers(struct trial *trial, size_t at, unsigned flags, struct pam_outcome *ret)
{
	pam_answers answers = trial->type == PAM_TYPE_AUTH ? pam_auth_answers : pam_session_answers;

	return answers(&trial->question, &trial->stack, at, flags, ret);
}

static unsigned add_hash(unsigned flags, unsigned id)
{
	return (flags * 31 + id + 1) & 0xffff;
}

/* The single outcome that was chosen. */
static size_t chosen_answer(void *userdata, const struct pam_stack *stack, size_t at, unsigned flags,
			    struct pam_outcome *ret)
{
	struct trial *trial = userdata;
	const struct pam_line *line = &stack->lines[at];
	unsigned id = pam_set_line(trial->set, line);
	struct pam_outcome outcomes[PAM_OUTCOMES_MAX];
	bool real = pam_set_is_real(line, trial->type, trial->question.service);

	all_answers(trial, at, flags, outcomes);
	*ret = outcomes[trial->choices[id].outcome];
	if (!real)
		ret->returns = PAM_BIT(trial->choices[id].value);
	if (trial->hash)
		ret->flags = real ? flags : add_hash(flags, id);
	return 1;
}

static void show(const struct trial *trial)
{
	for (size_t i = 0; i < trial->set->count; i++)
		print_message("---- %s\n%s\n", trial->set->names[i], trial->set->texts[i]);
	for (size_t i = 0; i < trial->stack.count; i++)
		if (trial->stack.lines[i].kind == PAM_MODULE) {
			unsigned id = pam_set_line(trial->set, &trial->stack.lines[i]);

			print_message("%s:%u %s returns %d\n", trial->stack.lines[i].file,
				      trial->stack.lines[i].line, trial->stack.lines[i].module,
				      trial->choices[id].value);
		}
}

/* What libpam asked, as lines of the files. */
static void show_log(const struct trial *trial)
{
	for (size_t i = 0; i < pam_set_table->asked; i++)
		print_message("libpam asks %s:%u\n", trial->set->names[pam_set_table->log[i] / PAM_SET_LINES],
			      pam_set_table->log[i] % PAM_SET_LINES);
}

static void publish(const struct trial *trial)
{
	for (size_t at = 0; at < trial->stack.count; at++)
		if (trial->stack.lines[at].kind == PAM_MODULE) {
			unsigned id = pam_set_line(trial->set, &trial->stack.lines[at]);

			pam_set_table->returns[id] = trial->choices[id].value;
		}
}

/* One choice: the same lines, and the same end. Whether libpam lets the person in. */
static bool compare(struct trial *trial, pam_handle_t *pam)
{
	_cleanup_(pam_walk_free_p) struct pam_walk *walk = NULL;
	struct pam_end end = {0};
	unsigned hash = 0;
	bool in;

	publish(trial);
	in = ask(pam, trial->type);
	for (size_t i = 0; i < pam_set_table->asked; i++)
		hash = add_hash(hash, pam_set_table->log[i]);
	trial->hash = true;
	assert_int_equal(pam_walk_new(&trial->stack, chosen_answer, trial, &walk), 0);
	trial->hash = false;
	assert_in_range(pam_walk_count(walk), 0, 1);
	if (pam_walk_count(walk) == 1)
		end = pam_walk_end(walk, 0);
	else
		in = false; /* PAM_INCOMPLETE is not tried */
	pam_trial_counts.compared++;
	if (end.success != in || end.flags != hash) {
		show(trial);
		show_log(trial);
		fail_msg("libpam lets in: %d, the walk: %d; lines asked %s", in, end.success,
			 end.flags == hash ? "alike" : "differ");
	}
	return in;
}

/* The flags of a way: those of the lines in the order in which libpam asked. Lines that are real leave them alone. */
static unsigned fold(struct trial *trial)
{
	unsigned flags = 0;

	for (size_t i = 0; i < pam_set_table->asked; i++)
		for (size_t at = 0; at < trial->stack.count; at++) {
			struct pam_outcome outcomes[PAM_OUTCOMES_MAX];

			if (trial->stack.lines[at].kind != PAM_MODULE ||
			    pam_set_line(trial->set, &trial->stack.lines[at]) != pam_set_table->log[i])
				continue;
			all_answers(trial, at, flags, outcomes);
			flags = outcomes[trial->choices[pam_set_table->log[i]].outcome].flags;
			break;
		}
	return flags;
}

/* The choices of a line that differ in what follows. */
static size_t list_options(struct trial *trial, size_t at, struct choice options[static OPTIONS_MAX])
{
	const struct pam_line *line = &trial->stack.lines[at];
	struct pam_outcome outcomes[PAM_OUTCOMES_MAX];
	size_t found = 0, count = all_answers(trial, at, 0, outcomes);

	for (size_t k = 0; k < count; k++)
		for (int value = 0; value < PAM_INCOMPLETE; value++) {
			bool same = false;

			for (size_t i = 0; i < found; i++)
				same |= options[i].outcome == k && value != PAM_SUCCESS &&
					options[i].value != PAM_SUCCESS &&
					line->actions[options[i].value] == line->actions[value];
			if (outcomes[k].returns & PAM_BIT(value) && !same && found < OPTIONS_MAX)
				options[found++] = (struct choice){k, value};
		}
	return found;
}

static bool repeats(const struct trial *trial)
{
	for (size_t a = 0; a < trial->stack.count; a++)
		for (size_t b = a + 1; b < trial->stack.count; b++)
			if (pam_set_line(trial->set, &trial->stack.lines[a]) ==
			    pam_set_line(trial->set, &trial->stack.lines[b]))
				return true;
	return false;
}

#define ENDS_MAX 256
struct ends {
	unsigned keys[ENDS_MAX];
	size_t count;
};

static void ends_add(struct ends *ends, bool success, unsigned flags)
{
	unsigned key = flags << 1 | success;

	for (size_t i = 0; i < ends->count; i++)
		if (ends->keys[i] == key)
			return;
	assert_in_range(ends->count, 0, ENDS_MAX - 1);
	ends->keys[ends->count++] = key;
}

static bool ends_have(const struct ends *ends, unsigned key)
{
	for (size_t i = 0; i < ends->count; i++)
		if (ends->keys[i] == key)
			return true;
	return false;
}

/* Every way that libpam takes is one of the walk's; and the other way round, where all were tried. */
static void compare_ends(struct trial *trial, const struct ends *seen, bool all)
{
	_cleanup_(pam_walk_free_p) struct pam_walk *walk = NULL;
	pam_answers answers = trial->type == PAM_TYPE_AUTH ? pam_auth_answers : pam_session_answers;
	struct ends told = {0};

	assert_int_equal(pam_walk_new(&trial->stack, answers, &trial->question, &walk), 0);
	for (size_t i = 0; i < pam_walk_count(walk); i++) {
		struct pam_end end = pam_walk_end(walk, i);

		ends_add(&told, end.success, end.flags);
	}
	for (size_t i = 0; i < seen->count; i++)
		if (!ends_have(&told, seen->keys[i])) {
			show(trial);
			fail_msg("libpam has an end that the walk has not: %x", seen->keys[i]);
		}
	for (size_t i = 0; all && i < told.count; i++)
		if (!ends_have(seen, told.keys[i])) {
			show(trial);
			fail_msg("the walk has an end that libpam has not: %x", told.keys[i]);
		}
}

struct pam_trial_counts pam_trial_counts;
unsigned long pam_trial_ways;

/* All choices where they are few, else some. */
static void compare_ways(struct trial *trial, pam_handle_t *pam)
{
	static struct choice options[STAND_IN_LOG][OPTIONS_MAX];
	size_t counts[STAND_IN_LOG], digits[STAND_IN_LOG] = {0};
	struct ends seen = {0};
	double product = 1;
	bool all, in;

	assert_in_range(trial->stack.count, 0, STAND_IN_LOG - 1);
	for (size_t at = 0; at < trial->stack.count; at++) {
		counts[at] =
			trial->stack.lines[at].kind == PAM_MODULE ? list_options(trial, at, options[at]) : 1;
		product *= (double)counts[at];
	}
	all = product <= (double)pam_trial_ways && !repeats(trial);
	pam_trial_counts.exhausted += all;
	for (unsigned long tried = 0; tried < (all ? (unsigned long)product : pam_trial_ways / 10); tried++) {
		unsigned long rest = tried;

		for (size_t at = 0; at < trial->stack.count; at++) {
			digits[at] = all ? rest % counts[at] : (size_t)random() % counts[at];
			rest /= counts[at];
			if (trial->stack.lines[at].kind == PAM_MODULE)
				trial->choices[pam_set_line(trial->set, &trial->stack.lines[at])] =
					options[at][digits[at]];
		}
		in = compare(trial, pam);
		ends_add(&seen, in, fold(trial));
	}
	compare_ends(trial, &seen, all);
}

/* Any values, also such as the module would not return. */
static void compare_values(struct trial *trial, pam_handle_t *pam)
{
	for (int round = 0; round < 5; round++) {
		for (size_t at = 0; at < trial->stack.count; at++)
			if (trial->stack.lines[at].kind == PAM_MODULE)
				trial->choices[pam_set_line(trial->set, &trial->stack.lines[at])].value =
					random() % 2 ? PAM_SUCCESS : (int)(random() % PAM_INCOMPLETE);
		compare(trial, pam);
	}
}

void pam_trial_service(const struct pam_set *set, const char *service, enum pam_type type,
		       const struct sssd_config *sssd)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	pam_handle_t *pam;

	assert_non_null(trial);
	*trial = (struct trial){.set = set, .type = type, .question = {service, sssd, false}};
	assert_int_equal(pam_stack_read(pam_set_read, (void *)set, service, type, &trial->stack), 0);
	pam = start(service);
	if (!pam != trial->stack.refused) {
		show(trial);
		fail_msg("libpam %s the service", pam ? "takes" : "refuses");
	}
	if (pam && trial->stack.count > 0) {
		compare_values(trial, pam);
		compare_ways(trial, pam);
	}
	if (pam)
		pam_end(pam, PAM_SUCCESS);
	pam_stack_clear(&trial->stack);
	free(trial);
}
