/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about PC/SC: which readers it names, where they are, and what they show. */
#include "policy/core.h"

struct reader *reader_find(const struct world *world, const char *name)
{
	struct reader *reader;

	HASH_FIND_STR(world->readers, name, reader);
	return reader;
}

/* PC/SC still names it with a device that is gone, or that was replaced since the reader was named. */
bool reader_is_stale(const struct reader *reader)
{
	const struct device *device = reader->device;

	if (!device || device->presence == PRESENCE_GONE)
		return device != NULL;
	return reader->life != device->life && reader->came < device->left.order;
}

/* PC/SC names a reader with a device that is gone, or that USB does not know. */
bool reader_is_lost(const struct world *world, const struct reader *reader)
{
	return reader_is_stale(reader) || (reader->device && reader->device->presence == PRESENCE_UNKNOWN &&
					   world->devices_listing.last);
}

/* The one that the session was read in, for as long as PC/SC lists it. */
struct reader *reader_of_stay(const struct world *world, const struct session *session)
{
	struct reader *reader = reader_find(world, session->login.card.name);

	return reader && session->stay == reader->stay ? reader : NULL;
}

/* pcscd numbers the readers of one driver: "Model 00 00", "Model 01 00". Names that it did not number say nothing. */
static size_t family_length(const char *name)
{
	static const char ending[] = " xx xx";
	size_t length = strlen(name), size = sizeof(ending) - 1;

	if (length <= size)
		return 0;
	for (size_t i = 0; i < size; i++) {
		char c = name[length - size + i];

		if (ending[i] == ' ' ? c != ' ' : !strchr("0123456789ABCDEFabcdef", c))
			return 0;
	}
	return length - size;
}

bool reader_same_family(const char *a, const char *b)
{
	size_t length = family_length(a);

	return length == family_length(b) && strncmp(a, b, length) == 0;
}

/* It was named before what is at this address now came: PC/SC may not have noticed yet that the old one left. */
bool reader_is_older(const struct reader *reader, const struct device *device)
{
	return device && device->left.order && reader->came < device->came.order;
}

/* "Model 01 00" and "Model 01 01": two slots of one reader. */
static bool same_reader(const struct reader *a, const struct reader *b)
{
	size_t family = family_length(a->state.name);

	/* After the family follow " XX" of its number and " XX" of the slot. */
	return family && family == family_length(b->state.name) &&
	       strncmp(a->state.name, b->state.name, family + 3) == 0;
}

/* ---- the table ------------------------------------------------------------------------------------------ */

static void reader_detach(struct world *world, struct reader *reader)
{
	struct device *device = reader->device;

	if (!device) {
		DL_DELETE2(world->unlocated, reader, lost_prev, lost_next);
		return;
	}
	device->guessed -= reader->guessed;
	reader->guessed = false;
	DL_DELETE(device->readers, reader);
	device->named--;
	reader->device = NULL;
	device_claim(device);
	device_release(world, device);
}

static void reader_attach(struct world *world, struct reader *reader, struct device *device)
{
	reader->device = device;
	if (!device) {
		DL_APPEND2(world->unlocated, reader, lost_prev, lost_next);
		return;
	}
	DL_APPEND(device->readers, reader);
	device->named++;
	if (!reader_is_older(reader, device))
		model_learn_name(world, device->id, reader->state.name);
	device_claim(device);
	device_watch(world, device);
}

static void begin_stay(struct world *world, struct reader *reader)
{
	reader->naming = true;
	if (!world->naming_at)
		world->naming_at = later(world->now, DOUBT_NSEC);
	reader->stay = ++world->stays;
	reader->came = world->order;
	reader->since = world->now;
	reader->card_since = world->now;
	reader->outs = reader->recovered = reader->read_recovered = reader->first_recovered = 0;
	reader->came_failing = reader->state.card == CARD_UNAVAILABLE;
	reader->had_card = reader->state.card == CARD_PRESENT;
	reader->first_count = reader->state.event_counter;
	reader->first_after_empty = false;
}

/* One more reader may show that the device has several interfaces. */
static void learn_interfaces(const struct world *world, const struct device *device)
{
	struct session *session;

	DL_FOREACH2(device->sessions, session, on_device.next) {
		const struct reader *own = reader_of_stay(world, session);

		if (own && own->device == device && !session_is_away(session))
			reader_learn_interface(world, session, own);
	}
}

