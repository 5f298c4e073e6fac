/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pcsc-worker/watch.h"

#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/pcsc_reader.h"
#include "pcsc-worker/channel.h"
#include "pcsc-worker/readers.h"

#define PNP_NOTIFICATION "\\\\?PnP?\\Notification"

/*
 * For libpcsclite, "infinite" is a minute, again and again. Our own minute wakes up as often, and each time
 * looks again for what one call can miss: a reader that was plugged in between listing and waiting, or a card
 * that changed twice while its counter was 0 (the library compares no counter of 0).
 */
#define WAIT_MS 60000U

/*
 * pcscd wakes nobody when another client's exclusive use ends: its status thread notices at its next card event, which
 * for a reader with an interrupt endpoint may take ten minutes (pcsc-lite 1.9.9 to 2.5, eventhandler.c). The state
 * is right at each new call. Calls come at these intervals, growing, while such a client hides an address.
 */
#define PATIENCE_MS	500U
#define PATIENCE_MS_MAX 8000U

/*
 * A new reader's report waits this long for its USB address. Then it is sent without the address, and once
 * more later.
 */
#define ADDRESS_WAIT_MS 100U

/* How long pcscd is left alone after a change was reported. */
#define REST_USEC 30000

/* Room for the names of more readers than are watched, so that too many of them do no harm to the first. */
#define LIST_SIZE (4 * READERS_MAX * READER_NAME_SIZE)

struct watch {
	struct interrupt *interrupt;
	struct readers readers;
	SCARDCONTEXT context;
	bool synced;	/* SYNCED was sent since PCSC_UP */
	DWORD patience; /* the next interval */
	DWORD pnp_known;
	SCARD_READERSTATE states[READERS_MAX + 1];
	char names[LIST_SIZE];
};

/* ---- the list of readers ----------------------------------------------------------------------------------
 */

static LONG watch_list(struct watch *watch)
{
	DWORD size = sizeof(watch->names) - 1;
	LONG r;

	memset(watch->names, 0, sizeof(watch->names));
	r = SCardListReaders(watch->context, NULL, watch->names, &size);
	if (r == SCARD_E_NO_READERS_AVAILABLE)
		watch->names[0] = '\0';
	else if (r != SCARD_S_SUCCESS)
		return r;
	if (readers_merge(&watch->readers, watch->names, channel_stamp())) {
		address_wait(watch->readers.finder, ADDRESS_WAIT_MS);
		readers_take_addresses(&watch->readers);
	}
	return SCARD_S_SUCCESS;
}

/* ---- their states -----------------------------------------------------------------------------------------
 */

/*
 * What to pass back so that the call returns at every later change of card or counter, and at no change of
 * who else uses the card. If a reader showed neither a card nor an empty slot, 0 would be UNAWARE and return
 * at once for ever. Passed as both, it returns when it shows either.
 */
static DWORD state_known(DWORD event_state)
{
	const DWORD any = SCARD_STATE_EMPTY | SCARD_STATE_PRESENT | SCARD_STATE_UNAVAILABLE;
	DWORD known = event_state & ~(DWORD)(SCARD_STATE_CHANGED | SCARD_STATE_INUSE | SCARD_STATE_EXCLUSIVE);

	return known & any ? known : known | SCARD_STATE_EMPTY | SCARD_STATE_PRESENT;
}

/*
 * The end of an exclusive use that hides an address returns too. Nothing is added to UNAWARE: it would not return at
 * once any more.
 */
static DWORD state_passed_back(const struct watched_reader *reader)
{
	bool waits = reader->exclusive && reader->known != SCARD_STATE_UNAWARE;

	return reader->known | (waits ? SCARD_STATE_EXCLUSIVE : 0);
}

static void watch_take_state(struct watch *watch, struct watched_reader *reader,
			     const SCARD_READERSTATE *state, bool always, uint64_t stamp)
{
	struct reader_state old = reader->state;
	bool let_go = reader->exclusive && !(state->dwEventState & SCARD_STATE_EXCLUSIVE);

	pcsc_reader_read(state, &reader->state);
	reader->known = state_known(state->dwEventState);
	if (always || !reader->announced || !reader_state_equal(&old, &reader->state))
		readers_announce(reader, stamp);
	if (let_go) {
		reader->exclusive = false;
		address_ask(watch->readers.finder, reader->state.name);
	}
}

/*
 * Waiting again takes some round trips to pcscd, while others are still busy with its last report. pcscd
 * reports what happens meanwhile as soon as it is asked again. Errands wait as long.
 */
static void watch_rest(void)
{
	usleep(REST_USEC);
}

/* UNKNOWN: the name was not listed for a moment. A reader with this name after that is a new arrival. */
static void watch_take_states(struct watch *watch, bool always, uint64_t stamp)
{
	for (size_t i = 0; i < watch->readers.count; i++)
		if (!(watch->states[i].dwEventState & SCARD_STATE_UNKNOWN))
			watch_take_state(watch, &watch->readers.of[i], &watch->states[i], always, stamp);
	for (size_t i = watch->readers.count; i-- > 0;)
		if (watch->states[i].dwEventState & SCARD_STATE_UNKNOWN)
			readers_remove(&watch->readers, i, stamp);
}

