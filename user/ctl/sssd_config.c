/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/sssd_config.h"

#include <errno.h>
#include <string.h>

#include "ctl/text.h"

#define BLANKS " \t\r"

/* The name between brackets, or NULL. */
static char *section_name(char *line)
{
	char *end = strchr(line, ']');

	if (*line != '[' || !end || end[1 + strspn(end + 1, BLANKS)])
		return NULL;
	*end = '\0';
	return text_trim(line + 1);
}

static int take_key(struct sssd_config *config, const char *key, const char *value,
		    struct sssd_problem *problem)
{
	if (!*value)
		return 0; /* SSSD passes over a key without a value */
	if (strcasecmp(key, "pam_cert_auth") == 0) {
		config->cert_auth = strcasecmp(value, "true") == 0;
		if (!config->cert_auth && strcasecmp(value, "false") != 0)
			problem->what =
				"pam_cert_auth is neither true nor false, so SSSD's PAM service does not start";
	}
	if (strcasecmp(key, "pam_p11_allowed_services") == 0) {
		free(config->allowed);
		config->allowed = strdup(value);
		return config->allowed ? 0 : -ENOMEM;
	}
	return 0;
}

/* Where in the file it is. */
struct place {
	bool in_pam, seen_pam;
};

static int take_config_line(struct sssd_config *config, struct place *place, char *line,
			    struct sssd_problem *problem)
{
	char *value, *section;

	if (!*line || *line == '#' || *line == ';')
		return 0;
	if (*line == '[') {
		section = section_name(line);
		place->in_pam = section && strcasecmp(section, "pam") == 0;
		if (!section)
			problem->what = "a section's name is not closed, so SSSD refuses the file";
		else if (place->in_pam && place->seen_pam)
			problem->what =
				"the section [pam] is there twice; SSSD joins them, and the last value of a key is in force";
		place->seen_pam |= place->in_pam;
		return 0;
	}
	value = strchr(line, '=');
	if (!value) {
		problem->what =
			"a line is neither a section nor a key with its value, so SSSD refuses the file";
		return 0;
	}
	*value++ = '\0';
	return place->in_pam ? take_key(config, text_trim(line), text_trim(value), problem) : 0;
}

int sssd_config_add(struct sssd_config *config, char *text, struct sssd_problem *ret)
{
	struct sssd_problem first = {0};
	struct place place = {0};
	unsigned number = 0;
	int r = 0;

	config->present = true;
	for (char *line = strsep(&text, "\n"); r >= 0 && line; line = strsep(&text, "\n")) {
		struct sssd_problem problem = {.line = ++number};

		r = take_config_line(config, &place, text_trim(line), &problem);
		if (problem.what && !first.what)
			first = problem;
	}
	*ret = first;
	return r;
}

void sssd_config_clear(struct sssd_config *config)
{
	free(config->allowed);
	*config = (struct sssd_config){0};
}

bool sssd_config_takes(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && length > strlen(".conf") &&
	       strcmp(name + length - strlen(".conf"), ".conf") == 0;
}

static bool is_default(const char *service)
{
	static const char *const services[] = {
		"login",    "su",    "su-l",	    "gdm-smartcard",	 "gdm-password",
		"kdm",	    "sudo",  "sudo-i",	    "gnome-screensaver", "gdm-switchable-auth",
		"polkit-1", "vlock", "plasmalogin",
	};

	for (size_t i = 0; i < ELEMENTS(services); i++)
		if (strcasecmp(services[i], service) == 0)
			return true;
	return false;
}

/* "-name" outweighs "+name"; a name without a sign makes SSSD refuse the whole list, and take no card at all. */
bool sssd_config_allows(const struct sssd_config *config, const char *service)
{
	_cleanup_free_ char *copy = config->allowed ? strdup(config->allowed) : NULL;
	bool allowed = is_default(service), removed = false;
	char *rest = copy;

	if (!config->cert_auth)
		return false;
	for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
		word = text_trim(word);
		if (!*word)
			continue;
		if (*word != '+' && *word != '-')
			return false;
		if (strcasecmp(word + 1, service) != 0)
			continue;
		allowed = true;
		removed |= *word == '-';
	}
	return allowed && !removed;
}
