/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote/chansrv.h"

/* With one reader the far end waits this long itself; it is then asked whether there are others. Several readers take turns,
 * because two at a time are refused (xrdp 0.9). */
#define WAIT_MSEC      10000U
#define WAIT_TURN_MSEC 500U

/* Of a reader in a status request. */
#define ENTRY_SIZE (CHANSRV_NAME_SIZE + CHANSRV_ENTRY_SIZE)
/* The name and state of an entry about which nobody wants to know anything: a name that every PC/SC has. */
static const char nothing[] = "\\\\?PnP?\\Notification";
#define STATE_IGNORE 0x01U
/* Every reader is in it (SCARD_LOCAL_READERS), and no PC/SC on Unix looks at it. It makes a list's request 44 bytes longer. */
static const char group[] = "SCard$LocalReaders";

/*
 * The bytes of the client's context, which chansrv does not tell and which decide how long its request is: those of a pointer
 * there. 0: as it comes, which most clients take.
 */
static const unsigned forms[CHANSRV_FORMS] = {0, 8, 4};

static void put_number(uint8_t *bytes, uint32_t number)
{
	number = htole32(number);
	memcpy(bytes, &number, sizeof(number));
}

/* In one piece: chansrv reads the body while clipboard and sound wait behind it. */
static void request(struct far_end *far, enum chansrv_command command, const uint8_t *body, size_t size,
		    uint64_t now, uint32_t timeout_msec)
{
	uint8_t message[CHANSRV_HEADER_SIZE + 12 + CHANSRV_ENTRIES_MAX * ENTRY_SIZE];

	put_number(message, (uint32_t)size);
	put_number(message + 4, (uint32_t)command);
	memcpy(message + CHANSRV_HEADER_SIZE, body, size);
	far_end_send(far, message, CHANSRV_HEADER_SIZE + size);
	far->xrdp.state = command;
	far->xrdp.asked = now;
	far->xrdp.timeout = timeout_msec * NSEC_PER_MSEC;
	far->in_used = 0;
	far->in_wanted = CHANSRV_HEADER_SIZE;
	far->deadline = now + far->xrdp.timeout + FAR_ANSWER_NSEC;
}

void chansrv_establish(struct far_end *far, uint64_t now)
{
	uint8_t body[4];

	put_number(body, 2); /* SCARD_SCOPE_SYSTEM */
	request(far, CHANSRV_ESTABLISH, body, sizeof(body), now, 0);
}

void chansrv_release(struct far_end *far, uint32_t *context, uint64_t now)
{
	uint8_t body[4];

	put_number(body, *context);
	*context = 0;
	request(far, CHANSRV_RELEASE, body, sizeof(body), now, 0);
}

void chansrv_list(struct far_end *far, uint64_t now)
{
	uint8_t body[12 + sizeof(group)] = {0};
	/* xrdp makes 44 bytes and the context of it. */
	size_t filling = forms[far->xrdp.form] == 8 ? sizeof(group) - 1 : 0;

	put_number(body, far->xrdp.context);
	put_number(body + 4, (uint32_t)filling);
	memcpy(body + 8, group, filling);
	put_number(body + 8 + filling, 4096); /* without room, no name comes */
	request(far, CHANSRV_LIST, body, 12 + filling, now, 0);
}

/* The bytes of a name, which xrdp ends with two words, in UTF-16. */
static size_t size_on_the_wire(const char *name)
{
	size_t words = 2;

	for (; *name; name++) {
		uint8_t byte = (uint8_t)*name;

		words += byte >= 0xF0 ? 2 : (byte & 0xC0) != 0x80;
	}
	return 2 * words;
}

/*
 * How many entries more fill the request up. xrdp makes of it 44 bytes, the context, and of each entry 52, then 12 and its name,
 * from a multiple of 4 on.
 */
static unsigned filling_entries(const struct far_end *far, const char *name)
{
	unsigned context = forms[far->xrdp.form];
	size_t size = 44 + context + 52 + 12 + size_on_the_wire(name);

	if (!context || size % 8 == 0)
		return 0;
	size += size % 4 + 52 + 12 + size_on_the_wire(nothing);
	return size % 8 == 0 ? 1 : 2;
}

static void put_entry(uint8_t *entry, const char *name, uint32_t current)
{
	memcpy(entry, name, strnlen(name, CHANSRV_NAME_SIZE - 1));
	put_number(entry + CHANSRV_NAME_SIZE, current);
}

static void status(struct far_end *far, const struct reader_state *reader, uint32_t current, uint32_t msec,
		   uint64_t now)
{
	uint8_t body[12 + CHANSRV_ENTRIES_MAX * ENTRY_SIZE] = {0};

	far->xrdp.entries = 1 + filling_entries(far, reader->name);
	put_number(body, far->xrdp.context);
	put_number(body + 4, msec);
	put_number(body + 8, far->xrdp.entries);
	put_entry(body + 12, reader->name, current);
	for (size_t i = 1; i < far->xrdp.entries; i++)
		put_entry(body + 12 + i * ENTRY_SIZE, nothing, STATE_IGNORE);
	request(far, CHANSRV_STATUS, body, 12 + far->xrdp.entries * ENTRY_SIZE, now, msec);
}

void chansrv_look_at_found(struct far_end *far, uint64_t now)
{
	status(far, &far->xrdp.found[far->xrdp.at], 0, 0, now);
}

void chansrv_rest(struct far_end *far, uint64_t until)
{
	far->xrdp.state = CHANSRV_PAUSE;
	far->in_used = 0;
	far->in_wanted = CHANSRV_HEADER_SIZE;
	far->deadline = until;
}

void chansrv_watch_next(struct far_end *far, uint64_t now)
{
	uint32_t msec = far->count > 1 ? WAIT_TURN_MSEC : WAIT_MSEC;

	if (far->count == 0) {
		/* Without a reader there is nothing to wait for but its coming. */
		chansrv_rest(far, now + CHANSRV_AGAIN_NSEC);
		return;
	}
	far->xrdp.at = far->xrdp.at % far->count;
	status(far, &far->readers[far->xrdp.at], far->xrdp.current[far->xrdp.at], msec, now);
}
