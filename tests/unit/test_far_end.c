/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a far end may send, in both dialects, and what the watcher makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "lib/macro.h"
#include "remote/far_end.h"

#define REFUSED 0x8010001EU
#define FAILED	0xC0000001U

static struct far_end far;
static uint64_t now;

/* ---- the far end's part ------------------------------------------------------------------------------------ */

/* As recv() does: never more than is wanted at a time. */
static void give(const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	while (size > 0 && !far.over) {
		size_t room = far.in_wanted - far.in_used, part = size < room ? size : room;

		assert_true(room > 0);
		memcpy(far.in + far.in_used, at, part);
		far_end_take(&far, part, now);
		at += part;
		size -= part;
	}
}

static void pass(uint64_t nsec)
{
	now += nsec;
	far_end_time(&far, now);
}

/* What was sent, as words, from the start. */
static uint32_t sent(size_t word)
{
	uint32_t value;

	assert_true(far.out_used >= 4 * (word + 1));
	memcpy(&value, far.out + 4 * word, sizeof(value));
	return value;
}

static void read_sent(void)
{
	far.out_used = 0;
}

static void start(enum remote_dialect dialect)
{
	now = 1000 * NSEC_PER_SEC;
	far_end_start(&far, dialect, now);
}

/* ---- pcsc-lite --------------------------------------------------------------------------------------------- */

static uint8_t states[16 * 184];

static void set_state(size_t at, const char *name, uint32_t counter, uint32_t state, uint32_t atr_size)
{
	uint8_t *entry = states + 184 * at;

	memset(entry, 0, 184);
	snprintf((char *)entry, 128, "%s", name);
	memcpy(entry + 128, &counter, 4);
	memcpy(entry + 132, &state, 4);
	memset(entry + 140, 0x3B, 33);
	memcpy(entry + 176, &atr_size, 4);
}

static void give_version(int32_t minor, uint32_t rv)
{
	const uint32_t version[] = {4, (uint32_t)minor, rv};

	give(version, sizeof(version));
}

static void give_event(void)
{
	const uint32_t event[] = {0, 0};

	give(event, sizeof(event));
}

/* Up to the quiet, with one reader and its card. */
static void start_pcscd(int32_t minor)
{
	start(DIALECT_PCSCLITE);
	read_sent();
	give_version(minor, 0);
	memset(states, 0, sizeof(states));
	set_state(0, "Reader 00 00", 7, 0x34, 4);
	read_sent();
	give(states, sizeof(states));
	give_version(minor, 0);
	assert_true(far.listed);
}

static void hello_of_each_version(void **state _unused_)
{
	for (int32_t minor = 4; minor <= 6; minor++) {
		start_pcscd(minor);
		assert_int_equal(far.life, 1);
		assert_int_equal(far.count, 1);
		assert_string_equal(far.readers[0].name, "Reader 00 00");
		assert_int_equal(far.readers[0].card, CARD_PRESENT);
		assert_int_equal(far.readers[0].event_counter, 7);
		assert_int_equal(far.readers[0].atr.size, 4);
	}
}

static void hello_refused_is_said_again_with_its_own(void **state _unused_)
{
	start(DIALECT_PCSCLITE);
	assert_int_equal(sent(1), 0x11);
	assert_int_equal(sent(3), 4);
	read_sent();
	give_version(5, REFUSED);
	assert_int_equal(sent(3), 5);
	read_sent();
	give_version(5, 0);
	assert_int_equal(sent(1), 0x13);
	assert_int_equal(sent(5), 5); /* the barrier says what the hello said */
	assert_int_equal(far.over, 0);
}

static void hello_never_says_what_gives_no_states(void **state _unused_)
{
	start(DIALECT_PCSCLITE);
	read_sent();
	give_version(6, 0);
	assert_int_equal(sent(1), 0x13);
	assert_int_equal(sent(5), 4);
}

