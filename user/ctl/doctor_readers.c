/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readers as sysfs has them, whether udev has marked them, and what the daemon knows about them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor.h"
#include "lib/names.h"

#define DEVICES "/sys/bus/usb/devices"

struct reader {
	char path[64]; /* "1-4.1" */
	char product[80];
	char id[16]; /* "08e6:4433" */
	char serial[128];
};

static const struct finding no_interrupt = {
	"reader-no-interrupt", SEVERITY_NOTE,
	"It has no interrupt endpoint, so pcscd asks it every 0.4 s whether its card was removed. A removal of "
	"the reader itself is noticed at once.",
	"If people remove their card from this reader, use a reader that reports that. Tokens with a fixed "
	"card are fine."};
static const struct finding alike = {
	"readers-alike", SEVERITY_WARNING,
	"Only their ports distinguish these readers. With a card in each, a sign-in cannot know which one was "
	"used, and makes no record.",
	"Add reader=GLOB to pam_scpolicy's lines, or use a smart card module that leaves the token's label "
	"(pam_pkcs11 does)."};
static const struct finding cards = {
	"cards-ambiguous", SEVERITY_WARNING,
	"With several cards in, a sign-in cannot know which one was used if its smart card module leaves no "
	"token label. Then it makes no record.",
	"Leave only one card in while signing in, or add reader=GLOB to pam_scpolicy's lines."};
static const struct finding untagged = {
	"reader-unmarked", SEVERITY_WARNING,
	"udev has not applied scpolicyd's rules to it, so plugging it in does not start the daemon.",
	"udevadm control --reload && udevadm trigger --subsystem-match=usb"};
static const struct finding unwatched = {
	"reader-unwatched", SEVERITY_WARNING,
	"Only PC/SC and udev report a removal for its session, later than the kernel would.",
	"This is expected for readers that are not on USB. Otherwise: systemctl restart scpolicyd, and report "
	"it."};
static const struct finding none = {"readers", SEVERITY_NOTE,
				    "Without a reader, nobody can sign in with a card.", NULL};
static const struct finding some = {"readers", SEVERITY_OK, NULL, NULL};

/* ---- sysfs ---------------------------------------------------------------------------------------------- */

/* An attribute without its newline; "" if it cannot be read. */
static char *attribute(const struct doctor *doctor, const char *device, const char *name, char *buffer,
		       size_t size)
{
	_cleanup_free_ char *path = NULL, *text = NULL;

	buffer[0] = '\0';
	if (asprintf(&path, DEVICES "/%s/%s", device, name) < 0) {
		path = NULL;
		return buffer;
	}
	if (doctor_read(doctor, path, &text) >= 0)
		snprintf(buffer, size, "%.*s", (int)strcspn(text, "\n"), text);
	return buffer;
}

static bool has_interrupt_in(const struct doctor *doctor, const char *interface, const char *endpoint)
{
	_cleanup_free_ char *device = NULL;
	char type[16], direction[8];

	if (asprintf(&device, "%s/%s", interface, endpoint) < 0) {
		device = NULL;
		return false;
	}
	return strcmp(attribute(doctor, device, "type", type, sizeof(type)), "Interrupt") == 0 &&
	       strcmp(attribute(doctor, device, "direction", direction, sizeof(direction)), "in") == 0;
}

static bool has_interrupt(const struct doctor *doctor, const char *interface)
{
	_cleanup_names_ struct names names = {0};
	_cleanup_free_ char *folder = NULL;

	if (asprintf(&folder, DEVICES "/%s", interface) < 0) {
		folder = NULL;
		return true;
	}
	if (doctor_list(doctor, folder, &names) < 0)
		return true; /* not known: nothing is claimed */
	for (size_t i = 0; i < names.count; i++)
		if (strncmp(names.names[i], "ep_", 3) == 0 &&
		    has_interrupt_in(doctor, interface, names.names[i]))
			return true;
	return false;
}

static void describe(const struct doctor *doctor, const char *interface, struct reader *reader)
{
	char vendor[8], product[8];

	*reader = (struct reader){0};
	snprintf(reader->path, sizeof(reader->path), "%.*s", (int)strcspn(interface, ":"), interface);
	snprintf(reader->id, sizeof(reader->id), "%s:%s",
		 attribute(doctor, reader->path, "idVendor", vendor, sizeof(vendor)),
		 attribute(doctor, reader->path, "idProduct", product, sizeof(product)));
	attribute(doctor, reader->path, "product", reader->product, sizeof(reader->product));
	attribute(doctor, reader->path, "serial", reader->serial, sizeof(reader->serial));
}

