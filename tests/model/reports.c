/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each source reports, in its own lane: in order within it, late by its own measure, sometimes lost.
 * What the kernel or udevd loses ends in a "lost" some time later, as a full ring buffer and ENOBUFS do.
 */
#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "judge.h"

static const char *const ports[PORTS] = {"1-1", "1-2", "1-3", "1-4", "1-5.1", "1-5.2"};
static const char *const ids[] = {"08e6:4433", "076b:3031", "04e6:5116",
				  "08e6:3437", "076b:5321", "04e6:5410"};

const char *report_port(unsigned port)
{
	return ports[port];
}

const char *report_id(unsigned model)
{
	return ids[model];
}

/* "Model0 01 00": the driver's index, the slot. */
void reader_name(uint8_t model, uint8_t index, uint8_t slot, char name[static READER_NAME_SIZE])
{
	static const char pattern[] = "Model0 00 00";

	memcpy(name, pattern, sizeof(pattern));
	name[5] = (char)('0' + model);
	name[7] = (char)('0' + index / 10);
	name[8] = (char)('0' + index % 10);
	name[11] = (char)('0' + slot);
}

void reader_atr(uint8_t kind, struct atr *atr)
{
	*atr = (struct atr){.size = 0};
	if (!kind)
		return;
	*atr = (struct atr){.size = 4, .bytes = {0x3b, 0x02, 0xaa, kind}};
}

void reader_fill(struct machine *machine, const struct report *report, struct reader_state *state)
{
	memset(state, 0, sizeof(*state));
	reader_name(report->model, report->index, report->slots, state->name);
	state->slot = report->slots;
	state->usb = report->usb;
	state->card = report->state;
	state->event_counter = report->counter;
	reader_atr(machine_atr(machine, report->card), &state->atr);
}

static bool can_be_lost(enum lane lane)
{
	return lane == LANE_PROBE || lane == LANE_UEVENT || lane == LANE_UDEV;
}

static void lose(struct machine *machine, enum lane lane)
{
	machine->lose[lane]--;
	if (machine->lost_pending[lane])
		return;
	machine->lost_pending[lane] = true;
	queue_add(machine, (struct item){.at = machine->now + machine_delay(machine, 5 * MS, 1500 * MS),
					 .kind = ITEM_LOST,
					 .flag = (uint8_t)lane,
					 .life = machine->daemon.life});
}

/* What the worker says of the time; the kernel's stamps are true. */
static uint64_t lying_stamp(struct machine *machine)
{
	switch (rng_below(&machine->rng, 5)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return machine->now + 3600 * SEC;
	case 3:
		return machine->now - SEC;
	default:
		return machine->now;
	}
}

void reports_send(struct machine *machine, struct report report, uint64_t delay)
{
	uint64_t at = machine->now + delay;

	if (!machine->daemon.world)
		return;
	report.made = machine->now;
	if (can_be_lost(report.lane) && machine->lose[report.lane] > 0) {
		lose(machine, report.lane);
		return;
	}
	if (at < machine->lane_last[report.lane])
		at = machine->lane_last[report.lane];
	/* The kernel's uevent comes before what udevd makes of it, and one loop reads both. */
	if (report.lane == LANE_UDEV && at < machine->lane_last[LANE_UEVENT])
		at = machine->lane_last[LANE_UEVENT];
	machine->lane_last[report.lane] = at;
	if (report.lane == LANE_PCSC && machine->script->setup.stamps && rng_chance(&machine->rng, 40))
		report.stamp = lying_stamp(machine);
	queue_add(machine, (struct item){.at = at,
					 .kind = ITEM_REPORT,
					 .life = machine->daemon.life,
					 .plug = machine->worker.life,
					 .report = report});
}

/* ---- delivery ---------------------------------------------------------------------------------------------
 */

/* As user/sources/udev.c: udevd's late word about a device that is back at its address is dropped. */
static bool overtaken(struct machine *machine, const struct report *report)
{
	unsigned port = report->port;

	if (report->lane == LANE_UEVENT && report->type == EVENT_DEVICE_ADD) {
		machine->known_seqnum[port] = report->seqnum;
		machine->known_usb[port] = report->usb;
	}
	return report->lane == LANE_UDEV && usb_address_equal(machine->known_usb[port], report->usb) &&
	       report->seqnum < machine->known_seqnum[port];
}

