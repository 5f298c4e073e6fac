/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hardware: ports, devices, slots, cards. Each change is reported by whatever hears of it: the kernel's
 * probe, the kernel's uevents, udevd, and pcscd, each in its own time.
 */
#include "machine.h"

#include <stddef.h>
#include <string.h>

#include "judge.h"

/* Late as the set-up says: mostly `least` to `most`, now and then much more. */
uint64_t machine_delay(struct machine *machine, uint64_t least, uint64_t most)
{
	uint64_t delay = least + rng_below(&machine->rng, (uint32_t)((most - least) / NSEC_PER_USEC) + 1) *
					 NSEC_PER_USEC;
	unsigned slow = machine->script->setup.slow;

	if (slow && rng_chance(&machine->rng, slow == 1 ? 5 : 20))
		delay += rng_below(&machine->rng, slow == 1 ? 300 : 1000) * MS;
	return delay;
}

uint8_t machine_atr(const struct machine *machine, int card)
{
	if (card < 0)
		return 0;
	if (card < PEOPLE_MOST)
		return machine->script->setup.equal_atrs ? 1 : (uint8_t)(1 + card);
	/* Cards that belong to nobody: one that looks like the first person's, and two that do not. */
	return card == PEOPLE_MOST ? 1 : (uint8_t)(5 + card);
}

/* Whose card is usually there; NO_CARD: nobody's. */
int machine_home_card(const struct machine *machine, unsigned device, unsigned unit)
{
	for (unsigned person = 0; person < machine->script->setup.people; person++) {
		unsigned d, u;

		if (people_home(machine, person, &d, &u) && d == device && u == unit)
			return (int)person;
	}
	return NO_CARD;
}

/* ---- cards ------------------------------------------------------------------------------------------------
 */

static uint8_t notice_slots(const struct device *device, unsigned unit)
{
	uint8_t slots = 0;

	if (device->composite)
		return (uint8_t)(2 | (device->card[unit] >= 0));
	for (unsigned i = 0; i < device->units; i++)
		slots |= (uint8_t)((device->card[i] >= 0) << (2 * i));
	return (uint8_t)(slots | 2 << (2 * unit));
}

/* The reader's interrupt URB: only while pcscd has opened it and waits for one. */
static void notice(struct machine *machine, unsigned number, unsigned unit, bool out, bool false_notice)
{
	struct device *device = &machine->devices[number];
	struct report report = {
		.lane = LANE_PROBE,
		.type = EVENT_SLOT_CHANGE,
		.source = SOURCE_PROBE,
		.device = (uint8_t)number,
		.unit = (uint8_t)unit,
		.plug = device->plug,
		.insertion = device->insertion[unit],
		.usb = device->usb,
		.bytes = 1,
		.false_notice = false_notice,
		.truth = out ? TRUTH_OUT : 0,
		.endpoint =
			machine->script->setup.endpoints ? (uint8_t)(1 + (device->composite ? unit : 0)) : 0,
	};

	if (!machine->script->setup.probe || device->no_notices || !machine->pcscd.up || machine->asleep ||
	    device->notice_spent || !machine->daemon.world || !pcscd_find(machine, number, unit))
		return;
	report.unheard = !machine->daemon.watched[device->usb.device];
	device->notice_spent = machine->pcscd.hung;
	report.slots = notice_slots(device, unit);
	if (false_notice)
		report.slots = (uint8_t)(2 << (device->composite ? 0 : 2 * unit));
	report.stamp = machine->now;
	reports_send(machine, report, machine_delay(machine, MS / 2, 5 * MS));
}

/* pcscd looks after the notice, or polls. */
static void look(struct machine *machine, unsigned device, unsigned unit)
{
	bool polled = machine->devices[device].no_notices;
	uint64_t delay = machine_delay(machine, 3 * MS, polled ? 400 * MS : 25 * MS);

	queue_add(machine, (struct item){.at = machine->now + delay,
					 .kind = ITEM_PCSC_CARD,
					 .device = (uint8_t)device,
					 .unit = (uint8_t)unit,
					 .life = machine->pcscd.life});
}

/* A port needs a while to find what is plugged in (hub_port_debounce()); a hand needs one to change a card.
 */
#define DEBOUNCE (150 * MS)
#define HAND	 (300 * MS)

