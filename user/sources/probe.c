/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/probe.h"

#include <string.h>
#include <sys/mman.h>

#include <bpf/libbpf.h>

#include "bpf/removal_event.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"

/* So many daemons may end while they read what waited, before the next one leaves it unread. */
#define READERS_MOST 3

struct probe {
	struct sink sink;
	int parts[PROBE_PARTS];
	int kind;
	struct removal_memory *memory;
	struct ring_buffer *ring;
	sd_event_source *io;
	unsigned records; /* that were read */
	bool discards;	  /* … and are not passed on */
	bool kept; /* the programs ran before this daemon did, and the watch list is the last one's, too */
	bool wanted[REMOVAL_BUSES * REMOVAL_DEVICES]; /* the watch list as this daemon wants it */
};

DEFINE_CLEANUP(struct probe *, probe_free)

static struct event device_removed(const struct removal_event *record)
{
	return (struct event){
		.type = EVENT_DEVICE_REMOVE,
		.source = SOURCE_PROBE,
		.stamp = record->stamp,
		.device = {.usb = {record->bus, record->device}},
	};
}

static struct event slot_changed(const struct removal_event *record)
{
	return (struct event){
		.type = EVENT_SLOT_CHANGE,
		.source = SOURCE_PROBE,
		.stamp = record->stamp,
		.slot_change =
			{
				.usb = {record->bus, record->device},
				.endpoint = record->endpoint,
				.bytes = record->slot_bytes < REMOVAL_SLOT_BYTES ? record->slot_bytes
										 : REMOVAL_SLOT_BYTES,
				.slots = record->slots,
			},
	};
}

static int on_record(void *userdata, void *data, size_t size)
{
	const struct removal_event *record = data;
	struct probe *probe = userdata;
	struct event event;

	if (size < sizeof(*record))
		return 0;
	probe->records++;
	if (probe->discards)
		return 0;
	event = record->type == REMOVAL_DISCONNECT ? device_removed(record) : slot_changed(record);
	probe->sink.send(probe->sink.userdata, &event);
	return 0;
}

static void report_lost(struct probe *probe)
{
	struct event event = {.type = EVENT_LOST, .source = SOURCE_PROBE, .stamp = monotonic_now()};

	probe->sink.send(probe->sink.userdata, &event);
}

/* What was dropped while no daemon ran is reported, too: the memory knows how far the last one came. */
static void check_dropped(struct probe *probe)
{
	uint64_t dropped = __atomic_load_n(&probe->memory->dropped, __ATOMIC_RELAXED);

	if (dropped == probe->memory->reported)
		return;
	log_warning("the probe's ring buffer was full: %llu records dropped",
		    (unsigned long long)(dropped - probe->memory->reported));
	probe->memory->reported = dropped;
	report_lost(probe);
}

static int on_probe_readable(sd_event_source *source _unused_, int fd _unused_, uint32_t revents _unused_,
			     void *userdata)
{
	struct probe *probe = userdata;
	int r;

	r = ring_buffer__consume(probe->ring);
	if (r < 0)
		return r;
	check_dropped(probe);
	return 0;
}

/*
 * Fentry and kprobes at a function's entry both go through ftrace. With kernel.ftrace_enabled=0 the kernel
 * attaches them without a word, and they hear nothing (tried on 6.1 and 6.12).
 */
static bool ftrace_is_off(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/kernel/ftrace_enabled", "re");

	return file && fgetc(file) == '0';
}

/* Programs of another build are dropped once our own run: both write into the same buffer meanwhile. */
static int take_over_or_load(struct probe *probe, struct kept *kept, struct loader *loader)
{
	bool has_maps;

	probe->kind = kept_take(kept, probe->parts);
	has_maps = probe->parts[PROBE_MEMORY] >= 0;
	probe->kept = has_maps;
	if (probe->kind >= 0)
		return 0;
	probe->kind = loader_load_probe(loader, probe->parts);
	if (probe->kind < 0)
		return probe->kind;
	for (enum probe_part part = has_maps ? PROBE_DISCONNECT : 0; part < PROBE_PARTS; part++)
		kept_add(kept, part, probe->kind, probe->parts[part]);
	return 0;
}

