/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenMetrics text 1.0. Families that are not listed below are left out, because their kind is not known.
 * Prometheus' older text format lacks the kinds info and unknown. One family of such a kind would make
 * node_exporter refuse the whole file, so there is none.
 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/output.h"

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };

static const struct family {
	const char *name;
	enum kind kind;
	const char *unit; /* the name's end; NULL: a number of things */
	const char *help; /* one line, without backslash or double quote */
} families[] = {
	{"scpolicyd_build_info", KIND_GAUGE, NULL, "Always 1; the version of the daemon that runs."},
	{"scpolicyd_sessions", KIND_GAUGE, NULL, "Sessions that a card opened and that are governed now."},
	{"scpolicyd_readers", KIND_GAUGE, NULL, "Readers that PC/SC lists now."},
	{"scpolicyd_degraded", KIND_GAUGE, NULL,
	 "Reasons for which removals are heard late, or not at all; 0 is good."},
	{"scpolicyd_audit", KIND_GAUGE, NULL, "Whether the kernel audit log is written to."},
	{"scpolicyd_removals", KIND_COUNTER, NULL,
	 "Removals of a session's card, by cause and by the source that reported first."},
	{"scpolicyd_actions", KIND_COUNTER, NULL, "Answers to a removal, by what policy asked for."},
	{"scpolicyd_outcomes", KIND_COUNTER, NULL, "How those ended."},
	{"scpolicyd_action_latency_seconds", KIND_HISTOGRAM, "seconds",
	 "From the removal (the kernel's stamp) to the call sent; what policy waits for is in it."},
	{"scpolicyd_reader_latency_seconds", KIND_HISTOGRAM, "seconds",
	 "The same times, by the USB id of the reader that the card was removed from."},
	{"scpolicyd_contradictions", KIND_COUNTER, NULL, "Card removals that PC/SC contradicted."},
	{"scpolicyd_communication_errors", KIND_COUNTER, NULL,
	 "Readers that could not be read, which is no removal."},
	{"scpolicyd_settled", KIND_COUNTER, NULL,
	 "Removals forgotten because the card was back within Settle=."},
	{"scpolicyd_cancelled", KIND_COUNTER, NULL, "Second stages and waits that were cancelled."},
	{"scpolicyd_cannot_lock", KIND_COUNTER, NULL,
	 "Removals from sessions that have nothing to lock them."},
	{"scpolicyd_unguarded", KIND_COUNTER, NULL,
	 "Times that a session's removals would no longer have been noticed."},
	{"scpolicyd_rechecks", KIND_COUNTER, NULL, "Full comparisons of every session with what is there."},
	{"scpolicyd_lost_messages", KIND_COUNTER, NULL, "Times that a source lost messages."},
	{"scpolicyd_dropped_reports", KIND_COUNTER, NULL,
	 "Entries and lines that were dropped because nobody read them."},
};

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

static bool belongs(const struct family *family, const char *name)
{
	static const char *const suffixes[][4] = {{"_total"}, {""}, {"_bucket", "_count", "_sum"}};
	size_t length = strlen(family->name);

	if (strncmp(name, family->name, length) != 0)
		return false;
	for (const char *const *suffix = suffixes[family->kind]; *suffix; suffix++)
		if (strcmp(name + length, *suffix) == 0)
			return true;
	return false;
}

static void print_label_value(const char *value)
{
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", stdout);
		else if (*value == '\\' || *value == '"')
			printf("\\%c", *value);
		else
			putchar(*value);
	}
}

static void print_labels(struct json_object *labels)
{
	const char *before = "{";

	json_object_object_foreach(labels, name, value) {
		printf("%s%s=\"", before, name);
		print_label_value(json_object_get_string(value));
		putchar('"');
		before = ",";
	}
	if (*before == ',')
		putchar('}');
}

/* The shortest text that reads back as the same number. */
static void print_number(double number)
{
	char text[32];

	if (isnan(number) || isinf(number)) {
		fputs(isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf", stdout);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	fputs(text, stdout);
}

/* [name, {labels}, value], as GetMetrics has them. */
static bool is_sample(struct json_object *sample)
{
	return tree_count(sample) == 3 &&
	       json_object_is_type(json_object_array_get_idx(sample, 0), json_type_string) &&
	       json_object_is_type(json_object_array_get_idx(sample, 1), json_type_object);
}

static void print_sample(struct json_object *sample)
{
	fputs(json_object_get_string(json_object_array_get_idx(sample, 0)), stdout);
	print_labels(json_object_array_get_idx(sample, 1));
	putchar(' ');
	print_number(json_object_get_double(json_object_array_get_idx(sample, 2)));
	putchar('\n');
}

static void print_family(const struct family *family, struct json_object *samples)
{
	bool named = false;

	for (size_t i = 0; i < tree_count(samples); i++) {
		struct json_object *sample = json_object_array_get_idx(samples, i);

		if (!is_sample(sample) ||
		    !belongs(family, json_object_get_string(json_object_array_get_idx(sample, 0))))
			continue;
		if (!named) {
			printf("# TYPE %s %s\n", family->name, kind_names[family->kind]);
			if (family->unit)
				printf("# UNIT %s %s\n", family->name, family->unit);
			printf("# HELP %s %s\n", family->name, family->help);
			named = true;
		}
		print_sample(sample);
	}
}

static int print_samples_json(struct json_object *samples)
{
	static const char *const keys[] = {"name", "labels", "value"};
	_cleanup_tree_ struct json_object *all = json_object_new_object();
	struct json_object *rows = json_object_new_array();

	json_object_object_add(all, "metrics", rows);
	for (size_t i = 0; i < tree_count(samples); i++) {
		struct json_object *row = json_object_new_object();

		for (size_t k = 0; k < ELEMENTS(keys); k++)
			json_object_object_add(row, keys[k],
					       json_object_get(json_object_array_get_idx(
						       json_object_array_get_idx(samples, i), k)));
		json_object_array_add(rows, row);
	}
	output_json(all);
	return EXIT_FINE;
}

int verb_metrics(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	_cleanup_tree_ struct json_object *samples = NULL;
	int status = client_call(ctl, "GetMetrics", NULL, 0, &samples);

	if (status != EXIT_FINE)
		return status;
	if (ctl->json)
		return print_samples_json(samples);
	setlocale(LC_NUMERIC, "C"); /* the format has no decimal comma */
	for (size_t i = 0; i < ELEMENTS(families); i++)
		print_family(&families[i], samples);
	puts("# EOF");
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_FINE;
	output_error("cannot write: %m");
	return EXIT_FAULT;
}
