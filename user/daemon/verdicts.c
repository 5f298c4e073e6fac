/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/verdicts.h"

#include <string.h>

#include "actions/announce.h"
#include "daemon/realtime.h"
#include "daemon/resolve.h"
#include "daemon/wiring.h"
#include "lib/log.h"
#include "lib/loop.h"

static void watch_device(struct daemon *daemon, struct usb_address usb, bool on)
{
	if (daemon->probe)
		probe_watch(daemon->probe, usb, on);
}

static void arm_session(struct daemon *daemon, const struct verdict *verdict)
{
	const char *session = verdict->login->session;
	int r;

	r = enforcer_arm(daemon->enforcer, verdict->login, verdict->steps,
			 logind_source_display(daemon->logind, session));
	if (r >= 0)
		return;
	log_error("session %s: cannot make its calls ready: %s", session, strerror(-r));
	daemon->refused = true;
	if (daemon->records)
		record_source_missed(daemon->records, session);
}

static void disarm_session(struct daemon *daemon, const struct verdict *verdict)
{
	const char *session = verdict->login->session;

	enforcer_disarm(daemon->enforcer, session);
	groups_source_forget(daemon->groups, session);
	govern_forget(daemon->govern, session);
	remote_source_forget(daemon->remote, session);
	if (daemon->records)
		record_source_forget(daemon->records, session);
}

static int on_bound(sd_event_source *source _unused_, void *userdata)
{
	resolve_rules(userdata);
	return 0;
}

int verdicts_new(struct daemon *daemon)
{
	int r = sd_event_add_defer(daemon->event, &daemon->resolve, on_bound, daemon);

	if (r >= 0)
		r = sd_event_source_set_priority(daemon->resolve, PRIORITY_SOURCE);
	return r < 0 ? r : sd_event_source_set_enabled(daemon->resolve, SD_EVENT_OFF);
}

/* A rule may ask which reader the card is in: for a card at a client that is known only now. */
static void note_bound(struct daemon *daemon, const struct login_record *login)
{
	if (login->source == LOGIN_LOCAL || govern_record(daemon->govern, login) <= 0)
		return;
	/* Not before the core has taken in the event at hand. */
	sd_event_source_set_enabled(daemon->resolve, SD_EVENT_ONESHOT);
	log_info("session %s of user %s is bound to the card in %s at its client%s", login->session,
		 login->user, login->card.name,
		 login->late ? ": presence, not proof of the sign-in (bound=late)" : "");
}

static void start_unit(struct daemon *daemon, const struct verdict *verdict)
{
	int r = enforcer_start_unit(daemon->enforcer, verdict->settings->unit, verdict->login->session);

	if (r < 0)
		log_error("session %s: cannot start %s: %s", verdict->login->session, verdict->settings->unit,
			  strerror(-r));
}

void verdicts_publish(void *userdata, const struct trail_entry *entry)
{
	const struct daemon *daemon = userdata;

	journal_write(daemon->journal, entry);
	kernel_audit_write(daemon->kernel_audit, entry);
	bus_tell(daemon->callers, entry);
}

static void report_verdict(struct daemon *daemon, const struct verdict *verdict)
{
	struct trail_times times = {0};
	struct trail_entry entry;
	const char *session;

	realtime_suspend(); /* the bus, logind and the locker come before words about it */
	if (verdict->login) {
		session = verdict->login->session;
		times.decided = enforcer_decided(daemon->enforcer, session);
		times.sent = enforcer_sent(daemon->enforcer, session);
		announce_verdict(verdict, logind_source_tty(daemon->logind, session));
	}
	metrics_verdict(&daemon->metrics, verdict, &times);
	if (verdict->type == VERDICT_RECHECKED)
		daemon->status.rechecked = monotonic_now();
	if (trail_verdict(verdict, &times, &entry))
		trail_queue_add(daemon->trail, &entry, times.sent);
}

void verdicts_take(void *userdata, const struct verdict *verdict)
{
	struct daemon *daemon = userdata;

	if (verdict->type == VERDICT_ACT) {
		enforcer_act(daemon->enforcer, verdict->login->session, verdict->step);
		daemon->acted = true;
	}
	if (daemon->recorder)
		recorder_verdict(daemon->recorder, verdict);
	switch (verdict->type) {
	case VERDICT_ACT:
		break;
	case VERDICT_ARM:
		arm_session(daemon, verdict);
		break;
	case VERDICT_DISARM:
		disarm_session(daemon, verdict);
		break;
	case VERDICT_WATCH:
	case VERDICT_UNWATCH:
		watch_device(daemon, verdict->usb, verdict->type == VERDICT_WATCH);
		break;
	case VERDICT_RECHECK:
		daemon->recheck = true;
		break;
	case VERDICT_REREAD:
		daemon->reread = true;
		break;
	case VERDICT_LOCATE:
		daemon->reread = daemon->locate = true;
		break;
	case VERDICT_BOUND:
		note_bound(daemon, verdict->login);
		if (daemon->records)
			record_source_set_bound(daemon->records, verdict->login);
		break;
	case VERDICT_DEALT:
		if (daemon->records)
			record_source_set_away(daemon->records, verdict->login->session, verdict->dealt);
		break;
	case VERDICT_UNIT:
		start_unit(daemon, verdict);
		break;
	case VERDICT_REMOVAL:
	case VERDICT_ACTION:
	case VERDICT_OUTCOME:
	case VERDICT_HEARD:
	case VERDICT_CONTRADICTED:
	case VERDICT_COMM_ERROR:
	case VERDICT_RESTORED:
	case VERDICT_RECHECKED:
	case VERDICT_SETTLED:
	case VERDICT_COUNTDOWN:
	case VERDICT_CANCELLED:
	case VERDICT_CANNOT_LOCK:
	case VERDICT_KEPT:
	case VERDICT_UNGUARDED:
		report_verdict(daemon, verdict);
		break;
	case VERDICT_TYPE_COUNT:
		break;
	}
}
