/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one step of a history does to the machine. */
#include "judge.h"

void step_card_in(struct machine *machine, unsigned device, unsigned unit, unsigned other)
{
	int card = machine_home_card(machine, device, unit);

	/* Other cards: another person's, or one of nobody's. */
	if (other)
		card = PEOPLE_MOST + (int)(other % 3);
	machine_card_in(machine, device, unit, card);
}

static void blink(struct machine *machine, unsigned device, unsigned unit, unsigned milliseconds)
{
	int card = machine->devices[device].card[unit];

	if (card < 0)
		return;
	machine_card_out(machine, device, unit);
	queue_add(machine, (struct item){.at = machine->now + milliseconds * MS,
					 .kind = ITEM_CARD_IN,
					 .device = (uint8_t)device,
					 .unit = (uint8_t)unit,
					 .card = (int8_t)card});
}

static void replug_later(struct machine *machine, unsigned device, uint64_t delay, bool renumbering)
{
	queue_add(machine, (struct item){.at = machine->now + delay,
					 .kind = ITEM_READER_IN,
					 .device = (uint8_t)device,
					 .unit = renumbering,
					 .plug = machine->devices[device].plug});
}

static void reader_blink(struct machine *machine, unsigned device, unsigned ticks)
{
	if (machine->devices[device].port < 0)
		return;
	machine_unplug(machine, device);
	replug_later(machine, device, ticks * 20 * MS, false);
}

void step_reader_out(struct machine *machine, unsigned device)
{
	machine->devices[device].renumbering = false;
	machine_unplug(machine, device);
	judge_truth(machine);
}

static void reader_in(struct machine *machine, const struct history_step *step, unsigned device)
{
	int port = machine->devices[device].last_port;

	if (step->b % 4 == 3)
		port = (port + 1 + step->b / 4) % PORTS;
	machine_plug(machine, device, port);
}

void step_resume(struct machine *machine, unsigned devices)
{
	if (!machine->asleep)
		return;
	/* logind waits for who wants to know before it sleeps. */
	run_until(machine, machine->slept_at + 100 * MS);
	run_until(machine, machine->lane_last[LANE_LOGIND] + MS);
	machine->asleep = false;
	machine->resumed_at = machine->now;
	judge_truth(machine);
	reports_send(machine,
		     (struct report){.lane = LANE_LOGIND,
				     .type = EVENT_RESUME,
				     .source = SOURCE_LOGIND,
				     .stamp = machine->now},
		     machine_delay(machine, MS, 40 * MS));
	for (unsigned i = 0; i < machine->device_count; i++) {
		if (!(devices >> i & 1) || machine->devices[i].port < 0)
			continue;
		machine->devices[i].renumbering = true;
		machine_unplug(machine, i);
		replug_later(machine, i, machine_delay(machine, 200 * MS, 2500 * MS), true);
	}
}

static void sleep_now(struct machine *machine)
{
	if (machine->asleep)
		return;
	machine->asleep = true;
	machine->slept_at = machine->now;
	/* The daemon reads it somewhat later. */
	if (!machine->resumed_at || machine->now >= machine->resumed_at + RESUME_GRACE + SEC)
		machine->restless_at = machine->now;
	reports_send(machine,
		     (struct report){.lane = LANE_LOGIND,
				     .type = EVENT_SLEEP,
				     .source = SOURCE_LOGIND,
				     .stamp = machine->now},
		     5 * MS);
}

static void worker_dies(struct machine *machine)
{
	if (!machine->worker.running)
		return;
	worker_stop(machine);
	reports_send(machine,
		     (struct report){.lane = LANE_PCSC,
				     .type = EVENT_PCSC_DOWN,
				     .source = SOURCE_PCSC,
				     .stamp = machine->now},
		     0);
	queue_add(machine, (struct item){.at = machine->now + machine_delay(machine, 100 * MS, 400 * MS),
					 .kind = ITEM_WORKER_START});
}

static void pcscd_hangs(struct machine *machine, unsigned tenths)
{
	if (!machine->pcscd.up || machine->pcscd.hung)
		return;
	machine->pcscd.hung_until = machine->now + tenths * 100 * MS;
	pcscd_hang(machine, true);
	queue_add(machine, (struct item){.at = machine->pcscd.hung_until,
					 .kind = ITEM_PCSC_GO_ON,
					 .life = machine->pcscd.life});
}

