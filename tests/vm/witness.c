// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * witness: reports, independently of scpolicyd, when each part of the system reported a removal. One line an
 * event on standard output, "NANOSECONDS SOURCE DETAIL", CLOCK_MONOTONIC taken as the event is heard:
 *
 *   lock, unlock SESSION      logind's signals to a session's locker
 *   hint SESSION yes|no       LockedHint, as the locker sets it
 *   uevent ACTION DEVPATH     USB devices and interfaces, from the kernel
 *   udev ACTION DEVPATH       the same, after udevd's rules have run
 *   pcsc WHAT READER          card-in, card-out, reader-in, reader-gone, as a PC/SC client learns it
 *
 * "NANOSECONDS witness ready" is printed when all of them are subscribed.
 */
#include <libudev.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <winscard.h>

#include "lib/cleanup.h"

#define LOGIND	    "org.freedesktop.login1"
#define MAX_READERS 16 /* pcscd's own limit */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

/* One write a line, so that the two threads' lines do not mix. */
static void told(uint64_t when, const char *source, const char *what, const char *detail)
{
	dprintf(STDOUT_FILENO, "%llu %s %s%s%s\n", (unsigned long long)when, source, what, *detail ? " " : "",
		detail);
}

/* ---- logind ---- */

/* /org/freedesktop/login1/session/_31 is session "1": bytes that a path may not hold are "_" and two digits.
 */
static void session_of(sd_bus_message *message, char *ret_session, size_t size)
{
	const char *name = strrchr(sd_bus_message_get_path(message), '/') + 1;
	size_t used = 0;
	unsigned byte;

	for (; *name && used + 1 < size; name++) {
		if (*name == '_' && sscanf(name + 1, "%2x", &byte) == 1) {
			ret_session[used++] = (char)byte;
			name += 2;
		} else {
			ret_session[used++] = *name;
		}
	}
	ret_session[used] = '\0';
}

static int lock_signal(sd_bus_message *message, void *data _unused_, sd_bus_error *error _unused_)
{
	uint64_t when = now_ns();
	char session[64];

	session_of(message, session, sizeof(session));
	if (sd_bus_message_is_signal(message, LOGIND ".Session", "Lock"))
		told(when, "lock", session, "");
	else if (sd_bus_message_is_signal(message, LOGIND ".Session", "Unlock"))
		told(when, "unlock", session, "");
	return 0;
}

static int properties_changed(sd_bus_message *message, void *data _unused_, sd_bus_error *error _unused_)
{
	uint64_t when = now_ns();
	const char *interface, *property;
	char session[64];
	int locked, r;

	r = sd_bus_message_read(message, "s", &interface);
	if (r < 0 || strcmp(interface, LOGIND ".Session") != 0)
		return 0;
	session_of(message, session, sizeof(session));
	sd_bus_message_enter_container(message, 'a', "{sv}");
	while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
		if (sd_bus_message_read(message, "s", &property) < 0)
			return 0;
		if (strcmp(property, "LockedHint") != 0)
			sd_bus_message_skip(message, "v");
		else if (sd_bus_message_read(message, "v", "b", &locked) >= 0)
			told(when, "hint", session, locked ? "yes" : "no");
		sd_bus_message_exit_container(message);
	}
	return 0;
}

static int watch_logind(sd_bus *bus, sd_event *event)
{
	int r;

	r = sd_bus_match_signal(bus, NULL, LOGIND, NULL, LOGIND ".Session", NULL, lock_signal, NULL);
	if (r < 0)
		return r;
	r = sd_bus_add_match(bus, NULL,
			     "type='signal',sender='" LOGIND "',interface='org.freedesktop.DBus.Properties',"
			     "member='PropertiesChanged',path_namespace='/org/freedesktop/login1/session'",
			     properties_changed, NULL);
	if (r < 0)
		return r;
	/* Before the uevents: a removal makes a dozen of those. */
	return sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_IMPORTANT);
}

/* ---- kernel uevents, and udevd's ---- */

struct device_watch {
	const char *source; /* as printed */
	struct udev_monitor *monitor;
};

static int device_event(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_,
			void *data)
{
	const struct device_watch *watch = data;
	struct udev_device *device;

	while ((device = udev_monitor_receive_device(watch->monitor))) {
		const char *action = udev_device_get_action(device);

		told(now_ns(), watch->source, action ? action : "?", udev_device_get_devpath(device));
		udev_device_unref(device);
	}
	return 0;
}

/* `name` is libudev's: "kernel" or "udev". */
static int watch_devices(struct udev *udev, sd_event *event, const char *name, struct device_watch *watch)
{
	int r;

	watch->monitor = udev_monitor_new_from_netlink(udev, name);
	if (!watch->monitor)
		return -ENOMEM;
	udev_monitor_filter_add_match_subsystem_devtype(watch->monitor, "usb", NULL);
	r = udev_monitor_enable_receiving(watch->monitor);
	if (r < 0)
		return r;
	return sd_event_add_io(event, NULL, udev_monitor_get_fd(watch->monitor), EPOLLIN, device_event,
			       watch);
}

