/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uthash must report an allocation that failed instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include "sources/logind_session.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/loop.h"

struct logind_session *logind_session_find(const struct logind_source *source, const char *session)
{
	struct logind_session *entry;

	HASH_FIND_STR(source->sessions, session, entry);
	return entry;
}

struct logind_session *logind_session_get(struct logind_source *source, const char *session)
{
	struct logind_session *entry = logind_session_find(source, session);

	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->source = source;
	snprintf(entry->session, sizeof(entry->session), "%s", session);
	HASH_ADD_STR(source->sessions, session, entry);
	if (entry->hh.tbl)
		return entry;
	free(entry);
	return NULL;
}

void logind_session_drop(struct logind_source *source, struct logind_session *entry)
{
	HASH_DEL(source->sessions, entry);
	sd_event_source_disable_unref(entry->again);
	free(entry);
}

void logind_report(struct logind_source *source, enum event_type type, const char *session)
{
	source->sink.send(source->sink.userdata, &(struct event){.type = type,
								 .source = SOURCE_LOGIND,
								 .stamp = monotonic_now(),
								 .session = session});
}

void logind_report_ended(struct logind_source *source, const char *session)
{
	struct logind_session *entry;

	logind_report(source, EVENT_SESSION_ENDED, session);
	entry = logind_session_find(source, session);
	if (entry)
		logind_session_drop(source, entry);
}

void logind_report_kind(struct logind_source *source, const struct logind_session *entry)
{
	source->sink.send(source->sink.userdata,
			  &(struct event){.type = EVENT_SESSION_KIND,
					  .source = SOURCE_LOGIND,
					  .stamp = monotonic_now(),
					  .change = {.session = entry->session, .kind = entry->kind}});
}

void logind_report_locked(struct logind_source *source, const char *session, bool locked)
{
	struct logind_session *entry = logind_session_find(source, session);

	if (entry)
		entry->locked = locked;
	logind_report(source, locked ? EVENT_SESSION_LOCKED : EVENT_SESSION_UNLOCKED, session);
}
