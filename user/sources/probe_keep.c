/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/probe_keep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "bpf/removal_event.h"
#include "lib/cleanup.h"
#include "lib/log.h"

#define NAME_SIZE 64

static const char *part_name(enum probe_part part, int kind, char name[static NAME_SIZE])
{
	static const char *const words[] = {"events", "memory", "disconnect", "completed"};

	if (part == PROBE_EVENTS || part == PROBE_MEMORY)
		snprintf(name, NAME_SIZE, "probe-%s-" REMOVAL_FORM, words[part]);
	else
		snprintf(name, NAME_SIZE, "probe-%s-%s-%016" PRIx64, words[part], probe_kind_names[kind],
			 probe_build());
	return name;
}

void kept_receive(struct kept *ret)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(true, &names);

	*ret = (struct kept){0};
	if (count > 0)
		ret->parts = calloc((size_t)count, sizeof(*ret->parts));
	for (int i = 0; i < count; i++) {
		if (ret->parts)
			ret->parts[ret->count++] = (struct kept_part){SD_LISTEN_FDS_START + i, names[i]};
		else {
			close_fd(SD_LISTEN_FDS_START + i);
			free(names[i]);
		}
	}
	/* The names themselves are ours now. */
	free(names);
}

static struct kept_part *find_kept(const struct kept *kept, const char *name)
{
	for (size_t i = 0; i < kept->count; i++) {
		if (kept->parts[i].fd >= 0 && strcmp(kept->parts[i].name, name) == 0)
			return &kept->parts[i];
	}
	return NULL;
}

static bool take_pair(const struct kept *kept, enum probe_part first, int kind, int parts[static PROBE_PARTS])
{
	char name[NAME_SIZE];
	struct kept_part *one = find_kept(kept, part_name(first, kind, name));
	struct kept_part *other = find_kept(kept, part_name(first + 1, kind, name));

	if (!one || !other)
		return false;
	parts[first] = steal_fd(&one->fd);
	parts[first + 1] = steal_fd(&other->fd);
	return true;
}

int kept_take(struct kept *kept, int parts[static PROBE_PARTS])
{
	if (!take_pair(kept, PROBE_EVENTS, 0, parts))
		return -1;
	for (int kind = 0; kind < PROBE_KINDS; kind++) {
		if (take_pair(kept, PROBE_DISCONNECT, kind, parts))
			return kind;
	}
	return -1;
}

static void drop_kept(struct kept_part *part)
{
	sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=%s", part->name);
	part->fd = close_fd(part->fd);
}

int kept_take_named(struct kept *kept, const char *name)
{
	struct kept_part *part = find_kept(kept, name);

	return part ? steal_fd(&part->fd) : -1;
}

/*
 * FDPOLL=0: systemd would drop a map without a poll function, as the memory is. Where there is no systemd,
 * nothing is kept, and the probe ends with the daemon.
 */
void kept_add_named(struct kept *kept, const char *name, int fd)
{
	char state[NAME_SIZE + 32];
	struct kept_part *left;
	int r;

	while ((left = find_kept(kept, name)))
		drop_kept(left);
	snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	r = sd_pid_notify_with_fds(0, false, state, &fd, 1);
	if (r < 0)
		log_warning("systemd does not keep %s: %s", name, strerror(-r));
}

void kept_add(struct kept *kept, enum probe_part part, int kind, int fd)
{
	char name[NAME_SIZE];

	kept_add_named(kept, part_name(part, kind, name), fd);
}

void kept_drop(struct kept *kept)
{
	for (size_t i = 0; i < kept->count; i++) {
		if (kept->parts[i].fd >= 0)
			drop_kept(&kept->parts[i]);
		free(kept->parts[i].name);
	}
	free(kept->parts);
	*kept = (struct kept){0};
}