/* Interfaces of USB class 0b, "smart card"; a reader that is vendor specific is found by the daemon alone. */
static int list_readers(struct doctor *doctor, struct reader readers[static READERS_MAX], size_t *ret_count)
{
	_cleanup_names_ struct names names = {0};
	size_t count = 0;
	int r = doctor_list(doctor, DEVICES, &names);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.count && count < READERS_MAX; i++) {
		const char *interface = names.names[i];
		char class[8];

		if (!strchr(interface, ':') ||
		    strcmp(attribute(doctor, interface, "bInterfaceClass", class, sizeof(class)), "0b") != 0)
			continue;
		describe(doctor, interface, &readers[count]);
		if (!has_interrupt(doctor, interface))
			doctor_report(doctor, &no_interrupt, interface,
				      "reader %s (%s) does not report its card", readers[count].product,
				      readers[count].id);
		count++;
	}
	*ret_count = count;
	return 0;
}

static void check_alike(struct doctor *doctor, const struct reader *readers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			if (strcmp(readers[i].id, readers[j].id) == 0 &&
			    strcmp(readers[i].serial, readers[j].serial) == 0 &&
			    strcmp(readers[i].path, readers[j].path) != 0)
				doctor_report(doctor, &alike, readers[j].path,
					      "readers %s and %s are alike: %s (%s)", readers[i].path,
					      readers[j].path, readers[i].product, readers[i].id);
}

/* udev's database has a line "G:scpolicyd" (systemd 247 and later) or "Q:…" for a device that the rules marked. */
static void check_tag(struct doctor *doctor, const struct reader *reader)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	char number[16];
	int r;

	if (asprintf(&path, "/run/udev/data/c%s",
		     attribute(doctor, reader->path, "dev", number, sizeof(number))) < 0) {
		path = NULL;
		return;
	}
	r = *number ? doctor_read(doctor, path, &text) : -ENOENT;
	if (r == -ENOENT && !doctor_is_live(doctor))
		return;
	if (r < 0 || !strstr(text, ":scpolicyd\n"))
		doctor_report(doctor, &untagged, reader->path,
			      "reader %s (%s) does not have scpolicyd's mark in udev", reader->product,
			      reader->id);
}

/* ---- what the daemon knows ------------------------------------------------------------------------------ */

static void check_known(struct doctor *doctor)
{
	bool probe = strcmp(tree_string(doctor->status, "probe"), "none") != 0;
	unsigned present = 0;

	for (size_t i = 0; i < tree_count(doctor->readers); i++) {
		struct json_object *reader = json_object_array_get_idx(doctor->readers, i);

		present += tree_bool(reader, "present");
		if (probe && tree_count(tree_get(reader, "sessions")) > 0 && !tree_bool(reader, "watched"))
			doctor_report(
				doctor, &unwatched, tree_string(reader, "name"),
				"the kernel probe does not listen to this reader, which governs a session");
	}
	if (present > 1)
		doctor_report(doctor, &cards, NULL, "%u readers have a card in", present);
}

void doctor_readers(struct doctor *doctor)
{
	struct reader readers[READERS_MAX];
	size_t count = 0;
	int r = list_readers(doctor, readers, &count);

	if (r == -ENOENT && !doctor_is_live(doctor))
		return;
	if (r < 0)
		doctor_unseen(doctor, DEVICES, r);
	check_alike(doctor, readers, count);
	for (size_t i = 0; i < count; i++)
		check_tag(doctor, &readers[i]);
	if (doctor->readers)
		check_known(doctor);
	/* Only root sees what the daemon knows about a reader and sysfs does not show. */
	if (r >= 0 && count == 0 && tree_count(doctor->readers) == 0 && geteuid() == 0)
		doctor_report(doctor, &none, NULL, "no reader is plugged in");
	else if (count > 0 || doctor->readers)
		doctor_report(doctor, &some, NULL, "%zu reader%s on USB, %zu %s", count,
			      count == 1 ? "" : "s", tree_count(doctor->readers),
			      geteuid() == 0 ? "known to the daemon" : "that the daemon shows to you");
}