/* The name was given before sleep, or long before, and the device came since: it is another reader's by now. */
static bool is_older_name(const struct world *world, const struct reader *reader, const struct device *device)
{
	uint64_t came = device->came.now;

	return later(reader->since, DOUBT_NSEC) < came ||
	       (reader->since < world->slept && world->slept < came);
}

static void reader_move(struct world *world, struct reader *reader, struct device *device)
{
	reader->life = device ? device->life : 0;
	if (reader->device == device)
		return;
	/* Under its name PC/SC names another reader now. */
	if (device && (reader->device || is_older_name(world, reader, device)))
		begin_stay(world, reader);
	reader_detach(world, reader);
	reader_attach(world, reader, device);
	if (device && !device_is_crowded(device))
		learn_interfaces(world, device);
}

/* PC/SC has not reported where it is. A session that is certainly this reader's shows it. */
static void reader_infer(struct world *world, struct reader *reader, struct device *device)
{
	reader_move(world, reader, device);
	world->inferred = true;
}

/* … or so it seems. */
void reader_guess(struct world *world, struct reader *reader, struct device *device)
{
	if (reader->device || !device)
		return;
	reader_infer(world, reader, device);
	reader->guessed = true;
	device->guessed++;
}

/*
 * PC/SC says that another reader is where this one was guessed to be, and there is another device of the model for it.
 */
static void take_back_guesses(struct world *world, struct reader *reader)
{
	struct device *device = reader->device;
	struct reader *other, *next;

	if (!device->guessed || !device->model || !device->model->unclaimed)
		return;
	DL_FOREACH_SAFE(device->readers, other, next) {
		if (!other->guessed || same_reader(other, reader))
			continue;
		reader_move(world, other, NULL);
		world->inferred = true;
	}
}

/* Where one slot of a reader is, the others are. */
static void locate_slots(struct world *world, struct reader *reader)
{
	struct reader *other, *next;

	if (!reader->device) {
		for (other = world->readers; other && !reader->device; other = other->hh.next) {
			if (other->device && !reader_is_stale(other) && same_reader(other, reader))
				reader_infer(world, reader, other->device);
		}
		return;
	}
	DL_FOREACH_SAFE2(world->unlocated, other, next, lost_next) {
		if (same_reader(other, reader))
			reader_infer(world, other, reader->device);
	}
}

static struct reader *reader_new(struct world *world, const struct reader_state *state)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->state = *state;
	HASH_ADD_STR(world->readers, state.name, reader);
	if (!reader->hh.tbl) {
		free(reader);
		return NULL;
	}
	begin_stay(world, reader);
	reader->found = world->looking_pcsc;
	reader_attach(world, reader, NULL);
	return reader;
}

/*
 * pcscd's count only grows while a reader stays, and it counts every removal and insertion. That of a reader that cannot
 * be read may stand still.
 */
bool reader_counts_again(const struct reader *reader, const struct reader_state *now)
{
	uint16_t moved = (uint16_t)(now->event_counter - reader->counted);

	if (now->card == CARD_UNAVAILABLE)
		return false;
	if ((uint16_t)(now->event_counter - reader->state.event_counter) >= 0x8000)
		return true;
	if (reader->read == CARD_UNAVAILABLE)
		return false;
	/* A card that is not powered yet has no ATR. */
	if (moved == 0 && now->card == reader->read)
		return now->card == CARD_PRESENT && now->atr.size && reader->read_atr.size &&
		       !atr_equal(&now->atr, &reader->read_atr);
	return moved >= 0x8000 || moved == 0;
}

/*
 * What the sign-in read is of another stay: in this one the card has never had so small a count, or the reader had
 * counted more before the sign-in. It was plugged in again since PC/SC's last report, or pcscd was started again.
 */
bool reader_counted_more(const struct reader *reader, const struct login_record *login)
{
	uint16_t count = login->card.event_counter;

	return (reader->had_card && (uint16_t)(count - reader->first_count) >= 0x8000) ||
	       (reader->read != CARD_UNAVAILABLE && reader->said.stamp < login->seen &&
		(uint16_t)(count - reader->counted) >= 0x8000);
}

/* Its device is gone, and what PC/SC reads under its name is another reader: no card comes or leaves uncounted. */
static bool is_another_reader(const struct reader *reader, const struct reader_state *now)
{
	return reader_is_stale(reader) && reader_counts_again(reader, now);
}

