/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/bus_describe.h"

#include <stdio.h>
#include <string.h>

#include "lib/loop.h"

/* NULL for what is not known. */
static const char *known(const char *text)
{
	return text && *text ? text : NULL;
}

/* ---- readers --------------------------------------------------------------------------------------------- */

static void put_atr(struct put *put, const struct atr *atr)
{
	char hex[2 * ATR_SIZE + 1] = "";

	for (size_t i = 0; i < atr->size; i++)
		snprintf(hex + 2 * i, 3, "%02X", atr->bytes[i]);
	put_text(put, "Atr", known(hex));
}

/*
 * The first session for NULL that the caller may see and that is bound to the reader of this machine, then the one after it.
 */
static bool next_of_reader(const struct bus_host *host, const struct caller *caller, const char *reader,
			   const char *session, struct session_view *ret)
{
	bool more = world_next_session(host->world, session, ret);

	while (more && !(ret->login->source == LOGIN_LOCAL && ret->reader &&
			 strcmp(ret->reader, reader) == 0 && caller_may_see(caller, ret->login->uid)))
		more = world_next_session(host->world, ret->login->session, ret);
	return more;
}

static void put_reader_sessions(struct put *put, const struct bus_host *host, const struct caller *caller,
				const char *reader)
{
	struct session_view session;

	put_begin(put, "Sessions", 'a', "s");
	for (bool more = next_of_reader(host, caller, reader, NULL, &session); more;
	     more = next_of_reader(host, caller, reader, session.login->session, &session))
		put_string(put, session.login->session);
	put_end(put);
}

/* Whose card is in which reader, and when, is nobody else's business. */
static bool next_reader(const struct bus_host *host, const struct caller *caller, const char *reader,
			struct reader_view *ret)
{
	struct session_view session;
	bool more = world_next_reader(host->world, reader, ret);

	while (more && !caller->privileged && !next_of_reader(host, caller, ret->state->name, NULL, &session))
		more = world_next_reader(host->world, ret->state->name, ret);
	return more;
}

static void put_state(struct put *put, const struct reader_state *state)
{
	put_text(put, "Name", state->name);
	if (state->card != CARD_UNAVAILABLE)
		put_bool(put, "Present", state->card == CARD_PRESENT);
	put_uint32(put, "EventCounter", state->event_counter);
	put_atr(put, &state->atr);
	put_uint32(put, "Slot", state->slot);
}

static void put_reader(struct put *put, const struct bus_host *host, const struct caller *caller,
		       const struct reader_view *reader)
{
	const struct reader_state *state = reader->state;

	put_open(put, 'a', "{sv}");
	put_state(put, state);
	put_text(put, "Source", login_source_name(LOGIN_LOCAL));
	put_text(put, "UsbPath", known(reader->usb_path));
	put_text(put, "UsbId", known(reader->usb_id));
	if (usb_address_is_set(state->usb)) {
		put_uint32(put, "UsbBus", state->usb.bus);
		put_uint32(put, "UsbDevice", state->usb.device);
	}
	put_bool(put, "Watched", reader->watched);
	put_reader_sessions(put, host, caller, state->name);
	put_close(put);
}

/* A reader at a client belongs to one session, whatever its name. */
static void put_remote_readers(struct put *put, const struct bus_host *host,
			       const struct session_view *session)
{
	const struct login_record *login = session->login;
	struct reader_view reader;

	for (unsigned i = 0; world_remote_reader(host->world, login->session, i, &reader); i++) {
		put_open(put, 'a', "{sv}");
		put_state(put, reader.state);
		put_text(put, "Source", login_source_name(login->source));
		put_bool(put, "Watched", false);
		put_begin(put, "Sessions", 'a', "s");
		put_string(put, login->session);
		put_end(put);
		put_close(put);
	}
}

void describe_readers(struct put *put, const struct bus_host *host, const struct caller *caller)
{
	struct session_view session;
	struct reader_view reader;

	put_open(put, 'a', "a{sv}");
	for (bool more = next_reader(host, caller, NULL, &reader); more;
	     more = next_reader(host, caller, reader.state->name, &reader))
		put_reader(put, host, caller, &reader);
	for (bool more = world_next_session(host->world, NULL, &session); more;
	     more = world_next_session(host->world, session.login->session, &session))
		if (caller_may_see(caller, session.login->uid))
			put_remote_readers(put, host, &session);
	put_close(put);
}

/* ---- sessions -------------------------------------------------------------------------------------------- */

