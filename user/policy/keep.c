/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keep=any: a person who has signed in with one token and unlocked with another has proven both. The session is bound to the
 * one that was used last. If that is removed while another one is in, the session is bound to the other one instead. Whether
 * that is in, the belief says, as of any bound token: from the facts as they are at that moment.
 */
#include "policy/core.h"

/* More than people carry; a longer list only makes the removal of each slower. */
#define KEPT_MAX 4

static bool same_token(const struct login_record *a, const struct login_record *b)
{
	if (a->usb_token != b->usb_token || a->card.slot != b->card.slot)
		return false;
	if (usb_address_is_set(a->card.usb) && usb_address_is_set(b->card.usb))
		return usb_address_equal(a->card.usb, b->card.usb) &&
		       (a->usb_token || strcmp(a->card.name, b->card.name) == 0);
	return strcmp(a->card.name, b->card.name) == 0;
}

static void drop(struct session *session, struct kept *kept)
{
	LL_DELETE(session->kept, kept);
	free(kept);
}

static void drop_same(struct session *session, const struct login_record *login)
{
	struct kept *kept, *following;

	LL_FOREACH_SAFE(session->kept, kept, following)
	if (same_token(&kept->login, login))
		drop(session, kept);
}

static void drop_oldest(struct session *session)
{
	struct kept *kept, *following;
	unsigned count = 0;

	LL_FOREACH_SAFE(session->kept, kept, following)
	if (++count > KEPT_MAX)
		drop(session, kept);
}

/* Without memory for it, it is not kept: then its removal later is none, and that of the other one is. */
void keep_bound(struct session *session, const struct login_record *next)
{
	struct kept *kept;

	drop_same(session, next);
	if (!session->insertion || session->is_remote || session_is_away(session) ||
	    same_token(&session->login, next))
		return;
	kept = calloc(1, sizeof(*kept));
	if (!kept)
		return;
	*kept = (struct kept){
		.bound = session->bound,
		.life = session->life,
		.stay = session->stay,
		.others = session->others,
		.interfaces = session->interfaces,
		.interface = session->interface,
		.recovered = session->recovered,
		.pcsc_life = session->pcsc_life,
		.login = session->login,
	};
	LL_PREPEND(session->kept, kept);
	drop_oldest(session);
}

void keep_forget(struct session *session)
{
	while (session->kept)
		drop(session, session->kept);
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

/* The device's life that the token was bound in; NULL: it is over, or it has none. */
static struct device *device_of(const struct world *world, const struct kept *kept)
{
	struct device *device =
		usb_address_is_set(kept->login.card.usb) ? device_find(world, kept->login.card.usb) : NULL;

	return device && device->presence == PRESENCE_HERE && device->life == kept->life &&
			       device->came.order <= kept->bound.order
		       ? device
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

/* Only what a source says is in counts: with pcscd away, nobody knows of a card. */
static bool is_in(const struct world *world, const struct session *session, const struct kept *kept,
		  struct device *device)
{
	struct session other = *session;
	struct belief belief;

	if (usb_address_is_set(kept->login.card.usb) && !device)
		return false;
	assume(&other, kept);
	other.device = device;
	other.port = device ? device->port : NULL;
	other.life = kept->life;
	other.bound = kept->bound;
	other.slot_out = other.slot_in = other.pcsc_out = (struct moment){0};
	other.outs = 0;
	other.unheard = other.unnamed = other.lag_until = 0;
	belief = belief_of(world, &other);
	return belief.kind == BELIEF_IN &&
	       (belief.reason == REASON_READ || belief.reason == REASON_PLUGGED_IN);
}

static void bind_kept(struct world *world, struct session *session, struct kept *kept, struct device *device,
		      const struct belief *belief)
{
	struct verdict verdict = removal_verdict(session, VERDICT_KEPT, belief->stamp);

	verdict.source = belief->source;
	verdict.cause = belief->cause;
	verdict.stamp = belief->stamp;
	verdict.later = 0;
	verdict.settings = session->governance.by_cause[belief->cause];
	bind_begin(world, session, belief->stamp);
	assume(session, kept);
	bind_device(world, session, device);
	port_place(world, session, device ? device->port : NULL);
	drop(session, kept);
	report_later(world, session, REPORT_BOUND);
	world_tell(world, session, &verdict);
	bind_arm(world, session);
}

bool keep_instead(struct world *world, struct session *session, const struct belief *belief)
{
	if (session_is_away(session) || !session->governance.by_cause[belief->cause]->keep_any)
		return false;
	for (struct kept *kept = session->kept, *following; kept; kept = following) {
		struct device *device = device_of(world, kept);

		following = kept->next;
		if (is_in(world, session, kept, device)) {
			bind_kept(world, session, kept, device, belief);
			return true;
		}
		/* It was removed meanwhile: whatever comes into its place has to be proven again. */
		drop(session, kept);
	}
	return false;
}
