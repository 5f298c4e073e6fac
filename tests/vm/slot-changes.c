// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * slot-changes DEVICE COUNT: takes the CCID reader behind DEVICE (/dev/bus/usb/BBB/DDD) as libccid does,
 * which must not have it then, and keeps an interrupt URB pending until it has reported COUNT slot changes and
 * its slot is empty. Prints "ready", "enough" after COUNT, and at the end of how many slot changes the reader
 * told, and how often of an empty slot.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <linux/usbdevice_fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/cleanup.h"

/* CCID 1.1, 6.3.1 */
#define NOTIFY_SLOT_CHANGE 0x50
#define CARD_IS_IN	   1 /* in slot 0 */

struct reader {
	int fd;
	unsigned interface;
	unsigned char endpoint;
};

/* The device's descriptors, as its file gives them: the first interface that has an interrupt-in endpoint. */
static bool find_endpoint(struct reader *reader)
{
	uint8_t descriptors[4096];
	ssize_t size = read(reader->fd, descriptors, sizeof(descriptors));

	for (ssize_t i = 0; i + 3 < size && descriptors[i] >= 2; i += descriptors[i]) {
		if (descriptors[i + 1] == USB_DT_INTERFACE)
			reader->interface = descriptors[i + 2];
		reader->endpoint = descriptors[i + 2];
		if (descriptors[i + 1] == USB_DT_ENDPOINT && (reader->endpoint & USB_DIR_IN) &&
		    (descriptors[i + 3] & USB_ENDPOINT_XFERTYPE_MASK) == USB_ENDPOINT_XFER_INT)
			return true;
	}
	return false;
}

/* Waits for a notification: how many bytes are in `ret_data`, or -1. */
static int next_notification(const struct reader *reader, uint8_t ret_data[static 8])
{
	struct usbdevfs_urb urb = {
		.type = USBDEVFS_URB_TYPE_INTERRUPT,
		.endpoint = reader->endpoint,
		.buffer = ret_data,
		.buffer_length = 8,
	};
	void *done;

	if (ioctl(reader->fd, USBDEVFS_SUBMITURB, &urb) < 0 || ioctl(reader->fd, USBDEVFS_REAPURB, &done) < 0)
		return -1;
	return urb.status == 0 ? urb.actual_length : -1;
}

int main(int argc, char **argv)
{
	const char *device = argc == 3 ? argv[1] : "";
	unsigned long wanted = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, heard = 0, empty = 0;
	struct reader reader = {.fd = open(device, O_RDWR | O_CLOEXEC)};
	uint8_t data[8] = {0, CARD_IS_IN};

	if (reader.fd < 0 || !find_endpoint(&reader) ||
	    ioctl(reader.fd, USBDEVFS_CLAIMINTERFACE, &reader.interface) < 0) {
		fprintf(stderr, "slot-changes: \"%s\": %s\n", device, strerror(errno));
		return EXIT_FAILURE;
	}
	setlinebuf(stdout);
	puts("ready");
	while (heard < wanted || data[1] & CARD_IS_IN) {
		if (next_notification(&reader, data) < 2 || data[0] != NOTIFY_SLOT_CHANGE) {
			fprintf(stderr, "slot-changes: after %lu: %s\n", heard, strerror(errno));
			return EXIT_FAILURE;
		}
		empty += !(data[1] & CARD_IS_IN);
		if (++heard == wanted)
			puts("enough");
	}
	printf("%lu %lu\n", heard, empty);
	return 0;
}
