/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/compliance.h"

#include <stdarg.h>
#include <string.h>

#include "ctl/output.h"

static const char *const result_names[] = {
	[CHECK_PASS] = "pass",
	[CHECK_NOT_APPLICABLE] = "notapplicable",
	[CHECK_INFORMATIONAL] = "informational",
	[CHECK_NOT_CHECKED] = "notchecked",
	[CHECK_UNKNOWN] = "unknown",
	[CHECK_FAIL] = "fail",
};
ASSERT_ROWS(result_names, CHECK_FAIL + 1);

void check_note(struct check *check, enum check_result result, const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *before = check->evidence;
	va_list arguments;

	if (result > check->result)
		check->result = result;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (asprintf(&check->evidence, "%s%s%s", before ? before : "", before ? "; " : "", text ? text : "") <
	    0)
		check->evidence = NULL;
}

/* ---- on the doctor's findings --------------------------------------------------------------------------- */

bool check_doctor(struct doctor *doctor, struct check *check, void (*part)(struct doctor *))
{
	size_t first = tree_count(doctor->findings);
	bool good = true;

	part(doctor);
	for (size_t i = first; i < tree_count(doctor->findings); i++) {
		struct json_object *finding = json_object_array_get_idx(doctor->findings, i);
		const char *what = tree_string(finding, "what"), *where = tree_string(finding, "where");
		bool fault = strcmp(tree_string(finding, "severity"), "fault") == 0;

		if (!fault && strcmp(tree_string(finding, "id"), "not-looked-at") != 0)
			continue;
		check_note(check, fault ? CHECK_FAIL : CHECK_UNKNOWN, "%s%s%s%s", what, *where ? " (" : "",
			   where, *where ? ")" : "");
		good = false;
	}
	return good;
}

static bool found(const struct doctor *doctor, const char *id)
{
	for (size_t i = 0; i < tree_count(doctor->findings); i++)
		if (strcmp(tree_string(json_object_array_get_idx(doctor->findings, i), "id"), id) == 0)
			return true;
	return false;
}

static void check_service(struct doctor *doctor, struct check *check)
{
	if (!check_doctor(doctor, check, doctor_service))
		return;
	if (!doctor_is_live(doctor))
		check_note(check, CHECK_NOT_CHECKED,
			   "scpolicyd.service is installed; whether it runs was not asked");
	else
		check_note(check, CHECK_PASS, "scpolicyd %s runs%s", tree_string(doctor->status, "version"),
			   found(doctor, "service-disabled") ? "; udev starts it with the first reader" : "");
}

static void check_probe(struct doctor *doctor, struct check *check)
{
	const char *kind = tree_string(doctor->status, "probe");

	if (!doctor_is_live(doctor))
		check_note(check, CHECK_NOT_CHECKED, "the running kernel was not asked");
	else if (!doctor->status)
		check_note(check, CHECK_FAIL, "no daemon answers, so nothing listens");
	else if (!*kind || strcmp(kind, "none") == 0)
		check_note(check, CHECK_FAIL, "the kernel probe is not attached: removals are heard later");
	else if (found(doctor, "probe-deaf"))
		check_note(check, CHECK_FAIL,
			   "the kernel probe is attached and hears nothing: kernel.ftrace_enabled=0");
	else
		check_note(check, CHECK_PASS, "the kernel probe is attached (%s)", kind);
}

static void check_sign_ins(struct doctor *doctor, struct check *check)
{
	bool good = check_doctor(doctor, check, doctor_pam);

	good &= check_doctor(doctor, check, doctor_records);
	if (!good)
		return;
	if (found(doctor, "pam-no-card"))
		check_note(check, CHECK_NOT_APPLICABLE, "no PAM service takes smart cards");
	else
		check_note(check, CHECK_PASS,
			   "each PAM service that takes smart cards writes a login record, and no "
			   "session of a card lacks one");
}

/* ---- the rules ------------------------------------------------------------------------------------------ */

#define LOCK_ITEMS                                                                                           \
	"RHEL-08-020050 OL08-00-020050 RHEL-09-271045 ALMA-09-002000 AC-11 CCI-000056 CCI-000057 CCI-000058"