static DWORD watch_fill_states(struct watch *watch, bool unaware)
{
	memset(watch->states, 0, sizeof(watch->states));
	for (size_t i = 0; i < watch->readers.count; i++) {
		watch->states[i].szReader = watch->readers.of[i].state.name;
		watch->states[i].dwCurrentState =
			unaware ? SCARD_STATE_UNAWARE : state_passed_back(&watch->readers.of[i]);
	}
	if (unaware || watch->readers.full)
		return (DWORD)watch->readers.count;
	watch->states[watch->readers.count].szReader = PNP_NOTIFICATION;
	watch->states[watch->readers.count].dwCurrentState = watch->pnp_known;
	return (DWORD)watch->readers.count + 1;
}

static void watch_synced(struct watch *watch, uint32_t number)
{
	watch->synced = true;
	channel_send(WORKER_SYNCED, channel_stamp(), number);
}

/* A reader that was removed meanwhile makes the whole call fail: then ask for the rest again. */
static LONG watch_recheck(struct watch *watch, bool locate)
{
	DWORD count;
	LONG r;

	do {
		r = watch_list(watch);
		if (r != SCARD_S_SUCCESS || watch->readers.count == 0)
			return r;
		count = watch_fill_states(watch, true);
		r = SCardGetStatusChange(watch->context, 0, watch->states, count);
	} while (r == SCARD_E_UNKNOWN_READER);
	if (r != SCARD_S_SUCCESS && r != SCARD_E_TIMEOUT)
		return r;
	watch_take_states(watch, true, channel_stamp());
	/* A reader may have been removed and inserted under the same name, at another address. */
	for (size_t i = 0; i < watch->readers.count; i++)
		if (locate || !usb_address_is_set(watch->readers.of[i].state.usb))
			address_ask(watch->readers.finder, watch->readers.of[i].state.name);
	return SCARD_S_SUCCESS;
}

static LONG watch_errands(struct watch *watch)
{
	struct errand errand;
	LONG r;

	while (interrupt_take(watch->interrupt, &errand)) {
		readers_take_addresses(&watch->readers);
		if (!errand.recheck)
			continue;
		r = watch_recheck(watch, errand.locate);
		if (r != SCARD_S_SUCCESS)
			return r;
		watch_synced(watch, errand.number);
	}
	return SCARD_S_SUCCESS;
}

static DWORD watch_wait_ms(struct watch *watch)
{
	DWORD ms = watch->patience;
	bool hidden = false;

	for (size_t i = 0; i < watch->readers.count; i++)
		hidden |= watch->readers.of[i].exclusive;
	if (hidden)
		watch->patience = 2 * ms < PATIENCE_MS_MAX ? 2 * ms : PATIENCE_MS_MAX;
	else
		watch->patience = PATIENCE_MS;
	return hidden ? ms : WAIT_MS;
}

static LONG watch_wait(struct watch *watch)
{
	DWORD count = watch_fill_states(watch, false);
	uint64_t stamp;
	LONG r;

	r = SCardGetStatusChange(watch->context, watch_wait_ms(watch), watch->states, count);
	stamp = channel_stamp();
	if (r == SCARD_E_INVALID_PARAMETER && !watch->readers.full) {
		watch->readers.full = true;
		return SCARD_S_SUCCESS;
	}
	if (r == SCARD_E_CANCELLED || r == SCARD_E_UNKNOWN_READER)
		return SCARD_S_SUCCESS;
	if (r != SCARD_S_SUCCESS && r != SCARD_E_TIMEOUT)
		return r;
	if (!watch->readers.full)
		watch->pnp_known =
			watch->states[watch->readers.count].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
	watch_take_states(watch, false, stamp);
	if (r == SCARD_S_SUCCESS)
		watch_rest();
	return SCARD_S_SUCCESS;
}

static bool watch_all_announced(const struct watch *watch)
{
	for (size_t i = 0; i < watch->readers.count; i++)
		if (!watch->readers.of[i].announced)
			return false;
	return true;
}

static LONG watch_once(struct watch *watch)
{
	LONG r = watch_list(watch);

	if (r != SCARD_S_SUCCESS)
		return r;
	if (!watch->synced && watch_all_announced(watch))
		watch_synced(watch, 0);
	/* The first list comes before any answer; until it is complete no wait is long. */
	if (watch->synced)
		r = watch_errands(watch);
	return r == SCARD_S_SUCCESS ? watch_wait(watch) : r;
}

static void watch_reset(struct watch *watch, SCARDCONTEXT context)
{
	readers_forget(&watch->readers);
	watch->context = context;
	watch->synced = false;
	watch->patience = PATIENCE_MS;
	watch->pnp_known = SCARD_STATE_UNAWARE;
}

LONG watch_run(struct watch *watch, SCARDCONTEXT context)
{
	LONG r;

	watch_reset(watch, context);
	interrupt_set_context(watch->interrupt, context);
	do
		r = watch_once(watch);
	while (r == SCARD_S_SUCCESS);
	interrupt_set_context(watch->interrupt, 0);
	return r;
}

int watch_new(struct interrupt *interrupt, struct address_finder *finder, struct watch **ret)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->interrupt = interrupt;
	watch->readers.finder = finder;
	*ret = watch;
	return 0;
}
