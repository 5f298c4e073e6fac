/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/probe.h"

#include <bpf/libbpf.h>

#include "bpf/removal_event.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "removal.skel.h"

struct probe {
	struct sink sink;
	struct removal_bpf *skeleton;
	struct ring_buffer *ring;
	sd_event_source *io;
	const char *kind;
	uint64_t dropped; /* as last seen */
};

DEFINE_CLEANUP(struct probe *, probe_free)

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	_cleanup_free_ char *text = NULL;
	char *rest = NULL;

	/*
	 * The caller reports a failure, once. libbpf's and the verifier's own messages help to find the
	 * reason.
	 */
	if (level == LIBBPF_DEBUG || vasprintf(&text, format, arguments) < 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_debug("%s", line);
	return 0;
}

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
	event = record->type == REMOVAL_DISCONNECT ? device_removed(record) : slot_changed(record);
	probe->sink.send(probe->sink.userdata, &event);
	return 0;
}

static void check_dropped(struct probe *probe)
{
	uint64_t dropped = __atomic_load_n(&probe->skeleton->bss->dropped, __ATOMIC_RELAXED);
	struct event event = {.type = EVENT_LOST, .source = SOURCE_PROBE};

	if (dropped == probe->dropped)
		return;
	log_warning("the probe's ring buffer was full: %llu records dropped",
		    (unsigned long long)(dropped - probe->dropped));
	probe->dropped = dropped;
	event.stamp = monotonic_now();
	probe->sink.send(probe->sink.userdata, &event);
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

/* Loads and attaches one pair of programs, the other switched off. */
static int attach(bool fentry, struct removal_bpf **ret)
{
	struct removal_bpf *skeleton = removal_bpf__open();
	int r;

	if (!skeleton)
		return errno ? -errno : -EINVAL;
	bpf_program__set_autoload(skeleton->progs.disconnect_fentry, fentry);
	bpf_program__set_autoload(skeleton->progs.completed_fentry, fentry);
	bpf_program__set_autoload(skeleton->progs.disconnect_kprobe, !fentry);
	bpf_program__set_autoload(skeleton->progs.completed_kprobe, !fentry);
	r = removal_bpf__load(skeleton);
	if (r >= 0)
		r = removal_bpf__attach(skeleton);
	if (r < 0) {
		removal_bpf__destroy(skeleton);
		return r;
	}
	*ret = skeleton;
	return 0;
}

/*
 * Fentry and kprobes at a function's entry both go through ftrace. With kernel.ftrace_enabled=0 the kernel
 * attaches them without an error, and they see nothing (tried on 6.1 and 6.12).
 */
static bool ftrace_is_off(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/kernel/ftrace_enabled", "re");

	return file && fgetc(file) == '0';
}

static int attach_best(struct probe *probe)
{
	int r;

	probe->kind = "fentry";
	r = attach(true, &probe->skeleton);
	if (r >= 0)
		return r;
	probe->kind = "kprobe";
	return attach(false, &probe->skeleton);
}

int probe_new(sd_event *event, struct sink sink, struct probe **ret)
{
	_cleanup_(probe_free_p) struct probe *probe = NULL;
	int fd, r;

	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	probe->sink = sink;
	if (ftrace_is_off()) {
		log_warning("kernel.ftrace_enabled is 0: a probe would see nothing");
		return -EOPNOTSUPP;
	}
	libbpf_set_print(print_libbpf);
	r = attach_best(probe);
	if (r < 0)
		return r;
	fd = bpf_map__fd(probe->skeleton->maps.events);
	probe->ring = ring_buffer__new(fd, on_record, probe, NULL);
	if (!probe->ring)
		return -errno;
	/* The map itself is polled, not libbpf's own epoll instance: one level less to wake through. */
	r = sd_event_add_io(event, &probe->io, fd, EPOLLIN, on_probe_readable, probe);
	if (r < 0)
		return r;
	sd_event_source_set_priority(probe->io, PRIORITY_PROBE);
	sd_event_source_set_description(probe->io, "probe");
	*ret = steal_pointer(probe);
	return 0;
}

struct probe *probe_free(struct probe *probe)
{
	if (!probe)
		return NULL;
	sd_event_source_disable_unref(probe->io);
	ring_buffer__free(probe->ring);
	removal_bpf__destroy(probe->skeleton);
	free(probe);
	return NULL;
}

const char *probe_kind(const struct probe *probe)
{
	return probe->kind;
}

void probe_watch(struct probe *probe, struct usb_address usb, bool watch)
{
	if (usb.bus >= REMOVAL_BUSES || usb.device >= REMOVAL_DEVICES)
		return;
	__atomic_store_n(&probe->skeleton->bss->watched[removal_watch_index(usb.bus, usb.device)], watch,
			 __ATOMIC_RELEASE);
}
