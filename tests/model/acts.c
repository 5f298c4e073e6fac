/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each thing that the core does, judged when its event is over: all verdicts of one event belong together. */
#include "judge.h"

#include <string.h>

static struct judged *find(struct machine *machine, const struct verdict *verdict, struct login **ret)
{
	struct login *login = verdict->login ? people_find(machine, verdict->login->session) : NULL;

	*ret = login;
	/* An id that is used again: until its record is read, what is done is done to the session before. */
	return login && !login->ended && login->told ? &machine->judge->sessions[login - machine->logins]
						     : NULL;
}

static void take_act(struct machine *machine, struct login *login, struct judged *judged, enum step step)
{
	if (step == STEP_LOCK) {
		judged->locks++;
		judged->locks_now++;
	} else if (step != STEP_CONSOLE_LOCK) {
		judged->losing++;
		judged->losing_now |= 1U << step;
	}
	if (!judged->first_act)
		judged->began_losing = step != STEP_LOCK;
	/* A later removal may have begun so, under another policy. */
	judged->began_losing |= step == STEP_XRDP_DISCONNECT || step == STEP_KILL_LEADER;
	if (!judged->first_act)
		judged->first_act = machine->now;
	people_act(machine, (unsigned)(login - machine->logins), step);
}

/* By the name alone: what pcscd has under it is in another place. */
static bool is_anothers(const struct machine *machine, const struct judged *judged,
			const struct verdict *verdict)
{
	const struct pcsc_reader *reader = pcscd_named(machine, verdict->login->card.name);

	return reader &&
	       (machine->devices[reader->device].port != judged->port || reader->unit != judged->unit);
}

static bool reader_is_stuck(const struct machine *machine, const struct verdict *verdict)
{
	const struct pcsc_reader *reader = pcscd_named(machine, verdict->login->card.name);

	return reader && reader->stuck;
}

void judge_verdict(struct machine *machine, const struct verdict *verdict)
{
	struct login *login;
	struct judged *judged = find(machine, verdict, &login);

	if (!judged)
		return;
	/* What the core has found out by itself, and rightly, is known. */
	if (verdict->type == VERDICT_BOUND && usb_address_equal(verdict->login->card.usb, judged->usb)) {
		if (!judged->place_known && machine->devices[judged->device].port >= 0) {
			judged->port = machine->devices[judged->device].port;
			judge_truth(machine);
		}
		if (!judged->place_known)
			judged->placed_at = machine->now;
		judged->place_known = true;
	}
	if ((verdict->type == VERDICT_RESTORED || verdict->type == VERDICT_BOUND) && !judged->place_known &&
	    is_anothers(machine, judged, verdict) &&
	    judge_excepted(machine, judged, 1U << EXCEPTION_NO_PLACE))
		judged->misbound = true;
	if (verdict->type == VERDICT_RESTORED && reader_is_stuck(machine, verdict)) {
		judged->by_deaf = true;
		(void)judge_excepted(machine, judged, 1U << EXCEPTION_PCSCD_DEAF);
	}
	if (verdict->type == VERDICT_RESTORED && judge_misplaced(machine, judged) &&
	    judge_excepted(machine, judged, 1U << EXCEPTION_HELD))
		judged->misbound = true;
	if (verdict->type == VERDICT_ACT) {
		take_act(machine, login, judged, verdict->step);
	} else if (verdict->type == VERDICT_REMOVAL) {
		if (judged->removals++ == 0)
			judged->removed_at = machine->now;
		judged->removals_now++;
		judged->cause_now = verdict->cause;
		judged->after_pcsc |= judged->away_for_pcsc;
		judged->away_for_pcsc = verdict->cause == CAUSE_PCSC_LOST;
		judged->lost_pcsc += judged->away_for_pcsc;
		judged->worked_since = false;
		judged->kind_unknown |= !judged->kind_told;
	}
	if (verdict->type == VERDICT_CONTRADICTED || verdict->type == VERDICT_SETTLED)
		judged->agreed = false;
	judged->settled += verdict->type == VERDICT_SETTLED;
	judged->contradicted += verdict->type == VERDICT_CONTRADICTED;
	judged->comm_errors += verdict->type == VERDICT_COMM_ERROR;
	judged->unguarded += verdict->type == VERDICT_UNGUARDED;
	/* From then on its card guards it again. */
	if (verdict->type == VERDICT_RESTORED) {
		judged->kernel_word = false;
		judged->unguarded = 0;
		judged->must_be_reported = false;
	}
	judged->restored += verdict->type == VERDICT_RESTORED;
	judged->cancelled += verdict->type == VERDICT_CANCELLED;
}

