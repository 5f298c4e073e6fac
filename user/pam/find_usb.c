/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/find_usb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "pam/find_fido.h"

/* A report descriptor has at most 4096 bytes (HID_MAX_DESCRIPTOR_SIZE, linux/hid.h); an attribute of sysfs is a page. */
#define ATTRIBUTE_SIZE 4097

/* More devices than this are no machine's, and one that is not counted would be taken for none. */
#define TOKENS_MAX 64

DEFINE_CLEANUP(DIR *, closedir)

struct tokens {
	char paths[TOKENS_MAX][PATH_MAX];     /* of the USB devices in sysfs, each once */
	char nodes[TOKENS_MAX][NAME_MAX + 1]; /* of a security key: "hidraw0" */
	size_t count;
	bool more;
};

/* ---- sysfs ------------------------------------------------------------------------------------------------ */

/* The number of its bytes, with a NUL behind them; 0 for none, and for a file that cannot be read. */
static size_t read_attribute(const char *device, const char *name, char text[static ATTRIBUTE_SIZE])
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	ssize_t size = 0;

	text[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/%s", device, name) >= (int)sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		size = read(fd, text, ATTRIBUTE_SIZE - 1);
	text[size > 0 ? size : 0] = '\0';
	return size > 0 ? (size_t)size : 0;
}

static void read_word(const char *device, const char *name, char text[static ATTRIBUTE_SIZE])
{
	read_attribute(device, name, text);
	text[strcspn(text, "\n")] = '\0';
}

/* The USB device above a directory of sysfs: the first that has a number on a bus. False: it is on no USB. */
static bool usb_device_above(char path[static PATH_MAX])
{
	char text[ATTRIBUTE_SIZE];

	for (char *slash; (slash = strrchr(path, '/')) && slash != path; *slash = '\0')
		if (read_attribute(path, "devnum", text) && read_attribute(path, "busnum", text) &&
		    read_attribute(path, "idVendor", text))
			return true;
	return false;
}

/* ---- FIDO ------------------------------------------------------------------------------------------------- */

/*
 * Whether a report descriptor opens a FIDO collection: usage page 0xF1D0 (HID Usage Tables 1.3, 29). Items are short, with 0, 1,
 * 2 or 4 bytes of data, or long (HID 1.11, 6.2.2).
 */
static bool is_fido(const unsigned char *bytes, size_t size)
{
	static const unsigned char lengths[] = {0, 1, 2, 4};

	for (size_t i = 0; i < size;) {
		unsigned char item = bytes[i];
		size_t length = item == 0xfe ? 2 + (i + 1 < size ? bytes[i + 1] : 0U) : lengths[item & 3];

		/* A global item, usage page. */
		if ((item & 0xfc) == 0x04 && length >= 2 && i + 2 < size && bytes[i + 1] == 0xd0 &&
		    bytes[i + 2] == 0xf1)
			return true;
		i += 1 + length;
	}
	return false;
}

/* ---- looking ---------------------------------------------------------------------------------------------- */

static void add_device(struct tokens *tokens, const char *path, const char *entry)
{
	for (size_t i = 0; i < tokens->count; i++)
		if (strcmp(tokens->paths[i], path) == 0)
			return;
	tokens->more |= tokens->count == TOKENS_MAX;
	if (tokens->more)
		return;
	snprintf(tokens->nodes[tokens->count], sizeof(tokens->nodes[0]), "%s", strrchr(entry, '/') + 1);
	snprintf(tokens->paths[tokens->count++], PATH_MAX, "%s", path);
}

static void take_hidraw(struct tokens *tokens, const char *entry)
{
	char link[PATH_MAX], path[PATH_MAX], descriptor[ATTRIBUTE_SIZE];
	size_t size;

	if (snprintf(link, sizeof(link), "%s/device", entry) >= (int)sizeof(link) || !realpath(link, path))
		return;
	size = read_attribute(path, "report_descriptor", descriptor);
	if (is_fido((const unsigned char *)descriptor, size) && usb_device_above(path))
		add_device(tokens, path, entry);
}

/* "VID:PID" or "VID:PID:SERIAL", with the rest of a word like it. */
static bool is_wanted(const char *device, const char *wanted)
{
	char vendor[ATTRIBUTE_SIZE], product[ATTRIBUTE_SIZE], serial[ATTRIBUTE_SIZE];

	read_word(device, "idVendor", vendor);
	read_word(device, "idProduct", product);
	if (strlen(vendor) != 4 || strncasecmp(wanted, vendor, 4) != 0 ||
	    strncasecmp(wanted + 5, product, 4) != 0)
		return false;
	if (!wanted[9])
		return true;
	read_word(device, "serial", serial);
	return strcmp(wanted + 10, serial) == 0;
}

static void take_usb(struct tokens *tokens, const char *entry, const char *wanted)
{
	char path[PATH_MAX];

	if (realpath(entry, path) && is_wanted(path, wanted))
		add_device(tokens, path, entry);
}

