/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtual-card PORT ATRHEX: a card in a slot of vsmartcard's virtual reader (vpcd), which listens on PORT of
 * 127.0.0.1 and counts a card as present while a client is connected. Ending this program pulls the card.
 * The reader speaks a length of two bytes, big endian, and so many bytes; a single byte is one of the
 * controls below, anything else an APDU (vsmartcard: virtualsmartcard/src/vpcd/vpcd.c).
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "lib/card.h"
#include "lib/cleanup.h"

/* Microseconds: well within the pause that pcscd-preload makes. */
#define CONNECT_AGAIN 5000

#define CONTROL_ATR 4 /* 0: power off, 1: power on, 2: reset, none of which is answered */

static size_t atr_parse(const char *hex, uint8_t atr[static ATR_SIZE])
{
	size_t size;
	unsigned int byte;

	for (size = 0; size < ATR_SIZE && sscanf(hex + 2 * size, "%2x", &byte) == 1; size++)
		atr[size] = (uint8_t)byte;
	return size;
}

static int reader_connect(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd;

	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return fd;
		close_fd(fd);
		usleep(CONNECT_AGAIN);
	}
}

static bool read_all(int fd, void *buffer, size_t size)
{
	return recv(fd, buffer, size, MSG_WAITALL) == (ssize_t)size;
}

static bool answer(int fd, const uint8_t *bytes, size_t size)
{
	uint8_t message[2 + ATR_SIZE] = {(uint8_t)(size >> 8), (uint8_t)size};

	memcpy(message + 2, bytes, size);
	return send(fd, message, 2 + size, MSG_NOSIGNAL) == (ssize_t)(2 + size);
}

/* Until the reader goes. */
static void card_serve(int fd, const uint8_t *atr, size_t atr_size)
{
	static const uint8_t instruction_unknown[] = {0x6d, 0x00};
	uint8_t request[UINT16_MAX], length[2];
	size_t size;
	bool good = true;

	while (good && read_all(fd, length, sizeof(length))) {
		size = (size_t)length[0] << 8 | length[1];
		if (!read_all(fd, request, size))
			return;
		if (size > 1)
			good = answer(fd, instruction_unknown, sizeof(instruction_unknown));
		else if (size == 1 && request[0] == CONTROL_ATR)
			good = answer(fd, atr, atr_size);
	}
}

int main(int argc, char **argv)
{
	uint8_t atr[ATR_SIZE];
	size_t atr_size;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: virtual-card PORT ATRHEX\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	atr_size = atr_parse(argv[2], atr);
	for (;;) {
		fd = reader_connect((uint16_t)atoi(argv[1]));
		card_serve(fd, atr, atr_size);
		close_fd(fd);
	}
}
