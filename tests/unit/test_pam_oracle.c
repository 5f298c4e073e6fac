/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libpam is the oracle of the doctor's walk: the same files are given to both, each module but those that decide by the
 * service's name in the shape of a stand-in that returns what the test wants. For generated stacks and for real ones:
 * which lines are asked, whether the person is let in, and on which ways the card, or no card, leads to our lines.
 * SCPOLICYD_PAM_STACKS=N tries so many generated ones, SCPOLICYD_PAM_SEED=N begins elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "tests/unit/pam_trial.h"

#define STACKS "tests/integration/doctor/stacks/*.pam"

/* ---- generated stacks ----------------------------------------------------------------------------------- */

static const char *pick(const char *const *words, size_t count)
{
	return words[(size_t)random() % count];
}
#define PICK(words) pick(words, ELEMENTS(words))

static void print_control(FILE *to)
{
	static const char *const words[] = {"required",	  "required", "requisite", "sufficient",
					    "sufficient", "optional", "[required]"};
	static const char *const values[] = {
		"success",	"default",	    "auth_err",	   "ignore",	  "authinfo_unavail",
		"user_unknown", "new_authtok_reqd", "perm_denied", "session_err", "nonsense"};
	static const char *const actions[] = {"ok", "done", "bad", "die", "ignore", "reset",
					      "1",  "1",    "2",   "2",	  "3",	    "x"};
	long count = random() % 4;

	if (random() % 2) {
		fputs(PICK(words), to);
		return;
	}
	fputc('[', to);
	for (; count >= 0; count--) {
		/* The last of each list are errors: once in a while. */
		bool wrong = random() % 40 == 0;
		size_t less = wrong ? 0 : 1;

		fprintf(to, "%s%s=%s ", random() % 3 ? "" : " ", pick(values, ELEMENTS(values) - less),
			pick(actions, ELEMENTS(actions) - less));
	}
	fputc(']', to);
}

static void print_module(FILE *to, bool session)
{
	static const char *const auth[] = {
		"pam_pkcs11.so",
		"pam_pkcs11.so",
		"pam_p11.so",
		"pam_sss.so",
		"pam_sss.so try_cert_auth",
		"pam_sss.so require_cert_auth ignore_authinfo_unavail",
		"pam_sss.so use_first_pass",
		"pam_unix.so",
		"pam_unix.so try_first_pass",
		"pam_deny.so",
		"pam_permit.so",
		"pam_scpolicy.so",
		"pam_scpolicy.so",
		"pam_scpolicy.so token",
		"pam_scpolicy.so always",
		"pam_env.so",
		"pam_localuser.so",
		"pam_succeed_if.so service in crond:gdm quiet use_uid",
		"pam_succeed_if.so service notin login:gdm quiet",
		"pam_succeed_if.so service = login",
		"pam_succeed_if.so service != gdm-smartcard user = root",
		"pam_succeed_if.so user ingroup wheel",
		"pam_succeed_if.so service =~ gdm*",
		"pam_succeed_if.so service eq 1",
		"pam_debug.so auth=authinfo_unavail",
		"pam_u2f.so",
	};
	static const char *const sessions[] = {
		"pam_systemd.so",
		"pam_systemd.so",
		"pam_scpolicy.so",
		"pam_scpolicy.so",
		"pam_unix.so",
		"pam_limits.so",
		"pam_deny.so",
		"pam_permit.so",
		"pam_foo.so",
		"pam_succeed_if.so service in crond quiet use_uid",
		"pam_succeed_if.so service notin login:gdm",
		"pam_succeed_if.so service noglob gdm* quiet",
		"pam_debug.so open_session=session_err",
	};

	fputs(session ? PICK(sessions) : PICK(auth), to);
}

