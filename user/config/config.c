/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config_keys.h"
#include "config/gpo.h"
#include "lib/cleanup.h"
#include "lib/log.h"

#define VENDOR_FILE  VENDORDIR "/scpolicyd.conf"
#define ADMIN_FILE   "/etc/scpolicyd.conf"
#define ADMIN_FOLDER "/etc/scpolicyd.conf.d"
/* Ten thousand rules fit; a file of this size is read in a fraction of a second. */
#define FILE_MAX      (4 * 1024 * 1024)
#define FILE_MAX_TEXT "4 MiB"

/* Above what is asked for, and what a machine can still resolve a session against in a few ms. */
#define RULES_MAX 20000

/* One file being read. */
struct reading {
	const char *path; /* rules_file()'s */
	FILE *stream;
	char *text; /* the line, as it is in the file; getline()'s */
	size_t text_size;
	unsigned line;
	struct rules *rules;
	struct config_error *error; /* the first one counts */
	int failure;		    /* 0, or a negative errno that the file is not to blame for */
	unsigned section;	    /* KEY_IN_POLICY, KEY_IN_RULE; 0: none yet */
	struct rule rule;	    /* the one being read, while in a rule */
	/* Bit n: config_keys[n] was given, in this file's [Policy], in this rule. */
	unsigned policy_seen, seen;
	const struct key *last; /* the section's last key; NULL: none yet */
	bool continued;		/* the line is more of its list */
};

static void refuse(struct reading *reading, const char *format, ...) _printf_(2, 3);
static void refuse(struct reading *reading, const char *format, ...)
{
	struct config_error *error = reading->error;
	va_list arguments;
	int used;

	if (error->text[0])
		return;
	used = snprintf(error->text, sizeof(error->text), "%s:%u: ", reading->path, reading->line);
	if (used >= 0 && (size_t)used < sizeof(error->text)) {
		va_start(arguments, format);
		vsnprintf(error->text + used, sizeof(error->text) - (size_t)used, format, arguments);
		va_end(arguments);
	}
	log_safe(error->text, error->text, sizeof(error->text));
}

static bool refused(const struct reading *reading)
{
	return reading->failure < 0 || reading->error->text[0];
}

