/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole history: the start, each step in its turn, rests, and at the end one last removal. */
#include "machine.h"

#include <string.h>

#include "judge.h"

/* Every lane is empty by then, and every deadline but one that asks where a reader is. */
#define REST (25 * SEC)

static void dispatch(struct machine *machine, const struct item *item)
{
	switch ((enum item_kind)item->kind) {
	case ITEM_REPORT:
	case ITEM_LOST:
		reports_deliver(machine, item);
		break;
	case ITEM_PCSC_PLUG:
	case ITEM_PCSC_UNPLUG:
	case ITEM_PCSC_CARD:
	case ITEM_PCSC_SETTLED:
	case ITEM_PCSC_READABLE:
	case ITEM_PCSC_START:
	case ITEM_PCSC_GO_ON:
		pcscd_item(machine, item);
		break;
	case ITEM_WORKER_POLL:
	case ITEM_WORKER_ADDRESS:
	case ITEM_WORKER_REQUEST:
	case ITEM_WORKER_START:
		worker_item(machine, item);
		break;
	case ITEM_READER_IN:
		if (machine->devices[item->device].plug == item->plug &&
		    (!item->unit || machine->devices[item->device].renumbering))
			machine_plug(machine, item->device, machine->devices[item->device].last_port);
		break;
	case ITEM_CARD_IN:
		machine_card_in(machine, item->device, item->unit, item->card);
		break;
	case ITEM_HINT:
	case ITEM_HINT_GONE:
	case ITEM_SESSION_END:
		people_item(machine, item);
		break;
	}
}

/* One thing after the other: what the core has asked for may bring something that comes before all else. */
void run_until(struct machine *machine, uint64_t until)
{
	struct item item;

	while (!machine->judge->fault) {
		uint64_t deadline = driver_deadline(machine), due = queue_next(machine);

		if (due > until && deadline > until)
			break;
		if (deadline < due) {
			driver_time(machine, deadline);
			continue;
		}
		queue_take(machine, &item);
		if (item.at > machine->now)
			machine->now = item.at;
		dispatch(machine, &item);
	}
	if (until > machine->now)
		machine->now = until;
}

/* ---- rests, and the end -----------------------------------------------------------------------------------
 */

void run_rest(struct machine *machine, bool repaired)
{
	driver_start(machine);
	step_resume(machine, 0);
	if (machine->pcscd.hung)
		run_until(machine, machine->pcscd.hung_until + MS);
	/* What PC/SC said wrongly of where a reader is, it is asked again, less and less often. */
	run_until(machine, machine->now + REST + (repaired ? LOCATE_MOST : 0));
	if (!machine->judge->fault)
		judge_rest(machine, repaired);
}

static bool pcscd_needs_restart(const struct machine *machine)
{
	bool needed = machine->pcscd.deaf;

	for (unsigned i = 0; i < machine->device_count; i++)
		needed |= machine->judge->deaf[i];
	for (unsigned i = 0; i < READERS_MOST; i++)
		needed |= machine->pcscd.readers[i].used && machine->pcscd.readers[i].stuck;
	return needed;
}

static void clear_away(struct machine *machine)
{
	for (unsigned i = 0; i < machine->device_count; i++) {
		machine->devices[i].held = false;
		for (unsigned unit = 0; unit < UNITS; unit++) {
			if (machine->devices[i].card[unit] != machine_home_card(machine, i, unit))
				machine_card_out(machine, i, unit);
		}
		if (machine->devices[i].port >= 0 && machine->devices[i].port != (int)i)
			step_reader_out(machine, i);
	}
}

/* Everything works, every card is where it belongs. */
static void repair(struct machine *machine)
{
	if (pcscd_needs_restart(machine))
		pcscd_crash(machine);
	clear_away(machine);
	run_until(machine, machine->now + 8 * SEC);
	for (unsigned i = 0; i < machine->device_count; i++)
		machine_plug(machine, i, (int)i);
	for (unsigned i = 0; i < machine->device_count; i++) {
		for (unsigned unit = 0; unit < machine->devices[i].units; unit++)
			step_card_in(machine, i, unit, 0);
	}
	memset(machine->judge->deaf, 0, sizeof(machine->judge->deaf));
	pcscd_start(machine);
	run_rest(machine, true);
}

static void last_removal(struct machine *machine)
{
	unsigned session = machine->script->setup.final % SESSIONS_MOST;

	for (unsigned i = 0; i < SESSIONS_MOST; i++, session = (session + 1) % SESSIONS_MOST) {
		const struct judged *judged = &machine->judge->sessions[session];

		if (!judged->known || !judged->guarded)
			continue;
		if (machine->script->setup.final & 4)
			step_reader_out(machine, judged->device);
		else
			machine_card_out(machine, judged->device, judged->unit);
		run_rest(machine, false);
		return;
	}
}

static void begin(struct machine *machine)
{
	const struct setup *setup = &machine->script->setup;

	if (!setup->late_pcscd)
		pcscd_start(machine);
	driver_start(machine);
	run_until(machine, machine->now + 2 * SEC);
	if (setup->late_pcscd)
		pcscd_start(machine);
	run_until(machine, machine->now + 2 * SEC);
	for (unsigned i = 0; i < setup->sessions; i++) {
		unsigned person = setup->shared_card && i == 1 ? 0 : i % setup->people;

		(void)people_sign_in(machine, person, false, 5 * MS);
	}
	run_rest(machine, false);
}

void run_script(struct machine *machine)
{
	const struct script *script = machine->script;

	begin(machine);
	for (unsigned i = 0; i < script->count && !machine->judge->fault; i++) {
		run_until(machine, machine->now + script->steps[i].gap * NSEC_PER_USEC);
		if (!machine->judge->fault)
			step_take(machine, &script->steps[i]);
	}
	if (!machine->judge->fault)
		run_rest(machine, false);
	machine->rng = script->seed ^ 0x5eed;
	if (!machine->judge->fault)
		repair(machine);
	if (!machine->judge->fault)
		last_removal(machine);
	if (machine->overflow && !machine->judge->fault)
		judge_broken(machine, "the model's queue is too short");
	driver_stop(machine);
}
