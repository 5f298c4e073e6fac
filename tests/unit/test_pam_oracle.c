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

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/pam_cards.h"
#include "ctl/pam_modules.h"
#include "lib/cleanup.h"
#include "tests/unit/pam-stand-in.h"

#define STACKS	    "tests/integration/doctor/stacks/*.pam"
#define FILES_MAX   64
#define FILE_LINES  60 /* that get a line number of the stand-in's; ids are unique in all files */
#define OPTIONS_MAX 40
#define WAYS_TRIED  1500

/* ---- files ---------------------------------------------------------------------------------------------- */

/* One machine's pam.d, in memory. */
struct set {
	char *names[FILES_MAX], *texts[FILES_MAX];
	size_t count;
};

static char directory[] = "/tmp/scpolicyd-pam-XXXXXX";
static char *modules;
static struct stand_in *table;

static int read_set(void *userdata, const char *name, char **ret_text, char **ret_path)
{
	const struct set *set = userdata;

	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->names[i], name) == 0) {
			*ret_text = strdup(set->texts[i]);
			*ret_path = strdup(name);
			return 0;
		}
	return -ENOENT;
}

static unsigned line_id(const struct set *set, const struct pam_line *line)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->names[i], line->file) == 0)
			return (unsigned)i * FILE_LINES + line->line;
	fail_msg("no file %s", line->file);
	return 0;
}

static void set_add(struct set *set, const char *name, char *text)
{
	assert_in_range(set->count, 0, FILES_MAX - 1);
	set->names[set->count] = strdup(name);
	set->texts[set->count++] = text;
}

static void set_clear(struct set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		_cleanup_free_ char *path = NULL;

		assert_true(asprintf(&path, "%s/%s", directory, set->names[i]) > 0);
		unlink(path);
		free(set->names[i]);
		free(set->texts[i]);
	}
	set->count = 0;
}

/* libpam loads these themselves where one value is all that they can return. */
static bool is_real(const struct pam_line *line, enum pam_type type, const char *service)
{
	uint32_t returns = pam_module_returns(line, type, service);

	if (strcmp(line->module, "pam_permit.so") == 0 || strcmp(line->module, "pam_deny.so") == 0 ||
	    strcmp(line->module, "pam_debug.so") == 0)
		return true;
	return strcmp(line->module, "pam_succeed_if.so") == 0 && (returns & (returns - 1)) == 0;
}

/* The type of a line of a file, for is_real(). */
static enum pam_type text_type(const char *text)
{
	text += strspn(text, " \t-");
	return strncasecmp(text, "session", 7) == 0 ? PAM_TYPE_SESSION : PAM_TYPE_AUTH;
}

/* A line for libpam: the module's name below our own directory, our id behind it; other files with their full names. */
static void write_line(FILE *file, const char *text, unsigned id, const char *service)
{
	const char *at = strstr(text, ".so"), *start = at;
	struct pam_line line = {.kind = PAM_MODULE};
	char name[64], arguments[512] = "";

	for (const char *word = strstr(text, "include"); word; word = NULL)
		if (text[0] == '@' || !at) {
			word += strlen("include");
			word += strspn(word, " \t");
			fprintf(file, "%.*s%s/%s\n", (int)(word - text), text, directory, word);
			return;
		}
	for (const char *word = strstr(text, "substack"); word && !at; word = NULL) {
		word += strlen("substack");
		word += strspn(word, " \t");
		fprintf(file, "%.*s%s/%s\n", (int)(word - text), text, directory, word);
		return;
	}
	while (start && start > text && !strchr(" \t/", start[-1]))
		start--;
	if (!at || text[strspn(text, " \t")] == '#') {
		fprintf(file, "%s\n", text);
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(at + 3 - start), start);
	snprintf(arguments, sizeof(arguments), "%.*s", (int)strcspn(at + 3, "#"), at + 3);
	line.module = name;
	line.arguments = arguments;
	if (is_real(&line, text_type(text), service)) {
		fprintf(file, "%s\n", text);
		return;
	}
	{
		_cleanup_free_ char *link = NULL;

		assert_true(asprintf(&link, "%s/%s", modules, name) > 0);
		if (access(link, F_OK) != 0) {
			_cleanup_free_ char *real = realpath("build/san/tests/pam-stand-in.so", NULL);

			assert_int_equal(symlink(real, link), 0);
		}
	}
	while (start > text && !strchr(" \t", start[-1]))
		start--;
	fprintf(file, "%.*s%s/%s%s id=%u\n", (int)(start - text), text, modules, name, arguments, id);
}

