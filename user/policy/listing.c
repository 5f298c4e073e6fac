/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listings: ask the sources for everything again, and match listings to requests. Sources answer in order,
 * each request with a listing of its own. If a listing lacks something that was reported before the request,
 * that thing is gone. What was reported since the request may be newer than the listing.
 */
#include "policy/core.h"

static void request(struct listing *listing, uint64_t order)
{
	if (listing->owed++ == 0)
		listing->asked = order;
	listing->asked_last = order;
}

/* RECHECK: every source. REREAD, LOCATE: PC/SC alone. */
void listing_ask(struct world *world, enum verdict_type how, enum event_source source, uint64_t stamp)
{
	if (how == VERDICT_RECHECK)
		request(&world->devices_listing, world->order);
	request(&world->readers_listing, world->order);
	world_tell(world, NULL, &(struct verdict){.type = how, .source = source, .stamp = stamp});
}

/*
 * If several listings are still to come, only the last request is stored: the next listing was requested
 * earlier.
 */
void listing_complete(struct world *world, struct listing *listing)
{
	listing->owed -= listing->owed > 0;
	if (listing->owed < 2)
		listing->asked = listing->owed ? listing->asked_last : 0;
	listing->last = world->order;
	listing->now = world->now;
	listing->began = 0;
}