static void fail(struct reading *reading, int error)
{
	if (!reading->failure)
		reading->failure = error;
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

static bool key_may_stand(struct reading *reading, const struct key *key, const char *name)
{
	const char *section = reading->section == KEY_IN_RULE ? "[Rule ...]" : "[Policy]";

	if (!reading->section)
		refuse(reading, "key %s= stands before any section", name);
	else if (!key)
		refuse(reading, "unknown key %s= in section %s", name, section);
	else if (!(key->sections & reading->section))
		refuse(reading, "key %s= may not stand in section %s", name, section);
	return !refused(reading);
}

/* Where it is set. */
static void note(struct reading *reading, enum setting setting)
{
	if (reading->section != KEY_IN_RULE) {
		rules_note_policy(reading->rules, setting, reading->path, reading->line);
		return;
	}
	reading->rule.set |= 1U << setting;
	reading->rule.lines[setting] = reading->line;
}

static void store(struct reading *reading, const struct key *key, const char *value)
{
	bool in_rule = reading->section == KEY_IN_RULE;
	struct settings *settings = in_rule ? &reading->rule.settings : rules_policy(reading->rules);
	void *field = NULL;
	const char *expected;

	if (!(key->sections & KEY_IN_POLICY))
		field = (char *)&reading->rule + key->offset;
	else if (key->setting < SETTING_COUNT)
		field = setting_field(settings, key->setting);
	else
		field = rules_from_gpo(reading->rules);
	expected = key->parse(key, value, field);
	if (expected && strcmp(expected, KEY_NO_MEMORY) == 0)
		fail(reading, -ENOMEM);
	else if (expected)
		refuse(reading, "key %s=: \"%s\" is not %s", key->name, value, expected);
	else if (key->sections & KEY_IN_POLICY && key->setting < SETTING_COUNT)
		note(reading, key->setting);
}

/* libinih's view of a line that next_line() has let through: 0 refuses it. */
static int on_line(void *userdata, const char *section _unused_, const char *name, const char *value)
{
	struct reading *reading = userdata;
	const struct key *key = config_key(name);
	unsigned *seen = reading->section == KEY_IN_RULE ? &reading->seen : &reading->policy_seen;
	unsigned bit;

	if (refused(reading) || !key_may_stand(reading, key, name))
		return 0;
	bit = 1U << (key - config_keys);
	if (*seen & bit && !reading->continued)
		refuse(reading, "key %s= is given twice in this %s", name,
		       reading->section == KEY_IN_RULE ? "rule" : "file");
	else if (key->list && !*value)
		refuse(reading, "key %s= is an empty match: without the key, anything matches", name);
	else
		store(reading, key, value);
	*seen |= bit;
	reading->last = key;
	return !refused(reading);
}

/* Cuts off the line's end, blanks and a comment. In quotes only ';' begins one: libinih cuts there itself. */
static void trim_end(char *text)
{
	char *end = text;
	bool quoted = false, blank = true;

	for (char *c = text; *c && !(blank && strchr(quoted ? ";" : "#;", *c)); c++) {
		quoted ^= *c == '"';
		blank = isspace((unsigned char)*c);
		if (!blank)
			end = c + 1;
	}
	*end = '\0';
}

/* ---- sections ------------------------------------------------------------------------------------------ */

static void end_section(struct reading *reading)
{
	if (reading->section == KEY_IN_RULE && !refused(reading) &&
	    rules_put(reading->rules, &reading->rule) < 0)
		fail(reading, -ENOMEM);
	rule_clear(&reading->rule);
	reading->section = 0;
	reading->seen = 0;
	reading->last = NULL;
}

/* `name` is cut out of its line, blanks around it. */
static void begin_rule(struct reading *reading, char *name)
{
	const struct rule *same;

	name += strspn(name, BLANKS);
	trim_end(name);
	same = rules_find(reading->rules, name);
	if (!*name)
		refuse(reading, "a rule needs a name, as in [Rule night-shift]");
	else if (strlen(name) >= sizeof(reading->rule.name))
		refuse(reading, "the name of rule \"%s\" is longer than %zu bytes", name,
		       sizeof(reading->rule.name) - 1);
	else if (strchr(name, '\t'))
		refuse(reading, "a control character in the name of rule \"%s\"", name);
	else if (same && same->file == reading->path)
		refuse(reading, "rule \"%s\" is given twice in this file, first in line %u", name,
		       same->line);
	else if (!same && rules_count(reading->rules) >= RULES_MAX)
		refuse(reading, "more than %d rules", RULES_MAX);
	if (refused(reading))
		return;
	reading->section = KEY_IN_RULE;
	reading->rule = (struct rule){.file = reading->path, .line = reading->line};
	strcpy(reading->rule.name, name);
}

static void begin_section(struct reading *reading, const char *header)
{
	size_t length = strcspn(header + 1, "[]");
	_cleanup_free_ char *name = strndup(header + 1, length);

	end_section(reading);
	if (refused(reading))
		return;
	if (!name)
		fail(reading, -ENOMEM);
	else if (strcmp(header + 1 + length, "]") != 0)
		refuse(reading, "neither a section nor a key with a value");
	else if (strcmp(name, "Policy") == 0)
		reading->section = KEY_IN_POLICY;
	else if (strncmp(name, "Rule", 4) == 0 && (!name[4] || strchr(BLANKS, name[4])))
		begin_rule(reading, name + 4);
	else
		refuse(reading, "unknown section [%s]", name);
}

/* ---- lines --------------------------------------------------------------------------------------------- */

static bool has_control_character(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return true;
	return false;
}

/* A key whose "=" was forgotten does not go on with the list before it. */
static bool begins_with_key(const char *text)
{
	char word[32];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, BLANKS ":"), text);
	return config_key(word) != NULL;
}

/*
 * Returns what libinih is to see of the line. It would cut names of sections short, not tell of sections
 * without a key, take "key: value", stop at a NUL, and take any indented line for more of the last value:
 * here that is so only in lists, for what is neither a section nor a key.
 */
static char *check_line(struct reading *reading, char *text, size_t length)
{
	char *start;

	reading->continued = false;
	if (strlen(text) != length)
		refuse(reading, "a NUL byte in the line");
	trim_end(text);
	start = text + strspn(text, BLANKS);
	if (has_control_character(start))
		refuse(reading, "a control character in the line");
	if (refused(reading) || !*start)
		return start;
	if (*start == '[')
		begin_section(reading, start);
	else if (start[strcspn(start, "=:\"")] == '=')
		return start;
	else if (start > text && reading->last && reading->last->list && !begins_with_key(start))
		reading->continued = true;
	else
		refuse(reading, "neither a section nor a key with a value");
	return reading->continued ? start - 1 : start;
}