static void put_kinds(struct put *put, unsigned kind)
{
	put_begin(put, "Kinds", 'a', "s");
	for (unsigned bit = 0; session_kind_name(bit); bit++)
		if (kind & 1U << bit)
			put_string(put, session_kind_name(bit));
	put_end(put);
}

static void put_login(struct put *put, const struct login_record *login)
{
	put_text(put, "Session", login->session);
	put_text(put, "User", login->user);
	put_uint32(put, "Uid", login->uid);
	put_text(put, "Service", known(login->service));
	put_uint32(put, "Leader", (uint32_t)login->leader);
	put_text(put, "Source", login_source_name(login->source));
	if (login->source != LOGIN_LOCAL) {
		put_text(put, "Bound", login->awaiting ? NULL : login->late ? "late" : "login");
		put_bool(put, "Awaiting", login->awaiting);
	}
	put_text(put, "Reader", login->card.name);
	put_uint32(put, "Slot", login->card.slot);
	put_text(put, "UsbPath", known(login->usb_path));
	put_text(put, "UsbId", known(login->usb_id));
	put_text(put, "Token", known(login->token));
	put_atr(put, &login->card.atr);
	put_uint32(put, "EventCounter", login->card.event_counter);
}

static void put_belief(struct put *put, const struct bus_host *host, const char *session)
{
	struct explanation explanation;

	if (!world_explain(host->world, session, monotonic_now(), &explanation))
		return;
	put_text(put, "Belief", explanation.text);
	put_text(put, "BeliefKind", explanation.kind);
}

void describe_session(struct put *put, const struct bus_host *host, const struct session_view *session)
{
	static const char *const states[] = {
		[SESSION_GUARDED] = "guarded",
		[SESSION_AWAY] = "away",
		[SESSION_PENDING] = "pending",
	};
	ASSERT_ROWS(states, SESSION_PENDING + 1);
	const struct settings *settings = session->governance->by_cause[CAUSE_CARD];

	put_login(put, session->login);
	put_text(put, "State",
		 session->login->awaiting && session->state == SESSION_GUARDED ? "awaiting"
									       : states[session->state]);
	put_belief(put, host, session->login->session);
	put_kinds(put, session->kind);
	put_bool(put, "Locked", session->locked);
	put_bool(put, "Provable", session->provable);
	put_bool(put, "Unguarded", session->unguarded);
	put_text(put, "Action", action_name(settings->action));
	put_text(put, "Then", settings->then == ACTION_NONE ? NULL : action_name(settings->then));
	put_text(put, "Rule", settings->rule);
	if (session->state != SESSION_PENDING)
		return;
	put_text(put, "Pending", action_name(session->pending));
	put_uint64(put, "PendingUsec", session->pending_at / NSEC_PER_USEC);
}

void describe_sessions(struct put *put, const struct bus_host *host, const struct caller *caller)
{
	struct session_view session;

	put_open(put, 'a', "a{sv}");
	for (bool more = world_next_session(host->world, NULL, &session); more;
	     more = world_next_session(host->world, session.login->session, &session)) {
		if (!caller_may_see(caller, session.login->uid))
			continue;
		put_open(put, 'a', "{sv}");
		describe_session(put, host, &session);
		put_close(put);
	}
	put_close(put);
}

/* ---- the daemon ------------------------------------------------------------------------------------------ */

void describe_sources(struct put *put, const struct bus_host *host)
{
	const struct daemon_status *status = host->status;

	put_open(put, 'a', "s");
	if (status->probe)
		put_string(put, "probe");
	if (status->uevent)
		put_string(put, "uevent");
	if (status->udev)
		put_string(put, "udev");
	put_string(put, "pcsc");
	put_close(put);
}

/* What makes removals be heard later, or not at all. */
#define DEGRADED_MAX 5
static size_t list_degraded(const struct bus_host *host, const char *ret[static DEGRADED_MAX])
{
	const struct daemon_status *status = host->status;
	size_t count = 0;

	if (!status->probe)
		ret[count++] = "no kernel probe: removals are heard later";
	if (!status->uevent)
		ret[count++] = "no uevents from the kernel: a reader's removal is heard from PC/SC alone";
	else if (!status->udev)
		ret[count++] = "udevd is not heard";
	if (status->deaf && *status->deaf)
		ret[count++] = status->deaf;
	if (!world_pcsc_up(host->world))
		ret[count++] = status->probe ? "pcscd cannot be reached: nothing confirms what a reader says"
					     : "pcscd cannot be reached: nothing reports cards";
	return count;
}

