/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random histories. A profile says how often what happens, and of what the machine is made. */
#include <stddef.h>
#include <string.h>

#include "lib/macro.h"
#include "script.h"

static const char *const op_names[OP_COUNT] = {
	"wait",		  "quiet",	    "card-out",	   "card-in",	   "card-blink", "reader-out",
	"reader-in",	  "reader-blink",   "hub-out",	   "false-notice", "comm-error", "pcscd-crash",
	"pcscd-start",	  "pcscd-restart",  "pcscd-hang",  "pcscd-go-on",  "pcscd-deaf", "worker-restart",
	"client-hold",	  "client-release", "daemon-stop", "daemon-start", "sleep",	 "resume",
	"logind-restart", "reload",	    "sign-in",	   "session-end",  "unlock",	 "person-lock",
	"lose",
};

const char *op_name(enum op op)
{
	return op_names[op];
}

struct profile {
	const char *name;
	uint8_t addresses, probe, settings; /* settings: 255 any; probe: percent */
	uint8_t composite;		    /* percent */
	uint8_t weights[OP_COUNT];
};

#define CARDS_AND_READERS                                                                                    \
	[OP_CARD_OUT] = 20, [OP_CARD_IN] = 20, [OP_CARD_BLINK] = 5, [OP_READER_OUT] = 10,                    \
	[OP_READER_IN] = 12, [OP_READER_BLINK] = 3, [OP_WAIT] = 8, [OP_QUIET] = 4
#define PCSCD                                                                                                \
	[OP_COMM_ERROR] = 4, [OP_PCSCD_CRASH] = 2, [OP_PCSCD_START] = 5, [OP_PCSCD_RESTART] = 4,             \
	[OP_PCSCD_HANG] = 2, [OP_PCSCD_DEAF] = 1, [OP_WORKER_RESTART] = 1
#define PEOPLE                                                                                               \
	[OP_UNLOCK] = 8, [OP_PERSON_LOCK] = 2, [OP_SIGN_IN] = 4, [OP_SESSION_END] = 2, [OP_RELOAD] = 3,      \
	[OP_LOGIND_RESTART] = 1
#define DAEMON	[OP_DAEMON_STOP] = 3, [OP_DAEMON_START] = 6
#define SLEEP	[OP_SLEEP] = 3, [OP_RESUME] = 6
#define LOSSES	[OP_LOSE] = 4
#define CLIENTS [OP_CLIENT_HOLD] = 3, [OP_CLIENT_RELEASE] = 3
#define ALL                                                                                                  \
	CARDS_AND_READERS, PCSCD, PEOPLE, DAEMON, SLEEP, LOSSES,                                             \
		CLIENTS, [OP_HUB_OUT] = 1, [OP_FALSE_NOTICE] = 2
#define ANY 255

static const struct profile profiles[] = {
	{"all", ADDRESS_MIXED, 75, ANY, 20, {ALL}},
	{"plain", ADDRESS_PROMPT, 100, 0, 0, {CARDS_AND_READERS}},
	{"composite", ADDRESS_PROMPT, 75, ANY, 100, {CARDS_AND_READERS}},
	{"plain-logout", ADDRESS_PROMPT, 100, 1, 0, {CARDS_AND_READERS}},
	{"no-probe", ADDRESS_PROMPT, 0, ANY, 0, {CARDS_AND_READERS, LOSSES}},
	{"late", ADDRESS_LATE, 75, ANY, 0, {CARDS_AND_READERS, PCSCD, CLIENTS}},
	{"never", ADDRESS_NEVER, 75, ANY, 0, {CARDS_AND_READERS, PCSCD}},
	{"pcscd", ADDRESS_PROMPT, 75, ANY, 0, {CARDS_AND_READERS, PCSCD}},
	{"losses", ADDRESS_PROMPT, 75, ANY, 0, {CARDS_AND_READERS, LOSSES, [OP_FALSE_NOTICE] = 2}},
	{"daemon", ADDRESS_PROMPT, 75, ANY, 0, {CARDS_AND_READERS, DAEMON, [OP_PCSCD_RESTART] = 2}},
	{"sleep", ADDRESS_PROMPT, 75, ANY, 0, {CARDS_AND_READERS, SLEEP}},
	{"people", ADDRESS_PROMPT, 75, ANY, 0, {CARDS_AND_READERS, PEOPLE}},
	{"settings", ADDRESS_PROMPT, 75, ANY, 0, {CARDS_AND_READERS, PEOPLE, [OP_FALSE_NOTICE] = 3}},
};