/* Feeds libinih, which goes on after an error: the end of the file stops it. */
static char *next_line(char *buffer, int size, void *userdata)
{
	struct reading *reading = userdata;
	ssize_t length;
	char *text;

	if (refused(reading))
		return NULL;
	errno = 0;
	length = getline(&reading->text, &reading->text_size, reading->stream);
	if (length < 0) {
		if (!feof(reading->stream))
			fail(reading, errno ? -errno : -EIO);
		return NULL;
	}
	reading->line++;
	text = check_line(reading, reading->text, (size_t)length);
	if (!refused(reading) && strlen(text) >= (size_t)size)
		refuse(reading, "the line is longer than %d bytes", size - 1);
	return refused(reading) ? NULL : strcpy(buffer, text);
}

int config_parse(FILE *stream, const char *path, struct rules *rules, struct config_error *ret_error)
{
	struct reading reading = {
		.path = rules_file(rules, path), .stream = stream, .rules = rules, .error = ret_error};
	int r;

	ret_error->text[0] = '\0';
	if (!reading.path)
		return -ENOMEM;
	r = ini_parse_stream(next_line, &reading, on_line, &reading);
	if (r < 0)
		fail(&reading, -ENOMEM);
	else if (r > 0 && !refused(&reading))
		refuse(&reading, "neither a section nor a key with a value");
	end_section(&reading);
	free(reading.text);
	if (reading.error->text[0])
		return -EBADMSG;
	if (reading.failure < 0)
		refuse(&reading, "%s", strerror(-reading.failure));
	return reading.failure;
}

/* ---- files --------------------------------------------------------------------------------------------- */

static void refuse_file(struct config_error *error, const char *path, const char *why)
{
	snprintf(error->text, sizeof(error->text), "%s: %s", path, why);
	log_safe(error->text, error->text, sizeof(error->text));
}

/* A policy that others may write is no policy. NULL, or what is wrong. */
static const char *check_file(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "not a regular file";
	if (status.st_uid != 0)
		return "not owned by root";
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return "writable by group or others";
	if (status.st_size > FILE_MAX)
		return "larger than " FILE_MAX_TEXT;
	return NULL;
}

/* 1 when it was read, 0 when there is no such file. */
static int read_file(const char *path, struct rules *rules, struct config_error *error)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_fclose_ FILE *stream = NULL;
	const char *wrong;
	int r;

	if (fd < 0) {
		r = -errno;
		if (r == -ENOENT)
			return 0;
		refuse_file(error, path, r == -ELOOP ? "a symbolic link" : strerror(-r));
		return r;
	}
	wrong = check_file(fd);
	if (wrong) {
		refuse_file(error, path, wrong);
		return -EBADMSG;
	}
	stream = fdopen(fd, "re");
	if (!stream)
		return -errno;
	(void)steal_fd(&fd);
	r = config_parse(stream, path, rules, error);
	return r < 0 ? r : 1;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static void free_names(struct dirent ***names)
{
	for (struct dirent **name = *names; name && *name; name++)
		free(*name);
	free(*names);
}

static char *path_join(const char *root, const char *middle, const char *end)
{
	char *path;

	return asprintf(&path, "%s%s%s", root, middle, end) < 0 ? NULL : path;
}

static int read_drop_ins(const char *folder, struct rules *rules, struct config_error *error)
{
	_cleanup_(free_names) struct dirent **names = NULL;
	struct dirent **sorted = NULL;
	int count, r = 0;

	count = scandir(folder, &sorted, is_drop_in, alphasort);
	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	/* With an end mark, so that it is freed whole whichever file fails. */
	names = reallocarray(sorted, (size_t)count + 1, sizeof(*names));
	if (!names) {
		while (count-- > 0)
			free(sorted[count]);
		free(sorted);
		return -ENOMEM;
	}
	names[count] = NULL;
	for (int i = 0; i < count && r >= 0; i++) {
		_cleanup_free_ char *path = path_join(folder, "/", names[i]->d_name);

		r = path ? read_file(path, rules, error) : -ENOMEM;
	}
	return r;
}

