// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * observer: what the benchmark measures with. It listens to logind's Lock signals as a screen locker does, and
 * its tracer (observer.bpf.c) stamps removals and D-Bus calls in the kernel. One line an observation on
 * standard output, "NANOSECONDS WHAT DETAIL…", CLOCK_MONOTONIC:
 *
 *   disconnect BUS DEVICE                 usb_disconnect(), for each device
 *   slots BUS DEVICE BITS                 the reader's notice of a card that went or came
 *   sent COMMAND PID FAULTS MEMBER TEXT   a call that locks is written; FAULTS of the thread so far
 *   emitted COMMAND PID                   logind's Lock signal is written, or passed on
 *   signal SESSION                        heard: logind's Lock
 *   completed CALLS NANOSECONDS           async_completed() so far, by itself
 *   mark NUMBER                           SIGUSR1 came: all that the tracer saw before is told
 *
 * The tracer's lines come with the mark, so that reading them takes no time from a removal.
 */
#include <bpf/libbpf.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "lib/cleanup.h"
#include "observer.skel.h"
#include "observer_event.h"

#define LOGIND "org.freedesktop.login1"

/* The type in a message's second byte (D-Bus Specification, Message Format). */
#define DBUS_SIGNAL 4

struct observer {
	struct observer_bpf *tracer;
	struct ring_buffer *ring;
	unsigned marks;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

/* ---- the tracer ---- */

/* What a call's bytes hold, as text: the last string is the session's id where there is one. */
static const char *last_text(const struct observed_event *event, char *buffer, size_t size)
{
	const char *start = event->body_size ? event->data + CALL_HEADER_SIZE : event->data;
	size_t end = event->body_size ? event->body_size : event->header_size, begin, length;

	while (end > 0 && start[end - 1] == '\0')
		end--;
	for (begin = end; begin > 0 && start[begin - 1] > ' ' && start[begin - 1] < 0x7f; begin--)
		;
	length = end - begin < size - 1 ? end - begin : size - 1;
	memcpy(buffer, start + begin, length);
	buffer[length] = '\0';
	return buffer;
}

static void tell_call(const struct observed_event *event)
{
	static const char *const members[] = {"LockSession", "LockSessions", "Lock"};
	char text[64];

	if (event->data[1] == DBUS_SIGNAL) {
		if (memmem(event->data, event->header_size, "\4\0\0\0Lock", sizeof("\4\0\0\0Lock")))
			printf("%llu emitted %.16s %u\n", event->stamp, event->comm, event->pid);
		return;
	}
	for (size_t i = 0; i < ELEMENTS(members); i++) {
		if (!memmem(event->data, event->header_size, members[i], strlen(members[i]) + 1))
			continue;
		printf("%llu sent %.16s %u %llu %s %s\n", event->stamp, event->comm, event->pid,
		       event->faults, members[i], last_text(event, text, sizeof(text)));
		return;
	}
}

static int tell_observed(void *data _unused_, void *record, size_t size)
{
	const struct observed_event *event = record;

	if (size < sizeof(*event))
		return 0;
	if (event->type == OBSERVED_DISCONNECT)
		printf("%llu disconnect %u %u\n", event->stamp, event->bus, event->device);
	else if (event->type == OBSERVED_SLOTS)
		printf("%llu slots %u %u %u\n", event->stamp, event->bus, event->device,
		       (uint8_t)event->data[0]);
	else
		tell_call(event);
	return 0;
}

static int on_mark(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_,
		   void *userdata)
{
	struct observer *observer = userdata;

	ring_buffer__consume(observer->ring);
	if (observer->tracer->bss->dropped)
		printf("%llu dropped %llu\n", (unsigned long long)now_ns(),
		       (unsigned long long)observer->tracer->bss->dropped);
	printf("%llu completed %llu %llu\n", (unsigned long long)now_ns(),
	       (unsigned long long)observer->tracer->bss->completed_calls,
	       (unsigned long long)observer->tracer->bss->completed_ns);
	printf("%llu mark %u\n", (unsigned long long)now_ns(), ++observer->marks);
	fflush(stdout);
	return 0;
}

/* ---- the subscriber ---- */

/* The path's last part: bytes that a path may not hold are "_" and two hexadecimal digits. */
static int on_lock(sd_bus_message *message, void *userdata _unused_, sd_bus_error *error _unused_)
{
	_cleanup_free_ char *session = NULL;
	uint64_t heard = now_ns();

	if (sd_bus_path_decode(sd_bus_message_get_path(message), "/org/freedesktop/login1/session",
			       &session) > 0)
		printf("%llu signal %s\n", (unsigned long long)heard, session);
	return 0;
}

static int observer_setup(struct observer *observer, sd_event *event, sd_bus **ret_bus)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	observer->tracer = observer_bpf__open_and_load();
	if (!observer->tracer || observer_bpf__attach(observer->tracer) < 0)
		return -errno;
	observer->ring =
		ring_buffer__new(bpf_map__fd(observer->tracer->maps.events), tell_observed, observer, NULL);
	if (!observer->ring)
		return -errno;
	r = sd_event_add_signal(event, NULL, SIGUSR1, on_mark, observer);
	if (r >= 0)
		r = sd_bus_open_system(ret_bus);
	if (r >= 0)
		r = sd_bus_match_signal(*ret_bus, NULL, LOGIND, NULL, LOGIND ".Session", "Lock", on_lock,
					NULL);
	return r < 0 ? r : sd_bus_attach_event(*ret_bus, event, SD_EVENT_PRIORITY_IMPORTANT);
}

int main(void)
{
	struct observer observer = {0};
	sd_event *event = NULL;
	sd_bus *bus = NULL;
	int r;

	r = sd_event_new(&event);
	if (r >= 0)
		r = observer_setup(&observer, event, &bus);
	if (r < 0) {
		fprintf(stderr, "observer: %s\n", strerror(-r));
		return 1;
	}
	raise(SIGUSR1); /* the first mark says that it is ready */
	sd_event_loop(event);
	return 1;
}