/* ---- what is allowed --------------------------------------------------------------------------------------
 */

static bool within_grace(const struct machine *machine)
{
	const struct judge *judge = machine->judge;

	return judge->resume_at && machine->now < judge->resume_at + RESUME_GRACE;
}

/* Nothing else than PC/SC could have heard of it: the probe listens where a reader is known to be. */
static bool pcsc_alone(const struct machine *machine, const struct judged *judged)
{
	return !machine->script->setup.probe || judged->composite || !judged->place_known ||
	       (judged->departures && judged->departed_at < judged->placed_at) ||
	       machine->devices[judged->device].no_notices;
}

bool judge_agreed(const struct machine *machine, const struct judged *judged)
{
	uint64_t resume = machine->judge->resume_at;
	uint64_t any_gone_at = judged->any_gone_at ? judged->any_gone_at : machine->judge->unplugged_at;

	/* Devices have 5 s after sleep; what is not there by then is gone. */
	if (judged->device_gone_at && !judged->in_place && resume && machine->now >= resume + RESUME_GRACE)
		return true;
	/* A reader of no known place that PC/SC does not name any more has nothing else to show. */
	if (!judged->place_known && judged->reader_gone_at &&
	    machine->now >= (judged->unread_at ? judged->unread_at : judged->reader_gone_at) + PCSC_DOUBT)
		return true;
	/* It may have been reported before there was a record. */
	if (!judged->place_known && any_gone_at && judged->reader_gone_at &&
	    any_gone_at < judged->reader_gone_at + SEC && judged->reader_gone_at < any_gone_at + SEC)
		return true;
	/* Without the probe nothing else could say that a reader is gone. */
	if (judged->departures && judged->reader_gone_at && pcsc_alone(machine, judged))
		return true;
	return judged->device_word ||
	       (judge_pcsc_out(machine, judged) && (judged->slot_word || pcsc_alone(machine, judged)));
}

static bool may_lose(const struct machine *machine, const struct judged *judged,
		     const struct settings *settings, const char **ret_why)
{
	uint64_t confirm = settings->confirm;

	/* Silence that was awaited under the old policy is silence. */
	if (judged->reloaded && judged->old_confirm < confirm)
		confirm = judged->old_confirm;
	if (within_grace(machine) || machine->judge->asleep) {
		*ret_why = "work lost within 5 s after resume";
		return false;
	}
	if (judged->agreed || judge_agreed(machine, judged))
		return true;
	if (judge_pcsc_out(machine, judged) && judged->pcsc_empty &&
	    machine->now >= judged->pcsc_empty_at + confirm)
		return true;
	/* What is found after a rest is older than the word that it is compared with. */
	if (judged->pcsc_unmoved && !judged->back_word && !judged->may_be_found) {
		*ret_why = "work lost against PC/SC's word";
		return false;
	}
	*ret_why = "work lost before the evidence agreed, or was silent";
	/* Its card really left, and is found missing by a comparison: by its count, perhaps. Nothing denies that. */
	if (judged->departures && (judged->slept || judged->cause_now == CAUSE_ABSENT) &&
	    machine->now >= judged->removed_at + confirm)
		return true;
	return judged->may_be_found || (judged->first_word && machine->now >= judged->first_word + confirm);
}

static bool is_losing_action(const struct login *login, enum action action)
{
	return action == ACTION_LOGOUT ||
	       (action == ACTION_DISCONNECT && login->kind & (KIND_XRDP | KIND_SSH));
}

/*
 * When the case began: with a false notice, perhaps, before the card really left. What left in an earlier episode was found
 * missing when the daemon started, before any word of it.
 */
static uint64_t begun(const struct judged *judged)
{
	uint64_t began = judged->first_act;

	if (judged->departures && judged->first_departure < began)
		began = judged->first_departure;
	return judged->first_word && judged->first_word < began ? judged->first_word : began;
}

static bool second_stage(const struct machine *machine, const struct login *login,
			 const struct judged *judged, const struct settings *settings)
{
	if (settings->then == ACTION_NONE || !judged->first_act || judged->worked_since)
		return false;
	if (!judged->reloaded && machine->now < begun(judged) + settings->after)
		return false;
	return judged->ever_hint || judged->began_losing || is_losing_action(login, settings->action) ||
	       login->kind & (KIND_TTY | KIND_SSH);
}

