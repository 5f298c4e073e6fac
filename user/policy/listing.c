/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listings: asking the sources for everything again, and which listing answers which request. Sources answer in order,
 * each request with a listing of its own. What was reported before a listing was asked for does not outlive its absence
 * from that listing; what was reported since then may be newer than the listing.
 */
#include "core.h"

static void request(struct listing *listing, uint64_t order)
{
	if (!listing->asked)
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

/* One was asked for while another was under way: that one is still to come. */
void listing_complete(struct world *world, struct listing *listing)
{
	listing->asked = listing->asked_last > listing->asked ? listing->asked_last : 0;
	listing->last = world->order;
	listing->began = 0;
}
