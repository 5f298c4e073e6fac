/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is believed about a session's card, and why, in words. Nothing here changes anything. */
#include "policy/core.h"
#include "policy/world.h"

#include <stdarg.h>
#include <stdio.h>

static void add_words(struct explanation *text, const char *format, ...) _printf_(2, 3);
static void add_words(struct explanation *text, const char *format, ...)
{
	size_t used = strlen(text->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text->text + used, sizeof(text->text) - used, format, arguments);
	va_end(arguments);
}

/* "1.2 s", "12 min": as exact as people need it. */
#define SPAN_SIZE 32
static const char *span(uint64_t from, uint64_t to, char buffer[static SPAN_SIZE])
{
	uint64_t length = since(from, to), seconds = length / NSEC_PER_SEC;

	if (seconds < 10)
		snprintf(buffer, SPAN_SIZE, "%.1f s", (double)length / NSEC_PER_SEC);
	else if (seconds < 120)
		snprintf(buffer, SPAN_SIZE, "%llu s", (unsigned long long)seconds);
	else if (seconds < 120 * 60ULL)
		snprintf(buffer, SPAN_SIZE, "%llu min", (unsigned long long)seconds / 60);
	else
		snprintf(buffer, SPAN_SIZE, "%llu h", (unsigned long long)seconds / 3600);
	return buffer;
}

/* ---- the belief ----------------------------------------------------------------------------------------- */

static const char *const reasons[] = {
	[REASON_READ] = "the reader reports it present",
	[REASON_PLUGGED_IN] = "its USB device is plugged in",
	[REASON_NOTHING] = "pcscd has not listed its readers yet, and nothing speaks against it",
	[REASON_ASLEEP] = "the machine sleeps",
	[REASON_COMES_BACK] = "its reader left around sleep and may still come back",
	[REASON_DEVICE_GONE] = "its USB device is gone",
	[REASON_SLOT] = "the reader reported it removed",
	[REASON_EMPTY] = "PC/SC reported it removed",
	[REASON_OTHER_CARD] = "PC/SC reports another card, or another insertion",
	[REASON_NO_PCSCD] = "pcscd cannot be reached",
	[REASON_NO_READER] = "PC/SC does not name its reader",
	[REASON_UNREADABLE] = "PC/SC cannot read its reader",
	[REASON_SETTLING] = "PC/SC reports the reader empty, and may not have looked at it yet",
	[REASON_OLDER] = "what PC/SC reports is older than the login record",
	[REASON_CLIENT_AWAY] = "its client is away",
	[REASON_NO_CARD_YET] = "its client has shown no card",
};
ASSERT_ROWS(reasons, REASON_COUNT);

/* The daemon has acted on pcscd's absence, or on a client's. It still does not know whether the card is in. */
static bool is_removed(const struct session *session)
{
	return session_is_away(session) && cause_is_removal(session->removal.cause);
}

static void say_belief(const struct session *session, const struct belief *belief, uint64_t now,
		       struct explanation *ret)
{
	static const char *const kinds[] = {
		[BELIEF_IN] = "in",
		[BELIEF_OUT] = "out",
		[BELIEF_DOUBT] = "doubt",
		[BELIEF_UNKNOWN] = "unknown",
	};
	ASSERT_ROWS(kinds, BELIEF_UNKNOWN + 1);
	const char *what = session->login.usb_token ? "token" : "card";
	bool removed = is_removed(session), doubt = belief->kind == BELIEF_DOUBT && !removed;
	/* What is acted on for want of a client, or of any card, shows nothing of the card. */
	bool absence = belief->kind == BELIEF_OUT && !cause_is_removal(belief->cause);
	char time[SPAN_SIZE];

	/* An insertion that is out does not come back: the same card makes a new one. */
	ret->kind = kinds[removed ? BELIEF_OUT : absence ? BELIEF_UNKNOWN : belief->kind];
	if (doubt)
		add_words(ret, "%s in doubt for another %s", what, span(now, belief->until, time));
	else
		add_words(ret, "%s %s", what, ret->kind);
	if (removed && belief->kind == BELIEF_IN)
		add_words(ret, ": nothing shows yet that it is back");
	else
		add_words(ret, ": %s", reasons[belief->reason]);
}

/* ---- the sources ---------------------------------------------------------------------------------------- */

static void say_count(const struct world *world, const struct session *session, struct explanation *ret)
{
	const struct reader *reader = world->pcsc_up ? reader_of_session(world, session) : NULL;
	unsigned bound = session->login.card.event_counter;

	if (!reader)
		add_words(ret, "; insertion %u is recorded", bound);
	else if (reader->state.event_counter == bound)
		add_words(ret, "; insertion %u, as recorded", bound);
	else
		add_words(ret, "; PC/SC counts %u, insertion %u is recorded", reader->state.event_counter,
			  bound);
}

static void say_probe(const struct world *world, const struct session *session, uint64_t now,
		      struct explanation *ret)
{
	const struct moment *out = &session->slot_out, *in = &session->slot_in;
	char time[SPAN_SIZE];