static bool has_reason(const struct machine *machine, const struct login *login, const struct judged *judged,
		       const struct settings *settings)
{
	if (is_losing_action(login, settings->action) || second_stage(machine, login, judged, settings))
		return true;
	if (settings->when_lock_fails == FALLBACK_LOGOUT &&
	    (judged->failures + judged->deaths > (login->kind & KIND_CONSOLE ? 0U : 1U) ||
	     (judged->ever_hint && machine->now >= judged->first_act + settings->lock_timeout)))
		return true;
	return settings->when_cannot_lock == FALLBACK_LOGOUT && login->kind & (KIND_TTY | KIND_SSH);
}

static const char *no_reason(const struct judged *judged, const struct settings *settings)
{
	if (settings->then == ACTION_NONE || !judged->first_act)
		return "work lost for no reason that the policy has";
	if (judged->worked_since)
		return "the second stage, and its person works";
	return judged->ever_hint ? "the second stage came early"
				 : "the second stage, where no unlock can be seen";
}

static bool nothing_left(const struct judged *judged)
{
	return judged->departures == 0 && judged->false_words == 0 && !judged->may_be_found &&
	       (!judged->after_pcsc || (judged->in_place && !judged->returned_at));
}

static void judge_losing(struct machine *machine, unsigned session)
{
	struct judged *judged = &machine->judge->sessions[session];
	const struct login *login = &machine->logins[session];
	const char *why = NULL;
	struct settings settings;

	policy_settings(machine->policy, &settings);
	if (judge_excuses_removal(machine, session) ||
	    (nothing_left(judged) && judge_excepted(machine, judged, 1U << EXCEPTION_HELD)))
		return;
	if (nothing_left(judged))
		judge_fault(machine, FAULT_FALSE, session, "work lost though its card never left");
	else if (!may_lose(machine, judged, &settings, &why))
		judge_fault(machine, FAULT_FALSE, session, "%s", why);
	else if (!has_reason(machine, login, judged, &settings))
		judge_fault(machine, FAULT_FALSE, session, "%s", no_reason(judged, &settings));
}

/* pcscd is away, or only just back, and the policy says so. */
static bool pcsc_lost_allowed(const struct machine *machine)
{
	const struct judge *judge = machine->judge;
	struct settings settings;

	policy_settings(machine->policy, &settings);
	return settings.lock_when_pcsc_lost && (!judge->up || machine->now < judge->up_at + PCSC_DOUBT);
}

static void judge_removal(struct machine *machine, unsigned session)
{
	struct judged *judged = &machine->judge->sessions[session];

	/* What follows from a card that settled for too long, or from a wrong address, follows later, too. */
	if (judged->removals_now)
		(void)judge_excepted(
			machine, judged,
			1U << EXCEPTION_HUNG |
				(nothing_left(judged) || machine->judge->resume_at ? 1U << EXCEPTION_HELD
										   : 0) |
				(judged->cause_now == CAUSE_ABSENT ? 1U << EXCEPTION_SLEEP_UNHEARD : 0));
	if (judged->excused || !nothing_left(judged) || judge_excuses_removal(machine, session))
		return;
	/* Round sleep a lock is no harm; what loses work is judged by itself. */
	if (within_grace(machine) || machine->judge->asleep)
		return;
	if (judged->removals_now && judged->cause_now == CAUSE_PCSC_LOST) {
		if (!pcsc_lost_allowed(machine))
			judge_fault(machine, FAULT_FALSE, session, "locked for a pcscd that is there");
		return;
	}
	if (judged->removals_now)
		judge_fault(machine, FAULT_FALSE, session, "a removal (%s), and its card never left",
			    cause_name(judged->cause_now));
	else if (judged->locks_now && !judged->removals && !judged->slept)
		judge_fault(machine, FAULT_FALSE, session, "locked though its card never left");
}

void judge_event_done(struct machine *machine)
{
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		struct judged *judged = &machine->judge->sessions[i];

		if (!judged->known)
			continue;
		judge_empty(machine, judged);
		if (!judged->kernel_word)
			judged->kernel_word_at = 0;
		else if (!judged->kernel_word_at)
			judged->kernel_word_at = machine->now;
		judged->agreed |= judge_agreed(machine, judged);
		if (judged->losing_now && !judged->excused)
			judge_losing(machine, i);
		if ((judged->removals_now || judged->locks_now) && !judged->excused)
			judge_removal(machine, i);
		judged->removals_now = judged->locks_now = judged->losing_now = 0;
	}
}
