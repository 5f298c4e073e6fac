/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last removal, and what came of it, from the journal's own fields. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "ctl/compliance.h"
#include "ctl/words.h"

DEFINE_CLEANUP(sd_journal *, sd_journal_close)

#define FIELD_SIZE 128

/* The entry's field; "" if it has none. Returns `buffer`. */
static const char *field(sd_journal *journal, const char *name, char buffer[static FIELD_SIZE])
{
	size_t length, skip = strlen(name) + 1;
	const void *data;

	buffer[0] = '\0';
	if (sd_journal_get_data(journal, name, &data, &length) >= 0 && length >= skip)
		snprintf(buffer, FIELD_SIZE, "%.*s", (int)(length - skip), (const char *)data + skip);
	return buffer;
}

/* Anybody may write fields of these names. What journald itself notes about the writer cannot be made up. */
static int match(sd_journal *journal, const char *event, const char *session)
{
	char text[FIELD_SIZE + 32];
	int r;

	sd_journal_flush_matches(journal);
	r = sd_journal_add_match(journal, "_SYSTEMD_UNIT=scpolicyd.service", 0);
	snprintf(text, sizeof(text), "SCPOLICY_EVENT=%s", event);
	if (r >= 0)
		r = sd_journal_add_match(journal, text, 0);
	snprintf(text, sizeof(text), "SCPOLICY_SESSION=%s", session);
	return r >= 0 && *session ? sd_journal_add_match(journal, text, 0) : r;
}

struct removal {
	char session[FIELD_SIZE], user[FIELD_SIZE], cause[FIELD_SIZE], source[FIELD_SIZE], when[32];
	uint64_t at;
};

/* 1 with the newest removal, 0 if there is none. */
static int find_removal(sd_journal *journal, struct removal *ret)
{
	struct tm time;
	time_t seconds;
	int r = match(journal, "removal", "");

	if (r >= 0)
		r = sd_journal_seek_tail(journal);
	if (r >= 0)
		r = sd_journal_previous(journal);
	if (r > 0)
		r = sd_journal_get_realtime_usec(journal, &ret->at) < 0 ? -EIO : 1;
	if (r <= 0)
		return r;
	field(journal, "SCPOLICY_SESSION", ret->session);
	field(journal, "SCPOLICY_USER", ret->user);
	field(journal, "SCPOLICY_CAUSE", ret->cause);
	field(journal, "SCPOLICY_SOURCE", ret->source);
	seconds = (time_t)(ret->at / USEC_PER_SEC);
	strftime(ret->when, sizeof(ret->when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &time));
	return 1;
}

/* What came of it: the last outcome of that session's, since. False: there is none. */
static bool find_outcome(sd_journal *journal, const struct removal *removal, char action[static FIELD_SIZE],
			 char outcome[static FIELD_SIZE])
{
	uint64_t at = 0;

	if (match(journal, "outcome", removal->session) < 0 || sd_journal_seek_tail(journal) < 0 ||
	    sd_journal_previous(journal) <= 0 || sd_journal_get_realtime_usec(journal, &at) < 0 ||
	    at < removal->at)
		return false;
	field(journal, "SCPOLICY_ACTION", action);
	field(journal, "SCPOLICY_OUTCOME", outcome);
	return true;
}

static enum check_result result_of(const char *outcome)
{
	if (strcmp(outcome, "verified") == 0)
		return CHECK_PASS;
	return strcmp(outcome, "unverified") == 0 ? CHECK_INFORMATIONAL : CHECK_FAIL;
}

static void tell(struct check *check, sd_journal *journal, const struct removal *removal)
{
	char action[FIELD_SIZE], outcome[FIELD_SIZE];
	bool found = find_outcome(journal, removal, action, outcome);

	check_note(check, found ? result_of(outcome) : CHECK_FAIL,
		   "%s: session %s of %s, cause %s, heard by %s: %s%s%s", removal->when, removal->session,
		   removal->user, removal->cause, removal->source,
		   found ? action : "no outcome is in the journal", found ? " " : "", found ? outcome : "");
}

void check_last_removal(struct doctor *doctor, struct check *check)
{
	_cleanup_(sd_journal_close_p) sd_journal *journal = NULL;
	struct removal removal = {.at = 0};
	int r;

	if (!doctor_is_live(doctor)) {
		check_note(check, CHECK_NOT_CHECKED, "the running machine's journal was not read");
		return;
	}
	r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
	if (r >= 0)
		r = find_removal(journal, &removal);
	if (r > 0)
		tell(check, journal, &removal);
	else if (r < 0)
		check_note(check, CHECK_UNKNOWN, "the journal cannot be read: %s", strerror(-r));
	else if (!client_sees_all())
		check_note(check, CHECK_UNKNOWN,
			   "no removal is in the journal as far as it is shown: run it as root");
	else
		check_note(check, CHECK_NOT_APPLICABLE, "no removal is in the journal");
}