static void version_too_old_or_too_new(void **state _unused_)
{
	static const struct {
		int32_t minor;
		uint32_t rv;
	} versions[] = {{3, REFUSED}, {7, REFUSED}, {3, 0}};

	for (size_t i = 0; i < ELEMENTS(versions); i++) {
		start(DIALECT_PCSCLITE);
		give_version(versions[i].minor, versions[i].rv);
		assert_int_equal(far.over, WHY_VERSION);
	}
	start(DIALECT_PCSCLITE);
	give_version(5, REFUSED);
	give_version(5, REFUSED);
	assert_int_equal(far.over, WHY_VERSION);
	start(DIALECT_PCSCLITE);
	give_version(4, 1);
	assert_int_equal(far.over, WHY_FAULT);
}

static void removal_is_heard(void **state _unused_)
{
	start_pcscd(5);
	read_sent();
	give_event();
	assert_int_equal(sent(1), 0x13);
	set_state(0, "Reader 00 00", 8, 0x02, 0);
	give(states, sizeof(states));
	assert_int_equal(far.readers[0].card, CARD_PRESENT); /* not before the barrier */
	give_version(5, 0);
	assert_int_equal(far.readers[0].card, CARD_EMPTY);
	assert_int_equal(far.readers[0].event_counter, 8);
}

/* pcscd 2.5 sends the states outside of its lock: an event may lie at any place between them. */
static void event_between_states_is_no_reader_gone(void **state _unused_)
{
	static const uint8_t event[8];

	for (size_t at = 0; at <= 16; at++) {
		start_pcscd(6);
		give_event();
		read_sent();
		give(states, 184 * at);
		give(event, sizeof(event));
		give(states + 184 * at, sizeof(states) - 184 * at);
		give_version(6, 0);
		assert_int_equal(far.over, 0);
		assert_int_equal(far.count, 1);
		assert_int_equal(sent(1), 0x13); /* asks again */
		give(states, sizeof(states));
		give_version(6, 0);
		assert_int_equal(far.readers[0].card, CARD_PRESENT);
	}
}

static void answers_in_disorder_end_it(void **state _unused_)
{
	start_pcscd(4);
	give_event();
	memset(states, 7, sizeof(states));
	give(states, sizeof(states));
	give(states, 20);
	assert_int_equal(far.over, WHY_FAULT);
}

static void bad_states_end_it(void **state _unused_)
{
	start_pcscd(4);
	give_event();
	set_state(3, "", 0, 0, 0);
	memset(states + 184 * 3, 'x', 128);
	give(states, sizeof(states));
	give_version(4, 0);
	assert_int_equal(far.over, WHY_FAULT);
	start_pcscd(4);
	give_event();
	set_state(3, "Reader 01 00", 0, 4, 35);
	give(states, sizeof(states));
	give_version(4, 0);
	assert_int_equal(far.over, WHY_FAULT);
}

static void reader_not_initialised_says_nothing(void **state _unused_)
{
	start_pcscd(4);
	give_event();
	set_state(0, "Reader 00 00", 7, 4, 34);
	give(states, sizeof(states));
	give_version(4, 0);
	assert_int_equal(far.readers[0].card, CARD_UNAVAILABLE);
}

static void name_with_control_bytes_and_a_second_of_the_same(void **state _unused_)
{
	start_pcscd(4);
	give_event();
	set_state(0, "Rea\nder\x1b 00 0A", 7, 0x34, 4);
	set_state(1, "Rea\nder\x1b 00 0A", 9, 0x02, 0);
	give(states, sizeof(states));
	give_version(4, 0);
	assert_int_equal(far.count, 1);
	assert_string_equal(far.readers[0].name, "Rea?der? 00 0A");
	assert_int_equal(far.readers[0].slot, 10);
}

static void heartbeat_missed_and_heard_again(void **state _unused_)
{
	start_pcscd(5);
	read_sent();
	pass(30 * NSEC_PER_SEC);
	assert_int_equal(sent(1), 0x11);
	assert_false(far.silent);
	pass(3 * NSEC_PER_SEC);
	assert_true(far.silent);
	assert_int_equal(far.deadline, 0);
	give_version(5, 0);
	assert_false(far.silent);
	assert_int_equal(far.life, 1);
	assert_true(far.deadline > now);
}

static void event_overtakes_the_heartbeat(void **state _unused_)
{
	start_pcscd(5);
	pass(30 * NSEC_PER_SEC);
	give_event();
	read_sent();
	give_version(5, 0);
	assert_int_equal(sent(1), 0x13);
	give(states, sizeof(states));
	give_version(5, 0);
	assert_int_equal(far.over, 0);
}

