/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * second-card SOCKET DATABASE CERTIFICATE,CERTIFICATE,CERTIFICATE [other-atr]: on the host, a card in the
 * virtual machine's second reader. QEMU's ccid-card-passthru listens on SOCKET and speaks libcacard's
 * protocol (vscard_common.h); the card is the one that QEMU emulates itself in the first reader, with the
 * certificates named. With "other-atr" it answers to a reset with another last historical byte, as a card of
 * another make would.
 *
 * Prints "in" when the card is in the reader. SIGTERM pulls it.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <libcacard.h>
#include <vscard_common.h>

#include "lib/cleanup.h"

#define READER_ID 0
#define ATR_MAX	  40
/* The longest that a short APDU asks for or brings (ISO 7816-4), and QEMU's own limit for an answer. */
#define APDU_MAX 270

static bool send_message(int fd, VSCMsgType type, const void *data, size_t size)
{
	VSCMsgHeader header = {.type = htonl(type), .reader_id = htonl(READER_ID), .length = htonl(size)};
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)data, size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)(sizeof(header) + size);
}

static bool receive_all(int fd, void *data, size_t size)
{
	return size == 0 || recv(fd, data, size, MSG_WAITALL) == (ssize_t)size;
}

static int reader_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(path);
		return -1;
	}
	return steal_fd(&fd);
}

/* libcacard's own reader, once its card is in. */
static VReader *card_make(const char *database, const char *certificates)
{
	char options[512];
	VReader *reader = NULL;

	snprintf(options, sizeof(options), "db=\"%s\" use_hw=no soft=(,Second,CAC,,%s)", database,
		 certificates);
	if (vcard_emul_init(vcard_emul_options(options)) != VCARD_EMUL_OK)
		return NULL;
	while (!reader) {
		VEvent *event = vevent_wait_next_vevent();

		if (event->type == VEVENT_CARD_INSERT)
			reader = vreader_reference(event->reader);
		vevent_delete(event);
	}
	return reader;
}

static bool insert(int fd, VReader *reader, bool other_atr)
{
	VSCMsgInit init = {.magic = VSCARD_MAGIC, .version = htonl(VSCARD_VERSION)};
	unsigned char atr[ATR_MAX];
	int size = sizeof(atr);

	if (vreader_power_on(reader, atr, &size) != VREADER_OK || size < 2)
		return false;
	if (other_atr)
		atr[size - 1] ^= 1;
	return send_message(fd, VSC_Init, &init, sizeof(init)) &&
	       send_message(fd, VSC_ReaderAdd, "second", sizeof("second")) &&
	       send_message(fd, VSC_ATR, atr, (size_t)size);
}

static bool serve_apdu(int fd, VReader *reader, unsigned char *apdu, size_t size)
{
	unsigned char answer[APDU_MAX];
	int answered = sizeof(answer);

	return vreader_xfr_bytes(reader, apdu, (int)size, answer, &answered) == VREADER_OK &&
	       send_message(fd, VSC_APDU, answer, (size_t)answered);
}

/* What QEMU says besides APDUs needs no answer. */
static bool serve(int fd, VReader *reader)
{
	VSCMsgHeader header;
	unsigned char data[512];
	size_t size;

	if (!receive_all(fd, &header, sizeof(header)))
		return false;
	size = ntohl(header.length);
	if (size > sizeof(data) || !receive_all(fd, data, size))
		return false;
	return ntohl(header.type) != VSC_APDU || serve_apdu(fd, reader, data, size);
}

static int serve_until_pulled(int fd, VReader *reader, int signal_fd)
{
	struct pollfd entries[] = {{.fd = fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};

	for (;;) {
		if (poll(entries, ELEMENTS(entries), -1) < 0)
			return 1;
		if (entries[1].revents)
			return send_message(fd, VSC_CardRemove, NULL, 0) ? 0 : 1;
		if (entries[0].revents && !serve(fd, reader))
			return 0;
	}
}

int main(int argc, char **argv)
{
	_cleanup_close_ int fd = -1, signal_fd = -1;
	VReader *reader;
	sigset_t signals;

	if (argc < 4 || argc > 5 || (argc == 5 && strcmp(argv[4], "other-atr") != 0)) {
		fprintf(stderr, "usage: %s SOCKET DATABASE CERTIFICATE,CERTIFICATE,CERTIFICATE [other-atr]\n",
			argv[0]);
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	fd = reader_connect(argv[1]);
	reader = fd < 0 ? NULL : card_make(argv[2], argv[3]);
	if (!reader || !insert(fd, reader, argc == 5)) {
		fprintf(stderr, "%s: no card\n", argv[0]);
		return 1;
	}
	puts("in");
	fflush(stdout);
	return serve_until_pulled(fd, reader, signal_fd);
}
