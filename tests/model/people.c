/* SPDX-License-Identifier: GPL-2.0-or-later */
/* People who sign in, lock and unlock; their lockers; logind. */
#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "judge.h"

static const char *const session_ids[SESSIONS_MOST] = {"3", "c4", "5", "16"};
static const char *const users[PEOPLE_MOST] = {"ada", "bob", "eve"};

/* Mostly desktops; the rest has its own lockers, or none. */
static const unsigned kinds[] = {
	KIND_LOCAL | KIND_GRAPHICAL,
	KIND_LOCAL | KIND_GRAPHICAL,
	KIND_LOCAL | KIND_GRAPHICAL,
	KIND_LOCAL | KIND_TTY,
	KIND_LOCAL | KIND_TTY | KIND_CONSOLE,
	KIND_REMOTE | KIND_TTY | KIND_SSH,
	KIND_REMOTE | KIND_GRAPHICAL | KIND_XRDP,
	KIND_REMOTE | KIND_GRAPHICAL,
};

const char *people_id(const struct login *login)
{
	return session_ids[login->number];
}

struct login *people_find(struct machine *machine, const char *session)
{
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		if (machine->logins[i].used && strcmp(session_ids[machine->logins[i].number], session) == 0)
			return &machine->logins[i];
	}
	return NULL;
}

/* Where a person's card usually is: one reader each, or the two units of one. */
bool people_home(const struct machine *machine, unsigned person, unsigned *device, unsigned *unit)
{
	*device = person;
	*unit = 0;
	if (machine->devices[0].units == 2 && person == 1) {
		*device = 0;
		*unit = 1;
	}
	return *device < machine->device_count;
}

/* ---- signing in -------------------------------------------------------------------------------------------
 */

static bool find_card(const struct machine *machine, unsigned person, unsigned *device, unsigned *unit)
{
	for (*device = 0; *device < machine->device_count; ++*device) {
		for (*unit = 0; *unit < machine->devices[*device].units; ++*unit) {
			if (machine->devices[*device].card[*unit] == (int)person)
				return machine->devices[*device].port >= 0;
		}
	}
	return false;
}

static bool address_known(struct machine *machine, const struct device *device)
{
	unsigned how = machine->script->setup.addresses;

	return !device->held && how != ADDRESS_NEVER &&
	       (how != ADDRESS_MIXED || rng_chance(&machine->rng, 60));
}

void people_note_errors(struct login *login, const struct pcsc_reader *reader)
{
	login->errors = reader ? reader->errors : 0;
	login->heard_errors = reader ? reader->heard_errors : 0;
}

static void record_make(struct machine *machine, struct login *login, unsigned number, unsigned unit,
			const struct pcsc_reader *reader)
{
	const struct device *device = &machine->devices[number];
	struct login_record *record = &login->record;

	memset(record, 0, sizeof(*record));
	strcpy(record->session, people_id(login));
	strcpy(record->user, users[login->person]);
	strcpy(record->service, "login");
	record->uid = 1000 + login->person;
	/* No two sign-ins have one process, though they may have one id. */
	record->leader = 4000 + (pid_t)machine->next_leader++;
	record->seen = machine->now;
	reader_name(reader->model, reader->index, device->composite ? 0 : (uint8_t)unit, record->card.name);
	record->card.slot = device->composite ? 0 : (uint8_t)unit;
	record->card.card = CARD_PRESENT;
	record->card.event_counter = reader->counter;
	people_note_errors(login, reader);
	reader_atr(machine_atr(machine, reader->card), &record->card.atr);
	if (!address_known(machine, device))
		return;
	record->card.usb = device->usb;
	strcpy(record->usb_path, report_port((unsigned)device->port));
	strcpy(record->usb_id, report_id(device->model));
}

/* An ended session's id may be used again. */
static struct login *login_slot(struct machine *machine, bool reuse)
{
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		if (reuse ? machine->logins[i].used && machine->logins[i].ended : !machine->logins[i].used)
			return &machine->logins[i];
	}
	return NULL;
}

static void tell(struct machine *machine, unsigned session, enum event_type type, uint64_t delay)
{
	reports_send(machine,
		     (struct report){.lane = LANE_LOGIND,
				     .type = (uint8_t)type,
				     .source = SOURCE_LOGIND,
				     .session = (uint8_t)session,
				     .stamp = machine->now},
		     delay);
}

/* logind's answer about a session: what it is, and whether it is locked. */
void people_tell(struct machine *machine, unsigned session)
{
	uint64_t delay = machine_delay(machine, MS, 50 * MS);

	if (machine->logins[session].ended) {
		tell(machine, session, EVENT_SESSION_ENDED, delay);
		return;
	}
	tell(machine, session, EVENT_SESSION_KIND, delay);
	if (machine->logins[session].hint)
		tell(machine, session, EVENT_SESSION_LOCKED, delay);
}

