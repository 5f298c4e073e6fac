/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is true of each session's card. */
#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void judge_reset(struct judge *judge)
{
	memset(judge, 0, sizeof(*judge));
}

void judge_fault(struct machine *machine, enum fault fault, unsigned session, const char *format, ...)
{
	struct judge *judge = machine->judge;
	char what[120];
	va_list arguments;

	if (judge->fault)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	judge->fault = fault;
	judge->fault_at = machine->now;
	snprintf(judge->text, sizeof(judge->text), "session %s: %s", people_id(&machine->logins[session]),
		 what);
}

void judge_broken(struct machine *machine, const char *what)
{
	judge_fault(machine, FAULT_BROKEN, 0, "%s", what);
}

/* ---- the truth --------------------------------------------------------------------------------------------
 */

/* The device that is at the session's port, or on its way back there after sleep. */
static const struct device *device_at(const struct machine *machine, const struct judged *judged)
{
	for (unsigned i = 0; i < machine->device_count; i++) {
		const struct device *device = &machine->devices[i];
		bool there = device->port == judged->port ||
			     (device->port < 0 && device->renumbering && device->last_port == judged->port);

		if (there && device->model == judged->model)
			return device;
	}
	return NULL;
}

static bool is_in_place(const struct machine *machine, const struct judged *judged)
{
	const struct device *device = device_at(machine, judged);

	return device && machine_atr(machine, device->card[judged->unit]) == judged->atr;
}

void judge_truth(struct machine *machine)
{
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		struct judged *judged = &machine->judge->sessions[i];
		bool in_place;

		if (!judged->known)
			continue;
		in_place = is_in_place(machine, judged);
		if (judged->in_place && !in_place) {
			if (judged->departures++ == 0)
				judged->first_departure = machine->now;
			judged->departed_at = machine->now;
			judged->fresh_words = 0;
			judged->daemon_away |= !machine->daemon.world;
			judged->pcscd_away |= !machine->pcscd.up || machine->pcscd.hung;
			judged->slept |= machine->asleep;
		}
		if (judged->reader_there && !device_at(machine, judged))
			judged->reader_left_at = machine->now;
		judged->reader_there = device_at(machine, judged);
		if (in_place && !judged->in_place)
			judged->returned_at = machine->now;
		judged->in_place = in_place;
		judged->found_again |= judge_found_again(machine, judged);
	}
}

void judge_deaf(struct machine *machine, unsigned device)
{
	machine->judge->deaf[device] = true;
}

static void bind(struct machine *machine, struct judged *judged, unsigned number, unsigned unit,
		 uint16_t counter)
{
	const struct device *device = &machine->devices[number];
	const struct pcsc_reader *reader = pcscd_find(machine, number, unit);

	if (reader) {
		judged->names_moved |= judged->device == number && judged->index != reader->index;
		judged->index = reader->index;
	}
	judged->device = (uint8_t)number;
	judged->unit = (uint8_t)unit;
	judged->port = device->port >= 0 ? device->port : device->last_port;
	judged->model = device->model;
	judged->composite = device->composite;
	judged->plug = device->plug;
	judged->insertion = device->insertion[unit];
	judged->usb = device->usb;
	judged->reader_there = true;
	judged->counter = judged->said_counter = judged->read_counter = counter;
	judged->recovered = 0;
	judged->pcsc_life = machine->judge->life;
}

void judge_bind(struct machine *machine, unsigned session, unsigned device, unsigned unit, uint16_t counter)
{
	struct judged *judged = &machine->judge->sessions[session];

	bind(machine, judged, device, unit, counter);
	judged->in_place = is_in_place(machine, judged);
}

/* It was there when PC/SC looked, and may have been moved to another port since. */
void judge_place(struct machine *machine, unsigned session, const char *path)
{
	struct judged *judged = &machine->judge->sessions[session];

	for (int port = 0; port < PORTS; port++) {
		if (strcmp(report_port((unsigned)port), path) == 0)
			judged->port = port;
	}
	judged->in_place = is_in_place(machine, judged);
}

void judge_signed_in(struct machine *machine, unsigned session, unsigned device, unsigned unit)
{
	struct judged *judged = &machine->judge->sessions[session];
	const struct login_record *record = &machine->logins[session].record;

	*judged = (struct judged){.known = true,
				  .in_place = true,
				  .said_state = CARD_PRESENT,
				  .read_state = CARD_PRESENT,
				  .atr = machine_atr(machine, machine->devices[device].card[unit])};
	bind(machine, judged, device, unit, record->card.event_counter);
	judged->place_known = usb_address_is_set(record->card.usb);
}

void judge_ended(struct machine *machine, unsigned session)
{
	machine->judge->sessions[session].known = false;
}
