/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keep=any: a person who has signed in with one token and unlocked with another has proven both. The session is bound to the
 * one that was used last. If that is removed while another one is in, the session is bound to the other one instead. Whether
 * that is in, the belief says, as of any bound token: from the facts as they are at that moment.
 */
#include "policy/core.h"

/* More than people carry; a longer list only makes the removal of each slower. */
#define KEPT_MAX 4

/* Whoever wrote the record of the next one may not have found its address. */
static bool same_token(const struct login_record *token, const struct login_record *next)
{
	return strcmp(token->card.name, next->card.name) == 0 &&
	       (!usb_address_is_set(next->card.usb) || usb_address_equal(token->card.usb, next->card.usb));
}

static void drop(struct kept **at)
{
	struct kept *kept = *at;

	*at = kept->next;
	free(kept);
}

static void drop_same(struct session *session, const struct login_record *next)
{
	struct kept **at = &session->kept;

	while (*at) {
		if (same_token(&(*at)->login, next))
			drop(at);
		else
			at = &(*at)->next;
	}
}

static void drop_oldest(struct session *session)
{
	struct kept **at = &session->kept;

	for (unsigned count = 0; *at && count < KEPT_MAX; count++)
		at = &(*at)->next;
	if (*at)
		drop(at);
}

/* Without memory for it, it is not kept: then its removal later is none, and that of the other one is. */
void keep_bound(const struct world *world, struct session *session, const struct login_record *next)
{
	struct kept *kept;

	drop_same(session, next);
	/* While pcscd is away, nothing was removed. */
	if (!session->proven || (session_is_away(session) && cause_is_removal(session->removal.cause)) ||
	    same_token(&session->login, next))
		return;
	kept = calloc(1, sizeof(*kept));
	if (!kept)
		return;
	*kept = (struct kept){
		.next = session->kept,
		.order = world->order,
		.life = session->life,
		.stay = session->stay,
		.others = session->others,
		.interfaces = session->interfaces,
		.interface = session->interface,
		.recovered = session->recovered,
		.pcsc_life = session->pcsc_life,
		.login = session->login,
	};
	session->kept = kept;
	drop_oldest(session);
}

void keep_forget(struct session *session)
{
	keep_told(session);
	while (session->kept)
		drop(&session->kept);
}

void keep_told(struct session *session)
{
	free(session->taken);
	session->taken = NULL;
}

/* What describes the token, and nothing of who is signed in. */
static void describe(struct login_record *login, const struct login_record *token)
{
	login->card = token->card;
	memcpy(login->usb_path, token->usb_path, sizeof(login->usb_path));
	memcpy(login->usb_id, token->usb_id, sizeof(login->usb_id));
	memcpy(login->usb_serial, token->usb_serial, sizeof(login->usb_serial));
	memcpy(login->token, token->token, sizeof(login->token));
	memcpy(login->pcsc_socket, token->pcsc_socket, sizeof(login->pcsc_socket));
	login->usb_token = token->usb_token;
}

/* The device that the token was in; NULL: it is gone, or there was none. Nothing holds it: another one may have its address. */
static struct device *device_of(const struct world *world, const struct kept *kept)
{
	struct device *device = device_find(world, kept->login.card.usb);

	return device && device->presence == PRESENCE_HERE && device->came.order <= kept->order ? device
												: NULL;
}

static void assume(struct session *session, const struct kept *kept)
{
	describe(&session->login, &kept->login);
	session->stay = kept->stay;
	session->others = kept->others;
	session->interfaces = kept->interfaces;
	session->interface = kept->interface;
	session->recovered = kept->recovered;
	session->pcsc_life = kept->pcsc_life;
	session->recorded = 0;
}

/* In the reader of the one that was removed: it is that one, or was there before it. PC/SC may still read that one there. */
static bool is_removed(const struct world *world, const struct session *session, const struct session *other)
{
	const struct reader *reader = reader_of_session(world, other);

	return reader && reader == reader_of_session(world, session);
}

/* Only what a source says is in counts: with pcscd away, nobody knows of a card. */
static bool is_in(const struct world *world, const struct session *session, const struct kept *kept,
		  struct device *device)
{
	struct session other = *session;
	struct belief belief;

	if (!device && (kept->login.usb_token || usb_address_is_set(kept->login.card.usb)))
		return false;
	assume(&other, kept);
	other.device = device;
	other.port = device ? device->port : NULL;
	other.life = kept->life;
	other.slot_out = other.slot_in = other.pcsc_out = (struct moment){0};
	other.unheard = other.unnamed = other.lag_until = 0;
	if (is_removed(world, session, &other))
		return false;
	belief = belief_of(world, &other);
	return belief.reason == REASON_READ || belief.reason == REASON_PLUGGED_IN;
}

static struct verdict kept_verdict(const struct session *session, const struct belief *belief)
{
	struct verdict verdict = removal_verdict(session, VERDICT_KEPT, belief->stamp);

	verdict.source = belief->source;
	verdict.cause = belief->cause;
	verdict.stamp = belief->stamp;
	verdict.later = 0;
	verdict.settings = session->governance.by_cause[belief->cause];
	return verdict;
}

/* The last one that was bound takes over. */
static void bind_kept(struct world *world, struct session *session, struct device *device,
		      const struct belief *belief)
{
	struct kept *kept = session->kept;

	session->kept = kept->next;
	keep_told(session);
	session->taken = kept;
	kept->verdict = kept_verdict(session, belief);
	/* pcscd's absence was for the removed one. */
	deadline_set(world, session, DEADLINE_PCSC_LOST, 0);
	deadline_set(world, session, DEADLINE_SETTLE, 0);
	if (session->removal.pending == ACTION_NONE)
		deadline_set(world, session, DEADLINE_CONFIRM, 0);
	bind_begin(world, session, belief->stamp);
	assume(session, kept);
	session->proven = true;
	bind_device(world, session, device);
	port_place(world, session, device ? device->port : NULL);
	report_later(world, session, REPORT_KEPT | REPORT_BOUND);
}

bool keep_instead(struct world *world, struct session *session, const struct belief *belief)
{
	if (!session->governance.by_cause[belief->cause]->keep_any)
		return false;
	while (session->kept) {
		struct device *device = device_of(world, session->kept);

		if (is_in(world, session, session->kept, device)) {
			bind_kept(world, session, device, belief);
			return true;
		}
		/* It was removed meanwhile: whatever comes into its place has to be proven again. */
		drop(&session->kept);
	}
	return false;
}