static void write_set(const struct set *set, const char *service)
{
	for (size_t i = 0; i < set->count; i++) {
		_cleanup_free_ char *path = NULL, *copy = strdup(set->texts[i]);
		_cleanup_fclose_ FILE *file = NULL;
		char *rest = copy;
		unsigned number = 0;

		assert_true(asprintf(&path, "%s/%s", directory, set->names[i]) > 0);
		file = fopen(path, "we");
		assert_non_null(file);
		for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
			write_line(file, line, (unsigned)i * FILE_LINES + ++number, service);
	}
}

/* ---- libpam --------------------------------------------------------------------------------------------- */

static int no_conversation(int count _unused_, const struct pam_message **messages _unused_,
			   struct pam_response **responses _unused_, void *userdata _unused_)
{
	return PAM_CONV_ERR;
}

static pam_handle_t *start(const char *service)
{
	static const struct pam_conv conversation = {no_conversation, NULL};
	pam_handle_t *pam = NULL;

	return pam_start_confdir(service, "root", &conversation, directory, &pam) == PAM_SUCCESS ? pam : NULL;
}

/* Whether libpam lets the person in; what it asked is in the table. */
static bool ask(pam_handle_t *pam, enum pam_type type)
{
	table->asked = 0;
	return (type == PAM_TYPE_AUTH ? pam_authenticate(pam, 0) : pam_open_session(pam, 0)) == PAM_SUCCESS;
}

/* ---- one stack, both ways ------------------------------------------------------------------------------- */

/* What each line returns, as one of the outcomes that the question gives it. */
struct choice {
	size_t outcome;
	int value;
};

struct trial {
	const struct set *set;
	enum pam_type type;
	struct pam_question question;
	struct pam_stack stack;
	struct choice choices[STAND_IN_LINES]; /* by id */
	bool hash; /* flags are a sum over the lines that were asked, in their order */
};

static size_t all_answers(struct trial *trial, size_t at, unsigned flags, struct pam_outcome *ret)
{
	pam_answers answers = trial->type == PAM_TYPE_AUTH ? pam_auth_answers : pam_session_answers;

	return answers(&trial->question, &trial->stack, at, flags, ret);
}

static unsigned add_hash(unsigned flags, unsigned id)
{
	return (flags * 31 + id + 1) & 0xffff;
}

/* The single outcome that was chosen. */
static size_t chosen_answer(void *userdata, const struct pam_stack *stack, size_t at, unsigned flags,
			    struct pam_outcome *ret)
{
	struct trial *trial = userdata;
	const struct pam_line *line = &stack->lines[at];
	unsigned id = line_id(trial->set, line);
	struct pam_outcome outcomes[PAM_OUTCOMES_MAX];
	bool real = is_real(line, trial->type, trial->question.service);

	all_answers(trial, at, flags, outcomes);
	*ret = outcomes[trial->choices[id].outcome];
	if (!real)
		ret->returns = PAM_BIT(trial->choices[id].value);
	if (trial->hash)
		ret->flags = real ? flags : add_hash(flags, id);
	return 1;
}