static int find_tokens(const char *root, const char *wanted, struct tokens *tokens)
{
	bool fido = strcmp(wanted, USB_TOKEN_FIDO) == 0;
	char directory[PATH_MAX], entry[PATH_MAX];
	_cleanup_(closedir_p) DIR *open = NULL;
	const struct dirent *found;

	snprintf(directory, sizeof(directory), "%s/sys/%s", root, fido ? "class/hidraw" : "bus/usb/devices");
	open = opendir(directory);
	while (open && (found = readdir(open))) {
		/* Interfaces have a colon. */
		if (found->d_name[0] == '.' || strchr(found->d_name, ':') ||
		    snprintf(entry, sizeof(entry), "%s/%s", directory, found->d_name) >= (int)sizeof(entry))
			continue;
		if (fido)
			take_hidraw(tokens, entry);
		else
			take_usb(tokens, entry, wanted + strlen(USB_TOKEN_USB));
	}
	return open || errno == ENOENT ? 0 : -errno;
}

/* ---- what is recorded ------------------------------------------------------------------------------------- */

static uint16_t read_number(const char *device, const char *name)
{
	char text[ATTRIBUTE_SIZE];
	unsigned long number;

	read_word(device, name, text);
	number = strtoul(text, NULL, 10);
	return number <= UINT16_MAX ? (uint16_t)number : 0;
}

/* What the device calls itself, and its ids if it does not. */
static void read_name(const char *device, const char *id, char name[static READER_NAME_SIZE])
{
	char maker[ATTRIBUTE_SIZE], product[ATTRIBUTE_SIZE], whole[READER_NAME_SIZE];

	read_word(device, "manufacturer", maker);
	read_word(device, "product", product);
	snprintf(whole, sizeof(whole), "%.60s%s%.60s", maker, *maker && *product ? " " : "", product);
	if (!*whole)
		snprintf(whole, sizeof(whole), "USB device %s", id);
	log_safe(whole, name, READER_NAME_SIZE);
}

static void fill_token(struct login_record *record, const char *device)
{
	char vendor[ATTRIBUTE_SIZE], product[ATTRIBUTE_SIZE], serial[ATTRIBUTE_SIZE];
	const char *path = strrchr(device, '/') + 1;

	record->usb_token = true;
	record->card = (struct reader_state){
		.card = CARD_PRESENT,
		.usb = {read_number(device, "busnum"), read_number(device, "devnum")},
	};
	snprintf(record->usb_path, sizeof(record->usb_path), "%s", path);
	read_word(device, "idVendor", vendor);
	read_word(device, "idProduct", product);
	snprintf(record->usb_id, sizeof(record->usb_id), "%.4s:%.4s", vendor, product);
	read_word(device, "serial", serial);
	log_safe(serial, record->usb_serial, sizeof(record->usb_serial));
	read_name(device, record->usb_id, record->card.name);
}

/* The one of several keys that the user's credential is on; -1, with the reason. */
static int choose_key(const struct tokens *tokens, const struct pam_request *request, unsigned int timeout_ms,
		      struct find_text *text)
{
	const char *nodes[TOKENS_MAX];
	struct find_text why = {"which one was used is not known"};
	int chosen = -1;

	for (size_t i = 0; i < tokens->count; i++)
		nodes[i] = tokens->nodes[i];
	if (request->u2f_keys[0] && !tokens->more)
		chosen = fido_choose(request, nodes, tokens->count, timeout_ms, &why);
	if (chosen < 0)
		find_tell(text, "there are %zu security keys: %s", tokens->count, why.text);
	return chosen;
}

/* … of all that were found. */
static int choose_token(const struct tokens *tokens, const struct pam_request *request,
			unsigned int timeout_ms, struct find_text *text)
{
	bool fido = strcmp(request->usb_token, USB_TOKEN_FIDO) == 0;
	const char *ids = request->usb_token + (fido ? 0 : strlen(USB_TOKEN_USB));

	if (tokens->count == 1)
		return 0;
	if (tokens->count > 1 && fido)
		return choose_key(tokens, request, timeout_ms, text);
	if (tokens->count > 1)
		find_tell(text, "there are %zu USB devices %s, and the one used is not known", tokens->count,
			  ids);
	else
		find_tell(text, fido ? "there is no security key" : "there is no USB device %s", ids);
	return -1;
}

int usb_token_find(const char *root, const struct pam_request *request, unsigned int timeout_ms,
		   struct login_record *ret_record, struct find_text *ret_text)
{
	_cleanup_free_ struct tokens *tokens = calloc(1, sizeof(*tokens));
	int r = tokens ? find_tokens(root, request->usb_token, tokens) : -ENOMEM, chosen;

	if (r < 0) {
		find_tell(ret_text, "cannot look for USB devices: %s", strerror(-r));
		return r;
	}
	chosen = choose_token(tokens, request, timeout_ms, ret_text);
	if (chosen < 0)
		return 0;
	fill_token(ret_record, tokens->paths[chosen]);
	return 1;
}
