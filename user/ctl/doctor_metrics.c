/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `scpolicyctl doctor --metrics`: how many findings there are, as OpenMetrics text. Their words are no labels: files and people are in them. */
#include <stdio.h>
#include <string.h>

#include "ctl/doctor.h"
#include "ctl/output.h"

static bool is_like(struct json_object *a, struct json_object *b)
{
	return strcmp(tree_string(a, "id"), tree_string(b, "id")) == 0 &&
	       strcmp(tree_string(a, "severity"), tree_string(b, "severity")) == 0;
}

/* How many are like the one at `at`; 0: an earlier one is, which counted them all. */
static size_t count_like(struct json_object *findings, size_t at)
{
	struct json_object *finding = json_object_array_get_idx(findings, at);
	size_t count = 0;

	for (size_t i = 0; i < tree_count(findings); i++) {
		if (!is_like(json_object_array_get_idx(findings, i), finding))
			continue;
		if (i < at)
			return 0;
		count++;
	}
	return count;
}

static bool is_counted(struct json_object *finding)
{
	const char *severity = tree_string(finding, "severity");

	return strcmp(severity, "fault") == 0 || strcmp(severity, "warning") == 0;
}

int doctor_print_metrics(const struct doctor *doctor)
{
	bool named = false;

	printf("# TYPE scpolicyd_doctor_findings gauge\n"
	       "# HELP scpolicyd_doctor_findings What the doctor finds that would keep a removal from being acted on.\n"
	       "scpolicyd_doctor_findings{severity=\"fault\"} %u\n"
	       "scpolicyd_doctor_findings{severity=\"warning\"} %u\n",
	       doctor->faults, doctor->warnings);
	for (size_t i = 0; i < tree_count(doctor->findings); i++) {
		struct json_object *finding = json_object_array_get_idx(doctor->findings, i);
		size_t count = is_counted(finding) ? count_like(doctor->findings, i) : 0;

		if (!count)
			continue;
		if (!named)
			puts("# TYPE scpolicyd_doctor_finding gauge\n"
			     "# HELP scpolicyd_doctor_finding The same, by the finding's id.");
		named = true;
		printf("scpolicyd_doctor_finding{id=\"%s\",severity=\"%s\"} %zu\n",
		       tree_string(finding, "id"), tree_string(finding, "severity"), count);
	}
	puts("# EOF");
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_FINE;
	output_error("cannot write: %m");
	return EXIT_FAULT;
}