static void deliver_device(const struct report *report, struct event *event)
{
	event->device.usb = report->usb;
	if (report->type != EVENT_DEVICE_ADD)
		return;
	event->device.path = report_port(report->port);
	event->device.id = report_id(report->model);
}

static void deliver_logind(struct machine *machine, const struct report *report, struct event *event)
{
	struct login *login = &machine->logins[report->session];

	if (report->type == EVENT_SLEEP || report->type == EVENT_RESUME)
		return;
	if (report->type == EVENT_SESSION_KIND) {
		event->change.session = people_id(login);
		event->change.kind = login->kind;
		return;
	}
	event->session = people_id(login);
}

static void deliver(struct machine *machine, const struct report *report)
{
	struct event event = {.type = report->type, .source = report->source, .stamp = report->stamp};
	struct reader_state state;

	/* The kernel stamps what the probe hears, the worker what PC/SC says; all else is stamped when it is
	 * read. */
	if (report->lane != LANE_PCSC && report->type != EVENT_SLOT_CHANGE && report->source != SOURCE_PROBE)
		event.stamp = machine->now;
	if (report->lane <= LANE_UDEV && report->type != EVENT_SLOT_CHANGE) {
		deliver_device(report, &event);
	} else if (report->type == EVENT_SLOT_CHANGE) {
		event.slot_change.usb = report->usb;
		event.slot_change.endpoint = report->endpoint;
		event.slot_change.bytes = report->bytes;
		event.slot_change.slots = &report->slots;
	} else if (report->type == EVENT_READER || report->type == EVENT_READER_GONE) {
		reader_fill(machine, report, &state);
		event.reader = &state;
	} else if (report->lane == LANE_LOGIND) {
		deliver_logind(machine, report, &event);
	}
	judge_report(machine, report);
	if (!report->unheard)
		driver_event(machine, &event);
	judge_reported(machine, report);
}

static void deliver_lost(struct machine *machine, enum lane lane)
{
	static const enum event_source sources[] = {SOURCE_PROBE, SOURCE_UEVENT, SOURCE_UDEV};

	machine->lost_pending[lane] = false;
	machine->lose[lane] = 0;
	driver_event(machine,
		     &(struct event){.type = EVENT_LOST, .source = sources[lane], .stamp = machine->now});
}

void reports_deliver(struct machine *machine, const struct item *item)
{
	const struct report *report = &item->report;

	if (!machine->daemon.world || item->life != machine->daemon.life)
		return;
	if (item->kind == ITEM_LOST) {
		deliver_lost(machine, item->flag);
		return;
	}
	/* What a dead worker reported is not read any more; that it died, or that pcscd did, is. */
	if (report->lane == LANE_PCSC && report->type != EVENT_PCSC_DOWN &&
	    item->plug != machine->worker.life)
		return;
	if (report->lane == LANE_RECORD) {
		driver_record(machine, report->session);
		return;
	}
	if (report->lane == LANE_UDEV || report->lane == LANE_UEVENT) {
		if (overtaken(machine, report))
			return;
	}
	deliver(machine, report);
}

/* sysfs, as it is now, within the call. */
void reports_list_devices(struct machine *machine)
{
	for (unsigned i = 0; i < machine->device_count; i++) {
		const struct device *device = &machine->devices[i];
		struct report report = {.type = EVENT_DEVICE_ADD,
					.source = SOURCE_STARTUP,
					.stamp = machine->now,
					.device = (uint8_t)i,
					.plug = device->plug,
					.usb = device->usb,
					.model = device->model,
					.port = (uint8_t)device->port};

		if (device->port < 0)
			continue;
		machine->known_seqnum[report.port] = machine->next_seqnum;
		machine->known_usb[report.port] = device->usb;
		deliver(machine, &report);
	}
	deliver(machine, &(struct report){.type = EVENT_DEVICES_LISTED,
					  .source = SOURCE_STARTUP,
					  .stamp = machine->now});
}
