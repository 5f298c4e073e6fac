/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcscd's observer, the PC/SC worker: polls, compares, and reports each change. A reader's address is looked
 * for when its name appears, and when it is asked to; once found it stays, right or not, until the name is
 * gone.
 */
#include "machine.h"

#include <string.h>

static void worker_send(struct machine *machine, struct report report)
{
	report.lane = LANE_PCSC;
	report.source = SOURCE_PCSC;
	report.stamp = machine->now;
	reports_send(machine, report, machine_delay(machine, 0, 2 * MS));
}

const struct pcsc_reader *worker_reader(const struct machine *machine, const struct observed *seen)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct pcsc_reader *reader = &machine->pcscd.readers[i];

		if (reader->used && reader->model == seen->model && reader->index == seen->index &&
		    (machine->devices[reader->device].composite ? 0 : reader->unit) == seen->unit)
			return reader;
	}
	return NULL;
}

/* It may not have looked while the reader failed. */
bool worker_saw_error(const struct machine *machine, const struct pcsc_reader *reader)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct observed *seen = &machine->worker.seen[i];

		if (seen->used && worker_reader(machine, seen) == reader)
			return machine->worker.connected && seen->state == CARD_UNAVAILABLE;
	}
	return false;
}

static enum card_state shown(const struct pcsc_reader *reader)
{
	if (reader->unreadable)
		return CARD_UNAVAILABLE;
	return reader->settling || reader->card < 0 ? CARD_EMPTY : CARD_PRESENT;
}

static void announce(struct machine *machine, struct observed *seen, const struct pcsc_reader *reader)
{
	const struct device *device = &machine->devices[reader->device];
	bool first = !seen->announced;

	seen->announced = true;
	worker_send(machine,
		    (struct report){
			    .type = EVENT_READER,
			    .device = reader->device,
			    .unit = reader->unit,
			    .plug = reader->plug,
			    .model = seen->model,
			    .index = seen->index,
			    .slots = seen->unit,
			    .usb = seen->usb,
			    .state = (uint8_t)seen->state,
			    .counter = seen->counter,
			    .card = seen->card,
			    /* It settles, or did when it was last looked at. */
			    .uncertain = reader->settling || (seen->state == CARD_EMPTY && reader->card >= 0),
			    .first = first,
			    .insertion = seen->state == CARD_PRESENT ? reader->insertion : 0,
			    .truth = device->plug != reader->plug || device->port < 0 ||
						     device->card[reader->unit] < 0 ||
						     (seen->state == CARD_EMPTY && !reader->settling)
					     ? TRUTH_OUT
					     : 0,
		    });
}

/* ---- addresses --------------------------------------------------------------------------------------------
 */

/* NEVER: there is none to be had. */
static uint64_t address_delay(struct machine *machine, const struct pcsc_reader *reader)
{
	unsigned how = machine->script->setup.addresses;

	if (how == ADDRESS_NEVER || machine->devices[reader->device].held || reader->stuck)
		return NEVER;
	if (how == ADDRESS_PROMPT)
		return 0;
	if (how == ADDRESS_MIXED && rng_chance(&machine->rng, 50))
		return rng_chance(&machine->rng, 20) ? NEVER : 0;
	return 150 * MS + rng_below(&machine->rng, 3000) * MS;
}

static void ask_address(struct machine *machine, struct observed *seen, bool first)
{
	const struct pcsc_reader *reader = worker_reader(machine, seen);
	uint64_t delay = reader ? address_delay(machine, reader) : NEVER;

	if (delay == NEVER)
		return;
	if (first && delay == 0) {
		seen->usb = reader->usb;
		return;
	}
	queue_add(machine, (struct item){.at = machine->now + delay + 5 * MS,
					 .kind = ITEM_WORKER_ADDRESS,
					 .device = (uint8_t)(seen - machine->worker.seen),
					 .plug = reader->arrival,
					 .life = machine->worker.life});
}

/* The answer is where the reader is that had the name when it was asked. */
static void found_address(struct machine *machine, const struct item *item)
{
	struct observed *seen = &machine->worker.seen[item->device];
	const struct pcsc_reader *reader = seen->used ? worker_reader(machine, seen) : NULL;
	const struct device *device;

	if (!reader || reader->arrival != item->plug || reader->stuck)
		return;
	device = &machine->devices[reader->device];
	if (device->held || device->plug != reader->plug || device->port < 0 ||
	    usb_address_equal(seen->usb, reader->usb))
		return;
	seen->usb = reader->usb;
	if (seen->announced)
		announce(machine, seen, reader);
}

/* ---- polling ----------------------------------------------------------------------------------------------
 */

static void drop_gone(struct machine *machine)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		struct observed *seen = &machine->worker.seen[i];

		if (!seen->used || worker_reader(machine, seen))
			continue;
		if (seen->announced)
			worker_send(machine, (struct report){.type = EVENT_READER_GONE,
							     .model = seen->model,
							     .index = seen->index,
							     .slots = seen->unit});
		seen->used = false;
	}
}

static struct observed *seen_get(struct machine *machine, const struct pcsc_reader *reader)
{
	uint8_t unit = machine->devices[reader->device].composite ? 0 : reader->unit;
	struct observed *free_one = NULL;

