/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote/chansrv.h"

#define STATE_CHANGED 0x02U
#define STATE_EMPTY   0x10U
#define STATE_PRESENT 0x20U

/* An answer that comes so much earlier than the time-out, and has no news, is a failure. */
#define EARLY_NSEC	 (200 * NSEC_PER_MSEC)
#define PAUSE_FIRST_NSEC (500 * NSEC_PER_MSEC)
#define PAUSE_MOST_NSEC	 (8 * NSEC_PER_SEC)
/* A service that fails so often in a row is gone: until then it may only have been started again. */
#define FAILURES_MAX 3

static void pause_a_moment(struct far_end *far, uint64_t now)
{
	uint64_t pause = PAUSE_FIRST_NSEC << (far->xrdp.failures < 4 ? far->xrdp.failures : 4);

	chansrv_rest(far, now + (pause < PAUSE_MOST_NSEC ? pause : PAUSE_MOST_NSEC));
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
		chansrv_release(far, &far->xrdp.context, now);
	else
		pause_a_moment(far, now);
}

/* Whether the client may take what it refused in another form. The forms come around: if none is left, it is the first again. */
static bool try_another_form(struct far_end *far)
{
	far->xrdp.form = (far->xrdp.form + 1) % CHANSRV_FORMS;
	far->xrdp.refused = (far->xrdp.refused + 1) % CHANSRV_FORMS;
	return far->xrdp.refused > 0;
}

static void take_context(struct far_end *far, uint64_t now)
{
	uint32_t io = chansrv_number(far->in + CHANSRV_HEADER_SIZE + 4);

	far->xrdp.context = chansrv_number(far->in + CHANSRV_HEADER_SIZE);
	if (io != 0 || far->xrdp.context == 0) {
		far->xrdp.context = 0;
		fail(far, now);
		return;
	}
	/* The one before it answered late, so it is still held. */
	if (far->xrdp.held)
		chansrv_release(far, &far->xrdp.held, now);
	else
		chansrv_list(far, now);
}

static void take_release(struct far_end *far, uint64_t now)
{
	if (far->xrdp.context)
		chansrv_list(far, now);
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
	chansrv_watch_next(far, now);
}

/* Readers that are looked at one after the other, so that each counts only if it shows a state. */
static void take_list(struct far_end *far, size_t size, uint64_t now)
{
	uint32_t count = chansrv_number(far->in + CHANSRV_HEADER_SIZE + 4),
		 io = chansrv_number(far->in + CHANSRV_HEADER_SIZE + size - 4);

	if (size != 12 + (size_t)count * CHANSRV_NAME_SIZE) {
		far_end_over(far, WHY_FAULT, "a list of another length than it says");
		return;
	}
	if (io != 0) {
		/* With the same context: a client that refuses this refuses to release one, too. */
		if (try_another_form(far))
			chansrv_list(far, now);
		else
			fail(far, now);
		return;
	}
	far->xrdp.refused = 0;
	/* Where the group is not known, no reader is in it. */
	if (count == 0)
		far->xrdp.form = 0;
	far->xrdp.found_count = far->xrdp.at = 0;
	for (uint32_t i = 0; i < count && far->xrdp.found_count < REMOTE_READERS_MAX; i++) {
		struct reader_state *reader = &far->xrdp.found[far->xrdp.found_count];

		if (far_end_name(far->in + CHANSRV_HEADER_SIZE + 8 + (size_t)i * CHANSRV_NAME_SIZE,
				 CHANSRV_NAME_SIZE, reader))
			far->xrdp.found_count++;
	}
	if (far->xrdp.found_count == 0)
		listed(far, now);
	else
		chansrv_look_at_found(far, now);
}

static void read_entry(struct reader_state *reader, const uint8_t *entry)
{
	uint32_t event = chansrv_number(entry + 4), atr_size = chansrv_number(entry + 8);

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

	if (entry && chansrv_number(entry + 4) & (STATE_EMPTY | STATE_PRESENT)) {
		read_entry(reader, entry);
		known = true;
		for (unsigned i = 0; i < at; i++)
			known &= strcmp(far->xrdp.found[i].name, reader->name) != 0;
	}
	if (known) {
		far->xrdp.current[at] = chansrv_number(entry + 4) & ~STATE_CHANGED;
		far->xrdp.at++;
	} else {
		far->xrdp.found_count--;
		memmove(reader, reader + 1, (far->xrdp.found_count - at) * sizeof(*reader));
	}
	if (far->xrdp.at < far->xrdp.found_count)
		chansrv_look_at_found(far, now);
	else
		listed(far, now);
}

