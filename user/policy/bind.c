/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The insertion of the card that a session is bound to: the recorded one until it is out, then the same kind
 * of card in the same place, or the card that is there when its person unlocks.
 */
#include "policy/core.h"

static struct session **list_of(struct world *world, const struct session *session, struct device *device)
{
	if (device)
		return &device->sessions;
	return session->is_remote ? &world->remote : &world->placeless;
}

void bind_device(struct world *world, struct session *session, struct device *device)
{
	struct device *old = session->device;
	struct session **from = list_of(world, session, old), **to = list_of(world, session, device);

	session->life = device ? device->life : 0;
	if (old == device)
		return;
	LIST_DELETE(*from, session, on_device);
	LIST_ADD(*to, session, on_device);
	session->device = device;
	session->login.card.usb = device ? device->usb : (struct usb_address){0};
	if (device)
		device_watch(world, device);
	if (old)
		device_release(world, old);
}

/* Its card is at its client, or it is not: it has another record by now. */
void bind_remote(struct world *world, struct session *session, bool remote)
{
	if (session->is_remote == remote)
		return;
	port_place(world, session, NULL);
	bind_device(world, session, NULL);
	LIST_DELETE(*list_of(world, session, NULL), session, on_device);
	session->is_remote = remote;
	LIST_ADD(*list_of(world, session, NULL), session, on_device);
}

/* Facts about the previous insertion do not apply to the new one. */
void bind_begin(struct world *world, struct session *session, uint64_t stamp)
{
	session->insertion++;
	session->bound = moment_now(world, stamp);
	session->login.seen = stamp;
	session->slot_out = session->slot_in = session->pcsc_out = (struct moment){0};
	session->outs = 0;
	session->unheard = session->unnamed = session->lag_until = 0;
	session->failing = false;
	session->said &= ~(unsigned)(SAID_COMM_ERROR | SAID_UNGUARDED);
	deadline_set(world, session, DEADLINE_BELIEF, 0);
	report_later(world, session, REPORT_DEALT);
}

void bind_place(struct world *world, struct session *session, const struct device *device)
{
	if (device && device->port) {
		memcpy(session->login.usb_path, device->path, sizeof(session->login.usb_path));
		port_place(world, session, device->port);
	}
	if (device && device->id[0])
		memcpy(session->login.usb_id, device->id, sizeof(session->login.usb_id));
}

/* ---- the card is in ------------------------------------------------------------------------------------- */

/* PC/SC reads the bound insertion in `reader`: take over the count and the name that it reports now. */
static void adopt(struct world *world, struct session *session, struct reader *reader)
{
	struct reader_state *card = &session->login.card;

	reader_guess(world, reader, session->device);
	if (card->event_counter != reader->state.event_counter || strcmp(card->name, reader->state.name) != 0)
		report_later(world, session, REPORT_BOUND);
	card->event_counter = reader->state.event_counter;
	memcpy(card->name, reader->state.name, sizeof(card->name));
	if (reader->device && session_interfaces_disproved(world, session, reader->device)) {
		session->interfaces = 0;
		reader->device->shares_slots = false;
	}
	session->stay = reader->stay;
	session->others = world->stays;
	session->recovered = reader->recovered;
	session->pcsc_life = world->pcsc_life;
	reader_learn_interface(world, session, reader);
	session->unheard = session->unnamed = session->recorded = 0;
	session->failing = false;
	session->said &= ~(unsigned)SAID_COMM_ERROR;
}

void bind_confirm(struct world *world, struct session *session, struct reader *reader, uint64_t stamp)
{
	uint64_t until;
	enum hearing hearing = hearing_of(world, session, reader, &until);

	if (hearing == HEARING_REREAD && session->pcsc_life == world->pcsc_life && session->stay)
		report_comm_error(world, session, stamp, "the reader could not be read for a moment");
	if (hearing == HEARING_COUNTED)
		session->lag_until = 0;
	adopt(world, session, reader);
}

void bind_arm(struct world *world, const struct session *session)
{
	world_tell(world, session, &(struct verdict){.type = VERDICT_ARM, .steps = plan_steps(session)});
}

