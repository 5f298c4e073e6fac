/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/udev.h"

#include <fcntl.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "sources/udev_monitor.h"

/* The tag that our rules give a reader. */
#define MARK "scpolicyd"

/*
 * What is known about a USB device, by its sysfs name. An event about an interface lacks the device's
 * address, and after a removal sysfs has no answer any more.
 */
struct known_device {
	char name[USB_PATH_SIZE];
	struct usb_address usb;
	unsigned long long seqnum; /* of the uevent that reported it; 0: listed */
	UT_hash_handle hh;
};

struct udev_source {
	struct sink sink;
	struct udev *udev;
	struct monitor kernel, udevd;
	struct known_device *known;
};

DEFINE_CLEANUP(struct udev_source *, udev_source_free)
DEFINE_CLEANUP(struct udev_device *, udev_device_unref)
DEFINE_CLEANUP(struct udev_enumerate *, udev_enumerate_unref)

static void send(struct udev_source *source, struct event event)
{
	source->sink.send(source->sink.userdata, &event);
}

/* ---- what is known of devices --------------------------------------------------------------------------- */

static unsigned number(const char *text)
{
	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

/* From the uevent's own properties: on removal sysfs has no answer, or that of the next device. */
static struct usb_address device_address(struct udev_device *device)
{
	const char *bus = udev_device_get_property_value(device, "BUSNUM");
	const char *address = udev_device_get_property_value(device, "DEVNUM");

	return (struct usb_address){(uint16_t)number(bus), (uint16_t)number(address)};
}

static struct known_device *known_device_find(struct udev_source *source, const char *name)
{
	struct known_device *known;

	HASH_FIND_STR(source->known, name, known);
	return known;
}

static void known_device_store(struct udev_source *source, const char *name, struct usb_address usb,
			       unsigned long long seqnum)
{
	struct known_device *known = known_device_find(source, name);

	if (!known) {
		if (strlen(name) >= sizeof(known->name))
			return;
		known = calloc(1, sizeof(*known));
		if (!known)
			return;
		strcpy(known->name, name);
		HASH_ADD_STR(source->known, name, known);
	}
	known->usb = usb;
	known->seqnum = seqnum;
}

static void known_clear(struct udev_source *source)
{
	struct known_device *known, *next;

	HASH_ITER(hh, source->known, known, next) {
		HASH_DEL(source->known, known);
		free(known);
	}
}

/* ---- events --------------------------------------------------------------------------------------------- */

/* "08e6:4433" from the uevent's PRODUCT=8e6/4433/100. */
static const char *device_id(struct udev_device *device, char id[static 10])
{
	const char *product = udev_device_get_property_value(device, "PRODUCT");
	unsigned vendor, model;

	if (!product || sscanf(product, "%4x/%4x", &vendor, &model) != 2)
		return NULL;
	snprintf(id, 10, "%04x:%04x", vendor & 0xffff, model & 0xffff);
	return id;
}

static void device_here(struct udev_source *source, enum event_source from, struct udev_device *device)
{
	struct usb_address usb = device_address(device);
	const char *name = udev_device_get_sysname(device);
	char id[10];

	if (!usb_address_is_set(usb))
		return;
	known_device_store(source, name, usb, udev_device_get_seqnum(device));
	send(source, (struct event){
			     .type = EVENT_DEVICE_ADD,
			     .source = from,
			     .stamp = monotonic_now(),
			     .device = {.usb = usb, .path = name, .id = device_id(device, id)},
		     });
}

static void address_changed(struct udev_source *source, enum event_source from, struct usb_address usb,
			    enum event_type type)
{
	if (!usb_address_is_set(usb))
		return;
	send(source,
	     (struct event){.type = type, .source = from, .stamp = monotonic_now(), .device = {.usb = usb}});
}

/*
 * A device that was not authorised when devices were listed was left out. Once it is authorised, the kernel reports its
 * interfaces alone. They are new, so that sysfs still describes the device that they belong to.
 */
static void interface_here(struct udev_source *source, struct udev_device *interface,
			   const struct known_device *known)
{
	struct udev_device *device;

	if (known) {
		address_changed(source, SOURCE_UEVENT, known->usb, EVENT_DEVICE_ADD);
		return;
	}
	device = udev_device_get_parent_with_subsystem_devtype(interface, "usb", "usb_device");
	if (device)
		device_here(source, SOURCE_UEVENT, device);
}

/*
 * Of a device, unbind and remove both end it: an unbound one has no interfaces left. Of an interface only
 * remove does (the device was deauthorised or reconfigured): unbind is what pcscd causes when it closes it.
 */
static void on_interface(struct udev_source *source, struct udev_device *device, const char *action)
{
	const char *interface = udev_device_get_property_value(device, "INTERFACE");
	const char *name = udev_device_get_sysname(device);
	char parent[USB_PATH_SIZE];
	size_t length = strcspn(name, ":");
	const struct known_device *known;

	/* Class 11 is a smart card reader; some readers say 255, vendor specific. */
	if (!interface || (strncmp(interface, "11/", 3) != 0 && strncmp(interface, "255/", 4) != 0))
		return;
	if (length >= sizeof(parent))
		return;
	memcpy(parent, name, length);
	parent[length] = '\0';
	known = known_device_find(source, parent);
	if (known && strcmp(action, "remove") == 0)
		address_changed(source, SOURCE_UEVENT, known->usb, EVENT_DEVICE_REMOVE);
	else if (strcmp(action, "add") == 0)
		interface_here(source, device, known);
}

/* The device is back since, at its old address: udevd passes on the kernel's numbers. */
static bool is_overtaken(struct udev_source *source, struct udev_device *device)
{
	const struct known_device *known = known_device_find(source, udev_device_get_sysname(device));

	return known && usb_address_equal(known->usb, device_address(device)) &&
	       udev_device_get_seqnum(device) < known->seqnum;
}

/*
 * udevd reports late: by then another device may have the name, or be gone again. So only udevd's removals
 * count, and only with the address that the event itself carries.
 */
static void on_device(struct udev_source *source, enum event_source from, struct udev_device *device)
{
	const char *action = udev_device_get_action(device);
	const char *type = udev_device_get_devtype(device);
	bool kernel = from == SOURCE_UEVENT;

	if (!action || !type)
		return;
	if (strcmp(type, "usb_interface") == 0 && kernel)
		on_interface(source, device, action);
	else if (strcmp(type, "usb_device") != 0)
		return;
	else if (!kernel && is_overtaken(source, device))
		return;
	else if (strcmp(action, "remove") == 0 || strcmp(action, "unbind") == 0)
		address_changed(source, from, device_address(device), EVENT_DEVICE_REMOVE);
	else if (kernel && (strcmp(action, "add") == 0 || strcmp(action, "bind") == 0))
		device_here(source, from, device);
}

/* ---- what is there now ---------------------------------------------------------------------------------- */

static bool is_authorized(struct udev_device *device)
{
	const char *authorized = udev_device_get_sysattr_value(device, "authorized");

	return !authorized || strcmp(authorized, "0") != 0;
}

static bool is_set(struct udev_device *device, const char *property)
{
	const char *value = udev_device_get_property_value(device, property);

	return value && *value && strcmp(value, "0") != 0;
}

void udev_source_marked(const struct udev_source *source,
			void (*visit)(void *userdata, const struct marked_reader *reader), void *userdata)
{
	for (const struct known_device *known = source->known; known; known = known->hh.next) {
		_cleanup_(udev_device_unref_p) struct udev_device *device =
			udev_device_new_from_subsystem_sysname(source->udev, "usb", known->name);

		if (device && udev_device_has_tag(device, MARK) && is_authorized(device))
			visit(userdata,
			      &(struct marked_reader){.path = known->name,
						      .usb = device_address(device),
						      .ignored = is_set(device, "PCSCLITE_IGNORE")});
	}
}

bool udev_source_has(const struct udev_source *source, const char *path, struct usb_address usb)
{
	_cleanup_(udev_device_unref_p) struct udev_device *device =
		udev_device_new_from_subsystem_sysname(source->udev, "usb", path);

	return device && usb_address_equal(device_address(device), usb);
}

/* ---- the source ----------------------------------------------------------------------------------------- */

static void on_heard(void *userdata, enum event_source from, struct udev_device *device)
{
	struct udev_source *source = userdata;

	if (device)
		on_device(source, from, device);
	else
		send(source, (struct event){.type = EVENT_LOST, .source = from, .stamp = monotonic_now()});
}

int udev_source_list(struct udev_source *source)
{
	_cleanup_(udev_enumerate_unref_p) struct udev_enumerate *list = NULL;
	struct udev_list_entry *entry;
	int r;

	list = udev_enumerate_new(source->udev);
	if (!list)
		return -ENOMEM;
	r = udev_enumerate_add_match_subsystem(list, "usb");
	if (r >= 0)
		r = udev_enumerate_add_match_property(list, "DEVTYPE", "usb_device");
	if (r >= 0)
		r = udev_enumerate_scan_devices(list);
	if (r < 0)
		return r;
	known_clear(source);
	udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(list)) {
		_cleanup_(udev_device_unref_p) struct udev_device *device = NULL;

		device = udev_device_new_from_syspath(source->udev, udev_list_entry_get_name(entry));
		if (!device)
			continue;
		if (udev_device_get_driver(device) && is_authorized(device))
			device_here(source, SOURCE_STARTUP, device);
	}
	send(source, (struct event){.type = EVENT_DEVICES_LISTED,
				    .source = SOURCE_STARTUP,
				    .stamp = monotonic_now()});
	return 0;
}

