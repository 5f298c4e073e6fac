/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What governs a session and why, and what a removal would do. */
#include "bus/bus_describe.h"
#include "bus/bus_would.h"
#include "config/config_keys.h"

/* `session` is one of the host's world. */
static struct simulation simulate_removal(const struct bus_host *host, const struct session_view *session,
					  enum cause cause)
{
	struct simulation simulation;

	if (!world_simulate(host->world, session->login->session, cause, &simulation))
		simulation = (struct simulation){.settings = session->governance->by_cause[cause]};
	return simulation;
}

void describe_simulation(struct put *put, const struct bus_host *host, const struct session_view *session,
			 enum cause cause)
{
	struct simulation simulation = simulate_removal(host, session, cause);
	const struct settings *settings = simulation.settings;
	char would[WOULD_SIZE];

	put_open(put, 'a', "{sv}");
	put_text(put, "Cause", cause_name(cause));
	put_text(put, "Action", action_name(simulation.action));
	put_begin(put, "Steps", 'a', "s");
	for (unsigned i = 0; i < simulation.count; i++)
		put_string(put, step_name(simulation.steps[i]));
	put_end(put);
	put_bool(put, "AfterAgreement", simulation.after_agreement);
	put_uint64(put, "ConfirmUsec", settings->confirm / NSEC_PER_USEC);
	put_uint64(put, "SettleUsec", simulation.settle / NSEC_PER_USEC);
	put_text(put, "Then", action_name(simulation.then));
	put_uint64(put, "AfterUsec", settings->after / NSEC_PER_USEC);
	put_text(put, "Unit", simulation.starts_unit ? settings->unit : "");
	put_text(put, "Rule", settings->rule);
	put_text(put, "Would", would_text(&simulation, would));
	put_close(put);
}

/* What concerns only sessions whose card is at their client is left out of others' answers. */
static bool is_remote(const struct session_view *session)
{
	return session->login->source != LOGIN_LOCAL;
}

static void put_setting(struct put *put, const struct rules *rules, const struct settings *settings,
			enum setting setting)
{
	struct origin origin = rules_origin(rules, settings, setting);
	const struct key *key = config_setting_key(setting);
	char buffer[VALUE_SIZE];

	put_open(put, 'r', "ssssu");
	put_string(put, key->name);
	put_string(put, key->format(key, setting_value(settings, setting), buffer));
	put_string(put, origin.file);
	put_string(put, origin.rule);
	put_plain_uint32(put, origin.line);
	put_close(put);
}

static void put_cause(struct put *put, const struct bus_host *host, const struct session_view *session,
		      enum cause cause)
{
	struct simulation simulation = simulate_removal(host, session, cause);
	char would[WOULD_SIZE];

	put_open(put, 'a', "{sv}");
	put_text(put, "Cause", cause_name(cause));
	put_text(put, "Rule", simulation.settings->rule);
	put_text(put, "Action", action_name(simulation.action));
	put_text(put, "Would", would_text(&simulation, would));
	put_begin(put, "Settings", 'a', "(ssssu)");
	for (enum setting setting = 0; setting < SETTING_COUNT; setting++)
		if (is_remote(session) || !setting_is_remote(setting))
			put_setting(put, host->config->rules, simulation.settings, setting);
	put_end(put);
	put_close(put);
}

void describe_explanation(struct put *put, const struct bus_host *host, const struct session_view *session)
{
	put_open(put, 'a', "{sv}");
	describe_session(put, host, session);
	put_begin(put, "Causes", 'a', "a{sv}");
	for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
		if (is_remote(session) || !cause_is_remote(cause))
			put_cause(put, host, session, cause);
	put_end(put);
	put_close(put);
}