static int find_parts(struct probe *probe, struct kept *kept, struct loader *loader)
{
	if (ftrace_is_off()) {
		log_warning("kernel.ftrace_enabled is 0: a probe would see nothing");
		return -EOPNOTSUPP;
	}
	return take_over_or_load(probe, kept, loader);
}

static int map_memory(struct probe *probe)
{
	void *memory = mmap(NULL, sizeof(*probe->memory), PROT_READ | PROT_WRITE, MAP_SHARED,
			    probe->parts[PROBE_MEMORY], 0);

	if (memory == MAP_FAILED)
		return -errno;
	probe->memory = memory;
	return 0;
}

int probe_new(sd_event *event, struct sink sink, struct kept *kept, struct loader *loader, struct probe **ret)
{
	_cleanup_(probe_free_p) struct probe *probe = NULL;
	int r;

	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	probe->sink = sink;
	for (enum probe_part part = 0; part < PROBE_PARTS; part++)
		probe->parts[part] = -1;
	r = find_parts(probe, kept, loader);
	if (r >= 0)
		r = map_memory(probe);
	if (r < 0)
		return r;
	probe->ring = ring_buffer__new(probe->parts[PROBE_EVENTS], on_record, probe, NULL);
	if (!probe->ring)
		return -errno;
	/* The map itself is polled, not libbpf's own epoll instance: one level less to wake through. */
	r = sd_event_add_io(event, &probe->io, probe->parts[PROBE_EVENTS], EPOLLIN, on_probe_readable, probe);
	if (r < 0)
		return r;
	sd_event_source_set_priority(probe->io, PRIORITY_PROBE);
	sd_event_source_set_description(probe->io, "probe");
	*ret = steal_pointer(probe);
	return 0;
}

/* Descriptors are closed, nothing is detached: what systemd keeps goes on. */
struct probe *probe_free(struct probe *probe)
{
	if (!probe)
		return NULL;
	sd_event_source_disable_unref(probe->io);
	ring_buffer__free(probe->ring);
	if (probe->memory)
		munmap(probe->memory, sizeof(*probe->memory));
	for (enum probe_part part = 0; part < PROBE_PARTS; part++)
		close_fd(probe->parts[part]);
	free(probe);
	return NULL;
}

const char *probe_kind(const struct probe *probe)
{
	return probe_kind_names[probe->kind];
}

/* A record whose reading ends the daemon would end every daemon. */
int probe_catch_up(struct probe *probe)
{
	int r;

	if (!probe->kept)
		return 0;
	probe->discards = ++probe->memory->readers > READERS_MOST;
	r = ring_buffer__consume(probe->ring);
	if (r < 0)
		return r;
	log_info("the probe went on without a daemon: %u records waited%s", probe->records,
		 probe->discards ? ", not read, since others ended while they read them" : "");
	if (probe->discards)
		report_lost(probe);
	check_dropped(probe);
	probe->discards = false;
	probe->memory->readers = 0;
	return 0;
}

static void watch_at(struct probe *probe, size_t index, bool watch)
{
	__atomic_store_n(&probe->memory->watched[index], watch, __ATOMIC_RELEASE);
}

void probe_watch(struct probe *probe, struct usb_address usb, bool watch)
{
	size_t index = removal_watch_index(usb.bus, usb.device);

	if (usb.bus >= REMOVAL_BUSES || usb.device >= REMOVAL_DEVICES)
		return;
	probe->wanted[index] = watch;
	watch_at(probe, index, watch);
}

void probe_forget_others(struct probe *probe)
{
	if (!probe->kept)
		return;
	probe->kept = false;
	for (size_t i = 0; i < ELEMENTS(probe->wanted); i++) {
		if (!probe->wanted[i])
			watch_at(probe, i, false);
	}
}