static void show(const struct trial *trial)
{
	for (size_t i = 0; i < trial->set->count; i++)
		print_message("---- %s\n%s\n", trial->set->names[i], trial->set->texts[i]);
	for (size_t i = 0; i < trial->stack.count; i++)
		if (trial->stack.lines[i].kind == PAM_MODULE) {
			unsigned id = line_id(trial->set, &trial->stack.lines[i]);

			print_message("%s:%u %s returns %d\n", trial->stack.lines[i].file,
				      trial->stack.lines[i].line, trial->stack.lines[i].module,
				      trial->choices[id].value);
		}
}

/* What libpam asked, as lines of the files. */
static void show_log(const struct trial *trial)
{
	for (size_t i = 0; i < table->asked; i++)
		print_message("libpam asks %s:%u\n", trial->set->names[table->log[i] / FILE_LINES],
			      table->log[i] % FILE_LINES);
}

static void publish(const struct trial *trial)
{
	for (size_t at = 0; at < trial->stack.count; at++)
		if (trial->stack.lines[at].kind == PAM_MODULE) {
			unsigned id = line_id(trial->set, &trial->stack.lines[at]);

			table->returns[id] = trial->choices[id].value;
		}
}

static unsigned long compared;

/* One choice: the same lines, and the same end. Whether libpam lets the person in. */
static bool compare(struct trial *trial, pam_handle_t *pam)
{
	_cleanup_(pam_walk_free_p) struct pam_walk *walk = NULL;
	struct pam_end end = {0};
	unsigned hash = 0;
	bool in;

	publish(trial);
	in = ask(pam, trial->type);
	for (size_t i = 0; i < table->asked; i++)
		hash = add_hash(hash, table->log[i]);
	trial->hash = true;
	assert_int_equal(pam_walk_new(&trial->stack, chosen_answer, trial, &walk), 0);
	trial->hash = false;
	assert_in_range(pam_walk_count(walk), 0, 1);
	if (pam_walk_count(walk) == 1)
		end = pam_walk_end(walk, 0);
	else
		in = false; /* PAM_INCOMPLETE is not tried */
	compared++;
	if (end.success != in || end.flags != hash) {
		show(trial);
		show_log(trial);
		fail_msg("libpam lets in: %d, the walk: %d; lines asked %s", in, end.success,
			 end.flags == hash ? "alike" : "differ");
	}
	return in;
}

/* The flags of a way: those of the lines in the order in which libpam asked. Lines that are real leave them alone. */
static unsigned fold(struct trial *trial)
{
	unsigned flags = 0;

	for (size_t i = 0; i < table->asked; i++)
		for (size_t at = 0; at < trial->stack.count; at++) {
			struct pam_outcome outcomes[PAM_OUTCOMES_MAX];

			if (trial->stack.lines[at].kind != PAM_MODULE ||
			    line_id(trial->set, &trial->stack.lines[at]) != table->log[i])
				continue;
			all_answers(trial, at, flags, outcomes);
			flags = outcomes[trial->choices[table->log[i]].outcome].flags;
			break;
		}
	return flags;
}

/* The choices of a line that differ in what follows. */
static size_t list_options(struct trial *trial, size_t at, struct choice options[static OPTIONS_MAX])
{
	const struct pam_line *line = &trial->stack.lines[at];
	struct pam_outcome outcomes[PAM_OUTCOMES_MAX];
	size_t found = 0, count = all_answers(trial, at, 0, outcomes);

	for (size_t k = 0; k < count; k++)
		for (int value = 0; value < PAM_INCOMPLETE; value++) {
			bool same = false;

			for (size_t i = 0; i < found; i++)
				same |= options[i].outcome == k && value != PAM_SUCCESS &&
					options[i].value != PAM_SUCCESS &&
					line->actions[options[i].value] == line->actions[value];
			if (outcomes[k].returns & PAM_BIT(value) && !same && found < OPTIONS_MAX)
				options[found++] = (struct choice){k, value};
		}
	return found;
}

