/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "lib/log.h"

/* MESSAGE=, PRIORITY=, MESSAGE_ID=, and the trail's own. */
#define ENTRY_FIELDS (3 + TRAIL_TEXT_COUNT + TRAIL_NUMBER_COUNT)
#define ENTRY_BYTES  2048

/* One entry being put together: fields in one buffer, none longer than what is left of it. */
struct entry {
	struct iovec fields[ENTRY_FIELDS];
	int count;
	char text[ENTRY_BYTES];
	size_t used;
};

static void entry_add(struct entry *entry, const char *format, ...) _printf_(2, 3);
static void entry_add(struct entry *entry, const char *format, ...)
{
	char *start = entry->text + entry->used;
	size_t left = sizeof(entry->text) - entry->used;
	va_list arguments;
	int length;

	if (entry->count == ENTRY_FIELDS || left < 2)
		return;
	va_start(arguments, format);
	length = vsnprintf(start, left, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length >= left)
		length = (int)left - 1;
	entry->fields[entry->count++] = (struct iovec){start, (size_t)length};
	entry->used += (size_t)length + 1;
}

void audit_write(const struct trail_entry *told)
{
	struct entry entry = {.count = 0};
	int r;

	entry_add(&entry, "MESSAGE=%s", told->message);
	entry_add(&entry, "PRIORITY=%d", told->priority);
	if (told->message_id)
		entry_add(&entry, "MESSAGE_ID=%s", told->message_id);
	for (int i = 0; i < TRAIL_TEXT_COUNT; i++)
		if (told->text[i])
			entry_add(&entry, "SCPOLICY_%s=%s", trail_text_names[i].journal, told->text[i]);
	for (int i = 0; i < TRAIL_NUMBER_COUNT; i++)
		if (told->numbers & 1U << i)
			entry_add(&entry, "SCPOLICY_%s=%" PRIu64, trail_number_names[i].journal,
				  told->number[i]);
	r = sd_journal_sendv(entry.fields, entry.count);
	if (r < 0)
		log_error("cannot write to the journal: %s", strerror(-r));
}
