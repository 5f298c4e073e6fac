/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs histories through the core and counts what the oracle finds.
 *
 *   --seed N --count N --seconds N --jobs N --profile NAME   which histories, and how many
 *   --show N --match TEXT    shrink and print so many of the failing ones, of those that say TEXT
 *   --lines                  name each failing one in a line; --until-fault: stop at the first
 *   --exception N            take that exception for a fault, to see what it excuses
 *
 * Without options: a fixed set of seeds of each profile, with results as cmocka prints them, for
 * scripts/check.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shrink.h"

struct options {
	uint64_t seed, count;
	unsigned seconds, jobs, show;
	int profile; /* -1: all of them */
	bool cases, first, until_fault;
	const char *match; /* show faults that say this alone */
};

struct tally {
	uint64_t histories, faults[FAULT_COUNT];
	uint64_t excepted[EXCEPTION_COUNT];
	unsigned shown;
	double seconds;
};

static double now_seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static unsigned profile_count(void)
{
	unsigned count = 0;

	while (history_profile(count))
		count++;
	return count;
}

static void report(struct machine *machine, struct script *script, const struct judge *judge,
		   unsigned profile, uint64_t seed)
{
	char text[sizeof(judge->text)];

	strcpy(text, judge->text);
	shrink(machine, script, judge->fault, text);
	shrink_print(machine, script, history_profile(profile), seed);
	fflush(stdout);
}

static void run_one(struct machine *machine, const struct options *options, unsigned profile, uint64_t seed,
		    struct tally *tally)
{
	struct judge judge;
	struct script script;

	judge_reset(&judge);
	history_make(seed, profile, &script);
	machine_init(machine, &script, &judge);
	run_script(machine);
	tally->histories++;
	tally->faults[judge.fault]++;
	for (unsigned i = 0; i < EXCEPTION_COUNT; i++)
		tally->excepted[i] += judge.excepted[i] > 0;
	if (!judge.fault)
		return;
	if (options->until_fault)
		printf("first fault after %llu histories: %s, %s\n", (unsigned long long)tally->histories,
		       fault_name(judge.fault), judge.text);
	if (options->first)
		printf("%s %llu %s: %s\n", history_profile(profile), (unsigned long long)seed,
		       fault_name(judge.fault), judge.text);
	else if (tally->shown < options->show && (!options->match || strstr(judge.text, options->match)) &&
		 ++tally->shown)
		report(machine, &script, &judge, profile, seed);
}

static struct tally run_many(struct machine *machine, const struct options *options, uint64_t first,
			     uint64_t step)
{
	unsigned profiles = profile_count();
	double begun = now_seconds();
	struct tally tally = {0};

	for (uint64_t i = first; !options->count || i < options->count; i += step) {
		uint64_t seed = options->seed + i;
		unsigned profile =
			options->profile < 0 ? (unsigned)(seed % profiles) : (unsigned)options->profile;

		run_one(machine, options, profile, seed, &tally);
		if (options->until_fault && tally.faults[FAULT_NONE] < tally.histories)
			break;
		if (options->seconds && tally.histories % 64 == 0 &&
		    now_seconds() - begun >= options->seconds)
			break;
	}
	tally.seconds = now_seconds() - begun;
	return tally;
}

static void add(struct tally *sum, const struct tally *part)
{
	sum->histories += part->histories;
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		sum->faults[i] += part->faults[i];
	for (unsigned i = 0; i < EXCEPTION_COUNT; i++)
		sum->excepted[i] += part->excepted[i];
	if (part->seconds > sum->seconds)
		sum->seconds = part->seconds;
}

/* Each job has every n-th seed, and tells its tally through a pipe. False: one of them died. */
static bool run_jobs(struct machine *machine, const struct options *options, struct tally *sum)
{
	int pipes[2], status;
	bool ok = true;

	if (options->jobs < 2) {
		*sum = run_many(machine, options, 0, 1);
		return true;
	}
	if (pipe(pipes) < 0)
		return false;
	fflush(stdout);
	for (unsigned job = 0; job < options->jobs; job++) {
		struct tally part;

		if (fork() != 0)
			continue;
		part = run_many(machine, options, job, options->jobs);
		fflush(stdout);
		_exit(write(pipes[1], &part, sizeof(part)) == sizeof(part) ? 0 : 1);
	}
	for (unsigned job = 0; job < options->jobs; job++) {
		struct tally part;

		if (wait(&status) < 0 || status != 0)
			ok = false;
		else if (read(pipes[0], &part, sizeof(part)) == sizeof(part))
			add(sum, &part);
	}
	return ok;
}