static bool repeats(const struct trial *trial)
{
	for (size_t a = 0; a < trial->stack.count; a++)
		for (size_t b = a + 1; b < trial->stack.count; b++)
			if (line_id(trial->set, &trial->stack.lines[a]) ==
			    line_id(trial->set, &trial->stack.lines[b]))
				return true;
	return false;
}

#define ENDS_MAX 256
struct ends {
	unsigned keys[ENDS_MAX];
	size_t count;
};

static void ends_add(struct ends *ends, bool success, unsigned flags)
{
	unsigned key = flags << 1 | success;

	for (size_t i = 0; i < ends->count; i++)
		if (ends->keys[i] == key)
			return;
	assert_in_range(ends->count, 0, ENDS_MAX - 1);
	ends->keys[ends->count++] = key;
}

static bool ends_have(const struct ends *ends, unsigned key)
{
	for (size_t i = 0; i < ends->count; i++)
		if (ends->keys[i] == key)
			return true;
	return false;
}

/* Every way that libpam takes is one of the walk's; and the other way round, where all were tried. */
static void compare_ends(struct trial *trial, const struct ends *seen, bool all)
{
	_cleanup_(pam_walk_free_p) struct pam_walk *walk = NULL;
	pam_answers answers = trial->type == PAM_TYPE_AUTH ? pam_auth_answers : pam_session_answers;
	struct ends told = {0};

	assert_int_equal(pam_walk_new(&trial->stack, answers, &trial->question, &walk), 0);
	for (size_t i = 0; i < pam_walk_count(walk); i++) {
		struct pam_end end = pam_walk_end(walk, i);

		ends_add(&told, end.success, end.flags);
	}
	for (size_t i = 0; i < seen->count; i++)
		if (!ends_have(&told, seen->keys[i])) {
			show(trial);
			fail_msg("libpam has an end that the walk has not: %x", seen->keys[i]);
		}
	for (size_t i = 0; all && i < told.count; i++)
		if (!ends_have(seen, told.keys[i])) {
			show(trial);
			fail_msg("the walk has an end that libpam has not: %x", told.keys[i]);
		}
}

static unsigned long exhausted, ways_tried;

/* All choices where they are few, else some. */
static void compare_ways(struct trial *trial, pam_handle_t *pam)
{
	static struct choice options[STAND_IN_LOG][OPTIONS_MAX];
	size_t counts[STAND_IN_LOG], digits[STAND_IN_LOG] = {0};
	struct ends seen = {0};
	double product = 1;
	bool all, in;

	assert_in_range(trial->stack.count, 0, STAND_IN_LOG - 1);
	for (size_t at = 0; at < trial->stack.count; at++) {
		counts[at] =
			trial->stack.lines[at].kind == PAM_MODULE ? list_options(trial, at, options[at]) : 1;
		product *= (double)counts[at];
	}
	all = product <= (double)ways_tried && !repeats(trial);
	exhausted += all;
	for (unsigned long tried = 0; tried < (all ? (unsigned long)product : ways_tried / 10); tried++) {
		unsigned long rest = tried;

		for (size_t at = 0; at < trial->stack.count; at++) {
			digits[at] = all ? rest % counts[at] : (size_t)random() % counts[at];
			rest /= counts[at];
			if (trial->stack.lines[at].kind == PAM_MODULE)
				trial->choices[line_id(trial->set, &trial->stack.lines[at])] =
					options[at][digits[at]];
		}
		in = compare(trial, pam);
		ends_add(&seen, in, fold(trial));
	}
	compare_ends(trial, &seen, all);
}

/* Any values, also such as the module would not return. */
static void compare_values(struct trial *trial, pam_handle_t *pam)
{
	for (int round = 0; round < 5; round++) {
		for (size_t at = 0; at < trial->stack.count; at++)
			if (trial->stack.lines[at].kind == PAM_MODULE)
				trial->choices[line_id(trial->set, &trial->stack.lines[at])].value =
					random() % 2 ? PAM_SUCCESS : (int)(random() % PAM_INCOMPLETE);
		compare(trial, pam);
	}
}