void machine_card_out(struct machine *machine, unsigned number, unsigned unit)
{
	struct device *device = &machine->devices[number];

	if (device->card[unit] < 0)
		return;
	device->emptied_at[unit] = device->changed_at[unit] = machine->now;
	device->last_card[unit] = device->card[unit];
	device->card[unit] = NO_CARD;
	device->insertion[unit] = 0;
	judge_truth(machine);
	if (device->port < 0)
		return;
	notice(machine, number, unit, true, false);
	look(machine, number, unit);
}

void machine_card_in(struct machine *machine, unsigned number, unsigned unit, int card)
{
	struct device *device = &machine->devices[number];

	if (device->card[unit] >= 0 || card < 0)
		return;
	if (card != device->last_card[unit] && machine->now < device->emptied_at[unit] + HAND) {
		queue_add(machine, (struct item){.at = device->emptied_at[unit] + HAND,
						 .kind = ITEM_CARD_IN,
						 .device = (uint8_t)number,
						 .unit = (uint8_t)unit,
						 .card = (int8_t)card});
		return;
	}
	/* A card is in one place. */
	for (unsigned d = 0; d < machine->device_count; d++) {
		for (unsigned u = 0; u < UNITS; u++) {
			if (machine->devices[d].card[u] == card)
				return;
		}
	}
	device->card[unit] = (int8_t)card;
	device->changed_at[unit] = machine->now;
	device->insertion[unit] = ++machine->next_insertion;
	judge_truth(machine);
	if (device->port < 0)
		return;
	notice(machine, number, unit, false, false);
	look(machine, number, unit);
}

void machine_false_notice(struct machine *machine, unsigned device, unsigned unit)
{
	if (machine->devices[device].port < 0 || machine->devices[device].card[unit] < 0)
		return;
	notice(machine, device, unit, true, true);
	look(machine, device, unit);
}

/* ---- readers ----------------------------------------------------------------------------------------------
 */

static void report_device(struct machine *machine, unsigned number, enum lane lane, enum event_type type,
			  uint64_t delay)
{
	static const uint8_t sources[] = {
		[LANE_PROBE] = SOURCE_PROBE, [LANE_UEVENT] = SOURCE_UEVENT, [LANE_UDEV] = SOURCE_UDEV};
	const struct device *device = &machine->devices[number];

	reports_send(
		machine,
		(struct report){.lane = (uint8_t)lane,
				.type = (uint8_t)type,
				.source = sources[lane],
				.device = (uint8_t)number,
				.plug = device->plug,
				.usb = device->usb,
				.model = device->model,
				.port = (uint8_t)device->port,
				.stamp = machine->now,
				.seqnum = machine->next_seqnum,
				.uncertain = device->renumbering,
				.unheard = lane == LANE_PROBE && !machine->daemon.watched[device->usb.device],
				.truth = type == EVENT_DEVICE_REMOVE ? TRUTH_OUT : 0},
		delay);
}

/* pcscd hears of it from udevd, whose queue keeps the order. */
static void hotplug(struct machine *machine, unsigned number, enum item_kind kind, uint64_t delay)
{
	uint64_t at = machine->now + delay;

	if (at <= machine->hotplug_last)
		at = machine->hotplug_last + MS;
	machine->hotplug_last = at;
	queue_add(machine, (struct item){.at = at,
					 .kind = (uint8_t)kind,
					 .device = (uint8_t)number,
					 .plug = machine->devices[number].plug,
					 .life = machine->pcscd.life});
}

void machine_unplug(struct machine *machine, unsigned number)
{
	struct device *device = &machine->devices[number];
	uint64_t unbind = machine_delay(machine, 5 * MS, 15 * MS);

	if (device->port < 0)
		return;
	machine->next_seqnum++;
	if (machine->script->setup.probe)
		report_device(machine, number, LANE_PROBE, EVENT_DEVICE_REMOVE,
			      machine_delay(machine, MS / 5, 25 * MS));
	report_device(machine, number, LANE_UEVENT, EVENT_DEVICE_REMOVE, unbind);
	report_device(machine, number, LANE_UEVENT, EVENT_DEVICE_REMOVE, unbind + 15 * MS);
	report_device(machine, number, LANE_UDEV, EVENT_DEVICE_REMOVE,
		      machine_delay(machine, 50 * MS, 230 * MS));
	hotplug(machine, number, ITEM_PCSC_UNPLUG, machine_delay(machine, 200 * MS, 450 * MS));
	device->sysfs_until = machine->now + unbind;
	device->port = -1;
	device->unplugged_at = machine->now;
	judge_truth(machine);
}

static bool address_taken(const struct machine *machine, unsigned number)
{
	for (unsigned i = 0; i < machine->device_count; i++) {
		if (machine->devices[i].port >= 0 && machine->devices[i].usb.device == number)
			return true;
	}
	return false;
}

