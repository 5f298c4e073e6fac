/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire of xrdp's chansrv (smartcard_pcsc.c): little endian, requests and answers with a header of size and command. The
 * answers name no context and no request, so only one request is pending. chansrv loses the card service's result: what
 * comes back is the state of the RDP channel. A client that has left is silence, for ever, and the same connection serves
 * again when the client is back.
 */
#include <endian.h>
#include <string.h>

#include "lib/macro.h"
#include "remote/far_end.h"

#define HEADER_SIZE 8
#define NAME_SIZE   100
#define ENTRY_SIZE  48 /* of a status answer: current, event, ATR length, ATR[36] */

enum command {
	ESTABLISH = 0x01,
	RELEASE = 0x02,
	LIST = 0x03,
	STATUS = 0x0C,
	PAUSE = 0, /* no request is pending: the next one follows in a moment */
};

#define STATE_CHANGED 0x02U
#define STATE_EMPTY   0x10U
#define STATE_PRESENT 0x20U

/* With one reader the far end waits this long itself; it is then asked whether there are others. Several readers take turns,
 * because two at a time are refused (xrdp 0.9). */
#define WAIT_MSEC      10000U
#define WAIT_TURN_MSEC 500U
/* An answer that comes so much earlier than the time-out, and has no news, is a failure. */
#define EARLY_NSEC	 (200 * NSEC_PER_MSEC)
#define PAUSE_FIRST_NSEC (500 * NSEC_PER_MSEC)
#define PAUSE_MOST_NSEC	 (8 * NSEC_PER_SEC)
/* A client that has left is asked again this often. */
#define AGAIN_NSEC (3 * NSEC_PER_SEC)
/* A service that fails so often in a row is gone: until then it may only have been started again. */
#define FAILURES_MAX 3

static uint32_t get_number(const uint8_t *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return le32toh(number);
}

static void put_number(uint8_t *bytes, uint32_t number)
{
	number = htole32(number);
	memcpy(bytes, &number, sizeof(number));
}

/* ---- requests ---------------------------------------------------------------------------------------------- */

/* In one piece: chansrv reads the body while clipboard and sound wait behind it. */
static void request(struct far_end *far, enum command command, const uint8_t *body, size_t size, uint64_t now,
		    uint32_t timeout_msec)
{
	uint8_t message[HEADER_SIZE + 12 + 148];

	put_number(message, (uint32_t)size);
	put_number(message + 4, (uint32_t)command);
	memcpy(message + HEADER_SIZE, body, size);
	far_end_send(far, message, HEADER_SIZE + size);
	far->xrdp.state = command;
	far->xrdp.asked = now;
	far->xrdp.timeout = timeout_msec * NSEC_PER_MSEC;
	far->in_used = 0;
	far->in_wanted = HEADER_SIZE;
	far->deadline = now + far->xrdp.timeout + FAR_ANSWER_NSEC;
}

static void establish(struct far_end *far, uint64_t now)
{
	uint8_t body[4];

	put_number(body, 2); /* SCARD_SCOPE_SYSTEM */
	request(far, ESTABLISH, body, sizeof(body), now, 0);
}

/* Every context is released: the client's card service has a limited number of them. */
static void release(struct far_end *far, uint32_t *context, uint64_t now)
{
	uint8_t body[4];

	put_number(body, *context);
	*context = 0;
	request(far, RELEASE, body, sizeof(body), now, 0);
}

static void list(struct far_end *far, uint64_t now)
{
	uint8_t body[12] = {0};

	put_number(body, far->xrdp.context);
	put_number(body + 8, 4096); /* without room, no name comes */
	request(far, LIST, body, sizeof(body), now, 0);
}

static void status(struct far_end *far, const struct reader_state *reader, uint32_t current, uint32_t msec,
		   uint64_t now)
{
	uint8_t body[12 + 148] = {0};

	put_number(body, far->xrdp.context);
	put_number(body + 4, msec);
	put_number(body + 8, 1);
	memcpy(body + 12, reader->name, strnlen(reader->name, NAME_SIZE - 1));
	put_number(body + 12 + NAME_SIZE, current);
	request(far, STATUS, body, sizeof(body), now, msec);
}

static void look_at_found(struct far_end *far, uint64_t now)
{
	status(far, &far->xrdp.found[far->xrdp.at], 0, 0, now);
}

/* No request is pending until then. What comes all the same is read, and counts as late. */
static void rest(struct far_end *far, uint64_t until)
{
	far->xrdp.state = PAUSE;
	far->in_used = 0;
	far->in_wanted = HEADER_SIZE;
	far->deadline = until;
}

static void watch_next(struct far_end *far, uint64_t now)
{
	uint32_t msec = far->count > 1 ? WAIT_TURN_MSEC : WAIT_MSEC;

	if (far->count == 0) {
		/* Without a reader there is nothing to wait for but its coming. */
		rest(far, now + AGAIN_NSEC);
		return;
	}
	far->xrdp.at = far->xrdp.at % far->count;
	status(far, &far->readers[far->xrdp.at], far->xrdp.current[far->xrdp.at], msec, now);
}

