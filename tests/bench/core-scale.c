// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * core-scale: what the core costs with many sessions on many readers, on this machine. For each size one line
 * of CSV: nanoseconds (medians) for an event that concerns nobody, for the removal of one reader, for each
 * session that it locks; bytes a session; milliseconds to look at everything again.
 * With two arguments, sessions and readers, for that size alone: to alternate with another core's, because the
 * machine's own noise is larger than the difference.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/world.h"

#define ROUNDS 101

static const struct {
	unsigned sessions, readers;
} sizes[] = {
	{1, 1},		{10, 10},     {100, 100},     {1000, 1000},
	{10000, 10000}, {10000, 100}, {100000, 1000}, {100000, 10000},
};

static const struct settings settings = SETTINGS_DEFAULT;
static uint64_t stamp = NSEC_PER_SEC; /* the core's time: it only has to advance */
static unsigned acted;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static void on_verdict(void *userdata, const struct verdict *verdict)
{
	(void)userdata;
	acted += verdict->type == VERDICT_ACT;
}

static void send(struct world *world, struct event event)
{
	event.stamp = stamp;
	stamp += NSEC_PER_USEC;
	if (world_event(world, &event) < 0)
		abort();
}

static struct usb_address address(unsigned reader)
{
	return (struct usb_address){(uint16_t)(1 + reader / 127), (uint16_t)(1 + reader % 127)};
}

static void add_device(struct world *world, unsigned reader)
{
	char path[32];

	snprintf(path, sizeof(path), "%u-%u", 1 + reader / 127, 1 + reader % 127);
	send(world, (struct event){.type = EVENT_DEVICE_ADD,
				   .source = SOURCE_STARTUP,
				   .device = {address(reader), path, "08e6:4433"}});
}

static struct reader_state state(unsigned reader, unsigned counter)
{
	struct reader_state state = {
		.usb = address(reader),
		.card = CARD_PRESENT,
		.event_counter = (uint16_t)counter,
		.atr = {2, {0x3b, 0x02}},
	};

	snprintf(state.name, sizeof(state.name), "Reader %u 00 00", reader);
	return state;
}

static void add_reader(struct world *world, unsigned reader, unsigned counter)
{
	struct reader_state there = state(reader, counter);

	send(world, (struct event){.type = EVENT_READER, .source = SOURCE_PCSC, .reader = &there});
}

static void add_session(struct world *world, unsigned session, unsigned reader)
{
	struct login_record login = {.uid = 1000, .user = "anna", .leader = 1, .card = state(reader, 1)};
	struct event event = {.type = EVENT_RECORD, .source = SOURCE_RECORD, .record = {.login = &login}};

	snprintf(login.session, sizeof(login.session), "c%u", session);
	snprintf(login.usb_path, sizeof(login.usb_path), "%u-%u", 1 + reader / 127, 1 + reader % 127);
	strcpy(login.usb_id, "08e6:4433");
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		event.record.governance.by_cause[cause] = &settings;
	send(world, event);
}

static void tell_everything(struct world *world, unsigned readers, unsigned counter)
{
	for (unsigned i = 0; i < readers; i++)
		add_device(world, i);
	send(world, (struct event){.type = EVENT_DEVICES_LISTED, .source = SOURCE_STARTUP});
	for (unsigned i = 0; i < readers; i++)
		add_reader(world, i, counter);
	send(world, (struct event){.type = EVENT_PCSC_LISTED, .source = SOURCE_PCSC});
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t median(uint64_t *times, unsigned count)
{
	qsort(times, count, sizeof(*times), compare);
	return times[count / 2];
}

static uint64_t time_removal(struct world *world, struct usb_address usb)
{
	struct event event = {.type = EVENT_DEVICE_REMOVE,
			      .source = SOURCE_PROBE,
			      .stamp = stamp++,
			      .device = {.usb = usb}};
	uint64_t start = now_ns();

	if (world_event(world, &event) < 0)
		abort();
	return now_ns() - start;
}

static uint64_t time_unrelated(struct world *world)
{
	uint64_t times[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++)
		times[i] = time_removal(world, (struct usb_address){500, 5});
	return median(times, ROUNDS);
}

/* Each time another reader, as far as there are that many. How many there were. */
static unsigned time_readers(struct world *world, unsigned readers, uint64_t *ret_times, unsigned most)
{
	unsigned rounds = readers < most ? readers : most;

	for (unsigned i = 0; i < rounds; i++)
		ret_times[i] = time_removal(world, address((unsigned)((uint64_t)i * readers / rounds)));
	return rounds;
}

static struct world *start_world(unsigned readers)
{
	struct world *world = NULL;

	if (world_new(on_verdict, NULL, &world) < 0)
		abort();
	send(world, (struct event){.type = EVENT_PROBE, .source = SOURCE_DAEMON});
	send(world, (struct event){.type = EVENT_PCSC_UP, .source = SOURCE_PCSC});
	tell_everything(world, readers, 1);
	return world;
}

struct figures {
	uint64_t unrelated, recheck; /* nanoseconds */
	size_t bytes;
	uint64_t removals[ROUNDS];
	unsigned removed;
};

static void measure_world(unsigned sessions, unsigned readers, struct figures *figures)
{
	struct world *world = start_world(readers);
	size_t before = mallinfo2().uordblks;
	uint64_t start;
	unsigned rounds;

	for (unsigned i = 0; i < sessions; i++)
		add_session(world, i, i % readers);
	figures->bytes = (mallinfo2().uordblks - before) / sessions;
	start = now_ns();
	send(world, (struct event){.type = EVENT_LOST, .source = SOURCE_PROBE});
	tell_everything(world, readers, 1);
	figures->recheck = now_ns() - start;
	acted = 0;
	figures->unrelated = time_unrelated(world);
	if (acted)
		abort(); /* nobody was concerned */
	rounds =
		time_readers(world, readers, figures->removals + figures->removed, ROUNDS - figures->removed);
	if (acted != rounds * (sessions / readers))
		abort(); /* each session of those readers, once */
	figures->removed += rounds;
	if (world_check(world)) {
		fprintf(stderr, "%s\n", world_check(world));
		abort();
	}
	world_free(world);
}

/* With few readers, in several worlds: the first removal of a program's life measures how its code is loaded. */
static void measure(unsigned sessions, unsigned readers)
{
	struct figures figures = {0};
	uint64_t removal;

	while (figures.removed < ROUNDS)
		measure_world(sessions, readers, &figures);
	removal = median(figures.removals, ROUNDS);
	printf("%u,%u,%llu,%llu,%llu,%zu,%.2f\n", sessions, readers, (unsigned long long)figures.unrelated,
	       (unsigned long long)removal, (unsigned long long)(removal / (sessions / readers)),
	       figures.bytes, (double)figures.recheck / NSEC_PER_MSEC);
}

int main(int argc, char **argv)
{
	puts("sessions,readers,unrelated_ns,removal_ns,removal_per_session_ns,bytes_per_session,recheck_ms");
	if (argc == 3) {
		measure((unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]));
		return 0;
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		measure(sizes[i].sessions, sizes[i].readers);
	return 0;
}
