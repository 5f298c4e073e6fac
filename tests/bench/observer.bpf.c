/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The benchmark's own tracer, independent of scpolicyd's probe: it stamps removals, whoever hears of them,
 * and D-Bus calls at the moment at which a process writes them. Nobody is woken: the observer reads the ring
 * buffer when it is asked to, after a removal.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "tests/bench/observer_event.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

__u64 dropped;

/* How long the function that the probe hooks takes by itself. */
#define CPUS 64
__u64 entered[CPUS];
__u64 completed_calls, completed_ns;

#define NOTIFY_SLOT_CHANGE 0x50
#define BPF_RB_NO_WAKEUP   1

/* include/linux/sched.h */
struct task_struct {
	unsigned long min_flt, maj_flt;
} __attribute__((preserve_access_index));

/* include/linux/socket.h, include/uapi/linux/uio.h: as user space hands them over. */
struct user_vector {
	const void *base;
	__u64 size;
};

struct user_message {
	void *name;
	__u64 name_size;
	const struct user_vector *vectors;
	__u64 count;
};

static __always_inline struct observed_event *event_new(__u32 type)
{
	struct observed_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&dropped, 1);
		return 0;
	}
	event->stamp = bpf_ktime_get_ns();
	event->type = type;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->header_size = event->body_size = 0;
	return event;
}

SEC("fentry/usb_disconnect")
int observe_disconnect(__u64 *context)
{
	struct observed_event *event = event_new(OBSERVED_DISCONNECT);
	struct usb_device *device = 0;
	__u64 pointer = 0;

	if (!event)
		return 0;
	bpf_get_func_arg(context, 0, &pointer);
	bpf_probe_read_kernel(&device, sizeof(device), (const void *)pointer);
	event->bus = BPF_CORE_READ(device, bus, busnum);
	event->device = BPF_CORE_READ(device, devnum);
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline void observe_slots(struct urb *urb)
{
	struct observed_event *event;
	__u8 notice[2] = {0};

	if (urb->pipe >> 30 != 1 || !(urb->pipe & 0x80) || urb->status != 0 ||
	    urb->actual_length < sizeof(notice))
		return;
	bpf_probe_read_kernel(notice, sizeof(notice), urb->transfer_buffer);
	if (notice[0] != NOTIFY_SLOT_CHANGE)
		return;
	event = event_new(OBSERVED_SLOTS);
	if (!event)
		return;
	event->bus = urb->dev->bus->busnum;
	event->device = urb->dev->devnum;
	event->data[0] = notice[1];
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

SEC("fentry/async_completed")
int BPF_PROG(observe_completed, struct urb *urb)
{
	observe_slots(urb);
	entered[bpf_get_smp_processor_id() % CPUS] = bpf_ktime_get_ns();
	return 0;
}

SEC("fexit/async_completed")
int BPF_PROG(observe_completed_end)
{
	completed_ns += bpf_ktime_get_ns() - entered[bpf_get_smp_processor_id() % CPUS];
	completed_calls++;
	return 0;
}

/* Little endian, a method call (1) or a signal (4): as each D-Bus message of that kind begins here. */
static __always_inline bool is_call(const void *header)
{
	char start[2] = {0};

	bpf_probe_read_user(start, sizeof(start), header);
	return start[0] == 'l' && (start[1] == 1 || start[1] == 4);
}

static __always_inline void observe_call(const struct user_vector *header, const struct user_vector *body)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct observed_event *event;
	__u64 size;

	if (!is_call(header->base))
		return;
	event = event_new(OBSERVED_CALL);
	if (!event)
		return;
	event->faults = BPF_CORE_READ(task, min_flt) + BPF_CORE_READ(task, maj_flt);
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	size = header->size < CALL_HEADER_SIZE ? header->size : CALL_HEADER_SIZE;
	if (bpf_probe_read_user(event->data, size, header->base) == 0)
		event->header_size = size;
	size = body->size < CALL_BODY_SIZE ? body->size : CALL_BODY_SIZE;
	if (bpf_probe_read_user(event->data + CALL_HEADER_SIZE, size, body->base) == 0)
		event->body_size = size;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

SEC("fentry/__sys_sendmsg")
int BPF_PROG(observe_sendmsg, int fd, const struct user_message *user)
{
	struct user_vector vectors[2] = {0};
	struct user_message message = {0};

	bpf_probe_read_user(&message, sizeof(message), user);
	bpf_probe_read_user(vectors, message.count > 1 ? sizeof(vectors) : sizeof(vectors[0]),
			    message.vectors);
	observe_call(&vectors[0], &vectors[1]);
	return 0;
}

SEC("fentry/__sys_sendto")
int BPF_PROG(observe_sendto, int fd, const void *data, __u64 size)
{
	struct user_vector header = {data, size}, body = {0};

	observe_call(&header, &body);
	return 0;
}