/* Only with the card in a reader that PC/SC can read. False: this person cannot now. */
bool people_sign_in(struct machine *machine, unsigned person, bool reuse, uint64_t delay)
{
	struct login *login = login_slot(machine, reuse);
	const struct pcsc_reader *reader;
	unsigned device, unit, session;

	if (!login || !machine->pcscd.up || machine->pcscd.hung ||
	    !find_card(machine, person, &device, &unit))
		return false;
	reader = pcscd_find(machine, device, unit);
	if (!reader || reader->settling || reader->unreadable || reader->card != (int)person ||
	    reader->insertion != machine->devices[device].insertion[unit])
		return false;
	session = (unsigned)(login - machine->logins);
	*login = (struct login){.used = true,
				.recorded = true,
				.pcscd = machine->pcscd.life,
				.person = (uint8_t)person,
				.number = (uint8_t)session,
				.locker = machine->script->setup.lockers[session],
				.kind = kinds[machine->script->setup.kinds[session] % ELEMENTS(kinds)]};
	if (login->kind & (KIND_TTY | KIND_SSH))
		login->locker = LOCKER_NONE;
	record_make(machine, login, device, unit, reader);
	judge_signed_in(machine, session, device, unit);
	/* What the kernel said before the sign-in began is read first. */
	if (machine->lane_last[LANE_RECORD] < machine->lane_last[LANE_UEVENT])
		machine->lane_last[LANE_RECORD] = machine->lane_last[LANE_UEVENT];
	reports_send(machine, (struct report){.lane = LANE_RECORD, .session = (uint8_t)session}, delay);
	return true;
}

static void ended(struct machine *machine, unsigned session)
{
	struct login *login = &machine->logins[session];

	if (!login->used || login->ended)
		return;
	login->ended = true;
	login->hint = false;
	judge_ended(machine, session);
	tell(machine, session, EVENT_SESSION_ENDED, machine_delay(machine, MS, 30 * MS));
}

void people_end(struct machine *machine, unsigned session, uint64_t delay)
{
	queue_add(machine, (struct item){.at = machine->now + delay,
					 .kind = ITEM_SESSION_END,
					 .device = (uint8_t)session,
					 .plug = machine->logins[session].record.leader});
}

/* ---- locking ----------------------------------------------------------------------------------------------
 */

static void set_hint(struct machine *machine, unsigned session, bool hint)
{
	struct login *login = &machine->logins[session];

	if (login->hint == hint || login->ended)
		return;
	login->hint = hint;
	login->hint_at = machine->now;
	tell(machine, session, hint ? EVENT_SESSION_LOCKED : EVENT_SESSION_UNLOCKED,
	     machine_delay(machine, MS, 20 * MS));
}

static void later(struct machine *machine, unsigned session, enum item_kind kind, uint64_t delay)
{
	queue_add(
		machine,
		(struct item){.at = machine->now + delay, .kind = (uint8_t)kind, .device = (uint8_t)session});
}

static void locker_locks(struct machine *machine, unsigned session)
{
	struct login *login = &machine->logins[session];
	uint64_t shows = machine_delay(machine, 20 * MS, 400 * MS);
	bool dies = login->locker == LOCKER_DIES || (login->locker == LOCKER_DIES_ONCE && !login->died_once);

	if (login->locker == LOCKER_SLOW)
		shows += 3200 * MS;
	if (login->locker == LOCKER_MUTE || login->locker == LOCKER_NONE || login->hint)
		return;
	login->died_once |= dies;
	later(machine, session, ITEM_HINT, shows);
	if (dies)
		later(machine, session, ITEM_HINT_GONE, shows + (30 + rng_below(&machine->rng, 200)) * MS);
}

/* Whoever works again has had the screen locked for more than a second. */
void people_unlock(struct machine *machine, unsigned session)
{
	struct login *login = &machine->logins[session];

	if (login->used && !login->ended && login->hint && machine->now >= login->hint_at + 1500 * MS)
		set_hint(machine, session, false);
}

void people_lock(struct machine *machine, unsigned session)
{
	struct login *login = &machine->logins[session];

	if (login->used && !login->ended &&
	    (login->locker == LOCKER_GOOD || login->locker == LOCKER_DIES_ONCE))
		set_hint(machine, session, true);
}

void people_act(struct machine *machine, unsigned session, enum step step)
{
	struct login *login = &machine->logins[session];

	if (login->ended)
		return;
	if (machine->now < login->refuse_until) {
		tell(machine, session, EVENT_ACTION_FAILED, machine_delay(machine, MS, 5 * MS));
		return;
	}
	if (step == STEP_LOCK)
		locker_locks(machine, session);
	else if (step == STEP_CONSOLE_LOCK)
		tell(machine, session, EVENT_ACTION_DONE, machine_delay(machine, 30 * MS, 90 * MS));
	else if (step == STEP_TERMINATE || step == STEP_KILL_LEADER)
		people_end(machine, session, machine_delay(machine, 30 * MS, 400 * MS));
}

void people_item(struct machine *machine, const struct item *item)
{
	/* An end that was on its way is not that of a later sign-in with the same id. */
	if (item->kind == ITEM_SESSION_END) {
		if ((pid_t)item->plug == machine->logins[item->device].record.leader)
			ended(machine, item->device);
	} else {
		set_hint(machine, item->device, item->kind == ITEM_HINT);
	}
}

/* The new logind is asked about every session; calls that it had not answered fail. */
void people_logind_restart(struct machine *machine)
{
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		struct login *login = &machine->logins[i];

		if (!login->used || login->ended)
			continue;
		login->refuse_until = machine->now + 60 * MS;
		people_tell(machine, i);
	}
}
