/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcsc-lite's wire (winscard_msg.h): native byte order, requests with a header, answers without one. pcscd 1.8.24 to 2.5
 * understand these requests. There is no context, and nothing is asked of a card.
 */
#include <stdio.h>
#include <string.h>

#include "lib/macro.h"
#include "remote/far_end.h"

#define COMMAND_VERSION 0x11U
#define COMMAND_WAIT	0x13U
#define RV_REFUSED	0x8010001EU /* SCARD_E_SERVICE_STOPPED: another version */

#define STATE_SIZE   184
#define STATES_SIZE  (16 * STATE_SIZE)
#define VERSION_SIZE 12
#define EVENT_SIZE   8

/* A client that sends nothing for this long is asked whether it is there. */
#define HEARTBEAT_NSEC (30 * NSEC_PER_SEC)

struct request_header {
	uint32_t size, command;
};

struct version {
	int32_t major, minor;
	uint32_t rv;
};
_Static_assert(sizeof(struct version) == VERSION_SIZE, "as on the wire");

/* The reader's state on the wire. */
struct wire_state {
	uint8_t name[128];
	uint32_t counter, state;
	int32_t sharing;
	uint8_t atr[33];
	uint8_t padding[3];
	uint32_t atr_size, protocol;
};
_Static_assert(sizeof(struct wire_state) == STATE_SIZE, "as on the wire");

#define STATE_UNKNOWN 0x1U
#define STATE_ABSENT  0x2U
#define STATE_PRESENT 0x4U
/* Of an ATR: the reader was not initialised yet. */
#define ATR_NOT_YET (ATR_SIZE + 1)

enum state {
	HELLO,	      /* our version was sent */
	HELLO_AGAIN,  /* … and the server's own, which is a little newer */
	STATES,	      /* the states are to come, then our question's version */
	STATES_MIXED, /* something came between them: they do not count */
	QUIET,	      /* waits for an event, or for the answer to a heartbeat */
	LATE_VERSION, /* an event overtook the answer to a heartbeat */
	RESTING,      /* it sent many events: asks again in a moment */
};

static void ask_version(struct far_end *far, int32_t minor)
{
	const struct request_header header = {VERSION_SIZE, COMMAND_VERSION};
	const struct version version = {4, minor, 0};

	far_end_send(far, &header, sizeof(header));
	far_end_send(far, &version, sizeof(version));
}

/* The version behind it shows that nothing came between the states, which pcscd 2.5 sends outside of its lock. */
static void ask_states(struct far_end *far, uint64_t now)
{
	const struct request_header wait = {0, COMMAND_WAIT};
	struct version own;

	memcpy(&own, far->pcsclite.hello, sizeof(own));
	far_end_send(far, &wait, sizeof(wait));
	/* What was said at the hello: from 4:6 on, a server that hears its own version sends no states. */
	ask_version(far, own.minor == 5 ? 5 : 4);
	far->pcsclite.state = STATES;
	far->in_used = 0;
	far->in_wanted = STATES_SIZE + VERSION_SIZE;
	far->deadline = now + FAR_ANSWER_NSEC;
}

void pcsclite_start(struct far_end *far, uint64_t now)
{
	far->pcsclite.state = HELLO;
	far->in_wanted = VERSION_SIZE;
	far->deadline = now + FAR_ANSWER_NSEC;
	ask_version(far, 4);
}

/* ---- the hello --------------------------------------------------------------------------------------------- */

static void take_hello(struct far_end *far, uint64_t now)
{
	bool again = far->pcsclite.state == HELLO_AGAIN;
	struct version version;
	char detail[64];

	memcpy(&version, far->in, sizeof(version));
	memcpy(far->pcsclite.hello, far->in, sizeof(far->pcsclite.hello));
	if (version.major == 4 && version.minor >= 4 && version.rv == 0) {
		far->life++;
		far->silent = false;
		ask_states(far, now);
		return;
	}
	if (version.major == 4 && version.minor == 5 && version.rv == RV_REFUSED && !again) {
		far->pcsclite.state = HELLO_AGAIN;
		far->in_used = 0;
		far->deadline = now + FAR_ANSWER_NSEC;
		ask_version(far, 5);
		return;
	}
	if (version.rv != 0 && version.rv != RV_REFUSED) {
		far_end_over(far, WHY_FAULT, "it does not speak pcscd's protocol");
		return;
	}
	snprintf(detail, sizeof(detail), "its pcscd speaks version %d:%d of the protocol", version.major,
		 version.minor);
	far_end_over(far, WHY_VERSION, detail);
}

/* ---- states ------------------------------------------------------------------------------------------------ */

static enum card_state card_of(const struct wire_state *state)
{
	if (state->state & STATE_UNKNOWN)
		return CARD_UNAVAILABLE;
	if (state->state & STATE_PRESENT)
		return state->atr_size == ATR_NOT_YET ? CARD_UNAVAILABLE : CARD_PRESENT;
	return state->state & STATE_ABSENT ? CARD_EMPTY : CARD_UNAVAILABLE;
}

static bool is_named(const struct far_end *far, const char *name)
{
	for (unsigned i = 0; i < far->count; i++)
		if (strcmp(far->readers[i].name, name) == 0)
			return true;
	return false;
}