/* ---- answers ----------------------------------------------------------------------------------------------- */

static void pause_a_moment(struct far_end *far, uint64_t now)
{
	uint64_t pause = PAUSE_FIRST_NSEC << (far->xrdp.failures < 4 ? far->xrdp.failures : 4);

	rest(far, now + (pause < PAUSE_MOST_NSEC ? pause : PAUSE_MOST_NSEC));
}

/*
 * The client's card service does not serve: with this context it never will again. What was known stays until it is known
 * better.
 */
static void fail(struct far_end *far, uint64_t now)
{
	far->xrdp.failures++;
	if (far->xrdp.failures >= FAILURES_MAX && far->life)
		far->silent = true;
	if (far->xrdp.context)
		release(far, &far->xrdp.context, now);
	else
		pause_a_moment(far, now);
}

static void take_context(struct far_end *far, uint64_t now)
{
	uint32_t io = get_number(far->in + HEADER_SIZE + 4);

	far->xrdp.context = get_number(far->in + HEADER_SIZE);
	if (io != 0 || far->xrdp.context == 0) {
		far->xrdp.context = 0;
		fail(far, now);
		return;
	}
	/* The one before it answered late, so it is still held. */
	if (far->xrdp.held)
		release(far, &far->xrdp.held, now);
	else
		list(far, now);
}

static void take_release(struct far_end *far, uint64_t now)
{
	if (far->xrdp.context)
		list(far, now);
	else
		pause_a_moment(far, now);
}

static void listed(struct far_end *far, uint64_t now)
{
	/* Its service may count from the beginning again. */
	if (!far->life || far->silent || far->xrdp.failures)
		far->life++;
	memcpy(far->readers, far->xrdp.found, sizeof(far->readers));
	far->count = far->xrdp.found_count;
	far->listed = true;
	far->silent = false;
	far->xrdp.failures = 0;
	far->xrdp.at = 0;
	watch_next(far, now);
}

/* Readers that are looked at one after the other, so that each counts only if it shows a state. */
static void take_list(struct far_end *far, size_t size, uint64_t now)
{
	uint32_t count = get_number(far->in + HEADER_SIZE + 4),
		 io = get_number(far->in + HEADER_SIZE + size - 4);

	if (size != 12 + (size_t)count * NAME_SIZE) {
		far_end_over(far, WHY_FAULT, "a list of another length than it says");
		return;
	}
	if (io != 0) {
		fail(far, now);
		return;
	}
	far->xrdp.found_count = far->xrdp.at = 0;
	for (uint32_t i = 0; i < count && far->xrdp.found_count < REMOTE_READERS_MAX; i++) {
		struct reader_state *reader = &far->xrdp.found[far->xrdp.found_count];

		if (far_end_name(far->in + HEADER_SIZE + 8 + (size_t)i * NAME_SIZE, NAME_SIZE, reader))
			far->xrdp.found_count++;
	}
	if (far->xrdp.found_count == 0)
		listed(far, now);
	else
		look_at_found(far, now);
}

static void read_entry(struct reader_state *reader, const uint8_t *entry)
{
	uint32_t event = get_number(entry + 4), atr_size = get_number(entry + 8);

	reader->event_counter = (uint16_t)(event >> 16);
	reader->card = event & STATE_PRESENT ? CARD_PRESENT
		       : event & STATE_EMPTY ? CARD_EMPTY
					     : CARD_UNAVAILABLE;
	reader->atr = (struct atr){0};
	if (reader->card != CARD_PRESENT)
		return;
	reader->atr.size = atr_size > ATR_SIZE ? ATR_SIZE : (uint8_t)atr_size;
	memcpy(reader->atr.bytes, entry + 12, reader->atr.size);
}

/* The first look at a reader of the list. A name without a state is none: without a reader, chansrv names what lay in its
 * memory. */
static void take_first_look(struct far_end *far, const uint8_t *entry, uint64_t now)
{
	unsigned at = far->xrdp.at;
	struct reader_state *reader = &far->xrdp.found[at];
	bool known = false;

	if (entry && get_number(entry + 4) & (STATE_EMPTY | STATE_PRESENT)) {
		read_entry(reader, entry);
		known = true;
		for (unsigned i = 0; i < at; i++)
			known &= strcmp(far->xrdp.found[i].name, reader->name) != 0;
	}
	if (known) {
		far->xrdp.current[at] = get_number(entry + 4) & ~STATE_CHANGED;
		far->xrdp.at++;
	} else {
		far->xrdp.found_count--;
		memmove(reader, reader + 1, (far->xrdp.found_count - at) * sizeof(*reader));
	}
	if (far->xrdp.at < far->xrdp.found_count)
		look_at_found(far, now);
	else
		listed(far, now);
}

