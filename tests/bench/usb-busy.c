// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usb-busy SECONDS NODE: keeps a USB device busy through usbfs (it asks for its device descriptor, eight requests
 * under way at a time), as a scanner or a camera would be by libusb, and prints how many URBs a second were
 * completed. Each goes through the function that scpolicyd's probe hooks.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define UNDER_WAY 8

/* GET_DESCRIPTOR, device, 18 bytes (USB 2.0, 9.4.3), and room for the answer. */
static const unsigned char request[8] = {0x80, 6, 0, 1, 0, 0, 18, 0};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int submit(int fd, struct usbdevfs_urb *urb, unsigned char buffer[26])
{
	memcpy(buffer, request, sizeof(request));
	*urb = (struct usbdevfs_urb){.type = USBDEVFS_URB_TYPE_CONTROL,
				     .buffer = buffer,
				     .buffer_length = 26,
				     .usercontext = buffer};
	return ioctl(fd, USBDEVFS_SUBMITURB, urb);
}

int main(int argc, char **argv)
{
	unsigned char buffers[UNDER_WAY][26];
	struct usbdevfs_urb urbs[UNDER_WAY], *done;
	double begin, end;
	unsigned long count = 0;
	int fd;

	fd = argc == 3 ? open(argv[2], O_RDWR) : -1;
	if (fd < 0) {
		fprintf(stderr, "usage: usb-busy SECONDS /dev/bus/usb/BUS/DEVICE\n");
		return 2;
	}
	for (int i = 0; i < UNDER_WAY; i++) {
		if (submit(fd, &urbs[i], buffers[i]) < 0) {
			perror("usb-busy");
			return 1;
		}
	}
	begin = now();
	for (end = begin; end < begin + atof(argv[1]); end = now()) {
		if (ioctl(fd, USBDEVFS_REAPURB, &done) < 0 || submit(fd, done, done->usercontext) < 0) {
			perror("usb-busy");
			return 1;
		}
		count++;
	}
	printf("%.1f\n", (double)count / (end - begin));
	return 0;
}