/* NULL, or what is wrong with it. */
static const char *take_state(struct far_end *far, const struct wire_state *state)
{
	struct reader_state reader;

	if (!state->name[0])
		return NULL;
	if (!far_end_name(state->name, sizeof(state->name), &reader))
		return "a reader's name without an end";
	if (state->atr_size > ATR_NOT_YET)
		return "an ATR longer than any";
	/* A name is a reader's key: a second one of the same name cannot be told from it. */
	if (is_named(far, reader.name))
		return NULL;
	reader.card = card_of(state);
	reader.event_counter = (uint16_t)state->counter;
	if (reader.card == CARD_PRESENT) {
		reader.atr.size = (uint8_t)state->atr_size;
		memcpy(reader.atr.bytes, state->atr, state->atr_size);
	}
	far->readers[far->count++] = reader;
	return NULL;
}

static void wait_quietly(struct far_end *far, uint64_t now)
{
	far->pcsclite.state = QUIET;
	far->in_used = 0;
	/* An event has 8 bytes, a version 12; their first four tell them apart. */
	far->in_wanted = EVENT_SIZE;
	far->deadline = now + HEARTBEAT_NSEC;
}

static void take_states(struct far_end *far, uint64_t now)
{
	const char *wrong = NULL;

	if (memcmp(far->in + STATES_SIZE, far->pcsclite.hello, VERSION_SIZE) != 0) {
		/* An event that came too early: eight more bytes complete what was asked for. */
		far->pcsclite.state = STATES_MIXED;
		far->in_wanted = STATES_SIZE + EVENT_SIZE + VERSION_SIZE;
		return;
	}
	far->count = 0;
	for (size_t i = 0; !wrong && i < 16; i++) {
		struct wire_state state;

		memcpy(&state, far->in + i * STATE_SIZE, sizeof(state));
		wrong = take_state(far, &state);
	}
	if (wrong) {
		far->count = 0;
		far_end_over(far, WHY_FAULT, wrong);
		return;
	}
	far->listed = true;
	far->silent = false;
	wait_quietly(far, now);
}

/* The event is over with it, so the server waits for nothing. */
static void ask_again(struct far_end *far, uint64_t now)
{
	uint64_t pause = far_end_pace(far, now);

	if (!pause) {
		ask_states(far, now);
		return;
	}
	far->pcsclite.state = RESTING;
	far->in_used = far->in_wanted = 0;
	far->deadline = now + pause;
}

static void take_mixed(struct far_end *far, uint64_t now)
{
	if (memcmp(far->in + STATES_SIZE + EVENT_SIZE, far->pcsclite.hello, VERSION_SIZE) != 0)
		far_end_over(far, WHY_FAULT, "its answers are in disorder");
	else
		ask_again(far, now);
}

/* ---- rest -------------------------------------------------------------------------------------------------- */

static void take_quiet(struct far_end *far, uint64_t now)
{
	bool version;
	uint32_t first;

	memcpy(&first, far->in, sizeof(first));
	version = first == 4;
	if (version ? !far->pcsclite.pinged : first != 0) {
		far_end_over(far, WHY_FAULT, "it sent what was not asked for");
		return;
	}
	if (version && far->in_used < VERSION_SIZE) {
		far->in_wanted = VERSION_SIZE;
		return;
	}
	if (version && memcmp(far->in, far->pcsclite.hello, VERSION_SIZE) != 0) {
		far_end_over(far, WHY_FAULT, "its version changed");
		return;
	}
	if (!version) {
		/* A heartbeat's answer that is still to come would lie before the states. */
		if (far->pcsclite.pinged) {
			far->pcsclite.state = LATE_VERSION;
			far->in_used = 0;
			far->in_wanted = VERSION_SIZE;
			far->deadline = now + FAR_ANSWER_NSEC;
			return;
		}
		far->silent = false;
		ask_again(far, now);
		return;
	}
	far->pcsclite.pinged = false;
	far->silent = false;
	wait_quietly(far, now);
}

/* The heartbeat's answer, after the event that overtook it. */
static void take_late_version(struct far_end *far, uint64_t now)
{
	if (memcmp(far->in, far->pcsclite.hello, VERSION_SIZE) != 0) {
		far_end_over(far, WHY_FAULT, "its version changed");
		return;
	}
	far->pcsclite.pinged = false;
	ask_again(far, now);
}

void pcsclite_take(struct far_end *far, uint64_t now)
{
	switch ((enum state)far->pcsclite.state) {
	case HELLO:
	case HELLO_AGAIN:
		take_hello(far, now);
		return;
	case STATES:
		take_states(far, now);
		return;
	case STATES_MIXED:
		take_mixed(far, now);
		return;
	case QUIET:
		take_quiet(far, now);
		return;
	case LATE_VERSION:
		take_late_version(far, now);
		return;
	case RESTING:
		return;
	}
}

/* An answer is overdue, or a heartbeat is due. */
void pcsclite_time(struct far_end *far, uint64_t now)
{
	struct version own;

	if (far->pcsclite.state == RESTING) {
		ask_states(far, now);
		return;
	}
	if (!far->life) {
		far_end_over(far, WHY_FAULT, "it does not answer");
		return;
	}
	if (far->pcsclite.state != QUIET || far->pcsclite.pinged) {
		/* Whatever comes of it later is heard. */
		far->silent = true;
		return;
	}
	memcpy(&own, far->pcsclite.hello, sizeof(own));
	ask_version(far, own.minor == 5 ? 5 : 4);
	far->pcsclite.pinged = true;
	far->deadline = now + FAR_ANSWER_NSEC;
}
