/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcscd: what it has under which name. It hears of plugs from udevd, of cards by looking; a pull and
 * reinsertion between two looks escapes it. Its counters restart with it; a communication error adds 1.
 */
#include "machine.h"

#include <string.h>

#include "judge.h"

struct pcsc_reader *pcscd_find(struct machine *machine, unsigned device, unsigned unit)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		struct pcsc_reader *reader = &machine->pcscd.readers[i];

		if (reader->used && reader->device == device && reader->unit == unit &&
		    reader->plug == machine->devices[device].plug)
			return reader;
	}
	return NULL;
}

const struct pcsc_reader *pcscd_last_named(const struct machine *machine, const char *name)
{
	const struct pcsc_reader *found = NULL;

	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct pcsc_reader *reader = &machine->pcscd.readers[i];
		const struct device *device = &machine->devices[reader->device];
		char its[READER_NAME_SIZE];

		if (!reader->arrival || (found && found->arrival > reader->arrival))
			continue;
		reader_name(reader->model, reader->index, device->composite ? 0 : reader->unit, its);
		if (strcmp(its, name) == 0)
			found = reader;
	}
	return found;
}

const struct pcsc_reader *pcscd_named(const struct machine *machine, const char *name)
{
	const struct pcsc_reader *reader = pcscd_last_named(machine, name);

	return reader && reader->used ? reader : NULL;
}

static bool index_taken(const struct machine *machine, uint8_t model, uint8_t index)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		const struct pcsc_reader *reader = &machine->pcscd.readers[i];

		if (reader->used && reader->model == model && reader->index == index)
			return true;
	}
	return false;
}

static uint8_t index_free(const struct machine *machine, uint8_t model)
{
	uint8_t index = 0;

	while (index_taken(machine, model, index))
		index++;
	return index;
}

/* A card that is in may read as "empty" for a while. */
static void power_up(struct machine *machine, struct pcsc_reader *reader)
{
	const struct device *device = &machine->devices[reader->device];

	reader->card = device->card[reader->unit];
	reader->insertion = device->insertion[reader->unit];
	if (reader->card < 0 || !rng_chance(&machine->rng, 35))
		return;
	reader->settling = true;
	/* A second at most, whatever else is slow. */
	queue_add(machine, (struct item){.at = machine->now + (20 + rng_below(&machine->rng, 880)) * MS,
					 .kind = ITEM_PCSC_SETTLED,
					 .device = reader->device,
					 .unit = reader->unit,
					 .plug = reader->plug,
					 .life = machine->pcscd.life});
}

static void add_reader(struct machine *machine, unsigned number, unsigned unit, uint8_t index)
{
	for (unsigned i = 0; i < READERS_MOST; i++) {
		struct pcsc_reader *reader = &machine->pcscd.readers[i];

		if (reader->used)
			continue;
		*reader = (struct pcsc_reader){.used = true,
					       .device = (uint8_t)number,
					       .unit = (uint8_t)unit,
					       .model = machine->devices[number].model,
					       .index = index,
					       .plug = machine->devices[number].plug,
					       .usb = machine->devices[number].usb,
					       .arrival = ++machine->next_arrival,
					       .card = NO_CARD};
		power_up(machine, reader);
		return;
	}
}

static void add_device(struct machine *machine, unsigned number)
{
	const struct device *device = &machine->devices[number];
	uint8_t index = index_free(machine, device->model);

	for (unsigned unit = 0; unit < device->units; unit++) {
		if (unit > 0 && device->composite)
			index = index_free(machine, device->model);
		add_reader(machine, number, unit, index);
	}
}

void pcscd_start(struct machine *machine)
{
	struct pcscd *pcscd = &machine->pcscd;

	if (pcscd->up)
		return;
	pcscd->up = true;
	pcscd->hung = pcscd->deaf = false;
	pcscd->life++;
	memset(pcscd->readers, 0, sizeof(pcscd->readers));
	for (unsigned i = 0; i < machine->device_count; i++) {
		unsigned number = pcscd->reverse ? machine->device_count - 1 - i : i;

		machine->devices[number].notice_spent = false;
		if (machine->devices[number].port >= 0)
			add_device(machine, number);
	}
	worker_poll_soon(machine, true);
}

void pcscd_crash(struct machine *machine)
{
	if (!machine->pcscd.up)
		return;
	machine->pcscd.up = machine->pcscd.hung = false;
	machine->pcscd.life++;
	worker_pcscd_gone(machine);
}

/* ---- what it hears ----------------------------------------------------------------------------------------
 */

static void hear_plug(struct machine *machine, const struct item *item)
{
	const struct device *device = &machine->devices[item->device];

	if (device->port < 0 || device->plug != item->plug || pcscd_find(machine, item->device, 0))
		return;
	if (machine->pcscd.deaf) {
		machine->pcscd.deaf = false;
		judge_deaf(machine, item->device);
		return;
	}
	for (unsigned i = 0; i < READERS_MOST; i++) {
		/* It stays on the dead device, and has no name for the new one. */
		if (machine->pcscd.readers[i].used && machine->pcscd.readers[i].stuck &&
		    machine->pcscd.readers[i].device == item->device) {
			judge_deaf(machine, item->device);
			return;
		}
	}
	add_device(machine, item->device);
}

