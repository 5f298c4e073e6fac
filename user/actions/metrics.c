/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/metrics.h"

#include <stdio.h>
#include <string.h>

/* Each with its text as OpenMetrics has numbers in an "le" label. */
static const struct bound {
	uint64_t nsec;
	const char *text;
} bounds[METRICS_BUCKETS] = {
	{100 * NSEC_PER_USEC, "0.0001"}, {250 * NSEC_PER_USEC, "0.00025"}, {500 * NSEC_PER_USEC, "0.0005"},
	{1 * NSEC_PER_MSEC, "0.001"},	 {2500 * NSEC_PER_USEC, "0.0025"}, {5 * NSEC_PER_MSEC, "0.005"},
	{10 * NSEC_PER_MSEC, "0.01"},	 {25 * NSEC_PER_MSEC, "0.025"},	   {50 * NSEC_PER_MSEC, "0.05"},
	{100 * NSEC_PER_MSEC, "0.1"},	 {250 * NSEC_PER_MSEC, "0.25"},	   {500 * NSEC_PER_MSEC, "0.5"},
	{NSEC_PER_SEC, "1.0"},
};

/* Verdicts of which only the number is of interest. */
static const struct plain {
	enum verdict_type type;
	const char *name;
} plain[] = {
	{VERDICT_CONTRADICTED, "scpolicyd_contradictions_total"},
	{VERDICT_COMM_ERROR, "scpolicyd_communication_errors_total"},
	{VERDICT_SETTLED, "scpolicyd_settled_total"},
	{VERDICT_CANCELLED, "scpolicyd_cancelled_total"},
	{VERDICT_CANNOT_LOCK, "scpolicyd_cannot_lock_total"},
	{VERDICT_UNGUARDED, "scpolicyd_unguarded_total"},
	{VERDICT_RECHECKED, "scpolicyd_rechecks_total"},
};

/* ---- counting ------------------------------------------------------------------------------------------- */

static void latency_add(struct latency *latency, uint64_t nsec)
{
	latency->count++;
	latency->sum += nsec;
	for (size_t i = 0; i < METRICS_BUCKETS; i++)
		if (nsec <= bounds[i].nsec) {
			latency->buckets[i]++;
			return;
		}
}

/* Few models are in one place. What a fleet's Prometheus has to keep is bounded all the same. */
static struct latency *latency_of_model(struct metrics *metrics, const struct login_record *login)
{
	const char *model = login->usb_id[0] ? login->usb_id : login->source ? "remote" : "unknown";
	struct model_latency *entry = metrics->models, *last = entry + METRICS_MODELS - 1;

	while (entry < last && entry->model[0] && strcmp(entry->model, model) != 0)
		entry++;
	snprintf(entry->model, sizeof(entry->model), "%s", entry < last ? model : "other");
	return &entry->latency;
}

static void count_latency(struct metrics *metrics, const struct verdict *verdict, uint64_t nsec)
{
	latency_add(&metrics->latencies[verdict->action], nsec);
	latency_add(latency_of_model(metrics, verdict->login), nsec);
}

void metrics_verdict(struct metrics *metrics, const struct verdict *verdict, const struct trail_times *times)
{
	metrics->counts[verdict->type]++;
	if (verdict->type == VERDICT_REMOVAL)
		metrics->removals[verdict->cause][verdict->source]++;
	else if (verdict->type == VERDICT_OUTCOME)
		metrics->outcomes[verdict->action][verdict->outcome]++;
	else if (verdict->type == VERDICT_ACTION) {
		metrics->actions[verdict->action]++;
		if (verdict->action != ACTION_NONE && times->sent >= verdict->stamp)
			count_latency(metrics, verdict, times->sent - verdict->stamp);
	}
}

/* ---- listing -------------------------------------------------------------------------------------------- */

struct listing {
	metrics_visitor visit;
	void *userdata;
	int result; /* the first negative one ends everything */
};

static void list(struct listing *listing, struct metric_sample sample)
{
	if (listing->result >= 0)
		listing->result = listing->visit(listing->userdata, &sample);
}

