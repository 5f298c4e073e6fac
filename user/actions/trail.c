/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/trail.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "lib/log.h"

const struct trail_name trail_text_names[TRAIL_TEXT_COUNT] = {
	[TRAIL_EVENT] = {"EVENT", "Event"},    [TRAIL_SESSION] = {"SESSION", "Session"},
	[TRAIL_USER] = {"USER", "User"},       [TRAIL_READER] = {"READER", "Reader"},
	[TRAIL_CAUSE] = {"CAUSE", "Cause"},    [TRAIL_SOURCE] = {"SOURCE", "Source"},
	[TRAIL_ACTION] = {"ACTION", "Action"}, [TRAIL_OUTCOME] = {"OUTCOME", "Outcome"},
	[TRAIL_RULE] = {"RULE", "Rule"},
};
const struct trail_name trail_number_names[TRAIL_NUMBER_COUNT] = {
	[TRAIL_MONOTONIC] = {"MONOTONIC_USEC", "MonotonicUsec"},
	[TRAIL_DECIDED] = {"DECIDED_USEC", "DecidedUsec"},
	[TRAIL_LATENCY] = {"LATENCY_USEC", "LatencyUsec"},
	[TRAIL_LATER] = {"LATER_USEC", "LaterUsec"},
};

/* What each kind of verdict is called in the journal, and its MESSAGE_ID, which never changes. */
struct kind {
	const char *event; /* NULL: not reported */
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
	[VERDICT_KEPT] = {"kept", "b5d0c27f91e84a36a2f7603c8d5e1b94", LOG_NOTICE},
	[VERDICT_UNGUARDED] = {"unguarded", "9d2c61b7f0e34c58a7b3d16e82f4a905", LOG_WARNING},
};
ASSERT_ROWS(kinds, VERDICT_TYPE_COUNT);
#define MESSAGE_ID_DEGRADED "46b9d3f0e28c4175a3d61f7c90b5e82a"
#define MESSAGE_ID_CONFIG   "65aa51242b9643c7a85666e2ef76bc73"

/* ---- words for people ----------------------------------------------------------------------------------- */

static void say_message(struct trail_entry *entry, const char *format, ...) _printf_(2, 3);
static void say_message(struct trail_entry *entry, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(entry->message, sizeof(entry->message), format, arguments);
	va_end(arguments);
}

static const char *since_kernel(uint64_t from, uint64_t to, char *buffer, size_t size)
{
	snprintf(buffer, size, "%.1f ms", to > from ? (double)(to - from) / NSEC_PER_MSEC : 0.0);
	return buffer;
}

