/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "log.h"

#define ENTRY_FIELDS 20
#define ENTRY_BYTES  2048

/* One entry being put together: fields in one buffer, none longer than what is left of it. */
struct entry {
	struct iovec fields[ENTRY_FIELDS];
	int count;
	char text[ENTRY_BYTES];
	size_t used;
};

static void entry_add(struct entry *entry, const char *format, ...) _printf_(2, 3);
static void entry_add(struct entry *entry, const char *format, ...)
{
	char *start = entry->text + entry->used;
	size_t left = sizeof(entry->text) - entry->used;
	va_list arguments;
	int length;

	if (entry->count == ENTRY_FIELDS || left < 2)
		return;
	va_start(arguments, format);
	length = vsnprintf(start, left, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length >= left)
		length = (int)left - 1;
	entry->fields[entry->count++] = (struct iovec){start, (size_t)length};
	entry->used += (size_t)length + 1;
}

static void entry_write(struct entry *entry)
{
	int r = sd_journal_sendv(entry->fields, entry->count);

	if (r < 0)
		log_error("cannot write to the journal: %s", strerror(-r));
}

/* What each kind of verdict is called in the journal, and its MESSAGE_ID, which never changes. */
struct kind {
	const char *event; /* SCPOLICY_EVENT=; NULL: not written */
	const char *message_id;
	int priority;
};

static const struct kind kinds[] = {
	[VERDICT_REMOVAL] = {"removal", "5d7f2a4be4c94c0f8a1d2f0e6c3b9a71", LOG_NOTICE},
	[VERDICT_ACTION] = {"action", "0c9e1b7d53f24d6aa8f47e2b916cd035", LOG_NOTICE},
	[VERDICT_OUTCOME] = {"outcome", "b86a3f9e17d04c5b9e20d4a7f1583c6e", LOG_NOTICE},
	[VERDICT_HEARD] = {"heard", "e43b70c8d92f4a1683d5b6e09f7c2a14", LOG_INFO},
	[VERDICT_CONTRADICTED] = {"contradicted", "29f6c1d4a75e4b03bc18e7d2f50a9648", LOG_WARNING},
	[VERDICT_COMM_ERROR] = {"comm-error", "7a15e8f3c0b24d9e96f2a3d81b4c7e50", LOG_WARNING},
	[VERDICT_RESTORED] = {"restored", "f1c82d6e4b934a7fa05d9e3c7b216f48", LOG_INFO},
	[VERDICT_RECHECKED] = {"recheck", "83e4d07b6f1a4c2db95c0a8e2f73d614", LOG_INFO},
	[VERDICT_SETTLED] = {"settled", "138fabaf2b5945e285708c23adfb6879", LOG_NOTICE},
	[VERDICT_COUNTDOWN] = {"countdown", "839feb6e21c74c448e81261c5c215857", LOG_NOTICE},
	[VERDICT_CANCELLED] = {"cancelled", "3bab741473bc419e9e3d3243fc6cb087", LOG_NOTICE},
	[VERDICT_CANNOT_LOCK] = {"cannot-lock", "28f5cc31be1a46149e0decf990dca9e3", LOG_WARNING},
};
#define MESSAGE_ID_DEGRADED "46b9d3f0e28c4175a3d61f7c90b5e82a"
#define MESSAGE_ID_CONFIG   "65aa51242b9643c7a85666e2ef76bc73"

static const char *what_happened(enum cause cause)
{
	static const char *const phrases[] = {
		[CAUSE_CARD] = "its card was removed",
		[CAUSE_READER] = "its card's reader was removed",
		[CAUSE_ABSENT] = "its card was found absent",
		[CAUSE_PCSC_LOST] = "nothing can watch its card any more, pcscd stays away",
	};

	return phrases[cause];
}

static const char *since_kernel(uint64_t from, uint64_t to, char *buffer, size_t size)
{
	snprintf(buffer, size, "%.1f ms", to > from ? (double)(to - from) / NSEC_PER_MSEC : 0.0);
	return buffer;
}