static void take_change(struct far_end *far, const uint8_t *entry, uint64_t now)
{
	struct reader_state *reader = &far->readers[far->xrdp.at];
	uint64_t pause;

	/* Its service has ended, or the reader was unplugged. The list tells. */
	if (!(get_number(entry + 4) & (STATE_EMPTY | STATE_PRESENT))) {
		fail(far, now);
		return;
	}
	read_entry(reader, entry);
	far->xrdp.current[far->xrdp.at] = get_number(entry + 4) & ~STATE_CHANGED;
	pause = far_end_pace(far, now);
	if (!pause) {
		watch_next(far, now);
		return;
	}
	rest(far, now + pause);
}

static void no_change(struct far_end *far, uint64_t now)
{
	if (now + EARLY_NSEC < far->xrdp.asked + far->xrdp.timeout) {
		fail(far, now);
		return;
	}
	far->xrdp.at++;
	/* Every reader had its turn: look for others. */
	if (far->xrdp.at >= far->count)
		list(far, now);
	else
		watch_next(far, now);
}

static void take_status(struct far_end *far, size_t size, uint64_t now)
{
	uint32_t count = get_number(far->in + HEADER_SIZE), io = get_number(far->in + HEADER_SIZE + size - 4);
	bool first_look = far->xrdp.timeout == 0;
	const uint8_t *entry = far->in + HEADER_SIZE + 4;

	if (count > 1 || size != 8 + (size_t)count * ENTRY_SIZE) {
		far_end_over(far, WHY_FAULT, "states of another number than was asked for");
		return;
	}
	if (io != 0)
		entry = NULL;
	if (first_look)
		take_first_look(far, count == 1 ? entry : NULL, now);
	else if (io != 0)
		fail(far, now);
	else if (count == 1)
		take_change(far, entry, now);
	else
		no_change(far, now);
}

/* Its size is that of the pending request's answer, or of an answer of the same kind. */
static bool size_fits(enum command command, uint32_t size)
{
	switch (command) {
	case ESTABLISH:
		return size == 8;
	case RELEASE:
		return size == 4;
	case LIST:
		return size >= 12 && size <= FAR_IN_SIZE - HEADER_SIZE;
	case STATUS:
		return size >= 8 && size <= 8 + ENTRY_SIZE;
	case PAUSE:
		break;
	}
	return false;
}

/*
 * The answer to a request that was given up: the client was away, or only stopped. Its news of a card is as true as any,
 * and shows that the context before still serves.
 */
static void take_late(struct far_end *far, enum command command, uint32_t size, uint64_t now)
{
	const uint8_t *entry = far->in + HEADER_SIZE + 4;

	if (command == STATUS && size == 8 + ENTRY_SIZE && far->silent && far->xrdp.at < far->count &&
	    get_number(entry + 4) & (STATE_EMPTY | STATE_PRESENT)) {
		read_entry(&far->readers[far->xrdp.at], entry);
		far->xrdp.held = far->xrdp.lost;
		far->silent = false;
	}
	far->in_used = 0;
	far->in_wanted = HEADER_SIZE;
	if (far_end_pace(far, now))
		far_end_over(far, WHY_FAULT, "it keeps sending what was not asked for");
}

void chansrv_take(struct far_end *far, uint64_t now)
{
	uint32_t size = get_number(far->in), command = get_number(far->in + 4);

	if (!size_fits(command, size)) {
		far_end_over(far, WHY_FAULT, "it sent what was not asked for");
		return;
	}
	if (far->in_used < HEADER_SIZE + size) {
		far->in_wanted = HEADER_SIZE + size;
		return;
	}
	if (command != far->xrdp.state) {
		take_late(far, command, size, now);
		return;
	}
	switch ((enum command)command) {
	case ESTABLISH:
		take_context(far, now);
		return;
	case RELEASE:
		take_release(far, now);
		return;
	case LIST:
		take_list(far, size, now);
		return;
	case STATUS:
		take_status(far, size, now);
		return;
	case PAUSE:
		return;
	}
}

void chansrv_start(struct far_end *far, uint64_t now)
{
	establish(far, now);
}

/* What follows a pause. */
static void go_on(struct far_end *far, uint64_t now)
{
	if (!far->xrdp.context)
		establish(far, now);
	else if (far->count)
		watch_next(far, now);
	else
		list(far, now);
}

/*
 * An answer is overdue: the client has left, or is stopped, or its card service has no room. The answer may be lost, or
 * still come. A new context is asked for until one comes.
 */
static void overdue(struct far_end *far, uint64_t now)
{
	far->silent = far->life > 0;
	far->xrdp.failures++;
	if (far->xrdp.context)
		far->xrdp.lost = far->xrdp.context;
	far->xrdp.context = far->xrdp.held = 0;
	establish(far, now);
	far->deadline = now + AGAIN_NSEC;
}

void chansrv_time(struct far_end *far, uint64_t now)
{
	if (far->xrdp.state == PAUSE)
		go_on(far, now);
	else
		overdue(far, now);
}
