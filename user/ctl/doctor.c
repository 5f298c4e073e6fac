/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/doctor.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/output.h"
#include "ctl/text.h"

static const char *const severity_names[] = {"ok", "note", "warning", "fault"};
ASSERT_ROWS(severity_names, SEVERITY_FAULT + 1);

static const struct finding unseen = {"not-looked-at", SEVERITY_NOTE, "So nothing is known of it.", NULL};
static const struct finding forbidden = {"not-looked-at", SEVERITY_NOTE, "So nothing is known of it.",
					 "Run scpolicyctl doctor as root."};
static const struct finding missing_root = {"root-missing", SEVERITY_FAULT, "Nothing was looked at.",
					    "Name an existing directory."};

/* ---- findings ------------------------------------------------------------------------------------------- */

void doctor_report(struct doctor *doctor, const struct finding *finding, const char *where, const char *what,
		   ...)
{
	struct json_object *object = json_object_new_object();
	_cleanup_free_ char *text = NULL;
	bool json = doctor->ctl->json;
	va_list arguments;

	va_start(arguments, what);
	if (vasprintf(&text, what, arguments) < 0)
		text = NULL;
	va_end(arguments);
	doctor->faults += finding->severity == SEVERITY_FAULT;
	doctor->warnings += finding->severity == SEVERITY_WARNING;
	tree_add_text(object, "id", finding->id, json);
	tree_add_text(object, "severity", severity_names[finding->severity], json);
	tree_add_text(object, "what", text ? text : finding->id, json);
	tree_add_text(object, "where", where, json);
	tree_add_text(object, "why", finding->why, json);
	tree_add_text(object, "remedy", finding->remedy, json);
	json_object_array_add(doctor->findings, object);
}

void doctor_unseen(struct doctor *doctor, const char *what, int error)
{
	bool denied = error == -EACCES || error == -EPERM;

	doctor_report(doctor, denied ? &forbidden : &unseen, NULL, "%s: could not be looked at: %s", what,
		      error == -EILSEQ ? "it is no text" : strerror(-error));
}

/* ---- output --------------------------------------------------------------------------------------------- */

static enum paint severity_paint(const char *severity)
{
	static const enum paint paints[] = {PAINT_GOOD, PAINT_OFF, PAINT_WARN, PAINT_BAD};

	for (size_t i = 0; i < ELEMENTS(severity_names); i++)
		if (strcmp(severity, severity_names[i]) == 0)
			return paints[i];
	return PAINT_OFF;
}

static void print_part(const char *label, const char *text)
{
	if (*text)
		printf("         %s%s\n", label, text);
}

static void print_finding(const struct ctl *ctl, struct json_object *finding)
{
	const char *severity = tree_string(finding, "severity");

	printf("%s%-7s%s  %s\n", output_paint(ctl, severity_paint(severity)), severity,
	       output_paint(ctl, PAINT_OFF), tree_string(finding, "what"));
	print_part("at:  ", tree_string(finding, "where"));
	print_part("why: ", tree_string(finding, "why"));
	print_part("fix: ", tree_string(finding, "remedy"));
}

/* The worst first. */
static void print_findings(const struct doctor *doctor)
{
	for (int severity = SEVERITY_FAULT; severity >= SEVERITY_OK; severity--)
		for (size_t i = 0; i < tree_count(doctor->findings); i++) {
			struct json_object *finding = json_object_array_get_idx(doctor->findings, i);

			if (strcmp(tree_string(finding, "severity"), severity_names[severity]) == 0)
				print_finding(doctor->ctl, finding);
		}
	printf("%u fault%s, %u warning%s\n", doctor->faults, doctor->faults == 1 ? "" : "s", doctor->warnings,
	       doctor->warnings == 1 ? "" : "s");
}

static void show_findings(struct doctor *doctor)
{
	_cleanup_tree_ struct json_object *all = NULL;

	if (!doctor->ctl->json) {
		print_findings(doctor);
		return;
	}
	all = json_object_new_object();
	json_object_object_add(all, "findings", json_object_get(doctor->findings));
	output_json(all);
}

int doctor_start(struct doctor *doctor, struct ctl *ctl)
{
	const char *root = ctl->root ? ctl->root : "";
	_cleanup_close_ int top = -EBADF;

	*doctor = (struct doctor){.ctl = ctl, .root = root, .findings = json_object_new_array()};
	doctor->root_fd = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (doctor->root_fd < 0)
		return -errno;
	/* Where nothing may be opened in this way, all would look missing. */
	top = doctor_open(doctor, "/", O_PATH);
	return top < 0 ? top : 0;
}

void doctor_stop(struct doctor *doctor)
{
	close_fd(doctor->root_fd);
	json_object_put(doctor->findings);
	json_object_put(doctor->status);
	json_object_put(doctor->sessions);
	json_object_put(doctor->readers);
}

int verb_doctor(struct ctl *ctl, int argc _unused_, char **argv _unused_)
{
	static void (*const parts[])(struct doctor *) = {
		doctor_service, doctor_install, doctor_selinux,	 doctor_config,	 doctor_pam, doctor_pcsc,
		doctor_readers, doctor_records, doctor_sessions, doctor_desktop, doctor_old,
	};
	_cleanup_(doctor_stop) struct doctor doctor = {.root_fd = -1};
	int r = doctor_start(&doctor, ctl);

	if (r < 0)
		doctor_report(&doctor, &missing_root, *doctor.root ? doctor.root : "/",
			      "the directory cannot be opened: %s", strerror(-r));
	for (size_t i = 0; r >= 0 && i < ELEMENTS(parts); i++)
		parts[i](&doctor);
	if (ctl->metrics)
		return doctor_print_metrics(&doctor);
	show_findings(&doctor);
	return doctor.faults > 0 ? EXIT_FAULT : EXIT_FINE;
}
