/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/probe_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "bpf/removal_event.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "removal.skel.h"

DEFINE_CLEANUP(struct removal_bpf *, removal_bpf__destroy)

const char *const probe_kind_names[PROBE_KINDS] = {"fentry", "kprobe"};
enum { FENTRY };

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	_cleanup_free_ char *text = NULL;
	char *rest = NULL;

	/* Failure is reported by the caller, once; libbpf's own words, and the verifier's, help whoever asks why. */
	if (level == LIBBPF_DEBUG || vasprintf(&text, format, arguments) < 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_debug("%s", line);
	return 0;
}

/* FNV-1a. */
uint64_t probe_build(void)
{
	uint64_t hash = 0xcbf29ce484222325;
	size_t size;
	const unsigned char *bytes = removal_bpf__elf_bytes(&size);

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	return hash;
}

static int use_maps(struct removal_bpf *skeleton, const int parts[static PROBE_PARTS])
{
	int r;

	if (parts[PROBE_EVENTS] < 0 || parts[PROBE_MEMORY] < 0)
		return 0;
	r = bpf_map__reuse_fd(skeleton->maps.events, parts[PROBE_EVENTS]);
	return r < 0 ? r : bpf_map__reuse_fd(skeleton->maps.bss, parts[PROBE_MEMORY]);
}

/* One pair of programs, the other switched off. */
static int load(struct removal_bpf *skeleton, bool fentry)
{
	int r;

	bpf_program__set_autoload(skeleton->progs.disconnect_fentry, fentry);
	bpf_program__set_autoload(skeleton->progs.completed_fentry, fentry);
	bpf_program__set_autoload(skeleton->progs.disconnect_kprobe, !fentry);
	bpf_program__set_autoload(skeleton->progs.completed_kprobe, !fentry);
	r = removal_bpf__load(skeleton);
	return r < 0 ? r : removal_bpf__attach(skeleton);
}

/* From here on libbpf does not end it: it would, when the object is freed. */
static int take_link(struct bpf_link *link)
{
	int fd = bpf_link__fd(link);

	bpf_link__disconnect(link);
	return fd;
}

/* libbpf closes its maps with the object. */
static int copy_map(const struct bpf_map *map)
{
	int fd = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

static int take_parts(struct removal_bpf *skeleton, bool fentry, int parts[static PROBE_PARTS])
{
	bool has_maps = parts[PROBE_EVENTS] >= 0 && parts[PROBE_MEMORY] >= 0;
	_cleanup_close_ int events = has_maps ? -1 : copy_map(skeleton->maps.events);
	_cleanup_close_ int memory = has_maps ? -1 : copy_map(skeleton->maps.bss);

	if (!has_maps && (events < 0 || memory < 0))
		return events < 0 ? events : memory;
	if (!has_maps) {
		parts[PROBE_EVENTS] = steal_fd(&events);
		parts[PROBE_MEMORY] = steal_fd(&memory);
	}
	parts[PROBE_DISCONNECT] =
		take_link(fentry ? skeleton->links.disconnect_fentry : skeleton->links.disconnect_kprobe);
	parts[PROBE_COMPLETED] =
		take_link(fentry ? skeleton->links.completed_fentry : skeleton->links.completed_kprobe);
	return 0;
}

int probe_load(int parts[static PROBE_PARTS])
{
	int r = -EOPNOTSUPP;

	libbpf_set_print(print_libbpf);
	for (int kind = 0; kind < PROBE_KINDS; kind++) {
		_cleanup_(removal_bpf__destroy_p) struct removal_bpf *skeleton = removal_bpf__open();

		if (!skeleton)
			return errno ? -errno : -EINVAL;
		r = use_maps(skeleton, parts);
		if (r >= 0)
			r = load(skeleton, kind == FENTRY);
		if (r >= 0)
			r = take_parts(skeleton, kind == FENTRY, parts);
		if (r >= 0)
			return kind;
	}
	return r;
}