#define OVERRIDE_ITEMS "RHEL-09-271050 RHEL-10-700730 UBTU-24-200042 AC-11 CCI-000056 CCI-000057"

static const struct check_rule rules[] = {
	{"daemon-runs", "The smart card removal policy service runs", "AC-11", check_service},
	{"probe-attached", "The kernel probe reports removals", "AC-11", check_probe},
	{"removal-locks", "A session that a smart card opened is locked when the card is removed", LOCK_ITEMS,
	 check_removal_locks},
	{"all-connections", "Removal is acted on for all kinds of connection", LOCK_ITEMS, check_connections},
	{"sign-ins-recorded", "Every sign-in with a smart card is guarded", "AC-11 CCI-000056",
	 check_sign_ins},
	{"users-cannot-override", "Users cannot override the policy", OVERRIDE_ITEMS, check_files},
	{"last-removal", "The last removal was acted on", "AC-11 CCI-000056", check_last_removal},
};

static struct json_object *new_row(const struct check_rule *rule, const struct check *check, bool json)
{
	struct json_object *row = json_object_new_object(), *answers = json_object_new_array();

	tree_add_text(row, "id", rule->id, json);
	tree_add_text(row, "title", rule->title, json);
	tree_add_text(row, "result", result_names[check->result], json);
	tree_add_text(row, "evidence", check->evidence ? check->evidence : "", json);
	for (const char *item = rule->answers; *item;) {
		size_t length = strcspn(item, " ");

		json_object_array_add(answers, json_object_new_string_len(item, (int)length));
		item += length + strspn(item + length, " ");
	}
	json_object_object_add(row, "answers", answers);
	return row;
}

static enum check_result examine_all(struct doctor *doctor, struct json_object *rows)
{
	enum check_result worst = CHECK_PASS;

	for (size_t i = 0; i < ELEMENTS(rules); i++) {
		struct check check = {.result = CHECK_PASS};

		rules[i].examine(doctor, &check);
		json_object_array_add(rows, new_row(&rules[i], &check, doctor->ctl->json));
		free(check.evidence);
		if (check.result > worst)
			worst = check.result;
	}
	return worst;
}

static enum paint result_paint(const char *result)
{
	if (strcmp(result, result_names[CHECK_FAIL]) == 0)
		return PAINT_BAD;
	if (strcmp(result, result_names[CHECK_UNKNOWN]) == 0)
		return PAINT_WARN;
	return strcmp(result, result_names[CHECK_PASS]) == 0 ? PAINT_GOOD : PAINT_OFF;
}

static int show_rows(struct ctl *ctl, struct json_object *rows)
{
	static const struct column columns[] = {{"id", "ID", 0, NULL},
						{"title", "TITLE", 0, NULL},
						{"result", "RESULT", 0, result_paint},
						{"evidence", "EVIDENCE", SCOLS_FL_WRAP, NULL}};
	int r = ctl->xccdf ? compliance_write_xccdf(ctl->xccdf, rows) : 0;

	if (r < 0) {
		output_error("%s: %s", ctl->xccdf, strerror(-r));
		return EXIT_FAULT;
	}
	return output_rows(ctl, "rules", rows, columns, ELEMENTS(columns), "");
}

int verb_compliance(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	_cleanup_tree_ struct json_object *rows = json_object_new_array();
	_cleanup_(doctor_stop) struct doctor doctor = {.root_fd = -1};
	int r = doctor_start(&doctor, ctl);
	enum check_result worst;
	int status;

	if (r < 0) {
		output_error("%s: %s", doctor.root, strerror(-r));
		return EXIT_FAULT;
	}
	worst = examine_all(&doctor, rows);
	status = show_rows(ctl, rows);
	if (status == EXIT_FINE && doctor_is_live(&doctor) && !doctor.status)
		return EXIT_NO_DAEMON;
	return status == EXIT_FINE && worst >= CHECK_UNKNOWN ? EXIT_FAULT : status;
}