	if (!world->probe)
		add_words(ret, "; the probe does not listen");
	else if (!session->device)
		add_words(ret, "; the probe does not listen: the reader's USB address is not known");
	else if (out->order > in->order)
		add_words(ret, "; the probe reported it removed %s ago", span(out->now, now, time));
	else if (in->order)
		add_words(ret, "; the probe reported it inserted %s ago", span(in->now, now, time));
	else if (!plan_probe_watches(world, session))
		add_words(ret, "; the probe cannot tell its slot from another one of this device");
	else
		add_words(ret, "; no word from the probe for %s", span(session->bound.now, now, time));
}

/* A card at the client: how it came to be the session's, and what that is worth. */
static void say_remote(const struct session *session, uint64_t now, struct explanation *ret)
{
	const struct remote *remote = session->remote;
	const struct remote_reader *reader = remote_bound(session);
	unsigned bound = session->login.card.event_counter;
	char time[SPAN_SIZE];

	if (!session->login.awaiting && reader && remote->bound_life == remote->life &&
	    reader->state.event_counter != bound)
		add_words(ret, "; its client counts %u, insertion %u is bound", reader->state.event_counter,
			  bound);
	else if (!session->login.awaiting)
		add_words(ret, "; insertion %u is bound", bound);
	if (session->login.late)
		add_words(ret, "; bound late: presence, not proof of the sign-in");
	if (remote_is_here(remote))
		add_words(ret, "; its client has answered for %s", span(remote->up_since, now, time));
	else if (!remote->life)
		add_words(ret, "; its client was not reached yet");
	else
		add_words(ret, "; its client has been away for %s", span(remote->away_since, now, time));
}

/* ---- the case ------------------------------------------------------------------------------------------- */

static void say_evidence(unsigned evidence, struct explanation *ret)
{
	static const char *const words[] = {"the USB device left", "the reader's notice", "PC/SC",
					    "no contradiction"};
	const char *between = "; evidence: ";

	for (size_t bit = 0; bit < ELEMENTS(words); bit++) {
		if (!(evidence & 1U << bit))
			continue;
		add_words(ret, "%s%s", between, words[bit]);
		between = ", ";
	}
}
_Static_assert(EVIDENCE_SILENCE == 1 << 3, "each evidence has its words");

static void say_away(const struct session *session, uint64_t now, struct explanation *ret)
{
	const struct removal *removal = &session->removal;
	char time[SPAN_SIZE];

	if (!session_is_away(session))
		return;
	span(removal->opened.stamp, now, time);
	if (removal->cause == CAUSE_PCSC_LOST)
		add_words(ret, "; acted on %s ago, because pcscd stayed away", time);
	else if (removal->cause == CAUSE_CLIENT)
		add_words(ret, "; acted on %s ago, because its client stayed away", time);
	else if (removal->cause == CAUSE_NO_CARD)
		add_words(ret, "; acted on %s ago, because no card had shown", time);
	else if (!removal->settings)
		add_words(ret, "; away since before the daemon started, %s ago", time);
	else {
		add_words(ret, "; away for %s, first reported by %s", time,
			  event_source_name(removal->source));
		say_evidence(removal->evidence, ret);
	}
	if (session->said & SAID_UNGUARDED)
		add_words(ret, "; unlocked without its card, and not guarded");
}

static void say_waits(const struct session *session, uint64_t now, struct explanation *ret)
{
	const struct removal *removal = &session->removal;
	const uint64_t *deadlines = session->deadlines;
	char time[SPAN_SIZE];

	if (deadlines[DEADLINE_PCSC_LOST])
		add_words(ret, "; locked unless pcscd is back within %s",
			  span(now, deadlines[DEADLINE_PCSC_LOST], time));
	if (deadlines[DEADLINE_SETTLE])
		add_words(ret, "; nothing is done if it is back within %s",
			  span(now, deadlines[DEADLINE_SETTLE], time));
	if (removal->pending != ACTION_NONE)
		add_words(ret, "; %s waits for a second source, %s at most", action_name(removal->pending),
			  span(now, deadlines[DEADLINE_CONFIRM], time));
	if (removal->awaited == AWAIT_LOCK)
		add_words(ret, "; the lock has %s left to show", span(now, deadlines[DEADLINE_SIGN], time));
	if (removal->awaited == AWAIT_END)
		add_words(ret, "; the session has %s left to end", span(now, deadlines[DEADLINE_SIGN], time));
	if (deadlines[DEADLINE_THEN])
		add_words(ret, "; %s in %s unless it is unlocked", action_name(removal->then),
			  span(now, deadlines[DEADLINE_THEN], time));
}

bool world_explain(const struct world *world, const char *id, uint64_t now, struct explanation *ret)
{
	const struct session *session = session_find(world, id);
	struct belief belief;

	if (!session)
		return false;
	belief = belief_of(world, session);
	*ret = (struct explanation){.text = ""};
	say_belief(session, &belief, now, ret);
	if (session->is_remote)
		say_remote(session, now, ret);
	else if (!session->login.usb_token)
		say_count(world, session, ret);
	if (!session->is_remote)
		say_probe(world, session, now, ret);
	say_away(session, now, ret);
	say_waits(session, now, ret);
	return true;
}
