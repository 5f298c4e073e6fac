/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/player.h"

struct live {
	struct live_output output;
	struct player *player;
};

static void live_on_verdict(void *userdata, const struct verdict *verdict)
{
	const struct live *live = userdata;
	char line[TRACE_LINE_MAX + 2], words[TRACE_LINE_MAX];

	snprintf(line, sizeof(line), "= %s", trace_format_verdict(verdict, words));
	live->output.line(live->output.userdata, line);
}

int live_new(const struct live_output *output, struct live **ret)
{
	struct live *live = calloc(1, sizeof(*live));
	int r = live ? player_new(live_on_verdict, live, &live->player) : -ENOMEM;

	if (r < 0) {
		free(live);
		return r;
	}
	live->output = *output;
	*ret = live;
	return 0;
}

struct live *live_free(struct live *live)
{
	if (!live)
		return NULL;
	player_free(live->player);
	free(live);
	return NULL;
}

/* ---- answers ---------------------------------------------------------------------------------------------- */

static void put_deadline(const struct live *live)
{
	uint64_t deadline = world_deadline(player_world(live->player));
	char line[64];

	if (deadline == UINT64_MAX)
		snprintf(line, sizeof(line), ". deadline=none");
	else
		snprintf(line, sizeof(line), ". deadline=%llu", (unsigned long long)deadline);
	live->output.line(live->output.userdata, line);
}

/* "-" means that there is no reader, so a reader of that name is written as an escape. */
static const char *reader_word(const char *reader, char *buffer, size_t size)
{
	if (!reader)
		return "-";
	return strcmp(reader, "-") == 0 ? "%2D" : trace_escape(reader, buffer, size);
}

static void put_session(const struct live *live, const struct session_view *session)
{
	static const char *const states[] = {
		[SESSION_GUARDED] = "guarded",
		[SESSION_AWAY] = "away",
		[SESSION_PENDING] = "pending",
	};
	ASSERT_ROWS(states, SESSION_PENDING + 1);
	const struct reader_state *card = &session->login->card;
	char line[1024], id[3 * SESSION_ID_SIZE], reader[3 * READER_NAME_SIZE];

	snprintf(line, sizeof(line), ". session=%s state=%s locked=%s counter=%u usb=%u:%u reader=%s",
		 trace_escape(session->login->session, id, sizeof(id)), states[session->state],
		 session->locked ? "yes" : "no", card->event_counter, card->usb.bus, card->usb.device,
		 reader_word(session->reader, reader, sizeof(reader)));
	live->output.line(live->output.userdata, line);
}

void live_sessions(const struct live *live)
{
	const struct world *world = player_world(live->player);
	struct session_view session;

	for (bool more = world_next_session(world, NULL, &session); more;
	     more = world_next_session(world, session.login->session, &session))
		put_session(live, &session);
	live->output.line(live->output.userdata, ". end");
}

/* ---- lines ------------------------------------------------------------------------------------------------ */

static int live_play(struct live *live, const struct event *event, struct trace_error *ret_error)
{
	const char *broken = NULL;
	int r = player_event(live->player, event, &broken);

	if (r == -ENOTRECOVERABLE)
		snprintf(ret_error->text, sizeof(ret_error->text), "the core's state is broken: %s", broken);
	if (r < 0)
		return r;
	put_deadline(live);
	return 0;
}

int live_line(struct live *live, const char *line, size_t size, struct trace_error *ret_error)
{
	struct trace_event trace;
	int r;

	if (size == 0 || line[0] == '#' || line[0] == '=')
		return 0;
	if (size == 1 && line[0] == '?') {
		live_sessions(live);
		return 0;
	}
	r = trace_parse_bytes(line, size, &trace, ret_error);
	return r < 0 ? r : live_play(live, &trace.event, ret_error);
}
