/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * `scpolicyctl compliance`: evidence for an auditor, one verdict a rule. It stands on the doctor's look at the machine,
 * and adds what an auditor asks for: the deciding line of each policy, the owner and mode of each deciding file, and the
 * last removal. What could not be seen never passes.
 */
#include <stdio.h>

#include "ctl/doctor.h"

/* XCCDF's words (NISTIR 7275, 6.6.4.2), the better first: of several, the worst is the rule's. */
enum check_result {
	CHECK_PASS,
	CHECK_NOT_APPLICABLE,
	CHECK_INFORMATIONAL, /* it cannot be proven either way, as a lock that no locker reports */
	CHECK_NOT_CHECKED,   /* with --root=: only a running machine shows it */
	CHECK_UNKNOWN,	     /* it could not be looked at */
	CHECK_FAIL,
};

/* What one rule has found so far. */
struct check {
	enum check_result result;
	char *evidence; /* malloc()ed; NULL: none yet */
};

/* A piece of evidence; the rule's result gets no better by it. */
void check_note(struct check *check, enum check_result result, const char *format, ...) _printf_(3, 4);

struct check_rule {
	const char *id; /* for programs: never changed; XCCDF has it behind "xccdf_org.scpolicyd_rule_" */
	const char *title;
	const char
		*answers; /* the items of guides and catalogues that it answers, with blanks between them */
	void (*examine)(struct doctor *doctor, struct check *check);
};

/* The findings of a part of the doctor which are faults; true if there were none, and all of it could be looked at. */
bool check_doctor(struct doctor *doctor, struct check *check, void (*part)(struct doctor *));

void check_removal_locks(struct doctor *doctor, struct check *check);
void check_connections(struct doctor *doctor, struct check *check);
void check_files(struct doctor *doctor, struct check *check);
void check_last_removal(struct doctor *doctor, struct check *check);

/*
 * A benchmark with these rules and one TestResult, XCCDF 1.2. `rows` has "id", "title", "result", "evidence" and "answers"
 * of each. 0, or a negative errno.
 */
int compliance_write_xccdf(const char *path, struct json_object *rows);