	for (unsigned i = 0; i < READERS_MOST; i++) {
		struct observed *seen = &machine->worker.seen[i];

		if (seen->used && seen->model == reader->model && seen->index == reader->index &&
		    seen->unit == unit)
			return seen;
		if (!seen->used && !free_one)
			free_one = seen;
	}
	if (!free_one)
		return NULL;
	*free_one =
		(struct observed){.used = true, .model = reader->model, .index = reader->index, .unit = unit};
	ask_address(machine, free_one, true);
	return free_one;
}

static void take_state(struct machine *machine, const struct pcsc_reader *reader, bool always)
{
	struct observed *seen = seen_get(machine, reader);
	enum card_state state = shown(reader);
	int8_t card = state == CARD_PRESENT ? reader->card : NO_CARD;

	if (!seen || (!always && seen->announced && seen->state == state &&
		      seen->counter == reader->counter && seen->card == card))
		return;
	seen->state = state;
	seen->counter = reader->counter;
	seen->card = card;
	announce(machine, seen, reader);
}

static void poll(struct machine *machine, bool always)
{
	drop_gone(machine);
	for (unsigned i = 0; i < READERS_MOST; i++) {
		if (machine->pcscd.readers[i].used)
			take_state(machine, &machine->pcscd.readers[i], always);
	}
}

static void answer(struct machine *machine, bool locate)
{
	struct worker *worker = &machine->worker;

	poll(machine, true);
	for (unsigned i = 0; i < READERS_MOST; i++) {
		if (worker->seen[i].used && (locate || !usb_address_is_set(worker->seen[i].usb)))
			ask_address(machine, &worker->seen[i], false);
	}
	worker_send(machine, (struct report){.type = EVENT_PCSC_LISTED});
}

static void connect(struct machine *machine)
{
	struct worker *worker = &machine->worker;

	memset(worker->seen, 0, sizeof(worker->seen));
	worker->connected = true;
	/* What the one before it heard may not have reached the daemon. */
	for (unsigned i = 0; i < READERS_MOST; i++) {
		machine->pcscd.readers[i].old_errors = machine->pcscd.readers[i].errors;
		machine->pcscd.readers[i].heard_errors = 0;
	}
	for (unsigned i = 0; i < SESSIONS_MOST; i++)
		machine->logins[i].heard_errors = 0;
	worker_send(machine, (struct report){.type = EVENT_PCSC_UP});
	poll(machine, false);
	worker_send(machine, (struct report){.type = EVENT_PCSC_LISTED});
	if (worker->asked)
		answer(machine, worker->located);
	worker->asked = worker->located = false;
}

/* ---- its life ---------------------------------------------------------------------------------------------
 */

static void soon(struct machine *machine, enum item_kind kind, uint64_t delay, bool flag)
{
	queue_add(machine, (struct item){.at = machine->now + delay,
					 .kind = (uint8_t)kind,
					 .flag = flag,
					 .life = machine->worker.life});
}

void worker_poll_soon(struct machine *machine, bool may_be_slow)
{
	uint64_t delay = may_be_slow ? machine_delay(machine, MS, 30 * MS) : 5 * MS;

	if (machine->worker.running)
		soon(machine, ITEM_WORKER_POLL, delay, false);
}

void worker_request(struct machine *machine, bool locate)
{
	if (machine->worker.running)
		soon(machine, ITEM_WORKER_REQUEST, machine_delay(machine, MS, 5 * MS), locate);
}

void worker_start(struct machine *machine)
{
	struct worker *worker = &machine->worker;

	*worker = (struct worker){.running = true, .life = worker->life + 1};
	if (!machine->pcscd.up)
		worker_send(machine, (struct report){.type = EVENT_PCSC_DOWN});
	soon(machine, ITEM_WORKER_POLL, machine_delay(machine, 5 * MS, 50 * MS), false);
}

void worker_stop(struct machine *machine)
{
	machine->worker.running = machine->worker.connected = false;
	machine->worker.life++;
}

void worker_pcscd_gone(struct machine *machine)
{
	if (machine->worker.connected)
		worker_send(machine, (struct report){.type = EVENT_PCSC_DOWN});
	machine->worker.connected = false;
}

void worker_item(struct machine *machine, const struct item *item)
{
	struct worker *worker = &machine->worker;
	struct item later = *item;

	if (item->kind == ITEM_WORKER_START) {
		if (!worker->running && machine->daemon.world)
			worker_start(machine);
		return;
	}
	if (!worker->running || item->life != worker->life)
		return;
	if (machine->pcscd.up && machine->pcscd.hung) {
		later.at = machine->pcscd.hung_until + 2 * MS;
		queue_add(machine, later);
		return;
	}
	if (item->kind == ITEM_WORKER_REQUEST && !worker->connected) {
		worker->asked = true;
		worker->located |= item->flag;
	}
	if (!machine->pcscd.up)
		return;
	if (!worker->connected)
		connect(machine);
	else if (item->kind == ITEM_WORKER_POLL)
		poll(machine, false);
	else if (item->kind == ITEM_WORKER_REQUEST)
		answer(machine, item->flag);
	else
		found_address(machine, item);
}
