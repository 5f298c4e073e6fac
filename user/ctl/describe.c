/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/describe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/macro.h"

static void append(char *text, const char *format, ...) _printf_(2, 3);
static void append(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, DESCRIPTION_SIZE - used, format, arguments);
	va_end(arguments);
}

static void say_usb(char *text, struct usb_address usb)
{
	if (usb_address_is_set(usb))
		append(text, " on USB %u:%u", usb.bus, usb.device);
}

/* ---- events --------------------------------------------------------------------------------------------- */

static void say_device(char *text, const struct device_facts *device, const char *what)
{
	append(text, "device");
	say_usb(text, device->usb);
	if (device->path)
		append(text, " at %s", device->path);
	if (device->id)
		append(text, " (%s)", device->id);
	append(text, " %s", what);
}

static void say_slots(char *text, const struct event *event)
{
	const char *between = ":";

	append(text, "reader");
	say_usb(text, event->slot_change.usb);
	if (event->slot_change.endpoint)
		append(text, ", endpoint %u", event->slot_change.endpoint);
	for (unsigned slot = 0; slot < event->slot_change.bytes * 4U; slot++) {
		unsigned bits = event->slot_change.slots[slot / 4] >> slot % 4 * 2;

		if (!(bits & 2))
			continue;
		append(text, "%s card %s slot %u", between, bits & 1 ? "into" : "out of", slot);
		between = ",";
	}
}

static void say_reader(char *text, const struct reader_state *reader)
{
	static const char *const cards[] = {[CARD_UNAVAILABLE] = "cannot be read",
					    [CARD_EMPTY] = "is empty",
					    [CARD_PRESENT] = "has a card"};
	ASSERT_ROWS(cards, CARD_PRESENT + 1);

	append(text, "reader \"%s\", slot %u", reader->name, reader->slot);
	say_usb(text, reader->usb);
	append(text, ", %s, counter %u", cards[reader->card], reader->event_counter);
}

static void say_record(char *text, const struct event *event)
{
	const struct login_record *login = event->record.login;

	append(text, "session %s of %s was opened with insertion %u in \"%s\", slot %u", login->session,
	       login->user, login->card.event_counter, login->card.name, login->card.slot);
	say_usb(text, login->card.usb);
	if (event->record.away)
		append(text, "; its removal was dealt with before");
}

static void say_kind(char *text, const struct event *event)
{
	append(text, "session %s is", event->change.session);
	for (unsigned bit = 0; session_kind_name(bit); bit++) {
		if (event->change.kind & 1U << bit)
			append(text, " %s", session_kind_name(bit));
	}
}

static void say_settings(char *text, const struct event *event)
{
	const struct settings *card = event->change.governance.by_cause[CAUSE_CARD];

	append(text, "session %s is governed by %s%s: %s when the card is removed", event->change.session,
	       *card->rule ? "rule " : "[Policy]", card->rule, action_name(card->action));
}

/* Texts that name only a session, and texts that name nothing. */
static const char *plain_event(enum event_type type)
{
	static const char *const words[] = {
		[EVENT_DEVICES_LISTED] = "every device has been reported",
		[EVENT_PCSC_UP] = "pcscd is there",
		[EVENT_PCSC_DOWN] = "pcscd is gone",
		[EVENT_PCSC_LISTED] = "every reader has been reported",
		[EVENT_SESSION_ENDED] = "session %s has ended",
		[EVENT_SESSION_LOCKED] = "session %s is locked",
		[EVENT_SESSION_UNLOCKED] = "session %s is unlocked",
		[EVENT_SESSION_REBIND] = "the locker of session %s asks to have it bound again",
		[EVENT_ACTION_DONE] = "the console of session %s is locked",
		[EVENT_ACTION_FAILED] = "a request for session %s was refused",
		[EVENT_REMOTE_UP] = "the client of session %s answers",
		[EVENT_REMOTE_DOWN] = "the client of session %s is away",
		[EVENT_REMOTE_SILENT] = "the client of session %s does not answer",
		[EVENT_REMOTE_HEARD] = "the client of session %s answers again",
		[EVENT_REMOTE_LISTED] = "the client of session %s has reported every reader",
		[EVENT_PROBE] = "the kernel probe listens",
		[EVENT_SLEEP] = "the machine goes to sleep",
		[EVENT_RESUME] = "the machine is awake again",
		[EVENT_LOST] = "messages were lost: every session is compared again",
		[EVENT_TIME] = "time has passed",
	};
	ASSERT_ROWS(words, EVENT_TIME + 1);

	return (size_t)type < ELEMENTS(words) ? words[type] : NULL;
}

static void say_plain(char *text, const struct event *event)
{
	bool is_remote = event->type >= EVENT_REMOTE_UP && event->type <= EVENT_REMOTE_LISTED;
	const char *words = plain_event(event->type), *session = words ? strstr(words, "%s") : NULL;

	if (session)
		append(text, "%.*s%s%s", (int)(session - words), words,
		       is_remote ? event->remote.session : event->session, session + 2);
	else
		append(text, "%s", words ? words : "");
}