/* A file that may include those of higher numbers, which are called part0, part1, part2. */
static char *make_text(unsigned number)
{
	static const char *const broken[] = {"auth",
					     "auth required",
					     "authentication required pam_permit.so",
					     "session include nowhere",
					     "auth substack nowhere",
					     "@include nowhere"};
	size_t size;
	char *text;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	for (long lines = 1 + random() % 5; lines > 0; lines--) {
		bool session = random() % 2;
		const char *type = session ? "session" : "auth";
		unsigned part = number + (unsigned)random() % 2;

		if (random() % 120 == 0)
			/* The last in the service's own file alone: elsewhere libpam leaves to chance what follows. */
			fprintf(to, "%s\n", pick(broken, ELEMENTS(broken) - (number > 0)));
		else if (random() % 4 == 0 && part < 3)
			random() % 3 ? fprintf(to, "%s %s part%u\n", type,
					       random() % 2 ? "substack" : "include", part)
				     : fprintf(to, "@include part%u\n", part);
		else {
			fprintf(to, "%s%s ", random() % 10 ? "" : "-",
				random() % 10 ? type
				: session     ? "SESSION"
					      : "Auth");
			print_control(to);
			fputc(random() % 2 ? ' ' : '\t', to);
			print_module(to, session);
			fputs(random() % 10 ? "\n" : " # a comment\n", to);
		}
	}
	fclose(to);
	return text;
}

static unsigned long environment_number(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

static void test_generated(void **state _unused_)
{
	static const char *const services[] = {"login", "gdm-smartcard", "gdm-switchable-auth", "sshd",
					       "crond"};
	unsigned long stacks = environment_number("SCPOLICYD_PAM_STACKS", 400);
	struct sssd_config sssd = {.present = true, .cert_auth = true};

	srandom((unsigned)environment_number("SCPOLICYD_PAM_SEED", 1));
	pam_trial_counts = (struct pam_trial_counts){0};
	pam_trial_ways = 1500;
	for (unsigned long i = 0; i < stacks; i++) {
		const char *service = PICK(services);
		struct pam_set set = {0};

		pam_set_add(&set, service, make_text(0));
		pam_set_add(&set, "part0", make_text(1));
		pam_set_add(&set, "part1", make_text(2));
		pam_set_add(&set, "part2", make_text(3));
		pam_set_write(&set, service);
		pam_trial_service(&set, service, PAM_TYPE_AUTH, &sssd);
		pam_trial_service(&set, service, PAM_TYPE_SESSION, &sssd);
		pam_set_clear(&set);
	}
	print_message("%lu stacks, %lu answers of libpam pam_trial_counts.compared, every way of %lu\n",
		      2 * stacks, pam_trial_counts.compared, pam_trial_counts.exhausted);
}

/* ---- real ones ------------------------------------------------------------------------------------------ */

/* "== NAME" begins a file; "?feature" and "!feature" are conditions, see stacks/authselect-*.pam. */
#define FEATURES_MAX 32
struct features {
	char *names[FEATURES_MAX];
	bool on[FEATURES_MAX];
	size_t count;
};

static size_t find_feature(struct features *features, const char *name)
{
	for (size_t i = 0; i < features->count; i++)
		if (strcmp(features->names[i], name) == 0)
			return i;
	assert_in_range(features->count, 0, FEATURES_MAX - 1);
	features->names[features->count] = strdup(name);
	return features->count++;
}

static char *slurp(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char *text = calloc(1, 65536);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, file) > 0);
	return text;
}

/* A line, and now and then one of ours after it. */
static void render_line(FILE *to, const char *line, bool ours)
{
	fprintf(to, "%s\n", line);
	if (ours && random() % 4 == 0 && strncmp(line, "auth", 4) == 0)
		fprintf(to, "auth optional pam_scpolicy.so%s\n", random() % 2 ? " token" : "");
	if (ours && random() % 4 == 0 && strstr(line, "session"))
		fprintf(to, "session optional pam_scpolicy.so\n");
}

