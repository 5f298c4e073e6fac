/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What logind has said of each recorded session, and the events that follow. Of logind.c and logind_question.c alone. */
#include <systemd/sd-bus.h>

#include <uthash.h>

#include "lib/logind.h"
#include "policy/sink.h"
#include "sources/session_kind.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"

/* A session that was asked for. Nothing is known about it until logind has answered. */
struct logind_session {
	struct logind_source *source;
	char session[SESSION_ID_SIZE];
	uint32_t leader; /* the login record's */
	bool answered;
	struct session_properties properties;
	unsigned kind; /* as last reported, and so is this */
	bool locked;
	unsigned asked_again;
	sd_event_source *again;
	UT_hash_handle hh;
};

struct logind_source {
	struct sink sink;
	sd_bus *bus;
	sd_bus_slot *removed, *changed, *sleep, *owner;
	bool sleeping; /* as last reported */
	struct logind_session *sessions;
};

/* NULL: no record was seen of it, or it was dropped. */
struct logind_session *logind_session_find(const struct logind_source *source, const char *session);
/* … or a new one; NULL: out of memory. */
struct logind_session *logind_session_get(struct logind_source *source, const char *session);
void logind_session_drop(struct logind_source *source, struct logind_session *entry);

/* Events to the sink. One that ended is dropped then. */
void logind_report(struct logind_source *source, enum event_type type, const char *session);
void logind_report_ended(struct logind_source *source, const char *session);
void logind_report_kind(struct logind_source *source, const struct logind_session *entry);
void logind_report_locked(struct logind_source *source, const char *session, bool locked);