const char *describe_event(const struct event *event, char text[static DESCRIPTION_SIZE])
{
	text[0] = '\0';
	switch (event->type) {
	case EVENT_DEVICE_ADD:
		say_device(text, &event->device, "is there");
		break;
	case EVENT_DEVICE_REMOVE:
		say_device(text, &event->device, "goes");
		break;
	case EVENT_SLOT_CHANGE:
		say_slots(text, event);
		break;
	case EVENT_READER:
		say_reader(text, event->reader);
		break;
	case EVENT_REMOTE_READER:
		append(text, "at the client of session %s, ", event->remote.session);
		say_reader(text, event->remote.reader);
		break;
	case EVENT_REMOTE_READER_GONE:
		append(text, "at the client of session %s, reader \"%s\" is gone", event->remote.session,
		       event->remote.reader->name);
		break;
	case EVENT_READER_GONE:
		append(text, "reader \"%s\" is gone", event->reader->name);
		break;
	case EVENT_RECORD:
		say_record(text, event);
		break;
	case EVENT_SETTINGS:
		say_settings(text, event);
		break;
	case EVENT_SESSION_KIND:
		say_kind(text, event);
		break;
	case EVENT_DEVICES_LISTED:
	case EVENT_PCSC_UP:
	case EVENT_PCSC_DOWN:
	case EVENT_PCSC_LISTED:
	case EVENT_SESSION_ENDED:
	case EVENT_SESSION_LOCKED:
	case EVENT_SESSION_UNLOCKED:
	case EVENT_SESSION_REBIND:
	case EVENT_ACTION_DONE:
	case EVENT_ACTION_FAILED:
	case EVENT_REMOTE_UP:
	case EVENT_REMOTE_DOWN:
	case EVENT_REMOTE_SILENT:
	case EVENT_REMOTE_HEARD:
	case EVENT_REMOTE_LISTED:
	case EVENT_PROBE:
	case EVENT_SLEEP:
	case EVENT_RESUME:
	case EVENT_LOST:
	case EVENT_TIME:
		say_plain(text, event);
		break;
	}
	return text;
}

/* ---- verdicts ------------------------------------------------------------------------------------------- */

static void say_ready_steps(char *text, const struct verdict *verdict)
{
	append(text, "make ready:");
	for (int step = 0; step < STEP_COUNT; step++) {
		if (verdict->steps & 1U << step)
			append(text, " %s", step_name((enum step)step));
	}
}

static void say_verdict(char *text, const struct verdict *verdict)
{
	switch (verdict->type) {
	case VERDICT_ACT:
		append(text, "%s, now", step_name(verdict->step));
		break;
	case VERDICT_ARM:
		say_ready_steps(text, verdict);
		break;
	case VERDICT_DISARM:
		append(text, "no longer governed");
		break;
	case VERDICT_WATCH:
		append(text, "have the probe listen");
		say_usb(text, verdict->usb);
		break;
	case VERDICT_UNWATCH:
		append(text, "have the probe stop listening");
		say_usb(text, verdict->usb);
		break;
	case VERDICT_RECHECK:
		append(text, "ask everybody what is there");
		break;
	case VERDICT_REREAD:
		append(text, "ask PC/SC what is there");
		break;
	case VERDICT_LOCATE:
		append(text, "ask PC/SC where each reader is");
		break;
	case VERDICT_BOUND:
		append(text, "bound to insertion %u", verdict->login->card.event_counter);
		say_usb(text, verdict->login->card.usb);
		break;
	case VERDICT_UNIT:
		append(text, "start %s", verdict->settings->unit);
		break;
	case VERDICT_REMOVAL:
		append(text, "removal, cause %s, heard by %s", cause_name(verdict->cause),
		       event_source_name(verdict->source));
		break;
	case VERDICT_ACTION:
		append(text, "action: %s", action_name(verdict->action));
		break;
	case VERDICT_OUTCOME:
		append(text, "outcome: %s %s", action_name(verdict->action), outcome_name(verdict->outcome));
		break;
	case VERDICT_HEARD:
		append(text, "%s heard of it too, cause %s", event_source_name(verdict->source),
		       cause_name(verdict->cause));
		break;
	case VERDICT_CONTRADICTED:
		append(text, "contradicted by %s", event_source_name(verdict->source));
		break;
	case VERDICT_COMM_ERROR:
		append(text, "a communication error, no removal");
		break;
	case VERDICT_RESTORED:
		append(text, "the card is back: guarded again");
		break;
	case VERDICT_RECHECKED:
		append(text, "every session was compared again");
		break;
	case VERDICT_SETTLED:
		append(text, "the same card is back in time: nothing is done");
		break;
	case VERDICT_COUNTDOWN:
		append(text, "%s in %llu s unless it is unlocked", action_name(verdict->action),
		       (unsigned long long)((verdict->later + NSEC_PER_SEC / 2) / NSEC_PER_SEC));
		break;
	case VERDICT_CANCELLED:
		append(text, "%s cancelled", action_name(verdict->action));
		break;
	case VERDICT_CANNOT_LOCK:
		append(text, "nothing here can lock it");
		break;
	case VERDICT_DEALT:
		append(text, verdict->dealt ? "store that its removal was acted on"
					    : "store that it has no removal");
		break;
	case VERDICT_KEPT:
		append(text, "one of its tokens was removed, another one stays: no removal");
		break;
	case VERDICT_UNGUARDED:
		append(text, "not guarded: a removal of its card would not be noticed");
		break;
	case VERDICT_TYPE_COUNT:
		break;
	}
}

const char *describe_verdict(const struct verdict *verdict, char text[static DESCRIPTION_SIZE])
{
	text[0] = '\0';
	if (verdict->login)
		append(text, "session %s: ", verdict->login->session);
	say_verdict(text, verdict);
	return text;
}