/* A new insertion: the card in `reader`, wherever that is. */
void bind_reader(struct world *world, struct session *session, struct reader *reader, uint64_t stamp)
{
	struct device *device = reader->device;

	/* PC/SC may say that it is at a device that USB does not know: that has left by now. */
	if (!device || (device->presence != PRESENCE_HERE && world->devices_listing.last))
		device = device_in_place(session);
	if (session->device != device)
		report_later(world, session, REPORT_BOUND);
	bind_begin(world, session, stamp);
	session->login.card.slot = reader->state.slot;
	bind_device(world, session, device);
	bind_place(world, session, device);
	adopt(world, session, reader);
}

/* ---- the card is back ----------------------------------------------------------------------------------- */

/*
 * PC/SC's count comes from the same pcscd, and from the same stay of the reader, as when the session was
 * bound.
 */
static bool is_comparable(const struct world *world, const struct session *session,
			  const struct reader *reader)
{
	return session->pcsc_life == world->pcsc_life && (!session->stay || session->stay == reader->stay);
}

static uint16_t moved(const struct session *session, const struct reader *reader)
{
	return (uint16_t)(reader->state.event_counter - session->login.card.event_counter);
}

/* For a loose plug: the card was out at most once since. */
static bool same_insertion(const struct session *session, const struct reader *reader)
{
	return reader->device != session->device || moved(session, reader) <= 2 ||
	       reader->state.event_counter <= 1;
}

/* All that PC/SC has counted is that the reader could be read again. */
static bool only_recovered(const struct session *session, const struct reader *reader)
{
	return session->stay == reader->stay &&
	       moved(session, reader) <= reader->recovered - session->recovered;
}

/*
 * The reader's last notice was "out", and PC/SC's count does not show that a card came after it: what PC/SC
 * reports may be older. It counts once Confirm= is over; until then the reader may still report that the card
 * is back.
 */
static bool may_be_older(const struct world *world, const struct session *session,
			 const struct reader *reader)
{
	if (session->slot_out.order <= session->slot_in.order || session_device_left(session))
		return false;
	return !is_comparable(world, session, reader) || moved(session, reader) < 2 * session->outs ||
	       only_recovered(session, reader);
}

/* The order of the removal's first report. A case that sleep held up opens later than that. */
static uint64_t removed_at(const struct session *session)
{
	const struct removal *removal = &session->removal;
	uint64_t noticed = session->slot_out.order;

	return removal->evidence == EVIDENCE_SLOT && noticed && noticed < removal->opened.order
		       ? noticed
		       : removal->opened.order;
}

static bool is_back(const struct session *session, const struct reader *reader)
{
	const struct device *device = device_in_place(session);

	if (!reader || reader->state.card != CARD_PRESENT ||
	    !atr_equal(&reader->state.atr, &session->login.card.atr))
		return false;
	/*
	 * Reported before the removal, or about an earlier device at this address: this says nothing about a
	 * card that is back.
	 */
	if (reader->said.order <= removed_at(session))
		return false;
	if (device && reader->said.order < device->came.order && reader_is_older(reader, device))
		return false;
	return !session->deadlines[DEADLINE_SETTLE] || same_insertion(session, reader);
}

/* A reader that was enumerated again after sleep may have reported "out" though nobody touched the card. */
static void forgive_after_sleep(struct world *world, struct session *session, const struct reader *reader,
				uint64_t stamp)
{
	const struct removal *removal = &session->removal;
	bool again = session_device_left(session) || (session->stay && session->stay != reader->stay);

	if (!(removal->evidence & EVIDENCE_PCSC) && world->resumed && again &&
	    (removal->opened.now >= world->slept || removal->denied) &&
	    removal->opened.now < later(world->resumed, RESUME_NSEC))
		case_cancel(world, session, stamp, "the reader was enumerated again after sleep");
}

