/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The types that every part of scpolicyd uses for a card in a reader. They are plain data: nothing here owns
 * memory, everything may be copied.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* PC/SC allows 127 bytes and a NUL (MAX_READERNAME, pcsclite.h). */
#define READER_NAME_SIZE 128
/* An ATR has at most 33 bytes (ISO 7816-3; MAX_ATR_SIZE, pcsclite.h). */
#define ATR_SIZE 33
/* sun_path (unix(7)). */
#define SOCKET_PATH_SIZE 108
/* A port path such as "1-4.1.2": a bus, then at most 7 tiers (USB 2.0, 4.1.1). */
#define USB_PATH_SIZE 32
/* A USB string descriptor has at most 126 UTF-16 units: 378 bytes of UTF-8 and a NUL. */
#define USB_STRING_SIZE 379
/* pcscd names at most 16 readers to a client (PCSCLITE_MAX_READERS_CONTEXTS, pcsclite.h). */
#define REMOTE_READERS_MAX 16
/* A PKCS#11 token label is 32 bytes, blank padded (CK_TOKEN_INFO). */
#define TOKEN_LABEL_SIZE 33

/* Bus and device number, as in /dev/bus/usb; {0, 0} stands for "no USB device known". */
struct usb_address {
	uint16_t bus;
	uint16_t device;
};

static inline bool usb_address_is_set(struct usb_address address)
{
	return address.bus != 0 && address.device != 0;
}

static inline bool usb_address_equal(struct usb_address a, struct usb_address b)
{
	return a.bus == b.bus && a.device == b.device;
}

/*
 * What PC/SC reports about a slot. UNAVAILABLE covers every state in which PC/SC does not know
 * (SCARD_STATE_UNKNOWN, SCARD_STATE_UNAVAILABLE): a communication error or a reader on its way out. It never
 * proves a removal.
 */
enum card_state {
	CARD_UNAVAILABLE,
	CARD_EMPTY,
	CARD_PRESENT,
};

struct atr {
	uint8_t size; /* bytes used; 0: no ATR known (a mute card) */
	uint8_t bytes[ATR_SIZE];
};

static inline bool atr_equal(const struct atr *a, const struct atr *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/*
 * One look at one PC/SC reader. A reader of several slots is several PC/SC readers on one USB device; the
 * slot is the last two digits of the name pcscd makes ("… 00 01", readerfactory.c).
 */
struct reader_state {
	char name[READER_NAME_SIZE];
	uint8_t slot;
	struct usb_address usb; /* from SCARD_ATTR_CHANNEL_ID; unset for readers that are not on USB */
	enum card_state card;
	/*
	 * pcscd's count of insertions and removals at this reader since the reader was plugged in: the high
	 * word of dwEventState, modulo 65536. It restarts at 0 with pcscd and, after 1.9.9, with the reader.
	 */
	uint16_t event_counter;
	struct atr atr;
};

/* The last slot that the core and a recording count: a notice has two bits for each of 32 (CCID 1.1, 6.3.1). */
#define READER_SLOT_MAX 31

/* What another process says of a reader: within its bounds, with a name that ends. */
static inline bool reader_state_valid(const struct reader_state *state)
{
	return memchr(state->name, '\0', sizeof(state->name)) && state->name[0] &&
	       state->card <= CARD_PRESENT && state->atr.size <= ATR_SIZE && state->slot <= READER_SLOT_MAX;
}

/* Of the same reader: PC/SC says the same of its card. */
static inline bool reader_state_equal(const struct reader_state *a, const struct reader_state *b)
{
	return a->card == b->card && a->event_counter == b->event_counter && atr_equal(&a->atr, &b->atr);
}
