/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "actions/outlet.h"
#include "lib/cleanup.h"
#include "lib/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define ENTRY_BYTES    4096

struct journal {
	struct outlet *outlet;
	int socket;   /* connected; -1: the journal is not there */
	bool refused; /* and that was logged */
};

DEFINE_CLEANUP(struct journal *, journal_free)

/* ---- the socket ----------------------------------------------------------------------------------------- */

static int connect_to_journal(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int connected;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	connected = fd;
	fd = -1;
	return connected;
}

static int journal_connect(struct journal *journal)
{
	outlet_watch(journal->outlet, -1);
	close_fd(journal->socket);
	journal->socket = connect_to_journal();
	if (journal->socket < 0) {
		int r = journal->socket;

		journal->socket = -1;
		return r;
	}
	outlet_watch(journal->outlet, journal->socket);
	return 0;
}

static ptrdiff_t send_entry(const struct journal *journal, const char *bytes, size_t size)
{
	ssize_t sent = journal->socket < 0 ? (errno = ENOTCONN, -1)
					   : send(journal->socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent < 0 ? -errno : sent;
}

/* A journal that was started again, with a new socket, refuses the old connection. */
static ptrdiff_t write_entry(void *userdata, const char *bytes, size_t size)
{
	struct journal *journal = userdata;
	ptrdiff_t r = send_entry(journal, bytes, size);

	if (r < 0 && r != -EAGAIN) {
		r = journal_connect(journal);
		if (r >= 0)
			r = send_entry(journal, bytes, size);
	}
	if (r < 0 && r != -EAGAIN && !journal->refused)
		log_error("cannot write to the journal: %s", strerror((int)-r));
	journal->refused = r < 0 && r != -EAGAIN;
	return r;
}

static void report_lost_entries(void *userdata _unused_, uint64_t lost)
{
	log_warning("the journal did not read: %" PRIu64 " entries of the trail were dropped", lost);
}

int journal_new(sd_event *event, struct journal **ret)
{
	_cleanup_(journal_free_p) struct journal *journal = calloc(1, sizeof(*journal));
	int r;

	if (!journal)
		return -ENOMEM;
	journal->socket = -1;
	r = outlet_new(event, write_entry, report_lost_entries, journal, &journal->outlet);
	if (r < 0)
		return r;
	journal_connect(journal); /* else with the first entry */
	*ret = steal_pointer(journal);
	return 0;
}

struct journal *journal_free(struct journal *journal)
{
	if (!journal)
		return NULL;
	outlet_free(journal->outlet);
	close_fd(journal->socket);
	free(journal);
	return NULL;
}

uint64_t journal_lost(const struct journal *journal)
{
	return journal ? outlet_lost(journal->outlet) : 0;
}

/* ---- the entry ------------------------------------------------------------------------------------------ */

/* One entry in the journal's own form, FIELD=value a line. */
struct entry {
	char text[ENTRY_BYTES];
	size_t used;
};

/* A field whole, or none of it. A newline would begin another field. */
static void entry_add(struct entry *entry, const char *format, ...) _printf_(2, 3);
static void entry_add(struct entry *entry, const char *format, ...)
{
	char *start = entry->text + entry->used;
	size_t left = sizeof(entry->text) - entry->used;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(start, left, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= left)
		return;
	for (char *newline = start; (newline = strchr(newline, '\n'));)
		*newline = ' ';
	start[length] = '\n';
	entry->used += (size_t)length + 1;
}

void journal_write(struct journal *journal, const struct trail_entry *trail)
{
	struct entry entry = {.used = 0};

	entry_add(&entry, "SYSLOG_IDENTIFIER=%s", program_invocation_short_name);
	entry_add(&entry, "MESSAGE=%s", trail->message);
	entry_add(&entry, "PRIORITY=%d", trail->priority);
	if (trail->message_id)
		entry_add(&entry, "MESSAGE_ID=%s", trail->message_id);
	for (int i = 0; i < TRAIL_TEXT_COUNT; i++)
		if (trail->text[i])
			entry_add(&entry, "SCPOLICY_%s=%s", trail_text_names[i].journal, trail->text[i]);
	for (int i = 0; i < TRAIL_NUMBER_COUNT; i++)
		if (trail->numbers & 1U << i)
			entry_add(&entry, "SCPOLICY_%s=%" PRIu64, trail_number_names[i].journal,
				  trail->number[i]);
	outlet_send(journal->outlet, entry.text, entry.used);
}
