/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's side of the worker protocol, against workers of every bad kind: this program, run again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/loop.h"
#include "lib/worker_message.h"
#include "policy/trace.h"
#include "sources/pcsc.h"

#define KIND "PCSCLITE_CSOCK_NAME" /* what the source hands on */

/* ---- the worker ----------------------------------------------------------------------------------------- */

/* "future" and "past" lie about when they noticed what they report. */
static uint64_t claimed_stamp(void)
{
	const char *kind = getenv(KIND);

	if (strcmp(kind, "future") == 0)
		return UINT64_MAX;
	return strcmp(kind, "past") == 0 ? 0 : monotonic_now();
}

static struct worker_message message_make(enum worker_message_type type, const char *name)
{
	struct worker_message message = {.magic = WORKER_MAGIC, .type = type, .stamp = claimed_stamp()};

	strncpy(message.reader.name, name, sizeof(message.reader.name) - 1);
	message.reader.card = CARD_PRESENT;
	return message;
}

static void say(struct worker_message message)
{
	send(WORKER_FD, &message, sizeof(message), 0);
}

static void say_three_times(struct worker_message message)
{
	for (int i = 0; i < 3; i++)
		say(message);
}

static void say_bad(const char *kind)
{
	struct worker_message message = message_make(WORKER_READER, "R");

	if (strcmp(kind, "size") == 0) {
		for (int i = 0; i < 3; i++)
			send(WORKER_FD, &message, sizeof(message) - 1, 0);
		return;
	}
	if (strcmp(kind, "magic") == 0)
		message.magic++;
	else if (strcmp(kind, "type") == 0)
		message.type = 99;
	else if (strcmp(kind, "gone") == 0)
		message = message_make(WORKER_READER_GONE, "never told");
	else if (strcmp(kind, "name") == 0)
		memset(message.reader.name, 'x', sizeof(message.reader.name));
	else if (strcmp(kind, "card") == 0)
		message.reader.card = 7;
	else if (strcmp(kind, "atr") == 0)
		message.reader.atr.size = ATR_SIZE + 1;
	else if (strcmp(kind, "slot") == 0)
		message.reader.slot = 32;
	else if (strcmp(kind, "usb") == 0)
		message.reader.usb = (struct usb_address){1, 128};
	say_three_times(message);
}

static bool is_bad(const char *kind)
{
	static const char *const borne[] = {"good", "early", "future", "past"};

	for (size_t i = 0; i < ELEMENTS(borne); i++) {
		if (strcmp(kind, borne[i]) == 0)
			return false;
	}
	return true;
}

static int worker_main(const char *kind)
{
	char byte;

	if (strcmp(kind, "early") == 0)
		say(message_make(WORKER_READER, "told before pcscd was reached"));
	say(message_make(WORKER_PCSC_UP, ""));
	say(message_make(WORKER_READER, "R"));
	say(message_make(WORKER_SYNCED, ""));
	if (strcmp(kind, "end") == 0)
		return 0;
	if (strcmp(kind, "many") == 0) {
		for (int i = 0; i < 80; i++) {
			char name[16];

			snprintf(name, sizeof(name), "R%d", i);
			say(message_make(WORKER_READER, name));
		}
	} else if (is_bad(kind))
		say_bad(kind);
	while (recv(WORKER_FD, &byte, 1, 0) > 0)
		;
	return 0;
}

/* ---- the source ----------------------------------------------------------------------------------------- */

struct told {
	unsigned up, down, reader, listed;
	bool insane;
	uint64_t since; /* before the first worker was started */
};

static void on_event(void *userdata, const struct event *event)
{
	struct told *told = userdata;

	if (event->stamp < told->since || event->stamp > monotonic_now())
		told->insane = true;
	told->up += event->type == EVENT_PCSC_UP;
	told->down += event->type == EVENT_PCSC_DOWN;
	told->listed += event->type == EVENT_PCSC_LISTED;
	told->reader += event->type == EVENT_READER;
	if (event->type == EVENT_READER &&
	    (event->reader->card > CARD_PRESENT || event->reader->atr.size > ATR_SIZE ||
	     event->reader->slot > 31 || event->reader->usb.device > 127 ||
	     !memchr(event->reader->name, '\0', READER_NAME_SIZE)))
		told->insane = true;
}

/* Runs a worker of `kind` until pcscd was "reached" `ups` times, at most 20 s. */
static struct told run(const char *kind, unsigned ups)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	struct pcsc_source *source = NULL;
	struct told told = {.since = monotonic_now()};
	uint64_t end = told.since + 20 * NSEC_PER_SEC;

	assert_int_equal(setenv(KIND, kind, 1), 0);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(pcsc_source_new(event, "/proc/self/exe", (struct sink){on_event, &told}, &source),
			 0);
	while ((told.up < ups || told.listed < ups) && monotonic_now() < end)
		assert_true(sd_event_run(event, 100000) >= 0);
	/* What else it says right now belongs to it too. */
	for (int i = 0; i < 5; i++)
		assert_true(sd_event_run(event, 20000) >= 0);
	pcsc_source_free(source);
	return told;
}

/* "early" says one thing too soon: dropped, and borne. A false stamp counts as the moment nearest to it that can be. */
static void test_good(void **state)
{
	struct told told = run(*state, 1);

	assert_int_equal(told.up, 1);
	assert_int_equal(told.down, 0);
	assert_int_equal(told.reader, 1);
	assert_int_equal(told.listed, 1);
	assert_false(told.insane);
}

/* Dropped, borne twice, then a new worker is started, and what the old one knew no longer holds. */
static void test_bad(void **state)
{
	struct told told = run(*state, 2);

	assert_true(told.up >= 2);
	assert_true(told.down >= 1);
	assert_false(told.insane);
}

static void test_missing(void **state _unused_)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	struct pcsc_source *source = NULL;
	struct told told = {0};

	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(pcsc_source_new(event, "/nonexistent", (struct sink){on_event, &told}, &source), 0);
	for (int i = 0; i < 10; i++)
		assert_true(sd_event_run(event, 20000) >= 0);
	pcsc_source_recheck(source, false);
	pcsc_source_free(source);
	/* That PC/SC cannot be asked is reported once, like pcscd's absence from the start. */
	assert_int_equal(told.up, 0);
	assert_int_equal(told.down, 1);
}

static struct CMUnitTest test_of(CMUnitTestFunction test, const char *kind)
{
	return (struct CMUnitTest){.name = kind, .test_func = test, .initial_state = (void *)(uintptr_t)kind};
}

int main(void)
{
	static const char *const bad[] = {"size", "magic", "type", "gone", "name", "card",
					  "atr",  "slot",  "usb",  "many", "end"};
	static const char *const good[] = {"good", "early", "future", "past"};
	struct CMUnitTest tests[ELEMENTS(bad) + ELEMENTS(good) + 1];
	const char *kind = getenv(KIND);
	size_t count = 0;

	if (kind)
		return worker_main(kind);
	for (size_t i = 0; i < ELEMENTS(good); i++)
		tests[count++] = test_of(test_good, good[i]);
	for (size_t i = 0; i < ELEMENTS(bad); i++)
		tests[count++] = test_of(test_bad, bad[i]);
	tests[count] = (struct CMUnitTest)cmocka_unit_test(test_missing);
	return cmocka_run_group_tests_name("pcsc source", tests, NULL, NULL);
}