static void pcscd_restart(struct machine *machine, const struct history_step *step, uint64_t delay)
{
	pcscd_crash(machine);
	machine->pcscd.reverse = step->c & 1;
	if (delay != NEVER)
		queue_add(machine, (struct item){.at = machine->now + delay, .kind = ITEM_PCSC_START});
}

static void step_pcscd(struct machine *machine, const struct history_step *step, unsigned device,
		       unsigned unit)
{
	switch ((enum op)step->op) {
	case OP_COMM_ERROR:
		pcscd_comm_error(machine, device, unit);
		break;
	case OP_PCSCD_CRASH:
		pcscd_restart(machine, step, NEVER);
		break;
	case OP_PCSCD_START:
		pcscd_start(machine);
		break;
	case OP_PCSCD_RESTART:
		pcscd_restart(machine, step, step->b * 50 * MS);
		break;
	case OP_PCSCD_HANG:
		pcscd_hangs(machine, step->b % 120);
		break;
	case OP_PCSCD_DEAF:
		machine->pcscd.deaf = machine->pcscd.up;
		break;
	case OP_WORKER_RESTART:
		worker_dies(machine);
		break;
	case OP_CLIENT_HOLD:
	case OP_CLIENT_RELEASE:
		machine->devices[device].held = step->op == OP_CLIENT_HOLD;
		break;
	default:
		break;
	}
}

static void step_people(struct machine *machine, const struct history_step *step)
{
	unsigned session = step->a % SESSIONS_MOST;

	switch ((enum op)step->op) {
	case OP_LOGIND_RESTART:
		people_logind_restart(machine);
		break;
	case OP_SIGN_IN:
		(void)people_sign_in(machine, step->a % machine->script->setup.people, step->b & 1,
				     machine_delay(machine, MS, 20 * MS));
		break;
	case OP_SESSION_END:
		people_end(machine, session, 0);
		break;
	case OP_UNLOCK:
		people_unlock(machine, session);
		break;
	case OP_PERSON_LOCK:
		people_lock(machine, session);
		break;
	default:
		break;
	}
}

static void step_machine(struct machine *machine, const struct history_step *step)
{
	switch ((enum op)step->op) {
	case OP_DAEMON_STOP:
		driver_stop(machine);
		break;
	case OP_DAEMON_START:
		driver_start(machine);
		break;
	case OP_SLEEP:
		sleep_now(machine);
		break;
	case OP_RESUME:
		step_resume(machine, step->b);
		break;
	case OP_RELOAD:
		driver_reload(machine, step->a);
		break;
	case OP_LOSE:
		machine->lose[step->a % 3] = 1 + step->b % 4;
		break;
	default:
		break;
	}
}

static void step_hardware(struct machine *machine, const struct history_step *step, unsigned device,
			  unsigned unit)
{
	switch ((enum op)step->op) {
	case OP_CARD_OUT:
		machine_card_out(machine, device, unit);
		break;
	case OP_CARD_IN:
		step_card_in(machine, device, unit, step->b);
		break;
	case OP_CARD_BLINK:
		blink(machine, device, unit, step->b);
		break;
	case OP_READER_OUT:
		step_reader_out(machine, device);
		break;
	case OP_READER_IN:
		reader_in(machine, step, device);
		break;
	case OP_READER_BLINK:
		reader_blink(machine, device, step->b);
		break;
	case OP_HUB_OUT:
		for (unsigned i = 0; i < machine->device_count; i++)
			step_reader_out(machine, i);
		break;
	case OP_FALSE_NOTICE:
		machine_false_notice(machine, device, unit);
		break;
	default:
		break;
	}
}

void step_take(struct machine *machine, const struct history_step *step)
{
	unsigned device = step->a % machine->device_count;
	unsigned unit = step->a / machine->device_count % machine->devices[device].units;

	machine->rng = step->seed * 0x9e3779b97f4a7c15ULL + 1;
	if (step->op == OP_QUIET) {
		run_rest(machine, false);
		return;
	}
	step_hardware(machine, step, device, unit);
	step_pcscd(machine, step, device, unit);
	step_people(machine, step);
	step_machine(machine, step);
}
