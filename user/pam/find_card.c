/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/find_card.h"

#include <errno.h>
#include <fnmatch.h>
#include <libudev.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/names.h"
#include "lib/pcsc_reader.h"
#include "pam/find_address.h"
#include "pam/find_token.h"

/* Major number of the nodes in /dev/bus/usb, 128 a bus (USB_DEVICE_MAJOR, linux/usb.h; usb/core/usb.c). */
#define USB_DEVICE_MAJOR 189
#define DEVICES_PER_BUS	 128

DEFINE_CLEANUP(struct udev *, udev_unref)
DEFINE_CLEANUP(struct udev_device *, udev_device_unref)

static void context_release_p(SCARDCONTEXT *context)
{
	if (*context)
		SCardReleaseContext(*context);
}

static int tell_pcsc(struct find_text *text, const char *what, LONG error)
{
	find_tell(text, "%s: %s", what, pcsc_stringify_error(error));
	return error == SCARD_E_NO_MEMORY ? -ENOMEM : -ECOMM;
}

/* ---- the readers ------------------------------------------------------------------------------------------
 */

struct readers {
	char *names; /* the names that the states point into, one after the other, with an empty one at the end */
	DWORD count;
	SCARD_READERSTATE states[READERS_MAX];
};

static void readers_clear(struct readers *readers)
{
	free(readers->names);
}

/*
 * Ask twice, for the length first. A reader that is plugged in meanwhile makes the buffer too short; then ask
 * again.
 */
static LONG readers_name(SCARDCONTEXT context, struct readers *readers)
{
	for (int attempt = 0;; attempt++) {
		DWORD size = 0;
		LONG r = SCardListReaders(context, NULL, NULL, &size);

		if (r != SCARD_S_SUCCESS)
			return r;
		free(readers->names);
		readers->names = calloc(1, size + 2);
		if (!readers->names)
			return SCARD_E_NO_MEMORY;
		r = SCardListReaders(context, NULL, readers->names, &size);
		if (r != SCARD_E_INSUFFICIENT_BUFFER || attempt == 3)
			return r;
	}
}

static LONG readers_list(SCARDCONTEXT context, struct readers *readers)
{
	LONG r = readers_name(context, readers);

	if (r == SCARD_E_NO_READERS_AVAILABLE)
		return SCARD_S_SUCCESS;
	if (r != SCARD_S_SUCCESS)
		return r;
	for (const char *name = readers->names; *name && readers->count < READERS_MAX;
	     name += strlen(name) + 1)
		if (strlen(name) < READER_NAME_SIZE)
			readers->states[readers->count++] =
				(SCARD_READERSTATE){.szReader = name, .dwCurrentState = SCARD_STATE_UNAWARE};
	return SCARD_S_SUCCESS;
}

/* One at a time: a reader that is removed meanwhile spoils only its own answer. */
static LONG readers_look(SCARDCONTEXT context, struct readers *readers)
{
	for (DWORD i = 0; i < readers->count; i++) {
		LONG r = SCardGetStatusChange(context, 0, &readers->states[i], 1);

		if (r == SCARD_E_UNKNOWN_READER || r == SCARD_E_TIMEOUT)
			readers->states[i].dwEventState = SCARD_STATE_UNKNOWN;
		else if (r != SCARD_S_SUCCESS)
			return r;
	}
	return SCARD_S_SUCCESS;
}

/* ---- the card ---------------------------------------------------------------------------------------------
 */

struct cards {
	struct reader_state state[READERS_MAX];
	size_t count;
	size_t wanted; /* the first so many are in readers that the pattern matches */
};

static void take_card(const SCARD_READERSTATE *state, struct cards *cards)
{
	struct reader_state *card = &cards->state[cards->count];

	*card = (struct reader_state){0};
	pcsc_reader_read(state, card);
	if (card->card != CARD_PRESENT)
		return;
	snprintf(card->name, sizeof(card->name), "%s", state->szReader);
	card->slot = pcsc_reader_slot(card->name);
	cards->count++;
}

/* A name matches itself, whatever it holds: many have brackets. */
static bool matches(const char *glob, const char *name)
{
	return glob[0] == '\0' || strcmp(glob, name) == 0 || fnmatch(glob, name, 0) == 0;
}

/* Keeps the readers that have a card: the wanted ones first, each group in the order of the list. */
static void keep_cards(const struct readers *readers, const char *glob, struct cards *cards)
{
	cards->count = 0;
	for (DWORD i = 0; i < readers->count; i++)
		if (matches(glob, readers->states[i].szReader))
			take_card(&readers->states[i], cards);
	cards->wanted = cards->count;
	for (DWORD i = 0; i < readers->count; i++)
		if (!matches(glob, readers->states[i].szReader))
			take_card(&readers->states[i], cards);
}

static int tell_several(struct find_text *text, const struct cards *cards, const char *why)
{
	char names[sizeof(text->text)] = "";
	size_t used = 0;

	for (size_t i = 0; i < cards->wanted && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 cards->state[i].name);
	find_tell(text,
		  "there are cards in %zu readers and the one used is not known (reader= can tell): %s: %s",
		  cards->wanted, why, names);
	return 0;
}