/* A file of the pack, to the next one's beginning. Its features are all in `features` afterwards. */
static char *render_file(char **rest, struct features *features, bool ours)
{
	size_t size;
	char *text, *line;
	FILE *to = open_memstream(&text, &size);
	bool ended = false;

	assert_non_null(to);
	fputs("# a file\n", to);
	while (*rest && strncmp(*rest, "== ", 3) != 0) {
		line = strsep(rest, "\n");
		if (*line == '?' || *line == '!') {
			size_t length = strcspn(line, " ");
			_cleanup_free_ char *name = strndup(line + 1, length - 1);
			bool met = features->on[find_feature(features, name)] == (*line == '?');

			ended |= !met && !line[length];
			if (!met || !line[length])
				continue;
			line += length + 1;
		}
		if (!ended)
			render_line(to, line, ours);
	}
	fclose(to);
	return text;
}

static void render(struct pam_set *set, const char *pack, struct features *features, bool ours)
{
	_cleanup_free_ char *copy = strdup(pack);
	char *rest = strstr(copy, "\n== ");

	assert_non_null(rest);
	for (rest++; rest && *rest;) {
		char *name = strsep(&rest, "\n") + 3;

		pam_set_add(set, name, render_file(&rest, features, ours));
	}
}

static void switch_features(struct features *features, long round)
{
	for (size_t i = 0; i < features->count; i++)
		features->on[i] =
			round == (long)i + 1 || (round > (long)features->count && random() % 3 == 0);
	if (features->on[find_feature(features, "with-smartcard-required")])
		features->on[find_feature(features, "with-smartcard")] = true;
}

/* Round 0 is without features, each of the next has one, those after that some. */
static void try_round(const char *pack, struct features *features, long round)
{
	static struct sssd_config configs[] = {{.present = true}, {.present = true, .cert_auth = true}};
	struct pam_set set = {0};

	switch_features(features, round);
	render(&set, pack, features, round > 0);
	for (size_t i = 0; i < set.count; i++) {
		const struct sssd_config *config = &configs[random() % 4 > 0];

		/* libpam reads this one on top of any, also of itself. */
		if (strcmp(set.names[i], "other") == 0)
			continue;
		pam_set_write(&set, set.names[i]);
		pam_trial_service(&set, set.names[i], PAM_TYPE_AUTH, config);
		pam_trial_service(&set, set.names[i], PAM_TYPE_SESSION, config);
	}
	pam_set_clear(&set);
}

/* Each feature and some more where SCPOLICYD_PAM_STACKS asks for many, else some of both. */
static void try_pack(const char *path)
{
	_cleanup_free_ char *pack = slurp(path);
	unsigned long rounds = environment_number("SCPOLICYD_PAM_STACKS", 0) / 100;
	struct features features = {0};

	try_round(pack, &features, 0);
	for (unsigned long i = 1; i <= rounds; i++)
		try_round(pack, &features, (long)i);
	for (int i = 0; i < 3; i++)
		try_round(pack, &features, 1 + random() % (2 * (long)features.count + 1));
	for (size_t i = 0; i < features.count; i++)
		free(features.names[i]);
}

static void test_real(void **state _unused_)
{
	glob_t packs;

	pam_trial_counts = (struct pam_trial_counts){0};
	pam_trial_ways = 200;
	srandom((unsigned)environment_number("SCPOLICYD_PAM_SEED", 1));
	assert_int_equal(glob(STACKS, 0, NULL, &packs), 0);
	for (size_t i = 0; i < packs.gl_pathc; i++)
		try_pack(packs.gl_pathv[i]);
	print_message(
		"%zu kinds of machine, %lu answers of libpam pam_trial_counts.compared, every way of %lu stacks\n",
		packs.gl_pathc, pam_trial_counts.compared, pam_trial_counts.exhausted);
	globfree(&packs);
}

/* Where it gives a service up, libpam leaves what it had read of it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libpam.so";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generated),
		cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, pam_set_up, pam_set_down);
}
