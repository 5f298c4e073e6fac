/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/pcsc_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cleanup.h"

static void test_slot(void **state _unused_)
{
	static const struct {
		const char *name;
		uint8_t slot;
	} cases[] = {
		{"Virtual PCD 00 00", 0},
		{"Virtual PCD 00 01", 1},
		{"Gemalto USB SmartCard Reader 0A 02", 2},
		{"Reader [CCID Interface] (0123) 01 1f", 0x1f},
		{"Reader 00 FF", 0xff},
		/* Not pcscd's ending: no slot, whatever the letters. */
		{"", 0},
		{"01", 0},
		{"00 01", 0},
		{"Reader FACE", 0},
		{"Reader CE", 0},
		{"Reader 0001", 0},
		{"Reader 00 1", 0},
		{"Reader 00 0G", 0},
		{"Reader 00 01 ", 0},
		{"Reader\xff 00 \xff\xff", 0},
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++)
		assert_int_equal(pcsc_reader_slot(cases[i].name), cases[i].slot);
}

static void test_state(void **state _unused_)
{
	static const struct {
		DWORD event_state;
		enum card_state card;
		uint16_t counter;
	} cases[] = {
		{SCARD_STATE_EMPTY, CARD_EMPTY, 0},
		{SCARD_STATE_EMPTY | SCARD_STATE_CHANGED | 0x20000, CARD_EMPTY, 2},
		{SCARD_STATE_PRESENT | 0xffff0000, CARD_PRESENT, 0xffff},
		{SCARD_STATE_PRESENT | SCARD_STATE_MUTE | 0x10000, CARD_PRESENT, 1},
		{SCARD_STATE_PRESENT | SCARD_STATE_INUSE | SCARD_STATE_EXCLUSIVE, CARD_PRESENT, 0},
		/* A reader that pcscd lists but has not looked into. */
		{0, CARD_UNAVAILABLE, 0},
		{SCARD_STATE_CHANGED, CARD_UNAVAILABLE, 0},
		/* Communication error; a reader that is gone. */
		{SCARD_STATE_UNAVAILABLE | SCARD_STATE_CHANGED, CARD_UNAVAILABLE, 0},
		{SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE | SCARD_STATE_CHANGED, CARD_UNAVAILABLE, 0},
		/* What no pcscd says proves nothing. */
		{SCARD_STATE_EMPTY | SCARD_STATE_PRESENT, CARD_UNAVAILABLE, 0},
		{SCARD_STATE_EMPTY | SCARD_STATE_UNAVAILABLE, CARD_UNAVAILABLE, 0},
		{SCARD_STATE_PRESENT | SCARD_STATE_UNKNOWN, CARD_UNAVAILABLE, 0},
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		SCARD_READERSTATE said = {.dwEventState = cases[i].event_state};
		struct reader_state reader = {.name = "kept", .slot = 7, .usb = {1, 2}};

		pcsc_reader_read(&said, &reader);
		assert_int_equal(reader.card, cases[i].card);
		assert_int_equal(reader.event_counter, cases[i].counter);
		assert_string_equal(reader.name, "kept");
		assert_int_equal(reader.slot, 7);
		assert_true(usb_address_equal(reader.usb, (struct usb_address){1, 2}));
	}
}

static void test_atr(void **state _unused_)
{
	static const struct {
		DWORD event_state, said;
		uint8_t size;
	} cases[] = {
		{SCARD_STATE_PRESENT, 5, 5},
		{SCARD_STATE_PRESENT, ATR_SIZE, ATR_SIZE},
		{SCARD_STATE_PRESENT, ATR_SIZE + 1, ATR_SIZE},
		{SCARD_STATE_PRESENT, (DWORD)-1, ATR_SIZE},
		{SCARD_STATE_PRESENT | SCARD_STATE_MUTE, 0, 0},
		{SCARD_STATE_EMPTY, 5, 0},
		{SCARD_STATE_UNAVAILABLE, 5, 0},
	};
	struct reader_state reader;

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		SCARD_READERSTATE said = {.dwEventState = cases[i].event_state, .cbAtr = cases[i].said};
		struct atr expected = {.size = cases[i].size};

		memset(said.rgbAtr, 0x3b, sizeof(said.rgbAtr));
		memset(expected.bytes, 0x3b, expected.size);
		memset(&reader, 0xaa, sizeof(reader));
		pcsc_reader_read(&said, &reader);
		/* The unused bytes are zero, so that two ATRs may be compared as a whole. */
		assert_memory_equal(&reader.atr, &expected, sizeof(expected));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_atr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