int udev_source_new(sd_event *event, struct sink sink, struct kept *kept, struct loader *loader,
		    struct udev_source **ret)
{
	_cleanup_(udev_source_free_p) struct udev_source *source = NULL;
	int r;

	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->sink = sink;
	source->udev = udev_new();
	if (!source->udev)
		return -ENOMEM;
	source->kernel = (struct monitor){.source = SOURCE_UEVENT, .heard = on_heard, .userdata = source};
	source->udevd = (struct monitor){.source = SOURCE_UDEV, .heard = on_heard, .userdata = source};
	r = monitor_start(&source->kernel, source->udev, event, kept, loader);
	/* libudev gives a deaf monitor where no udevd runs. */
	if (r >= 0)
		r = monitor_start(&source->udevd, source->udev, event, kept, loader);
	if (r < 0)
		return r;
	*ret = steal_pointer(source);
	return 0;
}

struct udev_source *udev_source_free(struct udev_source *source)
{
	if (!source)
		return NULL;
	monitor_stop(&source->kernel);
	monitor_stop(&source->udevd);
	known_clear(source);
	udev_unref(source->udev);
	free(source);
	return NULL;
}

bool udev_source_has_udevd(const struct udev_source *source _unused_)
{
	return access("/run/udev/control", F_OK) == 0;
}
