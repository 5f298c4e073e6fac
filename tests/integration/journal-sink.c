/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal-sink: stands in for journald at /run/systemd/journal/socket. Shows READY, then each entry as one
 * line KEY=value|KEY=value… of MESSAGE, MESSAGE_ID and the SCPOLICY_ fields, in the order they came. Reads
 * the native protocol: KEY=value lines, or KEY, a length of 64 bits, little endian, and so many bytes; an
 * entry too large for a datagram comes as a file descriptor. (https://systemd.io/JOURNAL_NATIVE_PROTOCOL)
 */
#include <ctype.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/cleanup.h"

#define SOCKET	  "/run/systemd/journal/socket"
#define ENTRY_MAX (1 << 20)

static bool key_is_wanted(const char *key, size_t size)
{
	return (size == 7 && memcmp(key, "MESSAGE", 7) == 0) ||
	       (size == 10 && memcmp(key, "MESSAGE_ID", 10) == 0) ||
	       (size > 9 && memcmp(key, "SCPOLICY_", 9) == 0);
}

/* One line must stay one line, and its fields apart. */
static void field_show(const char *key, size_t key_size, const char *value, size_t size)
{
	if (!key_is_wanted(key, key_size))
		return;
	printf("%.*s=", (int)key_size, key);
	for (size_t i = 0; i < size; i++)
		putchar(iscntrl((unsigned char)value[i]) || value[i] == '|' ? '?' : value[i]);
	putchar('|');
}

/* The binary form, `line` being the key's line. What follows it, or NULL where it is cut short. */
static const char *field_show_binary(const char *line, size_t key_size, const char *end)
{
	const char *value = line + key_size + 1;
	uint64_t size;

	if (end - value < (ptrdiff_t)sizeof(size))
		return NULL;
	memcpy(&size, value, sizeof(size));
	size = le64toh(size);
	value += sizeof(size);
	if (size >= (uint64_t)(end - value))
		return NULL;
	field_show(line, key_size, value, size);
	return value + size + 1;
}

static void entry_show(const char *text, size_t size)
{
	const char *end = text + size;

	while (text && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;
		const char *equals = memchr(text, '=', (size_t)(line_end - text));

		if (!equals) {
			text = field_show_binary(text, (size_t)(line_end - text), end);
			continue;
		}
		field_show(text, (size_t)(equals - text), equals + 1, (size_t)(line_end - equals - 1));
		text = line_end + 1;
	}
	putchar('\n');
}

static void memfd_show(int fd)
{
	struct stat status;
	char *text;

	if (fstat(fd, &status) < 0 || status.st_size == 0)
		return;
	text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return;
	entry_show(text, (size_t)status.st_size);
	munmap(text, (size_t)status.st_size);
}

static void datagram_receive(int socket_fd)
{
	static char text[ENTRY_MAX];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = text, .iov_len = sizeof(text)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t size = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd;

	if (size > 0)
		entry_show(text, (size_t)size);
	if (size < 0 || !header || header->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	memfd_show(fd);
	close_fd(fd);
}

int main(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("journal-sink: " SOCKET);
		return EXIT_FAILURE;
	}
	setlinebuf(stdout);
	puts("READY");
	for (;;)
		datagram_receive(fd);
}
