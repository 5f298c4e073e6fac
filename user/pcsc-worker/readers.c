/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pcsc-worker/readers.h"

#include <string.h>

#include "lib/log.h"
#include "lib/pcsc_reader.h"
#include "pcsc-worker/channel.h"

static struct watched_reader *find(struct readers *readers, const char *name)
{
	for (size_t i = 0; i < readers->count; i++)
		if (strcmp(readers->of[i].state.name, name) == 0)
			return &readers->of[i];
	return NULL;
}

void readers_announce(struct watched_reader *reader, uint64_t stamp)
{
	channel_send_reader(WORKER_READER, stamp, &reader->state);
	reader->announced = true;
}

static void add(struct readers *readers, const char *name)
{
	struct watched_reader *reader;

	if (readers->count == READERS_MAX) {
		if (!readers->too_many)
			log_warning("more than %d PC/SC readers: the others are not watched", READERS_MAX);
		readers->too_many = true;
		return;
	}
	reader = &readers->of[readers->count++];
	*reader = (struct watched_reader){.known = SCARD_STATE_UNAWARE, .listed = true};
	memcpy(reader->state.name, name, strnlen(name, READER_NAME_SIZE - 1));
	reader->state.slot = pcsc_reader_slot(name);
	address_ask(readers->finder, reader->state.name);
}

void readers_remove(struct readers *readers, size_t i, uint64_t stamp)
{
	struct watched_reader *reader = &readers->of[i];

	if (reader->announced)
		channel_send_reader(WORKER_READER_GONE, stamp, &reader->state);
	address_forget(readers->finder, reader->state.name);
	*reader = readers->of[--readers->count];
	readers->full = false;
}

static void take_address(struct watched_reader *reader, const struct address_answer *answer)
{
	reader->exclusive = answer->exclusive;
	if (!usb_address_is_set(answer->usb) || usb_address_equal(answer->usb, reader->state.usb))
		return;
	reader->state.usb = answer->usb;
	if (reader->announced)
		readers_announce(reader, channel_stamp());
}

void readers_take_addresses(struct readers *readers)
{
	char name[READER_NAME_SIZE];
	struct address_answer answer;
	struct watched_reader *reader;

	while (address_take(readers->finder, name, &answer)) {
		reader = find(readers, name);
		if (reader)
			take_address(reader, &answer);
	}
}

bool readers_merge(struct readers *readers, const char *names, uint64_t stamp)
{
	struct watched_reader *reader;
	bool added = false;
	size_t i;

	for (i = 0; i < readers->count; i++)
		readers->of[i].listed = false;
	for (const char *name = names; *name; name += strlen(name) + 1) {
		/* pcscd has no such name: cut off, no call would accept it. */
		if (strlen(name) >= READER_NAME_SIZE)
			continue;
		reader = find(readers, name);
		if (reader) {
			reader->listed = true;
			continue;
		}
		add(readers, name);
		added = true;
	}
	for (i = readers->count; i-- > 0;)
		if (!readers->of[i].listed)
			readers_remove(readers, i, stamp);
	return added;
}

void readers_forget(struct readers *readers)
{
	for (size_t i = 0; i < readers->count; i++)
		address_forget(readers->finder, readers->of[i].state.name);
	readers->count = 0;
	readers->full = false;
}
