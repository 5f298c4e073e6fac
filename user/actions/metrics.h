/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What happened since the daemon started, counted: for GetMetrics and so for OpenMetrics. Counting allocates
 * nothing and cannot fail. A struct of zeros has counted nothing yet.
 */
#include "actions/trail.h"

#define METRICS_BUCKETS                                                                                      \
	13 /* upper bounds of the latency histogram, from 100 µs to 1 s; +Inf is not among them */
#define METRICS_LABELS 2 /* at most, of one sample */
#define METRICS_MODELS 8 /* of readers; what is removed from further ones counts under the last, "other" */

struct latency {
	uint64_t buckets[METRICS_BUCKETS]; /* each counts what no smaller one took */
	uint64_t count;
	uint64_t sum; /* ns */
};

struct model_latency {
	char model[10]; /* the reader's USB id, such as 08e6:4433; "remote", "unknown"; empty: none yet */
	struct latency latency;
};

struct metrics {
	uint64_t removals[CAUSE_COUNT][SOURCE_COUNT];
	uint64_t actions[ACTION_COUNT];
	uint64_t outcomes[ACTION_COUNT][OUTCOME_COUNT];
	struct latency latencies[ACTION_COUNT]; /* stamp of the removal to call sent */
	struct model_latency models[METRICS_MODELS];
	uint64_t counts[VERDICT_TYPE_COUNT];
	uint64_t lost; /* how often a source lost messages */
};

/* Who learns what happened, and may not read it. */
enum report {
	REPORT_JOURNAL,
	REPORT_STDERR,
	REPORT_AUDIT,
	REPORT_COUNT,
};

/* What is, rather than what happened: known when it is asked for. */
struct metrics_now {
	uint64_t sessions; /* governed ones */
	uint64_t readers;
	uint64_t degraded;		/* reasons for which removals are heard late, or not at all */
	bool audit;			/* the kernel audit log is written to */
	uint64_t dropped[REPORT_COUNT]; /* since the start */
};

/* Counts the verdicts that tell; ignores the others. */
void metrics_verdict(struct metrics *metrics, const struct verdict *verdict, const struct trail_times *times);

struct metric_sample {
	const char *name; /* with OpenMetrics' suffix */
	struct {
		const char *name, *value;
	} labels[METRICS_LABELS]; /* the first without a name ends them */
	double value;
};

/* A negative value ends the listing. The sample is borrowed for the duration of the call. */
typedef int (*metrics_visitor)(void *userdata, const struct metric_sample *sample);

/* Every sample, families together, also those still at 0. 0, or the visitor's negative value. */
int metrics_list(const struct metrics *metrics, const struct metrics_now *now, metrics_visitor visit,
		 void *userdata);