static void what_was_not_asked_for_ends_it(void **state _unused_)
{
	static const uint32_t garbage[] = {0x12345678, 0};

	start_pcscd(5);
	give_version(5, 0);
	assert_int_equal(far.over, WHY_FAULT);
	start_pcscd(5);
	give(garbage, sizeof(garbage));
	assert_int_equal(far.over, WHY_FAULT);
}

static void hang_at_the_hello_ends_it(void **state _unused_)
{
	start(DIALECT_PCSCLITE);
	pass(3 * NSEC_PER_SEC);
	assert_int_equal(far.over, WHY_FAULT);
}

static void hang_within_the_states_is_silence(void **state _unused_)
{
	start_pcscd(5);
	give_event();
	give(states, 500);
	pass(3 * NSEC_PER_SEC);
	assert_true(far.silent);
	give(states + 500, sizeof(states) - 500);
	give_version(5, 0);
	assert_false(far.silent);
}

static void flood_is_asked_less_often(void **state _unused_)
{
	unsigned asked = 0;

	start_pcscd(5);
	for (unsigned i = 0; i < 10000; i++) {
		now += NSEC_PER_MSEC;
		if (!far.in_wanted)
			far_end_time(&far, now);
		if (!far.in_wanted)
			continue;
		if (far.in_wanted == 8)
			give_event();
		else {
			asked++;
			give(states, sizeof(states));
			give_version(5, 0);
		}
		read_sent();
	}
	assert_in_range(asked, 150, 250);
}

/* ---- chansrv ----------------------------------------------------------------------------------------------- */

