/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remote/chansrv.h"

/* With one reader the far end waits this long itself; it is then asked whether there are others. Several readers take turns,
 * because two at a time are refused (xrdp 0.9). */
#define WAIT_MSEC      10000U
#define WAIT_TURN_MSEC 500U

static void put_number(uint8_t *bytes, uint32_t number)
{
	number = htole32(number);
	memcpy(bytes, &number, sizeof(number));
}

/* In one piece: chansrv reads the body while clipboard and sound wait behind it. */
static void request(struct far_end *far, enum chansrv_command command, const uint8_t *body, size_t size,
		    uint64_t now, uint32_t timeout_msec)
{
	uint8_t message[CHANSRV_HEADER_SIZE + 12 + 148];

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
	uint8_t body[12] = {0};

	put_number(body, far->xrdp.context);
	put_number(body + 8, 4096); /* without room, no name comes */
	request(far, CHANSRV_LIST, body, sizeof(body), now, 0);
}

static void status(struct far_end *far, const struct reader_state *reader, uint32_t current, uint32_t msec,
		   uint64_t now)
{
	uint8_t body[12 + 148] = {0};

	put_number(body, far->xrdp.context);
	put_number(body + 4, msec);
	put_number(body + 8, 1);
	memcpy(body + 12, reader->name, strnlen(reader->name, CHANSRV_NAME_SIZE - 1));
	put_number(body + 12 + CHANSRV_NAME_SIZE, current);
	request(far, CHANSRV_STATUS, body, sizeof(body), now, msec);
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
