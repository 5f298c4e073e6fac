/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote/far_end.h"

#include <stdio.h>
#include <string.h>

#include "lib/macro.h"

/* More answers than these in a second are a flood, or a loose plug: what is asked then is as true a moment later. */
#define PACES_MAX 20

void far_end_over(struct far_end *far, enum remote_why why, const char *detail)
{
	if (far->over)
		return;
	far->over = why;
	snprintf(far->detail, sizeof(far->detail), "%s", detail);
	far->deadline = 0;
	far->out_used = far->in_wanted = 0;
}

void far_end_send(struct far_end *far, const void *bytes, size_t size)
{
	if (far->over)
		return;
	if (size > sizeof(far->out) - far->out_used) {
		far_end_over(far, WHY_FULL, "it does not read");
		return;
	}
	memcpy(far->out + far->out_used, bytes, size);
	far->out_used += size;
}

static uint8_t digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (uint8_t)(c - 'a' + 10) : UINT8_MAX;
}

/* The name's last two hexadecimal digits, as pcscd writes them (readerfactory.c); 0 when it has none. */
static uint8_t slot_of(const char *name)
{
	size_t length = strlen(name);
	uint8_t high, low;

	if (length < 3 || name[length - 3] != ' ')
		return 0;
	high = digit_of(name[length - 2]);
	low = digit_of(name[length - 1]);
	return high > 1 || low > 15 ? 0 : (uint8_t)(high << 4 | low);
}

bool far_end_name(const uint8_t *bytes, size_t size, struct reader_state *reader)
{
	const uint8_t *end = memchr(bytes, '\0', size);

	if (!end || end == bytes || (size_t)(end - bytes) >= sizeof(reader->name))
		return false;
	memset(reader, 0, sizeof(*reader));
	for (size_t i = 0; bytes + i < end; i++)
		reader->name[i] = bytes[i] < ' ' || bytes[i] == 0x7f ? '?' : (char)bytes[i];
	reader->slot = slot_of(reader->name);
	return true;
}

uint64_t far_end_pace(struct far_end *far, uint64_t now)
{
	if (now - far->paced > NSEC_PER_SEC) {
		far->paced = now;
		far->paces = 0;
	}
	return ++far->paces <= PACES_MAX ? 0 : far->paced + NSEC_PER_SEC - now + 1;
}

void far_end_start(struct far_end *far, enum remote_dialect dialect, uint64_t now)
{
	memset(far, 0, sizeof(*far));
	far->dialect = dialect;
	switch (dialect) {
	case DIALECT_PCSCLITE:
		pcsclite_start(far, now);
		return;
	case DIALECT_XRDP:
		chansrv_start(far, now);
		return;
	}
	far_end_over(far, WHY_FAULT, "nobody speaks such a dialect");
}

void far_end_take(struct far_end *far, size_t size, uint64_t now)
{
	far->in_used += size;
	if (far->over || far->in_used < far->in_wanted)
		return;
	if (far->dialect == DIALECT_PCSCLITE)
		pcsclite_take(far, now);
	else
		chansrv_take(far, now);
}

void far_end_time(struct far_end *far, uint64_t now)
{
	if (far->over || !far->deadline || now < far->deadline)
		return;
	far->deadline = 0;
	if (far->dialect == DIALECT_PCSCLITE)
		pcsclite_time(far, now);
	else
		chansrv_time(far, now);
}