static void give_words(const uint32_t *words, size_t count)
{
	read_sent();
	for (size_t i = 0; i < count; i++) {
		uint32_t word = htole32(words[i]);

		give(&word, sizeof(word));
	}
}
#define GIVE(...)                                                                                            \
	give_words((const uint32_t[]){__VA_ARGS__},                                                          \
		   sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void give_list(unsigned count, const char *first, const char *second, uint32_t io)
{
	char names[2][100] = {"", ""};

	snprintf(names[0], sizeof(names[0]), "%s", first);
	snprintf(names[1], sizeof(names[1]), "%s", second);
	GIVE(12 + 100 * count, 3, 4096, count);
	give(names, 100 * (size_t)count);
	GIVE(io);
}

static void give_status(uint32_t event, uint32_t io)
{
	uint8_t atr[36] = {0x3B, 1, 2};

	GIVE(8 + 48, 0x0C, 1, 0, event, event & 0x20 ? 3 : 0);
	give(atr, sizeof(atr));
	GIVE(io);
}

static void give_nothing(uint32_t io)
{
	GIVE(8, 0x0C, 0, io);
}

/* Refused in each form. */
static void refuse_list(void)
{
	for (unsigned form = 0; form < 3; form++) {
		assert_int_equal(sent(1), 3);
		give_list(0, "", "", FAILED);
	}
}

static void refuse_status(void)
{
	for (unsigned form = 0; form < 3; form++) {
		assert_int_equal(sent(1), 0x0C);
		give_nothing(FAILED);
	}
}

/* Up to the wait, with one reader and its card at count 3. */
static void start_chansrv(void)
{
	start(DIALECT_XRDP);
	assert_int_equal(sent(1), 1);
	read_sent();
	GIVE(8, 1, 0x55, 0);
	assert_int_equal(sent(1), 3);
	assert_int_equal(sent(2), 0x55);
	assert_true(sent(4) > 0); /* room, or no name comes */
	read_sent();
	give_list(1, "Reader 00 00", "", 0);
	assert_int_equal(sent(1), 0x0C);
	assert_int_equal(sent(4), 1); /* one reader a call */
	read_sent();
	give_status(0x00030022, 0);
	assert_true(far.listed);
	assert_int_equal(far.count, 1);
}

static void xrdp_removal_is_heard(void **state _unused_)
{
	start_chansrv();
	assert_int_equal(far.readers[0].card, CARD_PRESENT);
	assert_int_equal(far.readers[0].event_counter, 3);
	assert_int_equal(far.readers[0].atr.size, 3);
	assert_int_equal(sent(5 + 25), 0x00030020); /* what is known is given back, without "changed" */
	read_sent();
	give_status(0x00040012, 0);
	assert_int_equal(far.readers[0].card, CARD_EMPTY);
	assert_int_equal(far.readers[0].event_counter, 4);
	assert_int_equal(sent(1), 0x0C);
}

static void xrdp_quiet_asks_for_the_list_again(void **state _unused_)
{
	start_chansrv();
	now += 10010 * NSEC_PER_MSEC;
	read_sent();
	give_nothing(0);
	assert_int_equal(sent(1), 3);
	give_list(1, "Reader 00 00", "", 0);
	give_status(0x00030022, 0);
	assert_int_equal(far.life, 1);
	assert_int_equal(far.count, 1);
}

static void xrdp_two_readers_take_turns(void **state _unused_)
{
	start(DIALECT_XRDP);
	GIVE(8, 1, 0x55, 0);
	give_list(2, "Reader 00 00", "Reader 01 00", 0);
	give_status(0x00030022, 0);
	assert_false(far.listed);
	give_status(0x00010012, 0);
	assert_true(far.listed);
	assert_int_equal(far.count, 2);
	read_sent();
	now += 510 * NSEC_PER_MSEC;
	give_nothing(0);
	assert_int_equal(sent(1), 0x0C);
	assert_string_equal((const char *)far.out + 20, "Reader 01 00");
	give_status(0x00020022, 0);
	assert_int_equal(far.readers[1].card, CARD_PRESENT);
}

/* Without a reader at the client, chansrv names what lay in its memory. */
static void xrdp_garbage_name_is_no_reader(void **state _unused_)
{
	start(DIALECT_XRDP);
	GIVE(8, 1, 0x55, 0);
	give_list(1, "\x7f\x13", "", 0);
	refuse_status();
	assert_true(far.listed);
	assert_int_equal(far.count, 0);
	assert_int_equal(far.over, 0);
}

/* "No reader, and no error" before the time is over: the client's service has ended. */
static void xrdp_service_ends_and_comes_back(void **state _unused_)
{
	start_chansrv();
	now += 100 * NSEC_PER_MSEC;
	read_sent();
	give_nothing(0);
	assert_int_equal(sent(1), 2); /* each context is released */
	assert_int_equal(sent(2), 0x55);
	assert_int_equal(far.count, 1); /* what is known stays until it is known better */
	GIVE(4, 2, 0);
	read_sent();
	pass(2 * NSEC_PER_SEC);
	assert_int_equal(sent(1), 1);
	GIVE(8, 1, 0x56, 0);
	give_list(1, "Reader 00 00", "", 0);
	give_status(0x00000022, 0);
	assert_int_equal(far.life, 2);
	assert_false(far.silent);
}

static void xrdp_service_stays_away(void **state _unused_)
{
	start_chansrv();
	give_nothing(0);
	GIVE(4, 2, 0);
	for (unsigned i = 0; i < 3; i++) {
		read_sent();
		pass(10 * NSEC_PER_SEC);
		assert_int_equal(sent(1), 1);
		GIVE(8, 1, 0x60 + i, 0);
		refuse_list();
		assert_int_equal(sent(1), 2);
		GIVE(4, 2, 0);
	}
	assert_true(far.silent);
	assert_int_equal(far.count, 1);
}

static void xrdp_reader_is_unplugged(void **state _unused_)
{
	start_chansrv();
	give_status(0x00040006, 0); /* unknown */
	GIVE(4, 2, 0);
	pass(2 * NSEC_PER_SEC);
	GIVE(8, 1, 0x56, 0);
	give_list(1, "\x01\x02", "", 0);
	refuse_status();
	assert_int_equal(far.count, 0);
	assert_false(far.silent);
}

/* The client leaves: nothing is said, ever. The same connection serves when it is back. */
static void xrdp_client_leaves_and_comes_back(void **state _unused_)
{
	start_chansrv();
	read_sent();
	pass(13 * NSEC_PER_SEC);
	assert_true(far.silent);
	assert_int_equal(sent(1), 1);
	for (unsigned i = 0; i < 50; i++) {
		read_sent();
		pass(3 * NSEC_PER_SEC);
		assert_int_equal(sent(1), 1);
	}
	read_sent();
	GIVE(8, 1, 0x77, 0);
	assert_int_equal(sent(1), 3);
	give_list(1, "Reader 00 00", "", 0);
	give_status(0x00010012, 0);
	assert_false(far.silent);
	assert_int_equal(far.life, 2);
	assert_int_equal(far.readers[0].card, CARD_EMPTY);
}

/* It was only stopped: what it then says of the card counts within the same life, and no context is lost. */
static void xrdp_client_was_stopped(void **state _unused_)
{
	start_chansrv();
	pass(13 * NSEC_PER_SEC);
	assert_true(far.silent);
	give_status(0x00040012, 0);
	assert_false(far.silent);
	assert_int_equal(far.life, 1);
	assert_int_equal(far.readers[0].card, CARD_EMPTY);
	read_sent();
	GIVE(8, 1, 0x77, 0);
	assert_int_equal(sent(1), 2);
	assert_int_equal(sent(2), 0x55);
	read_sent();
	GIVE(4, 2, 0);
	assert_int_equal(sent(1), 3);
	assert_int_equal(sent(2), 0x77);
}

static void xrdp_establish_never_answers(void **state _unused_)
{
	start(DIALECT_XRDP);
	for (unsigned i = 0; i < 100; i++) {
		read_sent();
		pass(3 * NSEC_PER_SEC);
		assert_int_equal(sent(1), 1);
	}
	assert_int_equal(far.life, 0);
	assert_int_equal(far.over, 0);
}

static void xrdp_lengths_are_checked(void **state _unused_)
{
	static const struct {
		uint32_t words[4];
	} answers[] = {
		{{0xffffffff, 1, 0, 0}},
		{{9, 1, 0, 0}},
		{{8, 0x0d, 0, 0}},
		{{4, 1, 0, 0}},
	};

	for (size_t i = 0; i < ELEMENTS(answers); i++) {
		start(DIALECT_XRDP);
		give_words(answers[i].words, 4);
		assert_int_equal(far.over, WHY_FAULT);
	}
	start(DIALECT_XRDP);
	GIVE(8, 1, 0x55, 0);
	GIVE(12, 3, 4096, 1000000, 0);
	assert_int_equal(far.over, WHY_FAULT);
	start_chansrv();
	GIVE(8 + 48, 0x0C, 2);
	give(states, 44);
	GIVE(0, 0);
	assert_int_equal(far.over, WHY_FAULT);
}

/*
 * A client that takes only what ends at a multiple of 8 bytes, whose context has `context` bytes. 0: the request is refused, else
 * how many entries or names it has. This is how xrdp writes both (MS-RDPESC 2.2.2.4, 2.2.2.12).
 */
static unsigned taken(unsigned context)
{
	size_t size = 16 + 4 + context;
	unsigned count = 1;

	if (sent(1) == 3) {
		size += 24;
		if (sent(3))
			size += 4 + 2 * ((size_t)sent(3) + 2);
		assert_int_equal(sent(0), 12 + sent(3));
		assert_int_equal(far.out[16 + sent(3)] | far.out[17 + sent(3)] << 8, 4096);
	} else {
		assert_int_equal(sent(1), 0x0C);
		count = sent(4);
		assert_int_equal(sent(0), 12 + 148 * count);
		size += 24 + (size_t)count * 52;
		for (unsigned i = 0; i < count; i++) {
			const char *name = (const char *)far.out + 20 + (size_t)i * 148;

			size = (size + 3) / 4 * 4 + 12 + 2 * (strlen(name) + 2);
			if (i > 0) {
				assert_string_equal(name, "\\\\?PnP?\\Notification");
				assert_int_equal(name[100], 1); /* it is to be ignored */
			}
		}
	}
	return size % 8 == 0 ? count : 0;
}

/* Gives the answers of such a client up to the wait; how often it refused. */
static unsigned asked_in_vain(unsigned context, const char *name)
{
	unsigned refused = 0, count;

	start(DIALECT_XRDP);
	read_sent();
	GIVE(8, 1, 0x55, 0);
	for (; !taken(context); refused++)
		give_list(0, "", "", FAILED);
	give_list(1, name, "", 0);
	for (; (count = taken(context)) == 0; refused++)
		give_nothing(FAILED);
	GIVE(8 + 48 * count, 0x0C, count, 0, 0x00030022, 0);
	give(states, 36 + (size_t)48 * (count - 1));
	GIVE(0);
	assert_true(far.listed);
	assert_int_equal(far.count, 1);
	assert_int_equal(far.readers[0].card, CARD_PRESENT);
	assert_int_not_equal(taken(context), 0); /* the wait */
	return refused;
}

static void xrdp_client_takes_whole_eights(void **state _unused_)
{
	static const char *const names[] = {"R 00 00", "Re 00 00", "Rea 00 00", "Read 00 00", "Reade 00 00"};

	for (size_t i = 0; i < ELEMENTS(names); i++) {
		assert_int_equal(asked_in_vain(8, names[i]), 1);
		assert_in_range(asked_in_vain(4, names[i]), 0, 2);
	}
	/* Its removal is heard, and what is to be ignored is. */
	asked_in_vain(8, "Virtual PCD 00 00");
	assert_int_equal(sent(4), 2);
	GIVE(8 + 48 * 2, 0x0C, 2, 0x00030020, 0x00040012, 0);
	give(states, 36 + 48);
	GIVE(0);
	assert_int_equal(far.readers[0].card, CARD_EMPTY);
	/* It stays with the form that was taken, until it names nothing: others may not know the group. */
	now += 10010 * NSEC_PER_MSEC;
	read_sent();
	give_nothing(0);
	assert_int_not_equal(taken(8), 0);
	give_list(0, "", "", 0);
	assert_int_equal(far.count, 0);
	read_sent();
	pass(3 * NSEC_PER_SEC);
	assert_int_equal(sent(1), 3);
	assert_int_equal(sent(3), 0);
}

static void xrdp_flood_ends_it(void **state _unused_)
{
	start(DIALECT_XRDP);
	for (unsigned i = 0; i < 30 && !far.over; i++)
		give_nothing(0);
	assert_int_equal(far.over, WHY_FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_of_each_version),
		cmocka_unit_test(hello_refused_is_said_again_with_its_own),
		cmocka_unit_test(hello_never_says_what_gives_no_states),
		cmocka_unit_test(version_too_old_or_too_new),
		cmocka_unit_test(removal_is_heard),
		cmocka_unit_test(event_between_states_is_no_reader_gone),
		cmocka_unit_test(answers_in_disorder_end_it),
		cmocka_unit_test(bad_states_end_it),
		cmocka_unit_test(reader_not_initialised_says_nothing),
		cmocka_unit_test(name_with_control_bytes_and_a_second_of_the_same),
		cmocka_unit_test(heartbeat_missed_and_heard_again),
		cmocka_unit_test(event_overtakes_the_heartbeat),
		cmocka_unit_test(what_was_not_asked_for_ends_it),
		cmocka_unit_test(hang_at_the_hello_ends_it),
		cmocka_unit_test(hang_within_the_states_is_silence),
		cmocka_unit_test(flood_is_asked_less_often),
		cmocka_unit_test(xrdp_removal_is_heard),
		cmocka_unit_test(xrdp_quiet_asks_for_the_list_again),
		cmocka_unit_test(xrdp_two_readers_take_turns),
		cmocka_unit_test(xrdp_garbage_name_is_no_reader),
		cmocka_unit_test(xrdp_service_ends_and_comes_back),
		cmocka_unit_test(xrdp_service_stays_away),
		cmocka_unit_test(xrdp_reader_is_unplugged),
		cmocka_unit_test(xrdp_client_leaves_and_comes_back),
		cmocka_unit_test(xrdp_client_was_stopped),
		cmocka_unit_test(xrdp_establish_never_answers),
		cmocka_unit_test(xrdp_lengths_are_checked),
		cmocka_unit_test(xrdp_client_takes_whole_eights),
		cmocka_unit_test(xrdp_flood_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