/* Where it is, as far as PC/SC has said in this stay: a report without an address takes none back. */
static struct device *reader_whereabouts(const struct reader *reader, struct device *reported)
{
	return reported || !reader->device || reader_is_stale(reader) ? reported : reader->device;
}

/* If a reader is unreadable twice in a row with different counts, it was readable in between. */
static unsigned recoveries(const struct reader_state *before, const struct reader_state *now)
{
	uint16_t moved = (uint16_t)(now->event_counter - before->event_counter);

	if (before->card != CARD_UNAVAILABLE)
		return 0;
	return now->card != CARD_UNAVAILABLE ? 1 : moved < 8 ? moved : 0;
}

/*
 * How PC/SC's count got from one value to the other: it adds 1 each time a card is removed or inserted, and
 * each time the reader could be read again. One of the latter may have passed unnoticed.
 */
bool reader_count_shows_card(uint16_t from, uint16_t to, unsigned recovered)
{
	uint16_t moved = (uint16_t)(to - from);

	return moved < 0x8000 && moved > recovered + 1;
}

static void remember_card(struct reader *reader, const struct reader_state *now)
{
	unsigned recovered = reader->recovered - reader->read_recovered;

	if (now->card == CARD_UNAVAILABLE)
		return;
	if (reader->read == CARD_PRESENT)
		reader->outs += now->card == CARD_EMPTY ||
				reader_count_shows_card(reader->counted, now->event_counter, recovered);
	else if (now->card == CARD_PRESENT && !reader->had_card) {
		reader->had_card = true;
		reader->first_count = now->event_counter;
		reader->first_recovered = reader->recovered;
		reader->first_after_empty = reader->read == CARD_EMPTY;
	}
	reader->read = now->card;
	reader->read_atr = now->atr;
	reader->counted = now->event_counter;
	reader->read_recovered = reader->recovered;
}

struct reader *reader_get(struct world *world, const struct event *event)
{
	const struct reader_state *state = event->reader;
	struct reader *reader = reader_find(world, state->name);
	struct device *device = NULL;
	bool moved, another;
	uint64_t came;

	if (usb_address_is_set(state->usb)) {
		device = device_get(world, state->usb);
		if (!device)
			return NULL;
	}
	if (!reader)
		reader = reader_new(world, state);
	if (!reader)
		return NULL;
	if (reader->state.card != state->card)
		reader->card_since = world->now;
	if (reader->state.card != state->card || reader->state.event_counter != state->event_counter ||
	    !atr_equal(&reader->state.atr, &state->atr))
		reader->found = world->looking_pcsc;
	if (reader->said.order)
		reader->recovered += recoveries(&reader->state, state);
	another = reader->said.order && is_another_reader(reader, state);
	came = reader->came;
	remember_card(reader, state);
	moved = reader->said.order && reader->state.event_counter != state->event_counter;
	reader->state = *state;
	reader->said = moment_now(world, event->stamp);
	if (another)
		begin_stay(world, reader);
	/* Its address is still the old one's, and as old. */
	if (another)
		reader->came = came;
	/* PC/SC has said where it is. */
	if (device && reader->guessed) {
		reader->guessed = false;
		reader->device->guessed--;
	}
	device = reader_whereabouts(reader, device);
	reader_move(world, reader, device);
	locate_slots(world, reader);
	if (reader->device && usb_address_is_set(state->usb))
		take_back_guesses(world, reader);
	if (reader->device)
		reader->state.usb = reader->device->usb;
	if (moved)
		device_learn_endpoint(reader);
	return reader;
}

/* What PC/SC showed of a device's interfaces is still so when it does not name them any more. */
void reader_forget(struct world *world, struct reader *reader)
{
	struct device *device = reader->device;

	if (device && !reader_is_stale(reader) && !reader_has_older(device, reader->state.slot)) {
		/* A guess is not remembered. */
		device->shares_slots |= !device->guessed && slot_is_shared(device, reader->state.slot);
		if (!device_is_crowded(device))
			learn_interfaces(world, device);
	}
	reader_detach(world, reader);
	HASH_DELETE(hh, world->readers, reader);
	free(reader);
}

void reader_forget_all(struct world *world)
{
	struct reader *reader, *next;

	HASH_ITER(hh, world->readers, reader, next)
		reader_forget(world, reader);
}