/* ---- PC/SC, in a thread: SCardGetStatusChange blocks ---- */

struct readers {
	int n;
	SCARD_READERSTATE states[MAX_READERS + 1]; /* one more for the notice of new readers */
};

static const SCARD_READERSTATE *find_reader(const struct readers *readers, const char *name)
{
	for (int i = 0; i < readers->n; i++) {
		if (strcmp(readers->states[i].szReader, name) == 0)
			return &readers->states[i];
	}
	return NULL;
}

static void readers_clear(struct readers *readers)
{
	for (int i = 0; i < readers->n; i++)
		free((char *)readers->states[i].szReader);
	readers->n = 0;
}

/* Lists the readers again: keeps what was known about those still there, reports those that are gone. */
static void relist(SCARDCONTEXT context, struct readers *readers, uint64_t when)
{
	struct readers fresh = {0};
	DWORD length = SCARD_AUTOALLOCATE;
	char *names = NULL;

	if (SCardListReaders(context, NULL, (LPSTR)&names, &length) == SCARD_S_SUCCESS) {
		for (char *name = names; *name && fresh.n < MAX_READERS; name += strlen(name) + 1) {
			const SCARD_READERSTATE *known = find_reader(readers, name);
			SCARD_READERSTATE *state = &fresh.states[fresh.n++];

			state->szReader = strdup(name);
			state->dwCurrentState = known ? known->dwCurrentState : SCARD_STATE_UNAWARE;
		}
		SCardFreeMemory(context, names);
	}
	for (int i = 0; i < readers->n; i++) {
		if (!find_reader(&fresh, readers->states[i].szReader))
			told(when, "pcsc", "reader-gone", readers->states[i].szReader);
	}
	readers_clear(readers);
	*readers = fresh;
}

static void tell_reader(SCARD_READERSTATE *reader, uint64_t when)
{
	DWORD now = reader->dwEventState, before = reader->dwCurrentState;

	if (!(now & SCARD_STATE_CHANGED) || now & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE))
		return;
	if (before == SCARD_STATE_UNAWARE)
		told(when, "pcsc", now & SCARD_STATE_PRESENT ? "reader-in-with-card" : "reader-in",
		     reader->szReader);
	else if ((now ^ before) & SCARD_STATE_PRESENT)
		told(when, "pcsc", now & SCARD_STATE_PRESENT ? "card-in" : "card-out", reader->szReader);
	reader->dwCurrentState = now & ~(DWORD)SCARD_STATE_CHANGED;
}

/* Until pcscd goes away. */
static void follow_readers(SCARDCONTEXT context, struct readers *readers)
{
	LONG result = SCARD_S_SUCCESS;

	relist(context, readers, now_ns());
	do {
		SCARD_READERSTATE *notice = &readers->states[readers->n];

		*notice = (SCARD_READERSTATE){.szReader = "\\\\?PnP?\\Notification"};
		/* Not for ever: pcscd may miss to notify of a reader that comes between list and call. */
		result = SCardGetStatusChange(context, 2000, readers->states, readers->n + 1);
		uint64_t when = now_ns();
		for (int i = 0; result == SCARD_S_SUCCESS && i < readers->n; i++)
			tell_reader(&readers->states[i], when);
		relist(context, readers, when);
	} while (result == SCARD_S_SUCCESS || result == SCARD_E_TIMEOUT || result == SCARD_E_UNKNOWN_READER ||
		 result == SCARD_E_READER_UNAVAILABLE);
}

static void *watch_pcsc(void *data)
{
	pthread_barrier_t *subscribed = data;
	struct readers readers = {0};

	for (bool first = true;; first = false) {
		SCARDCONTEXT context;
		bool have =
			SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS;

		if (have && first)
			relist(context, &readers, now_ns());
		if (first)
			pthread_barrier_wait(subscribed);
		if (have) {
			follow_readers(context, &readers);
			SCardReleaseContext(context);
			told(now_ns(), "pcsc", "lost", "");
		}
		usleep(200000);
	}
	return NULL;
}

int main(void)
{
	static struct device_watch kernel = {.source = "uevent"}, udevd = {.source = "udev"};
	pthread_barrier_t subscribed;
	struct udev *udev = udev_new();
	sd_event *event = NULL;
	sd_bus *bus = NULL;
	pthread_t thread;
	int r;

	r = udev ? sd_event_new(&event) : -ENOMEM;
	if (r >= 0)
		r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = watch_logind(bus, event);
	if (r >= 0)
		r = watch_devices(udev, event, "kernel", &kernel);
	if (r >= 0)
		r = watch_devices(udev, event, "udev", &udevd);
	if (r >= 0) {
		pthread_barrier_init(&subscribed, NULL, 2);
		r = -pthread_create(&thread, NULL, watch_pcsc, &subscribed);
	}
	if (r < 0) {
		fprintf(stderr, "witness: %s\n", strerror(-r));
		return 1;
	}
	pthread_barrier_wait(&subscribed);
	told(now_ns(), "witness", "ready", "");
	sd_event_loop(event);
	return 1;
}
