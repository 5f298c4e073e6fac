/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe. It hears two things where they happen:
 *
 *  - usb_disconnect(), which the hub's worker enters as soon as a port reports a device gone, before any
 *    debounce, once for each device below a pulled hub;
 *  - async_completed(), where usbfs completes the interrupt URB that libccid keeps pending on a CCID
 *    reader: 0x50, then two bits a slot (RDR_to_PC_NotifySlotChange; CCID 1.1, 6.3.1).
 *
 * fentry where the kernel has it, else kprobes: the loader switches one pair off before it loads. Everything
 * that is not a watched device returns after a load or two.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/removal_event.h"

char LICENSE[] SEC("license") = "GPL";

/* The buffer has to hold what arrives while the daemon is not scheduled, or starts again: 4096 bytes are 128 removals. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct removal_memory memory;

/* include/uapi/linux/usb/ch9.h and include/linux/usb.h: how a pipe is packed. */
#define PIPE_TYPE(pipe)	    ((pipe) >> 30)
#define PIPE_INTERRUPT	    1
#define PIPE_IN		    0x80
#define PIPE_ENDPOINT(pipe) (((pipe) >> 15) & 0xf)

#define NOTIFY_SLOT_CHANGE 0x50

static __always_inline bool is_watched(int bus, int device)
{
	__u32 index = removal_watch_index(bus, device);

	/* In bounds by its making, which the compiler sees and the 6.1 verifier does not: have it checked. */
	__asm__ volatile("" : "+r"(index));
	return index < sizeof(memory.watched) && memory.watched[index];
}

static __always_inline struct removal_event *event_reserve(int bus, int device, __u8 type)
{
	struct removal_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&memory.dropped, 1);
		return 0;
	}
	event->stamp = bpf_ktime_get_ns();
	event->bus = bus;
	event->device = device;
	event->type = type;
	event->endpoint = 0;
	event->slot_bytes = 0;
	event->reserved = 0;
	__builtin_memset(event->slots, 0, sizeof(event->slots));
	return event;
}

static __always_inline int device_disconnected(struct usb_device **pointer)
{
	struct usb_device *device = 0;
	struct removal_event *event;
	int bus, number;

	bpf_probe_read_kernel(&device, sizeof(device), pointer);
	bus = BPF_CORE_READ(device, bus, busnum);
	number = BPF_CORE_READ(device, devnum);
	if (!is_watched(bus, number))
		return 0;
	event = event_reserve(bus, number, REMOVAL_DISCONNECT);
	if (event)
		bpf_ringbuf_submit(event, 0);
	return 0;
}

/* The URB is an interrupt-in one of a watched device that completed well; `buffer` is its data. */
static __always_inline int slots_notified(int bus, int device, __u32 pipe, __u32 length, const void *buffer)
{
	struct removal_event *event;
	__u64 size = length - sizeof(__u8); /* 64 bits wide, as the verifier compares */
	__u8 kind = 0;

	bpf_probe_read_kernel(&kind, sizeof(kind), buffer);
	if (kind != NOTIFY_SLOT_CHANGE)
		return 0;
	if (size > REMOVAL_SLOT_BYTES)
		size = REMOVAL_SLOT_BYTES;
	event = event_reserve(bus, device, REMOVAL_SLOT_CHANGE);
	if (!event)
		return 0;
	__asm__ volatile("" : "+r"(size)); /* as above */
	if (size <= REMOVAL_SLOT_BYTES)
		bpf_probe_read_kernel(event->slots, size, buffer + sizeof(kind));
	event->endpoint = PIPE_ENDPOINT(pipe);
	event->slot_bytes = size;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

static __always_inline bool is_interrupt_in(__u32 pipe)
{
	return PIPE_TYPE(pipe) == PIPE_INTERRUPT && (pipe & PIPE_IN);
}

/* bpf_get_func_arg(): the 6.1 verifier refuses to load a struct usb_device ** straight from the context. */
SEC("fentry/usb_disconnect")
int disconnect_fentry(__u64 *context)
{
	__u64 pointer = 0;

	bpf_get_func_arg(context, 0, &pointer);
	return device_disconnected((struct usb_device **)pointer);
}

SEC("kprobe/usb_disconnect")
int BPF_KPROBE(disconnect_kprobe, struct usb_device **pointer)
{
	return device_disconnected(pointer);
}

SEC("fentry/async_completed")
int BPF_PROG(completed_fentry, struct urb *urb)
{
	struct usb_device *device;

	if (!is_interrupt_in(urb->pipe))
		return 0;
	device = urb->dev;
	if (!is_watched(device->bus->busnum, device->devnum))
		return 0;
	if (urb->status != 0 || urb->actual_length < 2)
		return 0;
	return slots_notified(device->bus->busnum, device->devnum, urb->pipe, urb->actual_length,
			      urb->transfer_buffer);
}

SEC("kprobe/async_completed")
int BPF_KPROBE(completed_kprobe, struct urb *urb)
{
	__u32 pipe = BPF_CORE_READ(urb, pipe), length;
	int bus, device;

	if (!is_interrupt_in(pipe))
		return 0;
	bus = BPF_CORE_READ(urb, dev, bus, busnum);
	device = BPF_CORE_READ(urb, dev, devnum);
	if (!is_watched(bus, device))
		return 0;
	length = BPF_CORE_READ(urb, actual_length);
	if (BPF_CORE_READ(urb, status) != 0 || length < 2)
		return 0;
	return slots_notified(bus, device, pipe, length, BPF_CORE_READ(urb, transfer_buffer));
}