/* Rounded: a countdown's words come on the second, a little early or late. */
static unsigned long long whole_seconds(uint64_t nanoseconds)
{
	return (nanoseconds + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
}

static void add_message(struct entry *entry, const struct verdict *verdict, const struct audit_times *times)
{
	const char *session = verdict->login ? verdict->login->session : "";
	const char *detail = verdict->detail ? verdict->detail : "";
	const char *between = verdict->detail ? ": " : "";
	char user[64], time[32];

	log_safe(verdict->login ? verdict->login->user : "", user, sizeof(user));
	switch (verdict->type) {
	case VERDICT_REMOVAL:
		entry_add(entry, "MESSAGE=Session %s of user %s: %s (heard by %s)", session, user,
			  what_happened(verdict->cause), event_source_name(verdict->source));
		break;
	case VERDICT_ACTION:
		if (verdict->action == ACTION_NONE)
			entry_add(entry, "MESSAGE=Session %s of user %s: nothing is done%s%s", session, user, between,
				  detail);
		else if (times->sent)
			entry_add(entry, "MESSAGE=Session %s of user %s: %s sent %s after the removal%s%s", session,
				  user, action_name(verdict->action),
				  since_kernel(verdict->stamp, times->sent, time, sizeof(time)), between, detail);
		else
			entry_add(entry, "MESSAGE=Session %s of user %s: %s could not be sent%s%s", session, user,
				  action_name(verdict->action), between, detail);
		break;
	case VERDICT_OUTCOME:
		entry_add(entry, "MESSAGE=Session %s of user %s: %s %s %s after the removal%s%s", session, user,
			  action_name(verdict->action), outcome_name(verdict->outcome),
			  since_kernel(0, verdict->later, time, sizeof(time)), between, detail);
		break;
	case VERDICT_HEARD:
		entry_add(entry, "MESSAGE=Session %s: %s heard of the same removal (%s) %s after it", session,
			  event_source_name(verdict->source), cause_name(verdict->cause),
			  since_kernel(0, verdict->later, time, sizeof(time)));
		break;
	case VERDICT_CONTRADICTED:
		entry_add(entry, "MESSAGE=Session %s of user %s: the card removal is contradicted%s%s", session, user,
			  between, detail);
		break;
	case VERDICT_COMM_ERROR:
		entry_add(entry, "MESSAGE=Session %s: communication error, not a removal%s%s", session, between,
			  detail);
		break;
	case VERDICT_RESTORED:
		entry_add(entry, "MESSAGE=Session %s of user %s: its card is back, it is guarded again", session, user);
		break;
	case VERDICT_SETTLED:
		entry_add(entry, "MESSAGE=Session %s of user %s: the same card is back in time, nothing is done%s%s",
			  session, user, between, detail);
		break;
	case VERDICT_COUNTDOWN:
		entry_add(entry, "MESSAGE=Session %s of user %s: %s in %llu s unless it is unlocked", session, user,
			  action_name(verdict->action), whole_seconds(verdict->later));
		break;
	case VERDICT_CANCELLED:
		entry_add(entry, "MESSAGE=Session %s of user %s: %s cancelled%s%s", session, user,
			  action_name(verdict->action), between, detail);
		break;
	case VERDICT_CANNOT_LOCK:
		entry_add(entry, "MESSAGE=Session %s of user %s cannot be locked%s%s", session, user, between, detail);
		break;
	default:
		entry_add(entry, "MESSAGE=Everything was looked at anew");
		break;
	}
}

static bool names_action(enum verdict_type type)
{
	return type == VERDICT_REMOVAL || type == VERDICT_ACTION || type == VERDICT_OUTCOME ||
	       type == VERDICT_COUNTDOWN || type == VERDICT_CANCELLED || type == VERDICT_CANNOT_LOCK;
}

static bool has_later(enum verdict_type type)
{
	return type == VERDICT_HEARD || type == VERDICT_OUTCOME || type == VERDICT_COUNTDOWN;
}

static void add_case(struct entry *entry, const struct verdict *verdict, const struct audit_times *times)
{
	entry_add(entry, "SCPOLICY_ACTION=%s", action_name(verdict->action));
	entry_add(entry, "SCPOLICY_MONOTONIC_USEC=%llu", (unsigned long long)(verdict->stamp / NSEC_PER_USEC));
	if (verdict->type == VERDICT_OUTCOME)
		entry_add(entry, "SCPOLICY_OUTCOME=%s", outcome_name(verdict->outcome));
	if (verdict->type != VERDICT_ACTION)
		return;
	if (times->decided > verdict->stamp)
		entry_add(entry, "SCPOLICY_DECIDED_USEC=%llu",
			  (unsigned long long)((times->decided - verdict->stamp) / NSEC_PER_USEC));
	if (times->sent > verdict->stamp)
		entry_add(entry, "SCPOLICY_LATENCY_USEC=%llu",
			  (unsigned long long)((times->sent - verdict->stamp) / NSEC_PER_USEC));
}

static void add_session(struct entry *entry, const struct login_record *login)
{
	char safe[READER_NAME_SIZE];

	entry_add(entry, "SCPOLICY_SESSION=%s", login->session);
	entry_add(entry, "SCPOLICY_USER=%s", login->user);
	entry_add(entry, "SCPOLICY_READER=%s", log_safe(login->card.name, safe, sizeof(safe)));
}

static int priority(const struct verdict *verdict, const struct audit_times *times)
{
	if (verdict->type == VERDICT_OUTCOME && verdict->outcome == OUTCOME_FAILED)
		return LOG_ERR;
	if (verdict->type == VERDICT_ACTION && verdict->action != ACTION_NONE && !times->sent)
		return LOG_ERR;
	return kinds[verdict->type].priority;
}

void audit_verdict(const struct verdict *verdict, const struct audit_times *times)
{
	const struct kind *kind = (size_t)verdict->type < ELEMENTS(kinds) ? &kinds[verdict->type] : NULL;
	struct entry entry = {.count = 0};

	if (!kind || !kind->event)
		return;
	add_message(&entry, verdict, times);
	entry_add(&entry, "PRIORITY=%d", priority(verdict, times));
	entry_add(&entry, "MESSAGE_ID=%s", kind->message_id);
	entry_add(&entry, "SCPOLICY_EVENT=%s", kind->event);
	if (verdict->login)
		add_session(&entry, verdict->login);
	entry_add(&entry, "SCPOLICY_SOURCE=%s", event_source_name(verdict->source));
	if (verdict->type != VERDICT_COMM_ERROR && verdict->type != VERDICT_RECHECKED)
		entry_add(&entry, "SCPOLICY_CAUSE=%s", cause_name(verdict->cause));
	if (has_later(verdict->type))
		entry_add(&entry, "SCPOLICY_LATER_USEC=%llu", (unsigned long long)(verdict->later / NSEC_PER_USEC));
	if (verdict->settings && *verdict->settings->rule)
		entry_add(&entry, "SCPOLICY_RULE=%s", verdict->settings->rule);
	if (names_action(verdict->type))
		add_case(&entry, verdict, times);
	entry_write(&entry);
}

void audit_sources(bool degraded, const char *detail)
{
	struct entry entry = {.count = 0};

	entry_add(&entry, "MESSAGE=%s", detail);
	entry_add(&entry, "PRIORITY=%d", degraded ? LOG_WARNING : LOG_INFO);
	if (degraded) {
		entry_add(&entry, "MESSAGE_ID=" MESSAGE_ID_DEGRADED);
		entry_add(&entry, "SCPOLICY_EVENT=degraded");
	}
	entry_write(&entry);
}

void audit_config(const char *text, bool refused)
{
	struct entry entry = {.count = 0};
	char safe[ENTRY_BYTES / 2];

	entry_add(&entry, "MESSAGE=%s%s", log_safe(text, safe, sizeof(safe)),
		  refused ? "; the running policy stays" : "");
	entry_add(&entry, "PRIORITY=%d", refused ? LOG_ERR : LOG_NOTICE);
	entry_add(&entry, "MESSAGE_ID=" MESSAGE_ID_CONFIG);
	entry_add(&entry, "SCPOLICY_EVENT=config");
	if (refused)
		entry_add(&entry, "SCPOLICY_OUTCOME=failed");
	entry_write(&entry);
}