static bool is_clean(const struct tally *tally)
{
	return tally->faults[FAULT_NONE] == tally->histories;
}

static void print_tally(const struct tally *tally, uint64_t seed)
{
	printf("histories %llu (first seed %llu), %.0f a second, broken %llu; excepted:",
	       (unsigned long long)tally->histories, (unsigned long long)seed,
	       tally->seconds > 0 ? (double)tally->histories / tally->seconds : 0,
	       (unsigned long long)tally->faults[FAULT_BROKEN]);
	for (unsigned i = 0; i < EXCEPTION_COUNT; i++)
		printf(" %s %llu%s", exception_name(i), (unsigned long long)tally->excepted[i],
		       i + 1 < EXCEPTION_COUNT ? "," : "\n");
	printf("missed %llu, false %llu, unguarded %llu\n", (unsigned long long)tally->faults[FAULT_MISSED],
	       (unsigned long long)tally->faults[FAULT_FALSE],
	       (unsigned long long)tally->faults[FAULT_UNGUARDED]);
}

/* As cmocka prints its results: one line a profile. */
static bool run_cases(struct machine *machine, struct options *options)
{
	bool ok = true;

	for (unsigned i = 0; i < profile_count(); i++) {
		struct tally tally;

		options->profile = (int)i;
		printf("[ RUN      ] oracle %s\n", history_profile(i));
		fflush(stdout);
		tally = run_many(machine, options, 0, 1);
		print_tally(&tally, options->seed);
		printf("[ %s ] oracle %s\n", is_clean(&tally) ? "      OK" : " FAILED ", history_profile(i));
		ok &= is_clean(&tally);
	}
	return ok;
}

static int find_profile(const char *name)
{
	for (unsigned i = 0; i < profile_count(); i++) {
		if (strcmp(history_profile(i), name) == 0)
			return (int)i;
	}
	fprintf(stderr, "no profile %s\n", name);
	exit(2);
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"seed", required_argument, NULL, 's'},
		{"count", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 't'},
		{"profile", required_argument, NULL, 'p'},
		{"jobs", required_argument, NULL, 'j'},
		{"show", required_argument, NULL, 'v'},
		{"lines", no_argument, NULL, 'l'},
		{"match", required_argument, NULL, 'm'},
		{"exception", required_argument, NULL, 'x'},
		{"until-fault", no_argument, NULL, 'u'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "s:n:t:p:j:v:lm:x:u", long_options, NULL)) >= 0) {
		if (c == 's')
			options->seed = strtoull(optarg, NULL, 10);
		else if (c == 'n')
			options->count = strtoull(optarg, NULL, 10);
		else if (c == 't')
			options->seconds = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'p')
			options->profile = find_profile(optarg);
		else if (c == 'j')
			options->jobs = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'v')
			options->show = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'l')
			options->first = true;
		else if (c == 'u')
			options->until_fault = true;
		else if (c == 'x')
			machine_show_exception = atoi(optarg) + 1;
		else if (c == 'm')
			options->match = optarg;
		else
			exit(2);
	}
	options->cases = argc == 1;
	if (options->cases)
		options->count = 10000;
	else if (!options->count && !options->seconds)
		options->count = 10000;
}

int main(int argc, char **argv)
{
	struct options options = {.seed = 1, .jobs = 1, .show = 1, .profile = -1};
	struct machine *machine = malloc(sizeof(*machine));
	struct tally tally = {0};
	bool ok;

	if (!machine)
		return 1;
	parse(argc, argv, &options);
	driver_ask_core();
	if (options.cases) {
		ok = run_cases(machine, &options);
	} else {
		ok = run_jobs(machine, &options, &tally) && is_clean(&tally);
		print_tally(&tally, options.seed);
	}
	free(machine);
	return ok ? 0 : 1;
}