#define LIST(listing, name_, value_, ...)                                                                    \
	list(listing,                                                                                        \
	     (struct metric_sample){.name = (name_), .value = (double)(value_), .labels = {__VA_ARGS__}})

/* Only the sources that report removals. */
static void list_removals(struct listing *listing, const struct metrics *metrics)
{
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		for (enum event_source source = 0; source <= SOURCE_STARTUP; source++)
			LIST(listing, "scpolicyd_removals_total", metrics->removals[cause][source],
			     {"cause", cause_name(cause)}, {"source", event_source_name(source)});
}

static void list_actions(struct listing *listing, const struct metrics *metrics)
{
	for (enum action action = 0; action < ACTION_COUNT; action++)
		LIST(listing, "scpolicyd_actions_total", metrics->actions[action],
		     {"action", action_name(action)});
	for (enum action action = ACTION_LOCK; action < ACTION_COUNT; action++)
		for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++)
			LIST(listing, "scpolicyd_outcomes_total", metrics->outcomes[action][outcome],
			     {"action", action_name(action)}, {"outcome", outcome_name(outcome)});
}

/* A family of histograms, one for each value of its label. */
static const struct histogram {
	const char *bucket, *count, *sum, *label;
} by_action = {"scpolicyd_action_latency_seconds_bucket", "scpolicyd_action_latency_seconds_count",
	       "scpolicyd_action_latency_seconds_sum", "action"},
  by_model = {"scpolicyd_reader_latency_seconds_bucket", "scpolicyd_reader_latency_seconds_count",
	      "scpolicyd_reader_latency_seconds_sum", "model"};

/* Buckets are cumulative in OpenMetrics. */
static void list_latency(struct listing *listing, const struct histogram *histogram, const char *value,
			 const struct latency *latency)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		sum += latency->buckets[i];
		LIST(listing, histogram->bucket, sum, {histogram->label, value}, {"le", bounds[i].text});
	}
	LIST(listing, histogram->bucket, latency->count, {histogram->label, value}, {"le", "+Inf"});
	LIST(listing, histogram->count, latency->count, {histogram->label, value});
	LIST(listing, histogram->sum, (double)latency->sum / NSEC_PER_SEC, {histogram->label, value});
}

static void list_dropped(struct listing *listing, const struct metrics_now *now)
{
	static const char *const names[] = {"journal", "stderr", "audit"};

	ASSERT_ROWS(names, REPORT_COUNT);
	for (enum report report = 0; report < REPORT_COUNT; report++)
		LIST(listing, "scpolicyd_dropped_reports_total", now->dropped[report], {"to", names[report]});
}

int metrics_list(const struct metrics *metrics, const struct metrics_now *now, metrics_visitor visit,
		 void *userdata)
{
	struct listing listing = {.visit = visit, .userdata = userdata};

	LIST(&listing, "scpolicyd_build_info", 1, {"version", VERSION});
	LIST(&listing, "scpolicyd_sessions", now->sessions);
	LIST(&listing, "scpolicyd_readers", now->readers);
	LIST(&listing, "scpolicyd_degraded", now->degraded);
	LIST(&listing, "scpolicyd_audit", now->audit);
	list_removals(&listing, metrics);
	list_actions(&listing, metrics);
	for (enum action action = ACTION_LOCK; action < ACTION_COUNT; action++)
		list_latency(&listing, &by_action, action_name(action), &metrics->latencies[action]);
	for (size_t i = 0; i < METRICS_MODELS && metrics->models[i].model[0]; i++)
		list_latency(&listing, &by_model, metrics->models[i].model, &metrics->models[i].latency);
	for (size_t i = 0; i < ELEMENTS(plain); i++)
		LIST(&listing, plain[i].name, metrics->counts[plain[i].type]);
	LIST(&listing, "scpolicyd_lost_messages_total", metrics->lost);
	list_dropped(&listing, now);
	return listing.result < 0 ? listing.result : 0;
}