const char *history_profile(unsigned number)
{
	return number < ELEMENTS(profiles) ? profiles[number].name : NULL;
}

/* Mostly short, so that things overlap; now and then long enough for everything to be over. */
static uint32_t gap_make(uint64_t *rng)
{
	switch (rng_below(rng, 8)) {
	case 0:
	case 1:
		return rng_below(rng, 1000);
	case 2:
	case 3:
		return rng_below(rng, 30 * 1000);
	case 4:
	case 5:
		return rng_below(rng, 700 * 1000);
	case 6:
		return rng_below(rng, 3000 * 1000);
	default:
		return rng_below(rng, 9000 * 1000);
	}
}

static enum op op_make(const struct profile *profile, uint64_t *rng)
{
	uint32_t total = 0, which;

	for (unsigned i = 0; i < OP_COUNT; i++)
		total += profile->weights[i];
	which = rng_below(rng, total);
	for (unsigned i = 0; i < OP_COUNT; i++) {
		if (which < profile->weights[i])
			return (enum op)i;
		which -= profile->weights[i];
	}
	return OP_WAIT;
}

static uint8_t lockers_make(uint64_t *rng)
{
	/* Mostly good ones: the last of `enum locker` are rare. */
	static const uint8_t choice[] = {0, 0, 0, 0, 1, 1, 2, 3, 4, 5};

	return choice[rng_below(rng, ELEMENTS(choice))];
}

static void setup_make(const struct profile *profile, uint64_t *rng, struct setup *setup)
{
	bool all = profile == profiles;

	*setup = (struct setup){
		.devices = (uint8_t)(2 + rng_below(rng, 3)),
		.people = (uint8_t)(1 + rng_below(rng, PEOPLE_MOST)),
		.models = (uint8_t)(1 + rng_chance(rng, 20)),
		.addresses = all ? (uint8_t)rng_below(rng, 4) : profile->addresses,
		.equal_atrs = rng_chance(rng, 60),
		.probe = rng_chance(rng, profile->probe),
		.slow = (uint8_t)rng_below(rng, 3),
		.stamps = rng_chance(rng, 20),
		.settings = profile->settings == ANY ? (uint8_t)rng_below(rng, 16) : profile->settings,
		.final = (uint8_t)rng_below(rng, 8),
		.shared_card = rng_chance(rng, 20),
		.endpoints = rng_chance(rng, 50),
		.late_pcscd = rng_chance(rng, 10),
	};
	if (setup->addresses == ADDRESS_NEVER && rng_chance(rng, 60))
		setup->models = 4;
	setup->sessions = (uint8_t)(1 + rng_below(rng, setup->people + setup->shared_card));
	if (rng_chance(rng, 15))
		setup->two_slots = 1;
	else if (rng_chance(rng, profile->composite))
		setup->composite = 1;
	if (rng_chance(rng, 10))
		setup->deaf_slots = (uint8_t)(1U << rng_below(rng, setup->devices));
	for (unsigned i = 0; i < SESSIONS_MOST; i++) {
		setup->lockers[i] = lockers_make(rng);
		setup->kinds[i] = (uint8_t)rng_below(rng, 8);
	}
}

void history_make(uint64_t seed, unsigned number, struct script *ret)
{
	const struct profile *profile = &profiles[number];
	uint64_t rng = seed * 0x2545f4914f6cdd1dULL + number;

	*ret = (struct script){.seed = rng_next(&rng)};
	setup_make(profile, &rng, &ret->setup);
	ret->count = 2 + rng_below(&rng, 14);
	for (unsigned i = 0; i < ret->count; i++) {
		ret->steps[i] = (struct history_step){
			.gap = gap_make(&rng),
			.seed = (uint32_t)rng_next(&rng),
			.op = (uint8_t)op_make(profile, &rng),
			.a = (uint8_t)rng_below(&rng, 24),
			.b = (uint8_t)rng_below(&rng, 256),
			.c = (uint8_t)rng_below(&rng, 256),
		};
		if (ret->steps[i].op == OP_CARD_IN && rng_chance(&rng, 75))
			ret->steps[i].b = 0;
		if (ret->steps[i].op == OP_CARD_BLINK)
			ret->steps[i].b %= 40;
	}
	if (rng_chance(&rng, 10))
		ret->setup.free_numbers = (uint8_t)(2 + rng_below(&rng, 4));
	ret->setup.docked = rng_chance(&rng, 10);
}