/* The tokens' answers belong to this insertion only if nothing happened to it since we looked. */
static bool is_same_insertion(SCARDCONTEXT context, const struct reader_state *card)
{
	SCARD_READERSTATE state = {.szReader = card->name, .dwCurrentState = SCARD_STATE_UNAWARE};
	struct reader_state now = {0};

	if (SCardGetStatusChange(context, 0, &state, 1) != SCARD_S_SUCCESS)
		return false;
	pcsc_reader_read(&state, &now);
	return now.card == CARD_PRESENT && now.event_counter == card->event_counter;
}

/*
 * Ask cards in readers that the pattern excludes, too: if a slot's description does not distinguish readers,
 * such a card could be mistaken for a wanted one.
 */
static int cards_ask(SCARDCONTEXT context, const struct pam_request *request, unsigned int timeout_ms,
		     const struct cards *cards, struct find_text *text)
{
	struct token_answer answers[READERS_MAX];
	struct find_text why;
	int r = tokens_ask(request, cards->state, cards->count, timeout_ms, answers, &why);

	if (r == 0)
		r = token_choose(request, cards->state, answers, cards->count, &why);
	if (r >= 0 && (size_t)r >= cards->wanted) {
		find_tell(&why, "the one used is in %s, which reader= excludes", cards->state[r].name);
		r = -ENOENT;
	} else if (r >= 0 && !is_same_insertion(context, &cards->state[r])) {
		find_tell(&why, "the card in %s was removed meanwhile", cards->state[r].name);
		r = -ENOENT;
	}
	if (r < 0)
		tell_several(text, cards, why.text);
	return r;
}

/* Which of the cards the sign-in used. A guess would bind the session to another person's card. */
static int cards_choose(SCARDCONTEXT context, const struct pam_request *request, unsigned int timeout_ms,
			const struct cards *cards, struct find_text *text,
			const struct reader_state **ret_card)
{
	int index = 0;

	if (cards->wanted == 0) {
		find_tell(text, "there is no card in a reader");
		return 0;
	}
	if (cards->wanted > 1)
		index = cards_ask(context, request, timeout_ms, cards, text);
	if (index < 0)
		return 0;
	*ret_card = &cards->state[index];
	return 1;
}

static void copy_attribute(struct udev_device *device, const char *name, char *to, size_t size)
{
	const char *value = udev_device_get_sysattr_value(device, name);

	/* The device chooses its serial number: a control character in it must not cost the record. */
	log_safe(value ? value : "", to, size);
}

/* What sysfs shows about the device at record->card.usb; an address without a device counts as none. */
static void read_usb_device(struct login_record *record)
{
	_cleanup_(udev_unref_p) struct udev *udev = udev_new();
	_cleanup_(udev_device_unref_p) struct udev_device *device = NULL;
	struct usb_address usb = record->card.usb;
	char vendor[5], product[5];

	if (udev && usb_address_is_set(usb))
		device = udev_device_new_from_devnum(
			udev, 'c',
			makedev(USB_DEVICE_MAJOR, (usb.bus - 1U) * DEVICES_PER_BUS + usb.device - 1U));
	if (!device) {
		record->card.usb = (struct usb_address){0};
		return;
	}
	snprintf(record->usb_path, sizeof(record->usb_path), "%s", udev_device_get_sysname(device));
	copy_attribute(device, "idVendor", vendor, sizeof(vendor));
	copy_attribute(device, "idProduct", product, sizeof(product));
	if (vendor[0] && product[0])
		snprintf(record->usb_id, sizeof(record->usb_id), "%s:%s", vendor, product);
	copy_attribute(device, "serial", record->usb_serial, sizeof(record->usb_serial));
}

static void fill_record(struct login_record *record, const struct reader_state *card, unsigned int address_ms)
{
	record->card = *card;
	log_safe(card->name, record->card.name, sizeof(record->card.name));
	memset(record->usb_path, 0, sizeof(record->usb_path));
	memset(record->usb_id, 0, sizeof(record->usb_id));
	memset(record->usb_serial, 0, sizeof(record->usb_serial));
	record->card.usb = find_address(card->name, address_ms);
	read_usb_device(record);
}

int card_find(const struct pam_request *request, const struct find_times *times,
	      struct login_record *ret_record, struct find_text *ret_text)
{
	_cleanup_(context_release_p) SCARDCONTEXT context = 0;
	_cleanup_(readers_clear) struct readers readers = {0};
	struct cards cards;
	const struct reader_state *card;
	LONG error;
	int r;

	error = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
	/* libpcsclite since 2.1 loads its other half here, and tries that once a process (its libredirect.c). */
	if (error == SCARD_F_INTERNAL_ERROR)
		return tell_pcsc(ret_text, "cannot reach pcscd", error), -ELIBACC;
	if (error != SCARD_S_SUCCESS)
		return tell_pcsc(ret_text, "cannot reach pcscd", error);
	error = readers_list(context, &readers);
	if (error != SCARD_S_SUCCESS)
		return tell_pcsc(ret_text, "cannot list the readers", error);
	error = readers_look(context, &readers);
	if (error != SCARD_S_SUCCESS)
		return tell_pcsc(ret_text, "cannot read the readers' state", error);
	keep_cards(&readers, request->reader_glob, &cards);
	r = cards_choose(context, request, times->tokens_ms, &cards, ret_text, &card);
	if (r > 0)
		fill_record(ret_record, card, times->address_ms);
	return r;
}