static void hear_unplug(struct machine *machine, const struct item *item)
{
	bool back = machine->devices[item->device].port >= 0;

	for (unsigned i = 0; i < READERS_MOST; i++) {
		struct pcsc_reader *reader = &machine->pcscd.readers[i];

		if (!reader->used || reader->device != item->device || reader->plug != item->plug)
			continue;
		/* flag: it hung while the reader was unplugged and plugged in again. */
		if (item->flag && back)
			reader->stuck = true;
		else
			reader->used = false;
	}
}

static void look(struct machine *machine, const struct item *item)
{
	struct pcsc_reader *reader = pcscd_find(machine, item->device, item->unit);
	const struct device *device = &machine->devices[item->device];

	if (!reader || reader->unreadable || reader->settling || device->port < 0 ||
	    reader->plug != device->plug)
		return;
	if ((reader->card >= 0) != (device->card[item->unit] >= 0)) {
		reader->counter++;
		reader->card = device->card[item->unit];
	}
	/* Out and in between two looks: nothing is noticed, the old card's ATR stays. */
	reader->insertion = device->insertion[item->unit];
}

static void settled(struct machine *machine, const struct item *item)
{
	struct pcsc_reader *reader = pcscd_find(machine, item->device, item->unit);

	/* Nothing is read of a reader that is unplugged, until pcscd has dropped it. */
	if (!reader || !reader->settling || machine->devices[item->device].port < 0 ||
	    reader->plug != machine->devices[item->device].plug)
		return;
	reader->settling = false;
	reader->card = machine->devices[item->device].card[item->unit];
	reader->insertion = machine->devices[item->device].insertion[item->unit];
	if (reader->card >= 0)
		reader->counter++;
}

void pcscd_comm_error(struct machine *machine, unsigned device, unsigned unit)
{
	struct pcsc_reader *reader = pcscd_find(machine, device, unit);
	uint64_t most = rng_chance(&machine->rng, 20) ? 6 * SEC : 1800 * MS;

	if (!machine->pcscd.up || machine->pcscd.hung || !reader || reader->unreadable || reader->settling)
		return;
	reader->unreadable = true;
	queue_add(machine, (struct item){.at = machine->now + machine_delay(machine, 20 * MS, most),
					 .kind = ITEM_PCSC_READABLE,
					 .device = (uint8_t)device,
					 .unit = (uint8_t)unit,
					 .plug = reader->plug,
					 .life = machine->pcscd.life});
	worker_poll_soon(machine, true);
}

static void readable(struct machine *machine, const struct item *item)
{
	struct pcsc_reader *reader = pcscd_find(machine, item->device, item->unit);

	if (!reader || !reader->unreadable || machine->devices[item->device].port < 0 ||
	    reader->plug != machine->devices[item->device].plug)
		return;
	reader->unreadable = false;
	reader->card = machine->devices[item->device].card[item->unit];
	reader->insertion = machine->devices[item->device].insertion[item->unit];
	reader->counter++;
	reader->errors++;
	reader->heard_errors += worker_saw_error(machine, reader) && !machine->asleep;
}

void pcscd_hang(struct machine *machine, bool hung)
{
	machine->pcscd.hung = hung;
	if (hung)
		return;
	for (unsigned i = 0; i < machine->device_count; i++)
		machine->devices[i].notice_spent = false;
	worker_poll_soon(machine, true);
}

/* While it hangs, what it should hear waits. */
static bool deferred(struct machine *machine, const struct item *item)
{
	struct item later = *item;

	if (!machine->pcscd.hung || item->kind == ITEM_PCSC_GO_ON)
		return false;
	later.at = machine->pcscd.hung_until + MS;
	if (item->kind == ITEM_PCSC_UNPLUG)
		later.flag = rng_chance(&machine->rng, 50);
	queue_add(machine, later);
	return true;
}

void pcscd_item(struct machine *machine, const struct item *item)
{
	if (item->kind == ITEM_PCSC_START) {
		pcscd_start(machine);
		return;
	}
	if (!machine->pcscd.up || item->life != machine->pcscd.life || deferred(machine, item))
		return;
	if (item->kind == ITEM_PCSC_GO_ON)
		pcscd_hang(machine, false);
	else if (item->kind == ITEM_PCSC_PLUG)
		hear_plug(machine, item);
	else if (item->kind == ITEM_PCSC_UNPLUG)
		hear_unplug(machine, item);
	else if (item->kind == ITEM_PCSC_CARD)
		look(machine, item);
	else if (item->kind == ITEM_PCSC_SETTLED)
		settled(machine, item);
	else
		readable(machine, item);
	worker_poll_soon(machine, item->kind != ITEM_PCSC_SETTLED);
}
