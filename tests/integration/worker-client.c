/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker-client WORKER: starts the PC/SC worker as the daemon does and shows each message as one line:
 *   PID 42 | UP | DOWN | SYNCED 0 | GONE name=Virtual PCD 00 00
 *   READER card=present counter=2 slot=0 usb=0:0 atr=3B00 name=Virtual PCD 00 00
 * Lines on standard input: "recheck N" sends a request, "noise" a packet that is none, "close" closes the
 * socket and shows "ENDED status" once the worker is gone. Without any line the worker is left alone.
 */
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/worker_message.h"

extern char **environ;

static pid_t worker_spawn(const char *path, int fd)
{
	char *arguments[] = {(char *)path, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, WORKER_FD);
	if (posix_spawn(&pid, path, &actions, NULL, arguments, environ))
		exit(EXIT_FAILURE);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static void reader_show(const struct reader_state *reader)
{
	static const char *const cards[] = {
		[CARD_UNAVAILABLE] = "unavailable", [CARD_EMPTY] = "empty", [CARD_PRESENT] = "present"};

	printf("READER card=%s counter=%u slot=%u usb=%u:%u atr=", cards[reader->card], reader->event_counter,
	       reader->slot, reader->usb.bus, reader->usb.device);
	for (size_t i = 0; i < reader->atr.size; i++)
		printf("%02X", reader->atr.bytes[i]);
	printf(" name=%s\n", reader->name);
}

static void message_show(const struct worker_message *message)
{
	switch (message->type) {
	case WORKER_PCSC_UP:
		puts("UP");
		break;
	case WORKER_PCSC_DOWN:
		puts("DOWN");
		break;
	case WORKER_READER:
		reader_show(&message->reader);
		break;
	case WORKER_READER_GONE:
		printf("GONE name=%s\n", message->reader.name);
		break;
	case WORKER_SYNCED:
		printf("SYNCED %u\n", message->number);
		break;
	default:
		printf("FAULT type=%u\n", message->type);
	}
}

/* False when the worker is gone. */
static bool message_receive(int fd)
{
	struct worker_message message;
	ssize_t size = recv(fd, &message, sizeof(message), MSG_TRUNC);

	if (size <= 0)
		return false;
	if (size != sizeof(message) || message.magic != WORKER_MAGIC)
		puts("FAULT size or magic");
	else
		message_show(&message);
	return true;
}

/* False at "close". */
static bool command_obey(int fd, const char *line)
{
	struct worker_request request = {.magic = WORKER_MAGIC};

	if (strcmp(line, "noise") == 0)
		send(fd, line, strlen(line), MSG_NOSIGNAL);
	else if (sscanf(line, "recheck %u", &request.number) == 1)
		send(fd, &request, sizeof(request), MSG_NOSIGNAL);
	return strcmp(line, "close") != 0;
}

/* False at "close" and at the end of input. */
static bool commands_receive(int fd)
{
	char text[1024], *rest = text;
	ssize_t size = read(STDIN_FILENO, text, sizeof(text) - 1);

	if (size <= 0)
		return false;
	text[size] = '\0';
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		if (!command_obey(fd, line))
			return false;
	return true;
}

int main(int argc, char **argv)
{
	int fds[2], status;
	pid_t pid;

	if (argc != 2 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return 2;
	setlinebuf(stdout);
	pid = worker_spawn(argv[1], fds[1]);
	close_fd(fds[1]);
	printf("PID %d\n", pid);
	struct pollfd polled[] = {{.fd = fds[0], .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	while (poll(polled, ELEMENTS(polled), -1) > 0) {
		if (polled[0].revents && !message_receive(fds[0]))
			break;
		if (polled[1].revents && !commands_receive(fds[0]))
			break;
	}
	close_fd(fds[0]);
	waitpid(pid, &status, 0);
	printf("ENDED %d\n", status);
	return EXIT_SUCCESS;
}
