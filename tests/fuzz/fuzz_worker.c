/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever a worker sends, in whatever order, the daemon takes only what is plausible: names that can be printed, and no stamp
 * from the future. The first byte of each message says whether it is one that a worker would send.
 */
#include <assert.h>

#include "policy/player.h"
#include "policy/trace.h"
#include "sources/pcsc.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_verdict(void *userdata _unused_, const struct verdict *verdict)
{
	assert(verdict->type != VERDICT_ACT || (verdict->login && verdict->login->session[0]));
}

static void on_event(void *userdata, const struct event *event)
{
	struct event copy = *event;
	const char *broken = NULL;

	assert(event->stamp <= monotonic_now());
	if (event->type == EVENT_READER || event->type == EVENT_READER_GONE)
		assert(memchr(event->reader->name, '\0', sizeof(event->reader->name)));
	assert(player_event(userdata, &copy, &broken) == 0);
}

/* A session is guarded, so that a verdict may follow. */
static void begin(struct player *player)
{
	static const char *const lines[] = {
		"1ns daemon probe now=1ns",
		"2ns startup device-add now=2ns usb=1:3 path=1-1 id=08e6:4433",
		"3ns startup devices-listed now=3ns",
		"4ns record record now=4ns session=3 user=card name=Reader%2000%2000 slot=0 usb=1:3 card=present counter=0 "
		"atr=3B00 path=1-1",
		"5ns daemon settings now=5ns session=3 action=logout then=none confirm=1ns",
	};
	struct trace_error error = {0};
	struct trace_event trace;
	const char *broken = NULL;

	for (size_t i = 0; i < ELEMENTS(lines); i++) {
		assert(trace_parse(lines[i], &trace, &error) == 0);
		assert(player_event(player, &trace.event, &broken) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct player *player = NULL;
	struct pcsc_source source = {0};
	struct worker_message message;

	assert(player_new(on_verdict, NULL, &player) == 0);
	begin(player);
	source.sink = (struct sink){on_event, player};
	for (; size > sizeof(message); data += 1 + sizeof(message), size -= 1 + sizeof(message)) {
		memcpy(&message, data + 1, sizeof(message));
		if (*data & 1)
			message.magic = WORKER_MAGIC;
		take_message(&source, &message);
	}
	player_free(player);
	return 0;
}