static void take_change(struct far_end *far, const uint8_t *entry, uint64_t now)
{
	struct reader_state *reader = &far->readers[far->xrdp.at];
	uint64_t pause;

	/* Its service has ended, or the reader was unplugged. The list tells. */
	if (!(chansrv_number(entry + 4) & (STATE_EMPTY | STATE_PRESENT))) {
		fail(far, now);
		return;
	}
	read_entry(reader, entry);
	far->xrdp.current[far->xrdp.at] = chansrv_number(entry + 4) & ~STATE_CHANGED;
	pause = far_end_pace(far, now);
	if (!pause) {
		chansrv_watch_next(far, now);
		return;
	}
	chansrv_rest(far, now + pause);
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
		chansrv_list(far, now);
	else
		chansrv_watch_next(far, now);
}

static void take_status(struct far_end *far, size_t size, uint64_t now)
{
	uint32_t count = chansrv_number(far->in + CHANSRV_HEADER_SIZE),
		 io = chansrv_number(far->in + CHANSRV_HEADER_SIZE + size - 4);
	bool first_look = far->xrdp.timeout == 0;
	const uint8_t *entry = far->in + CHANSRV_HEADER_SIZE + 4;

	if ((count != 0 && count != far->xrdp.entries) || size != 8 + (size_t)count * CHANSRV_ENTRY_SIZE) {
		far_end_over(far, WHY_FAULT, "states of another number than was asked for");
		return;
	}
	if (first_look && io != 0 && try_another_form(far)) {
		chansrv_look_at_found(far, now);
		return;
	}
	far->xrdp.refused = 0;
	if (first_look)
		take_first_look(far, io == 0 && count ? entry : NULL, now);
	else if (io != 0)
		fail(far, now);
	else if (count)
		take_change(far, entry, now);
	else
		no_change(far, now);
}

/* Its size is that of the pending request's answer, or of an answer of the same kind. */
static bool size_fits(enum chansrv_command command, uint32_t size)
{
	switch (command) {
	case CHANSRV_ESTABLISH:
		return size == 8;
	case CHANSRV_RELEASE:
		return size == 4;
	case CHANSRV_LIST:
		return size >= 12 && size <= FAR_IN_SIZE - CHANSRV_HEADER_SIZE;
	case CHANSRV_STATUS:
		return size >= 8 && size <= 8 + CHANSRV_ENTRIES_MAX * CHANSRV_ENTRY_SIZE;
	case CHANSRV_PAUSE:
		break;
	}
	return false;
}

/*
 * The answer to a request that was given up: the client was away, or only stopped. Its news of a card is as true as any,
 * and shows that the context before still serves.
 */
static void take_late(struct far_end *far, enum chansrv_command command, uint32_t size, uint64_t now)
{
	const uint8_t *entry = far->in + CHANSRV_HEADER_SIZE + 4;

	if (command == CHANSRV_STATUS && size > 8 && (size - 8) % CHANSRV_ENTRY_SIZE == 0 && far->silent &&
	    far->xrdp.at < far->count && chansrv_number(entry + 4) & (STATE_EMPTY | STATE_PRESENT)) {
		read_entry(&far->readers[far->xrdp.at], entry);
		far->xrdp.held = far->xrdp.lost;
		far->silent = false;
	}
	far->in_used = 0;
	far->in_wanted = CHANSRV_HEADER_SIZE;
	if (far_end_pace(far, now))
		far_end_over(far, WHY_FAULT, "it keeps sending what was not asked for");
}

void chansrv_take(struct far_end *far, uint64_t now)
{
	uint32_t size = chansrv_number(far->in), command = chansrv_number(far->in + 4);

	if (!size_fits(command, size)) {
		far_end_over(far, WHY_FAULT, "it sent what was not asked for");
		return;
	}
	if (far->in_used < CHANSRV_HEADER_SIZE + size) {
		far->in_wanted = CHANSRV_HEADER_SIZE + size;
		return;
	}
	if (command != far->xrdp.state) {
		take_late(far, command, size, now);
		return;
	}
	switch ((enum chansrv_command)command) {
	case CHANSRV_ESTABLISH:
		take_context(far, now);
		return;
	case CHANSRV_RELEASE:
		take_release(far, now);
		return;
	case CHANSRV_LIST:
		take_list(far, size, now);
		return;
	case CHANSRV_STATUS:
		take_status(far, size, now);
		return;
	case CHANSRV_PAUSE:
		return;
	}
}

void chansrv_start(struct far_end *far, uint64_t now)
{
	chansrv_establish(far, now);
}

/* What follows a pause. */
static void go_on(struct far_end *far, uint64_t now)
{
	if (!far->xrdp.context)
		chansrv_establish(far, now);
	else if (far->count)
		chansrv_watch_next(far, now);
	else
		chansrv_list(far, now);
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
	chansrv_establish(far, now);
	far->deadline = now + CHANSRV_AGAIN_NSEC;
}

void chansrv_time(struct far_end *far, uint64_t now)
{
	if (far->xrdp.state == CHANSRV_PAUSE)
		go_on(far, now);
	else
		overdue(far, now);
}