static void try_service(const struct set *set, const char *service, enum pam_type type,
			const struct sssd_config *sssd)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	pam_handle_t *pam;

	assert_non_null(trial);
	*trial = (struct trial){.set = set, .type = type, .question = {service, sssd, false}};
	assert_int_equal(pam_stack_read(read_set, (void *)set, service, type, &trial->stack), 0);
	pam = start(service);
	if (!pam != trial->stack.refused) {
		show(trial);
		fail_msg("libpam %s the service", pam ? "takes" : "refuses");
	}
	if (pam && trial->stack.count > 0) {
		compare_values(trial, pam);
		compare_ways(trial, pam);
	}
	if (pam)
		pam_end(pam, PAM_SUCCESS);
	pam_stack_clear(&trial->stack);
	free(trial);
}

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
	compared = exhausted = 0;
	ways_tried = 1500;
	for (unsigned long i = 0; i < stacks; i++) {
		const char *service = PICK(services);
		struct set set = {0};

		set_add(&set, service, make_text(0));
		set_add(&set, "part0", make_text(1));
		set_add(&set, "part1", make_text(2));
		set_add(&set, "part2", make_text(3));
		write_set(&set, service);
		try_service(&set, service, PAM_TYPE_AUTH, &sssd);
		try_service(&set, service, PAM_TYPE_SESSION, &sssd);
		set_clear(&set);
	}
	print_message("%lu stacks, %lu answers of libpam compared, every way of %lu\n", 2 * stacks, compared,
		      exhausted);
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

static void render(struct set *set, const char *pack, struct features *features, bool ours)
{
	_cleanup_free_ char *copy = strdup(pack);
	char *rest = strstr(copy, "\n== ");

	assert_non_null(rest);
	for (rest++; rest && *rest;) {
		char *name = strsep(&rest, "\n") + 3;

		set_add(set, name, render_file(&rest, features, ours));
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
	struct set set = {0};

	switch_features(features, round);
	render(&set, pack, features, round > 0);
	for (size_t i = 0; i < set.count; i++) {
		const struct sssd_config *config = &configs[random() % 4 > 0];

		/* libpam reads this one on top of any, also of itself. */
		if (strcmp(set.names[i], "other") == 0)
			continue;
		write_set(&set, set.names[i]);
		try_service(&set, set.names[i], PAM_TYPE_AUTH, config);
		try_service(&set, set.names[i], PAM_TYPE_SESSION, config);
	}
	set_clear(&set);
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

	compared = exhausted = 0;
	ways_tried = 200;
	srandom((unsigned)environment_number("SCPOLICYD_PAM_SEED", 1));
	assert_int_equal(glob(STACKS, 0, NULL, &packs), 0);
	for (size_t i = 0; i < packs.gl_pathc; i++)
		try_pack(packs.gl_pathv[i]);
	print_message("%zu kinds of machine, %lu answers of libpam compared, every way of %lu stacks\n",
		      packs.gl_pathc, compared, exhausted);
	globfree(&packs);
}

/* ---- set-up --------------------------------------------------------------------------------------------- */

static int set_up(void **state _unused_)
{
	void *module = dlopen("build/san/tests/pam-stand-in.so", RTLD_NOW | RTLD_NODELETE);

	table = module ? dlsym(module, "stand_in") : NULL;
	if (!table || !mkdtemp(directory) || asprintf(&modules, "%s/modules", directory) < 0)
		return -1;
	return mkdir(modules, 0700);
}

static int tear_down(void **state _unused_)
{
	DIR *open = opendir(modules);
	struct dirent *entry;

	while (open && (entry = readdir(open)))
		unlinkat(dirfd(open), entry->d_name, 0);
	if (open)
		closedir(open);
	rmdir(modules);
	free(modules);
	return rmdir(directory);
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

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
