/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `scpolicyctl gpo`: what Windows policy files say about the removal of a card, and which of them counts
 * here.
 */
#include "config/gpo.h"

#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/output.h"
#include "ctl/text.h"

static const char *wins_text(const struct gpo *gpo)
{
	if (gpo->disagree)
		return "  (wins: SSSD does not keep their order, and this one does most)";
	return gpo->files[gpo->winner].keeper == GPO_ADSYS
		       ? "  (wins: the first of adsys's list that sets it)"
		       : "  (wins)";
}

/* A single file on the command line is shown without its name, as grep(1) does. */
static void show_file(const struct ctl *ctl, const struct gpo *gpo, size_t i)
{
	const struct gpo_file *file = &gpo->files[i];
	bool alone = gpo->count == 1 && file->keeper == GPO_GIVEN;
	_cleanup_free_ char *path = strdup(file->path);
	char option[16] = " not set";

	if (!path)
		return;
	if (file->template.option != SC_REMOVE_NOT_SET)
		snprintf(option, sizeof(option), "=%d", (int)file->template.option);
	printf("%s%sScRemoveOption%s -> %s%s%s%s\n", alone ? "" : text_clean(path, false), alone ? "" : ": ",
	       option, action_name(gpo_action(file->template.option)), output_paint(ctl, PAINT_GOOD),
	       i == gpo->winner ? wins_text(gpo) : "", output_paint(ctl, PAINT_OFF));
}

static void add_file(struct json_object *files, const struct gpo *gpo, size_t i)
{
	const struct gpo_file *file = &gpo->files[i];
	struct json_object *object = json_object_new_object();
	char error[512];

	tree_add_text(object, "file", file->path, true);
	if (file->keeper != GPO_GIVEN)
		tree_add_text(object, "keeper", gpo_keeper_name(file->keeper), true);
	if (file->error)
		tree_add_text(object, "error", gpo_error_text(file, error, sizeof(error)), true);
	else if (file->template.option != SC_REMOVE_NOT_SET) {
		json_object_object_add(object, "option", json_object_new_int((int)file->template.option));
		json_object_object_add(object, "line", json_object_new_int64(file->template.line));
	}
	if (!file->error)
		tree_add_text(object, "action", action_name(gpo_action(file->template.option)), true);
	if (file->keeper != GPO_GIVEN)
		json_object_object_add(object, "wins", json_object_new_boolean(i == gpo->winner));
	json_object_array_add(files, object);
}

/* 1 with Source=gpo, 0 with Source=local; negative: the configuration does not say. */
static int is_in_force(void)
{
	struct config_error error;
	struct config config;
	int in_force;

	if (config_read("", &config, &error) < 0)
		return -1;
	in_force = *rules_from_gpo(config.rules);
	config_free(&config);
	return in_force;
}

static int show_gpo(struct ctl *ctl, const struct gpo *gpo, int in_force)
{
	_cleanup_tree_ struct json_object *tree = json_object_new_object();
	struct json_object *files = json_object_new_array();
	int status = EXIT_FINE;
	char error[512];

	json_object_object_add(tree, "files", files);
	for (size_t i = 0; i < gpo->count; i++) {
		add_file(files, gpo, i);
		if (!ctl->json && !gpo->files[i].error)
			show_file(ctl, gpo, i);
		if (!gpo->files[i].error)
			continue;
		output_error("%s", gpo_error_text(&gpo->files[i], error, sizeof(error)));
		status = EXIT_FAULT;
	}
	if (in_force >= 0)
		json_object_object_add(tree, "in_force", json_object_new_boolean(in_force));
	if (ctl->json)
		output_json(tree);
	return status;
}

static int show_given(struct ctl *ctl, int count, char **paths)
{
	_cleanup_(gpo_clear) struct gpo gpo = {.winner = GPO_NO_WINNER};

	for (int i = 0; i < count; i++)
		if (gpo_add_file(&gpo, paths[i]) < 0) {
			output_error("%s", strerror(ENOMEM));
			return EXIT_FAULT;
		}
	return show_gpo(ctl, &gpo, -1);
}

static int show_kept(struct ctl *ctl)
{
	_cleanup_(gpo_clear) struct gpo gpo = {0};
	int in_force = is_in_force(), status;
	char error[512];

	if (gpo_find("", &gpo, error, sizeof(error)) < 0) {
		output_error("%s", error);
		return EXIT_FAULT;
	}
	status = show_gpo(ctl, &gpo, in_force);
	if (ctl->json)
		return status;
	if (gpo.count == 0)
		puts("Neither SSSD nor Samba nor adsys keeps a security template here.");
	else if (in_force == 0)
		puts("None of it is in force: scpolicyd.conf has Source=local.");
	return status;
}

int verb_gpo(struct ctl *ctl, int argc, char **argv)
{
	return argc > 1 ? show_given(ctl, argc - 1, argv + 1) : show_kept(ctl);
}