static void restore(struct world *world, struct session *session, struct reader *reader, uint64_t stamp,
		    bool contradicted)
{
	bool settled = session->deadlines[DEADLINE_SETTLE];
	bool lags = session->slot_in.order > session->slot_out.order && !session_device_left(session) &&
		    reader->state.event_counter == session->login.card.event_counter;

	forgive_after_sleep(world, session, reader, stamp);
	if (session->removal.pending == ACTION_NONE)
		deadline_set(world, session, DEADLINE_CONFIRM, 0);
	deadline_set(world, session, DEADLINE_SETTLE, 0);
	/* The reader itself said when it came in. PC/SC has not looked since: how new its report is says nothing. */
	bind_reader(world, session, reader, lags ? session->slot_in.stamp : stamp);
	session->proven &= settled || contradicted;
	if (lags)
		session->lag_until = later(world->now, LAG_NSEC);
	if (contradicted)
		case_contradicted(world, session, stamp);
	else
		removal_tell(world, session, settled ? VERDICT_SETTLED : VERDICT_RESTORED, stamp, NULL);
	/*
	 * No locker could show that its person unlocked. The card is the only sign that the person is there.
	 */
	if (plan_cannot_lock(session) && session->removal.pending == ACTION_NONE)
		case_cancel(world, session, stamp, "the card is back");
	bind_arm(world, session);
}

/* The only card like its own is in another reader than the one with its name: that card may be anybody's. */
static bool is_elsewhere_by_name(const struct world *world, const struct session *session,
				 const struct reader *reader)
{
	const struct reader *by_name = reader_find(world, session->login.card.name);

	return !session->device && by_name && by_name != reader;
}

/*
 * Checks whether the card of an away session is in its place again. If so, it guards the session from now on.
 */
bool bind_return(struct world *world, struct session *session, uint64_t stamp)
{
	struct reader *reader = world->pcsc_up && !world->asleep ? reader_in_place(world, session) : NULL;
	const struct settings *settings = session->removal.settings;
	const struct device *device = device_in_place(session);
	uint64_t certain = 0;
	bool older;

	if (session->login.usb_token)
		return bind_token_return(world, session, stamp);
	if (!is_back(session, reader) || is_elsewhere_by_name(world, session, reader))
		return false;
	/* What was just done happened first, so it is reported first. */
	if (session->reports & (REPORT_REMOVAL | REPORT_ACTION)) {
		deadline_set(world, session, DEADLINE_BELIEF, later(world->now, 1));
		return false;
	}
	older = may_be_older(world, session, reader);
	if (older && settings)
		certain = later(session->slot_out.now, settings->confirm);
	if (reader_is_older(reader, device) && later(device->came.now, DOUBT_NSEC) > certain)
		certain = later(device->came.now, DOUBT_NSEC);
	/* PC/SC has reported nothing since the reader's own last notice. */
	if (reader->said.order < session->slot_out.order || reader->said.order < session->slot_in.order)
		return false;
	if (world->now < certain) {
		deadline_set(world, session, DEADLINE_BELIEF, certain);
		return false;
	}
	restore(world, session, reader, stamp,
		older && (session->removal.evidence & ~(unsigned)EVIDENCE_SILENCE) == EVIDENCE_SLOT);
	return true;
}

/* For a guarded session after sleep: its reader was enumerated again, and the card there is the bound one. */
bool bind_after_sleep(struct world *world, struct session *session, uint64_t stamp)
{
	struct reader *reader = world->pcsc_up ? reader_in_place(world, session) : NULL;
	uint64_t until;

	if (session->login.usb_token)
		return bind_token_after_sleep(world, session, stamp);
	/*
	 * Somebody saw the card leave (see belief_around_sleep()): once the machine is awake that is a
	 * removal.
	 */
	if (session->pcsc_out.order || (session->slot_out.order && session->slot_out.stamp < world->slept))
		return false;
	if (!is_back(session, reader) || hearing_of(world, session, reader, &until) == HEARING_OTHER)
		return false;
	/* It has been in since its reader came: what the reader reported since then is about this insertion. */
	bind_reader(world, session, reader, device_in_place(session)->came.stamp);
	return true;
}