uint64_t trail_seconds(uint64_t nanoseconds)
{
	return (nanoseconds + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
}

/* A token that is a USB device by itself is its own reader. */
static const char *what_happened(const struct verdict *verdict)
{
	if (verdict->cause == CAUSE_READER && verdict->login && verdict->login->usb_token)
		return "its token was removed";
	return cause_message(verdict->cause);
}

static void say_what_happened(struct trail_entry *entry, const struct verdict *verdict,
			      const struct trail_times *times)
{
	const char *session = verdict->login ? verdict->login->session : "";
	const char *detail = verdict->detail ? verdict->detail : "";
	const char *between = verdict->detail ? ": " : "";
	char user[64], time[32];

	log_safe(verdict->login ? verdict->login->user : "", user, sizeof(user));
	switch (verdict->type) {
	case VERDICT_REMOVAL:
		say_message(entry, "Session %s of user %s: %s (heard by %s)", session, user,
			    what_happened(verdict), event_source_name(verdict->source));
		break;
	case VERDICT_ACTION:
		if (verdict->action == ACTION_NONE)
			say_message(entry, "Session %s of user %s: nothing is done%s%s", session, user,
				    between, detail);
		else if (times->sent)
			say_message(entry, "Session %s of user %s: %s sent %s after the removal%s%s", session,
				    user, action_name(verdict->action),
				    since_kernel(verdict->stamp, times->sent, time, sizeof(time)), between,
				    detail);
		else
			say_message(entry, "Session %s of user %s: %s could not be sent%s%s", session, user,
				    action_name(verdict->action), between, detail);
		break;
	case VERDICT_OUTCOME:
		say_message(entry, "Session %s of user %s: %s %s %s after the removal%s%s", session, user,
			    action_name(verdict->action), outcome_name(verdict->outcome),
			    since_kernel(0, verdict->later, time, sizeof(time)), between, detail);
		break;
	case VERDICT_HEARD:
		say_message(entry, "Session %s: %s heard of the same removal (%s) %s after it", session,
			    event_source_name(verdict->source), cause_name(verdict->cause),
			    since_kernel(0, verdict->later, time, sizeof(time)));
		break;
	case VERDICT_CONTRADICTED:
		say_message(entry, "Session %s of user %s: the card removal is contradicted%s%s", session,
			    user, between, detail);
		break;
	case VERDICT_COMM_ERROR:
		say_message(entry, "Session %s: communication error, not a removal%s%s", session, between,
			    detail);
		break;
	case VERDICT_RESTORED:
		say_message(entry, "Session %s of user %s: its card is back, it is guarded again", session,
			    user);
		break;
	case VERDICT_SETTLED:
		say_message(entry,
			    "Session %s of user %s: the same card is back in time, nothing is done%s%s",
			    session, user, between, detail);
		break;
	case VERDICT_COUNTDOWN:
		say_message(entry, "Session %s of user %s: %s in %llu s unless it is unlocked", session, user,
			    action_name(verdict->action), (unsigned long long)trail_seconds(verdict->later));
		break;
	case VERDICT_CANCELLED:
		say_message(entry, "Session %s of user %s: %s cancelled%s%s", session, user,
			    action_name(verdict->action), between, detail);
		break;
	case VERDICT_CANNOT_LOCK:
		say_message(entry, "Session %s of user %s cannot be locked%s%s", session, user, between,
			    detail);
		break;
	case VERDICT_KEPT:
		say_message(
			entry,
			"Session %s of user %s: one of its tokens was removed (%s), another one stays, no removal",
			session, user, cause_name(verdict->cause));
		break;
	case VERDICT_UNGUARDED:
		say_message(entry, "Session %s of user %s is not guarded%s%s", session, user, between,
			    detail);
		break;
	case VERDICT_RECHECKED:
		say_message(entry, "Every session was compared again with the readers and cards");
		break;
	case VERDICT_ACT:
	case VERDICT_ARM:
	case VERDICT_DISARM:
	case VERDICT_WATCH:
	case VERDICT_UNWATCH:
	case VERDICT_RECHECK:
	case VERDICT_REREAD:
	case VERDICT_LOCATE:
	case VERDICT_BOUND:
	case VERDICT_DEALT:
	case VERDICT_UNIT:
	case VERDICT_TYPE_COUNT:
		break;
	}
}

/* ---- fields --------------------------------------------------------------------------------------------- */

static bool names_action(enum verdict_type type)
{
	return type == VERDICT_REMOVAL || type == VERDICT_ACTION || type == VERDICT_OUTCOME ||
	       type == VERDICT_COUNTDOWN || type == VERDICT_CANCELLED || type == VERDICT_CANNOT_LOCK;
}

static bool has_cause(enum verdict_type type)
{
	return type != VERDICT_COMM_ERROR && type != VERDICT_RECHECKED && type != VERDICT_UNGUARDED;
}

static bool has_later(enum verdict_type type)
{
	return type == VERDICT_HEARD || type == VERDICT_OUTCOME || type == VERDICT_COUNTDOWN;
}

static void add_number(struct trail_entry *entry, enum trail_number which, uint64_t nanoseconds)
{
	entry->number[which] = nanoseconds / NSEC_PER_USEC;
	entry->numbers |= 1U << which;
}

static void add_case(struct trail_entry *entry, const struct verdict *verdict,
		     const struct trail_times *times)
{
	entry->text[TRAIL_ACTION] = action_name(verdict->action);
	add_number(entry, TRAIL_MONOTONIC, verdict->stamp);
	if (verdict->type == VERDICT_OUTCOME)
		entry->text[TRAIL_OUTCOME] = outcome_name(verdict->outcome);
	if (verdict->type != VERDICT_ACTION)
		return;
	if (times->decided > verdict->stamp)
		add_number(entry, TRAIL_DECIDED, times->decided - verdict->stamp);
	if (times->sent > verdict->stamp)
		add_number(entry, TRAIL_LATENCY, times->sent - verdict->stamp);
}

static void add_session(struct trail_entry *entry, const struct login_record *login)
{
	entry->login = login;
	entry->text[TRAIL_SESSION] = login->session;
	entry->text[TRAIL_USER] = login->user;
	entry->text[TRAIL_READER] = log_safe(login->card.name, entry->reader, sizeof(entry->reader));
}

static int priority(const struct verdict *verdict, const struct trail_times *times)
{
	if (verdict->type == VERDICT_OUTCOME && verdict->outcome == OUTCOME_FAILED)
		return LOG_ERR;
	if (verdict->type == VERDICT_ACTION && verdict->action != ACTION_NONE && !times->sent)
		return LOG_ERR;
	return kinds[verdict->type].priority;
}

/* ---- entries -------------------------------------------------------------------------------------------- */

bool trail_verdict(const struct verdict *verdict, const struct trail_times *times, struct trail_entry *ret)
{
	const struct kind *kind = (size_t)verdict->type < ELEMENTS(kinds) ? &kinds[verdict->type] : NULL;

	if (!kind || !kind->event)
		return false;
	*ret = (struct trail_entry){.priority = priority(verdict, times), .message_id = kind->message_id};
	say_what_happened(ret, verdict, times);
	ret->text[TRAIL_EVENT] = kind->event;
	if (verdict->login)
		add_session(ret, verdict->login);
	ret->text[TRAIL_SOURCE] = event_source_name(verdict->source);
	if (has_cause(verdict->type))
		ret->text[TRAIL_CAUSE] = cause_name(verdict->cause);
	if (has_later(verdict->type))
		add_number(ret, TRAIL_LATER, verdict->later);
	if (verdict->type == VERDICT_HEARD)
		add_number(ret, TRAIL_MONOTONIC, verdict->stamp - verdict->later);
	if (verdict->settings && *verdict->settings->rule)
		ret->text[TRAIL_RULE] = verdict->settings->rule;
	if (names_action(verdict->type))
		add_case(ret, verdict, times);
	return true;
}

void trail_sources(bool degraded, const char *detail, struct trail_entry *ret)
{
	*ret = (struct trail_entry){.priority = LOG_INFO};
	say_message(ret, "%s", detail);
	if (!degraded)
		return;
	ret->priority = LOG_WARNING;
	ret->message_id = MESSAGE_ID_DEGRADED;
	ret->text[TRAIL_EVENT] = "degraded";
}

void trail_config(const char *text, bool refused, struct trail_entry *ret)
{
	char safe[sizeof(ret->message) - 64];

	*ret = (struct trail_entry){.priority = LOG_NOTICE, .message_id = MESSAGE_ID_CONFIG};
	say_message(ret, "%s%s", log_safe(text, safe, sizeof(safe)),
		    refused ? "; the running policy stays" : "");
	ret->text[TRAIL_EVENT] = "config";
	if (!refused)
		return;
	ret->priority = LOG_ERR;
	ret->text[TRAIL_OUTCOME] = "failed";
}