static struct metrics_now count(const struct bus_host *host, const struct caller *caller)
{
	const struct daemon_status *status = host->status;
	struct metrics_now now = {
		.audit = kernel_audit_is_on(status->audit),
		.dropped = {[REPORT_JOURNAL] = journal_lost(status->journal),
			    [REPORT_STDERR] = diagnostics_lost(status->diagnostics),
			    [REPORT_AUDIT] = kernel_audit_lost(status->audit)},
	};
	const char *degraded[DEGRADED_MAX];
	struct session_view session;
	struct reader_view reader;

	for (bool more = world_next_session(host->world, NULL, &session); more;
	     more = world_next_session(host->world, session.login->session, &session))
		now.sessions += caller_may_see(caller, session.login->uid);
	for (bool more = next_reader(host, caller, NULL, &reader); more;
	     more = next_reader(host, caller, reader.state->name, &reader))
		now.readers++;
	now.degraded = list_degraded(host, degraded);
	return now;
}

static void put_degraded(struct put *put, const struct bus_host *host)
{
	const char *degraded[DEGRADED_MAX];
	size_t count = list_degraded(host, degraded);

	put_begin(put, "Degraded", 'a', "s");
	for (size_t i = 0; i < count; i++)
		put_string(put, degraded[i]);
	put_end(put);
}

static void put_files(struct put *put, const struct rules *rules)
{
	put_begin(put, "ConfigFiles", 'a', "s");
	for (const char *file = rules_next_file(rules, NULL); file; file = rules_next_file(rules, file))
		put_string(put, file);
	put_end(put);
}

/* It quotes files, which may be root's alone. */
static void put_config_error(struct put *put, const char *error, const struct caller *caller)
{
	if (*error)
		put_text(put, "ConfigError", caller->privileged ? error : "refused; root sees why");
}

void describe_status(struct put *put, const struct bus_host *host, const struct caller *caller)
{
	const struct daemon_status *status = host->status;
	struct metrics_now now = count(host, caller);

	put_open(put, 'a', "{sv}");
	put_text(put, "Version", VERSION);
	put_text(put, "Probe", status->probe ? status->probe : "none");
	put_open(put, 'e', "sv");
	put_string(put, "Sources");
	put_open(put, 'v', "as");
	describe_sources(put, host);
	put_close(put);
	put_close(put);
	put_text(put, "Pcscd", world_pcsc_up(host->world) ? "up" : "down");
	put_degraded(put, host);
	put_text(put, "PcscdDeaf", known(status->deaf));
	put_uint32(put, "Sessions", (uint32_t)now.sessions);
	put_uint32(put, "Readers", (uint32_t)now.readers);
	put_files(put, host->config->rules);
	put_uint32(put, "Rules", (uint32_t)rules_count(host->config->rules));
	put_config_error(put, status->refused.text, caller);
	put_uint64(put, "StartedUsec", status->started / NSEC_PER_USEC);
	if (status->rechecked)
		put_uint64(put, "RecheckedUsec", status->rechecked / NSEC_PER_USEC);
	put_uint32(put, "Lost", (uint32_t)host->metrics->lost);
	put_uint64(put, "Dropped",
		   now.dropped[REPORT_JOURNAL] + now.dropped[REPORT_STDERR] + now.dropped[REPORT_AUDIT]);
	put_bool(put, "Audit", now.audit);
	put_close(put);
}

/* ---- counters -------------------------------------------------------------------------------------------- */

static int put_sample(void *userdata, const struct metric_sample *sample)
{
	struct put *put = userdata;

	put_open(put, 'r', "sa{ss}d");
	put_string(put, sample->name);
	put_open(put, 'a', "{ss}");
	for (size_t i = 0; i < METRICS_LABELS && sample->labels[i].name; i++) {
		put_open(put, 'e', "ss");
		put_string(put, sample->labels[i].name);
		put_string(put, sample->labels[i].value);
		put_close(put);
	}
	put_close(put);
	put_plain_double(put, sample->value);
	put_close(put);
	return put->error;
}

void describe_metrics(struct put *put, const struct bus_host *host, const struct caller *caller)
{
	struct metrics_now now = count(host, caller);

	put_open(put, 'a', "(sa{ss}d)");
	metrics_list(host->metrics, &now, put_sample, put);
	put_close(put);
}