/* The administrator's file takes the vendor's place. */
static int read_main_file(const char *root, struct rules *rules, struct config_error *error)
{
	_cleanup_free_ char *admin = path_join(root, ADMIN_FILE, ""),
			    *vendor = path_join(root, VENDOR_FILE, "");
	int r;

	if (!admin || !vendor)
		return -ENOMEM;
	r = read_file(admin, rules, error);
	return r == 0 ? read_file(vendor, rules, error) : r;
}

/* ---- group policy --------------------------------------------------------------------------------------- */

/* `file`: anybody's copy of the path. */
static int set_action(struct config *config, enum action action, const char *file, unsigned line)
{
	const char *path = *file ? rules_file(config->rules, file) : "";

	if (!path)
		return -ENOMEM;
	rules_policy(config->rules)->action = action;
	rules_note_policy(config->rules, SETTING_ACTION, path, line);
	return 0;
}

static void keep_local(struct config *config)
{
	config->local_action = rules_policy(config->rules)->action;
	config->local_origin = rules_origin(config->rules, rules_policy(config->rules), SETTING_ACTION);
}

static int take_gpo(struct config *config, const struct gpo *gpo)
{
	const struct gpo_file *winner = gpo->winner == GPO_NO_WINNER ? NULL : &gpo->files[gpo->winner];

	config->gpo_stamp = gpo->stamp;
	config->passed_over.text[0] = '\0';
	for (size_t i = 0; i < gpo->count && !config->passed_over.text[0]; i++)
		if (gpo->files[i].error)
			gpo_error_text(&gpo->files[i], config->passed_over.text,
				       sizeof(config->passed_over.text));
	config->from_gpo = winner;
	if (!winner)
		return set_action(config, config->local_action, config->local_origin.file,
				  config->local_origin.line);
	return set_action(config, gpo_action(winner->template.option), winner->path, winner->template.line);
}

/* A domain's broken list does not leave the machine without a policy: its own stands. */
static int read_gpo(const char *root, struct config *config)
{
	_cleanup_(gpo_clear) struct gpo gpo = {0};
	int r = gpo_find(root, &gpo, config->passed_over.text, sizeof(config->passed_over.text));

	keep_local(config);
	return r == -ENOMEM ? r : r < 0 ? 0 : take_gpo(config, &gpo);
}

int config_refresh(struct config *config, bool last_look)
{
	_cleanup_(gpo_clear) struct gpo gpo = {0};
	struct config_error error = {""};
	int r = gpo_find("", &gpo, error.text, sizeof(error.text));

	if (r < 0) {
		config->passed_over = error;
		return r;
	}
	if (gpo.stamp == config->gpo_stamp)
		return 0;
	if (config->from_gpo && gpo.winner == GPO_NO_WINNER && !last_look)
		return -EAGAIN;
	r = take_gpo(config, &gpo);
	rules_complete(config->rules);
	return r < 0 ? r : 1;
}

int config_keep_gpo(struct config *config, struct config *old)
{
	struct origin origin = rules_origin(old->rules, rules_policy(old->rules), SETTING_ACTION);
	int r;

	if (!*rules_from_gpo(config->rules) || config->gpo_stamp || !old->from_gpo)
		return 0;
	r = set_action(config, rules_policy(old->rules)->action, origin.file, origin.line);
	config->from_gpo = r >= 0;
	rules_complete(config->rules);
	return r;
}

int config_read(const char *root, struct config *ret_config, struct config_error *ret_error)
{
	struct config config = {0};
	_cleanup_free_ char *folder = path_join(root, ADMIN_FOLDER, "");
	_cleanup_(rules_free_p) struct rules *rules = NULL;
	int r;

	ret_error->text[0] = '\0';
	r = folder ? rules_new(&rules) : -ENOMEM;
	if (r >= 0)
		r = read_main_file(root, rules, ret_error);
	if (r >= 0)
		r = read_drop_ins(folder, rules, ret_error);
	config.rules = rules;
	if (r >= 0 && *rules_from_gpo(rules))
		r = read_gpo(root, &config);
	if (r < 0) {
		if (!ret_error->text[0])
			refuse_file(ret_error, "configuration", strerror(-r));
		return r;
	}
	rules_complete(rules);
	*ret_config = config;
	(void)steal_pointer(rules);
	return 0;
}

void config_free(struct config *config)
{
	config->rules = rules_free(config->rules);
}
