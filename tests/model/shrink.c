/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a failing history as short as it gets: a step is left out, a wait shortened, a quirk of the machine
 * taken away, as long as a fault of the same kind remains. */
#include "shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_SIZE (1024 * 1024)

static bool still_fails(struct machine *machine, const struct script *script, enum fault fault,
			const char *text)
{
	struct judge judge;

	judge_reset(&judge);
	machine_init(machine, script, &judge);
	run_script(machine);
	return judge.fault == fault && strcmp(judge.text, text) == 0;
}

static bool try(struct machine *machine, struct script *script, const struct script *smaller,
		enum fault fault, const char *text)
{
	if (!still_fails(machine, smaller, fault, text))
		return false;
	*script = *smaller;
	return true;
}

static bool leave_out(struct machine *machine, struct script *script, enum fault fault, const char *text)
{
	bool progress = false;

	for (unsigned i = 0; i < script->count;) {
		struct script smaller = *script;

		memmove(&smaller.steps[i], &smaller.steps[i + 1],
			(smaller.count - i - 1) * sizeof(smaller.steps[0]));
		smaller.count--;
		if (try(machine, script, &smaller, fault, text))
			progress = true;
		else
			i++;
	}
	return progress;
}

static bool shorten_waits(struct machine *machine, struct script *script, enum fault fault, const char *text)
{
	static const uint32_t gaps[] = {0, 1000, 100 * 1000, 1000 * 1000};
	bool progress = false;

	for (unsigned i = 0; i < script->count; i++) {
		for (unsigned j = 0; j < ELEMENTS(gaps) && gaps[j] < script->steps[i].gap; j++) {
			struct script smaller = *script;

			smaller.steps[i].gap = gaps[j];
			if (!try(machine, script, &smaller, fault, text))
				continue;
			progress = true;
			break;
		}
	}
	return progress;
}

static bool simplify(struct machine *machine, struct script *script, enum fault fault, const char *text)
{
	uint8_t *quirks[] = {
		&script->setup.slow,	     &script->setup.stamps,	&script->setup.composite,
		&script->setup.two_slots,    &script->setup.deaf_slots, &script->setup.late_pcscd,
		&script->setup.free_numbers, &script->setup.docked,	&script->setup.shared_card,
		&script->setup.equal_atrs,   &script->setup.settings,	&script->setup.endpoints,
		&script->setup.kinds[0],     &script->setup.kinds[1],	&script->setup.lockers[0],
		&script->setup.lockers[1]};
	bool progress = false;

	for (unsigned i = 0; i < ELEMENTS(quirks); i++) {
		uint8_t was = *quirks[i];

		if (!was)
			continue;
		*quirks[i] = 0;
		if (still_fails(machine, script, fault, text))
			progress = true;
		else
			*quirks[i] = was;
	}
	while (script->setup.sessions > 1) {
		script->setup.sessions--;
		if (still_fails(machine, script, fault, text))
			continue;
		script->setup.sessions++;
		break;
	}
	return progress;
}

void shrink(struct machine *machine, struct script *script, enum fault fault, const char *text)
{
	bool progress = true;

	for (unsigned round = 0; progress && round < 8; round++) {
		progress = leave_out(machine, script, fault, text);
		progress |= simplify(machine, script, fault, text);
		progress |= shorten_waits(machine, script, fault, text);
	}
}

static void print_script(const struct script *script)
{
	const struct setup *setup = &script->setup;

	printf("# machine: %u readers, %u sessions, models %u, two slots %x, composite %x, no notices %x, "
	       "addresses %u, probe %u,\n"
	       "# policy %u, slow %u, lying stamps %u, equal cards %u, kinds %u %u, lockers %u %u, shared "
	       "card %u, late pcscd %u, free numbers %u, docked %u\n",
	       setup->devices, setup->sessions, setup->models, setup->two_slots, setup->composite,
	       setup->deaf_slots, setup->addresses, setup->probe, setup->settings, setup->slow, setup->stamps,
	       setup->equal_atrs, setup->kinds[0], setup->kinds[1], setup->lockers[0], setup->lockers[1],
	       setup->shared_card, setup->late_pcscd, setup->free_numbers, setup->docked);
	for (unsigned i = 0; i < script->count; i++)
		printf("#   +%u.%03u ms %s %u %u %u\n", script->steps[i].gap / 1000,
		       script->steps[i].gap % 1000, op_name(script->steps[i].op), script->steps[i].a,
		       script->steps[i].b, script->steps[i].c);
}

void shrink_print(struct machine *machine, const struct script *script, const char *profile, uint64_t seed)
{
	struct judge judge;
	char *trace = malloc(TRACE_SIZE);

	if (!trace)
		return;
	judge_reset(&judge);
	machine_init(machine, script, &judge);
	trace[0] = '\0';
	machine->trace = trace;
	machine->trace_size = TRACE_SIZE;
	run_script(machine);
	printf("# %s at %llums: %s (profile %s, seed %llu)\n", fault_name(judge.fault),
	       (unsigned long long)(judge.fault_at / MS), judge.text, profile, (unsigned long long)seed);
	print_script(script);
	fputs(trace, stdout);
	putchar('\n');
	machine->trace = NULL;
	free(trace);
}
