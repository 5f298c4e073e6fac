/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Governed sessions: whether a removal does something to them, and whether their locker can be relied on. */
#include <stdio.h>
#include <string.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "ctl/doctor.h"

static const struct finding nothing_done = {
	"session-not-acted-on", SEVERITY_WARNING,
	"A removal is noted in the journal, and nothing else happens to the session.",
	"scpolicyctl explain SESSION names the file, line and rule behind it."};
static const struct finding deaf = {
	"locker-deaf", SEVERITY_FAULT,
	"Its last lock failed: the locker used to report locks and did not this time, or nothing received the "
	"request. The session may be open.",
	"Check that its screen locker runs and receives logind's Lock (loginctl lock-session); raise "
	"LockTimeout= if it is only slow, or set WhenLockFails=logout."};
static const struct finding unprovable = {
	"locker-unproven", SEVERITY_WARNING,
	"Its locker has never reported a lock (LockedHint): whether one happened cannot be known, and outcomes are unverified.",
	"Lock it once to see (loginctl lock-session). GNOME's and Plasma's lockers report, and so does i3lock under xss-lock; "
	"swaylock and mate-screensaver never do."};
static const struct finding then_unproven = {
	"then-unproven", SEVERITY_FAULT,
	"Then= never follows: its locker has not reported a lock (LockedHint), so that an unlock would not be seen either, and "
	"nobody who may be at work is logged out.",
	"Lock it once to see (loginctl lock-session). If its locker does not report, start it through the wrapper of "
	"scpolicyd.conf(5), Then=; or have the first stage do what Then= says."};
static const struct finding no_lock = {
	"session-cannot-lock", SEVERITY_WARNING,
	"Nothing can lock an ssh session, nor one that logind refuses to lock: Action=lock leaves it open.",
	"Set WhenCannotLock=logout, or a rule for Service=sshd with Action=logout. logind refuses sessions of class background "
	"or greeter, such as one that a program opened without a terminal, a display or XDG_SESSION_TYPE."};
static const struct finding unguarded = {
	"session-unguarded", SEVERITY_FAULT,
	"It was unlocked without its card: no reader has that card, or several have one like it. Its person works, and "
	"no removal would be noticed.",
	"Insert the card that signed in, and no second one like it; then lock and unlock the session, or sign in again."};
static const struct finding good = {"sessions", SEVERITY_OK, NULL, NULL};
static const struct finding not_all_good = {"sessions", SEVERITY_NOTE, NULL,
					    "See the finding about each "
					    "session."};
static const struct finding no_sessions = {"sessions", SEVERITY_NOTE, "So nothing is known about lockers.",
					   NULL};

DEFINE_CLEANUP(sd_journal *, sd_journal_close)

static int match(sd_journal *journal, const char *field, const char *value)
{
	char text[160];

	snprintf(text, sizeof(text), "%s=%s", field, value);
	return sd_journal_add_match(journal, text, 0);
}

/* The outcome of the session's newest lock in this boot; "" if there is none, or if we may not read it. */
static const char *last_outcome(const char *session, char *buffer, size_t size)
{
	static const char field[] = "SCPOLICY_OUTCOME=";
	_cleanup_(sd_journal_close_p) sd_journal *journal = NULL;
	char boot_id[SD_ID128_STRING_MAX];
	sd_id128_t boot;
	const void *data;
	size_t length;

	buffer[0] = '\0';
	if (sd_id128_get_boot(&boot) < 0 || sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY) < 0 ||
	    match(journal, "_BOOT_ID", sd_id128_to_string(boot, boot_id)) < 0 ||
	    match(journal, "SCPOLICY_EVENT", "outcome") < 0 ||
	    match(journal, "SCPOLICY_ACTION", "lock") < 0 ||
	    match(journal, "SCPOLICY_SESSION", session) < 0 || sd_journal_seek_tail(journal) < 0 ||
	    sd_journal_previous(journal) <= 0 ||
	    sd_journal_get_data(journal, "SCPOLICY_OUTCOME", &data, &length) < 0)
		return buffer;
	if (length > sizeof(field) - 1)
		snprintf(buffer, size, "%.*s", (int)(length - (sizeof(field) - 1)),
			 (const char *)data + sizeof(field) - 1);
	return buffer;
}

static bool has_kind(struct json_object *session, const char *kind)
{
	struct json_object *kinds = tree_get(session, "kinds");

	for (size_t i = 0; i < tree_count(kinds); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(kinds, i)), kind) == 0)
			return true;
	return false;
}

/* True if a removal is acted on reliably. */
static bool acts_reliably(struct doctor *doctor, struct json_object *session)
{
	const char *id = tree_string(session, "session"), *user = tree_string(session, "user");
	const char *action = tree_string(session, "action");
	char outcome[16], where[64];

	snprintf(where, sizeof(where), "session %s", id);
	if (tree_bool(session, "unguarded"))
		doctor_report(doctor, &unguarded, where, "session %s of %s is not guarded", id, user);
	else if (strcmp(action, "none") == 0 && !tree_has(session, "then"))
		doctor_report(doctor, &nothing_done, where, "nothing is done to session %s of %s (rule: %s)",
			      id, user,
			      *tree_string(session, "rule") ? tree_string(session, "rule") : "[Policy]");
	else if (strcmp(action, "logout") != 0 && has_kind(session, "no-lock"))
		doctor_report(doctor, &no_lock, where, "session %s of %s cannot be locked: logind refuses it",
			      id, user);
	else if (strcmp(last_outcome(id, outcome, sizeof(outcome)), "failed") == 0)
		doctor_report(doctor, &deaf, where, "the locker of session %s of %s is deaf", id, user);
	else if (strcmp(action, "lock") == 0 && has_kind(session, "ssh"))
		doctor_report(doctor, &no_lock, where, "session %s of %s cannot be locked", id, user);
	else if (strcmp(action, "lock") == 0 && tree_has(session, "then") &&
		 !tree_bool(session, "provable") && !has_kind(session, "tty"))
		doctor_report(doctor, &then_unproven, where,
			      "the second stage (%s) of session %s of %s would not be taken",
			      tree_string(session, "then"), id, user);
	else if (strcmp(action, "lock") == 0 && !tree_bool(session, "provable") &&
		 !has_kind(session, "console"))
		doctor_report(doctor, &unprovable, where,
			      "the locker of session %s of %s is not known to report", id, user);
	else
		return true;
	return false;
}

void doctor_sessions(struct doctor *doctor)
{
	size_t count = tree_count(doctor->sessions), well = 0;

	if (!doctor->sessions)
		return;
	if (count == 0)
		doctor_report(doctor, &no_sessions, NULL,
			      client_sees_all() ? "no session is governed"
						: "no session of yours is governed");
	for (size_t i = 0; i < count; i++)
		well += acts_reliably(doctor, json_object_array_get_idx(doctor->sessions, i));
	if (count > 0)
		doctor_report(doctor, well == count ? &good : &not_all_good, NULL,
			      "%zu of %zu governed sessions have nothing in the way", well, count);
}
