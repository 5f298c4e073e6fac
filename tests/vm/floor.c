// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * floor SESSION [UID]: the least that can be done between a removal and logind, as a measure for scpolicyd. The same probe,
 * every device watched, one LockSession made ready, a loop of one poll. It takes the first word of each removal (the
 * words of one come within a second), and prints a line for it: microseconds from the kernel's stamp to the sent call.
 * With a UID it is on the bus as that user, who may lock sessions of theirs.
 */
#include <bpf/libbpf.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "bpf/removal_event.h"
#include "lib/cleanup.h"
#include "removal.skel.h"

#define LOGIND	     "org.freedesktop.login1"
#define FIRST_COOKIE 0x10000
#define ONE_REMOVAL  UINT64_C(1000000000)

struct floor {
	sd_bus *bus;
	sd_bus_message *call;
	uint64_t last; /* stamp of the removal that was answered last */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

static int make_call(struct floor *floor, const char *session)
{
	static uint64_t cookie = FIRST_COOKIE;
	int r;

	sd_bus_message_unref(floor->call);
	r = sd_bus_message_new_method_call(floor->bus, &floor->call, LOGIND, "/org/freedesktop/login1",
					   LOGIND ".Manager", "LockSession");
	if (r >= 0)
		r = sd_bus_message_append(floor->call, "s", session);
	return r < 0 ? r : sd_bus_message_seal(floor->call, cookie++, 0);
}

static bool card_is_out(const struct removal_event *event)
{
	return event->type == REMOVAL_DISCONNECT || (event->slots[0] & 3) == 2;
}

static int on_record(void *data, void *record, size_t size _unused_)
{
	const struct removal_event *event = record;
	struct floor *floor = data;

	if (!card_is_out(event) || event->stamp < floor->last + ONE_REMOVAL)
		return 0;
	sd_bus_send(floor->bus, floor->call, NULL);
	printf("%llu\n", (unsigned long long)((now_ns() - event->stamp) / 1000));
	floor->last = event->stamp;
	return 0;
}

static struct removal_bpf *load(void)
{
	struct removal_bpf *probe = removal_bpf__open();

	if (!probe)
		return NULL;
	bpf_program__set_autoload(probe->progs.disconnect_kprobe, false);
	bpf_program__set_autoload(probe->progs.completed_kprobe, false);
	if (removal_bpf__load(probe) < 0 || removal_bpf__attach(probe) < 0)
		return NULL;
	memset(probe->bss->memory.watched, 1, sizeof(probe->bss->memory.watched));
	return probe;
}

/* The bus takes who connects the socket for who is there. */
static int open_bus(uid_t uid, sd_bus **ret)
{
	int r = seteuid(uid);

	if (r >= 0)
		r = sd_bus_open_system(ret);
	return seteuid(0) < 0 ? -1 : r;
}

int main(int argc, char **argv)
{
	struct removal_bpf *probe = argc == 2 || argc == 3 ? load() : NULL;
	struct floor floor = {0};
	struct ring_buffer *ring;
	struct pollfd wait;
	int r;

	if (!probe || open_bus(argc == 3 ? (uid_t)strtoul(argv[2], NULL, 10) : 0, &floor.bus) < 0) {
		fprintf(stderr, "usage: floor SESSION [UID], as root on a kernel with fentry\n");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	wait = (struct pollfd){bpf_map__fd(probe->maps.events), POLLIN, 0};
	ring = ring_buffer__new(wait.fd, on_record, &floor, NULL);
	r = ring ? make_call(&floor, argv[1]) : -ENOMEM;
	for (uint64_t answered = 0; r >= 0; answered = floor.last) {
		poll(&wait, 1, -1);
		ring_buffer__consume(ring);
		if (floor.last != answered)
			r = make_call(&floor, argv[1]);
		while (sd_bus_process(floor.bus, NULL) > 0)
			;
	}
	return 1;
}