static bool port_taken(const struct machine *machine, unsigned number, int port)
{
	for (unsigned i = 0; i < machine->device_count; i++) {
		const struct device *device = &machine->devices[i];

		/* One that is enumerated again never left its port. */
		if (i != number &&
		    (device->port == port || (device->renumbering && device->last_port == port)))
			return true;
	}
	return false;
}

/*
 * The kernel numbers the devices of a bus round (choose_devnum() in drivers/usb/core/hub.c): a device that is back has
 * the number that follows. Its old one comes again only after all others that are free, on a bus where few are.
 */
static struct usb_address next_address(struct machine *machine)
{
	unsigned free_numbers = machine->script->setup.free_numbers;
	unsigned end = free_numbers ? ADDRESS_FIRST + machine->device_count + free_numbers : ADDRESS_END;
	uint16_t number;

	do {
		if (machine->next_address >= end)
			machine->next_address = ADDRESS_FIRST;
		number = machine->next_address++;
	} while (address_taken(machine, number));
	return (struct usb_address){1, number};
}

void machine_plug(struct machine *machine, unsigned number, int port)
{
	struct device *device = &machine->devices[number];

	if (device->port >= 0 || port < 0 || port_taken(machine, number, port))
		return;
	if (device->unplugged_at && machine->now < device->unplugged_at + DEBOUNCE) {
		device->last_port = port;
		queue_add(machine, (struct item){.at = device->unplugged_at + DEBOUNCE,
						 .kind = ITEM_READER_IN,
						 .device = (uint8_t)number,
						 .plug = device->plug});
		return;
	}
	/* A controller that is new numbers its bus from the start: what is in a dock has the address that it had. */
	if (!machine->script->setup.docked || address_taken(machine, device->usb.device))
		device->usb = next_address(machine);
	device->port = device->last_port = port;
	device->plug = ++machine->next_plug;
	if (device->renumbering)
		device->renumbered = device->plug;
	device->notice_spent = false;
	device->changed_at[0] = device->changed_at[1] = machine->now;
	for (unsigned unit = 0; unit < device->units; unit++) {
		if (device->card[unit] >= 0)
			device->insertion[unit] = ++machine->next_insertion;
	}
	machine->next_seqnum++;
	judge_truth(machine);
	report_device(machine, number, LANE_UEVENT, EVENT_DEVICE_ADD, machine_delay(machine, MS, 50 * MS));
	device->renumbering = false;
	hotplug(machine, number, ITEM_PCSC_PLUG, machine_delay(machine, 100 * MS, 500 * MS));
}

/* ---- the start --------------------------------------------------------------------------------------------
 */

/* A device of two slots, or of two interfaces, is another product. */
static uint8_t model_of(const struct setup *setup, unsigned number)
{
	if (setup->composite >> number & 1)
		return 4;
	if (setup->two_slots >> number & 1)
		return 5;
	return (uint8_t)(number % setup->models);
}

static void device_init(struct machine *machine, unsigned number)
{
	const struct setup *setup = &machine->script->setup;
	struct device *device = &machine->devices[number];

	*device = (struct device){
		.model = model_of(setup, number),
		.composite = setup->composite >> number & 1,
		.units = (setup->two_slots | setup->composite) >> number & 1 ? 2 : 1,
		.no_notices = setup->deaf_slots >> number & 1,
		.port = (int)number,
		.last_port = (int)number,
		.usb = {1, machine->next_address++},
		.plug = ++machine->next_plug,
		.card = {NO_CARD, NO_CARD},
	};
}

/* For whoever looks into an exception: 0, or one more than its number; it then counts as a fault. */
int machine_show_exception;

void machine_init(struct machine *machine, const struct script *script, struct judge *judge)
{
	memset(machine, 0, offsetof(struct machine, heap));
	machine->script = script;
	machine->judge = judge;
	machine->now = SEC;
	machine->show_exception = machine_show_exception;
	machine->rng = script->seed;
	machine->next_address = ADDRESS_FIRST;
	machine->device_count = script->setup.devices;
	machine->policy = script->setup.settings;
	for (unsigned i = 0; i < machine->device_count; i++)
		device_init(machine, i);
	for (unsigned person = 0; person < script->setup.people; person++) {
		unsigned device, unit;

		if (!people_home(machine, person, &device, &unit))
			continue;
		machine->devices[device].card[unit] = (int8_t)person;
		machine->devices[device].insertion[unit] = ++machine->next_insertion;
	}
}
