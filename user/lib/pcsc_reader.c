/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/pcsc_reader.h"

#include <ctype.h>
#include <reader.h>
#include <string.h>

#include "lib/cleanup.h"

#define CHANNEL_TYPE_USB 0x0020U /* PC/SC part 3, table of SCARD_ATTR_CHANNEL_ID */

/* Drivers write 4 bytes; the library's own DWORD has 8 on 64-bit machines. Accept both. */
static uint32_t channel_id_decode(const uint8_t *bytes, DWORD size)
{
	uint32_t narrow;
	uint64_t wide;

	if (size == sizeof(narrow)) {
		memcpy(&narrow, bytes, sizeof(narrow));
		return narrow;
	}
	if (size == sizeof(wide)) {
		memcpy(&wide, bytes, sizeof(wide));
		return (uint32_t)wide;
	}
	return 0;
}

LONG pcsc_reader_usb(SCARDCONTEXT context, const char *name, struct usb_address *ret_usb)
{
	uint8_t bytes[sizeof(uint64_t)] = {0};
	DWORD size = sizeof(bytes), protocol;
	SCARDHANDLE card;
	uint32_t channel;
	LONG r = SCardConnect(context, name, SCARD_SHARE_DIRECT, 0, &card, &protocol);

	if (r != SCARD_S_SUCCESS)
		return r;
	r = SCardGetAttrib(card, SCARD_ATTR_CHANNEL_ID, bytes, &size);
	SCardDisconnect(card, SCARD_LEAVE_CARD);
	if (r != SCARD_S_SUCCESS)
		return r;
	channel = channel_id_decode(bytes, size);
	/* A driver's own word: no USB device has an address above 127 (USB 2.0, 9.4.6). */
	if (channel >> 16 != CHANNEL_TYPE_USB || (channel & 0xff) > 127)
		return SCARD_E_UNSUPPORTED_FEATURE;
	*ret_usb = (struct usb_address){.bus = (channel >> 8) & 0xff, .device = channel & 0xff};
	return SCARD_S_SUCCESS;
}

static unsigned int hex_value(char digit)
{
	return isdigit((unsigned char)digit) ? (unsigned int)(digit - '0')
					     : (unsigned int)(toupper((unsigned char)digit) - 'A') + 10;
}

uint8_t pcsc_reader_slot(const char *name)
{
	/* Require all of pcscd's " %02X %02X": the bare name of a reader may end in letters A to F. */
	static const char ending[] = " xx xx";
	size_t length = strlen(name), size = sizeof(ending) - 1;
	const char *tail;

	if (length < size)
		return 0;
	tail = name + length - size;
	for (size_t i = 0; i < size; i++)
		if (ending[i] == ' ' ? tail[i] != ' ' : !isxdigit((unsigned char)tail[i]))
			return 0;
	return (uint8_t)(hex_value(tail[4]) << 4 | hex_value(tail[5]));
}

static enum card_state card_state_decode(DWORD state)
{
	bool empty = state & SCARD_STATE_EMPTY, present = state & SCARD_STATE_PRESENT;

	/* A reader shows neither state if it was listed before pcscd first looked into it. */
	if (state & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE) || empty == present)
		return CARD_UNAVAILABLE;
	return present ? CARD_PRESENT : CARD_EMPTY;
}

void pcsc_reader_read(const SCARD_READERSTATE *state, struct reader_state *reader)
{
	DWORD size = state->cbAtr < ATR_SIZE ? state->cbAtr : ATR_SIZE;

	reader->card = card_state_decode(state->dwEventState);
	reader->event_counter = (uint16_t)(state->dwEventState >> 16);
	reader->atr = (struct atr){0};
	if (reader->card != CARD_PRESENT)
		return;
	reader->atr.size = (uint8_t)size;
	memcpy(reader->atr.bytes, state->rgbAtr, size);
}
