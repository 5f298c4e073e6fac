/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which USB device token=fido and token=usb: mean, on machines whose sysfs is a directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "pam/find_usb.h"
#include "pam/u2f_keys.h"
#include "shell.h"

/* A key of FIDO's, a keyboard, and a long item before the usage page. */
#define FIDO	 "\\006\\320\\361\\011\\001\\241\\001"
#define KEYBOARD "\\005\\001\\011\\006\\241\\001"
#define LONG	 "\\376\\002\\000\\006\\320" FIDO
/* A value that looks like the page, within another item. */
#define TRAP "\\047\\006\\320\\361\\000"

static char root[] = "/tmp/scpolicyd-usb-XXXXXX";
static unsigned nodes;

static int fresh_root(void **state _unused_)
{
	nodes = 0;
	shell("rm -rf '%s' && mkdir -p '%s/sys/class/hidraw' '%s/sys/bus/usb/devices'", root, root, root);
	return 0;
}

static void plug(const char *port, const char *vendor, const char *product, const char *serial)
{
	unsigned number = (unsigned)strtoul(port + 2, NULL, 10) + 4;

	shell("d='%s/sys/devices/pci0/usb1/%s' && mkdir -p \"$d\" && echo 1 > \"$d/busnum\" && echo %u > \"$d/devnum\" && "
	      "echo %s > \"$d/idVendor\" && echo %s > \"$d/idProduct\" && echo Acme > \"$d/manufacturer\" && "
	      "echo 'Key 5' > \"$d/product\" && { [ -z '%s' ] || echo '%s' > \"$d/serial\"; } && "
	      "ln -s \"$d\" '%s/sys/bus/usb/devices/%s'",
	      root, port, number, vendor, product, serial, serial, root, port);
}

static void hidraw(const char *port, const char *descriptor)
{
	shell("d='%s/sys/devices/pci0/usb1/%s/%s:1.%u/0003:1.%u' && mkdir -p \"$d\" && printf '%s' > \"$d/report_descriptor\" && "
	      "n='%s/sys/class/hidraw/hidraw%u' && mkdir \"$n\" && ln -s \"$d\" \"$n/device\"",
	      root, port, port, nodes, nodes, descriptor, root, nodes);
	nodes++;
}

static int find(const char *wanted, struct login_record *ret, struct find_text *text)
{
	struct pam_request request = {0};

	snprintf(request.usb_token, sizeof(request.usb_token), "%s", wanted);
	*ret = (struct login_record){0};
	text->text[0] = '\0';
	return usb_token_find(root, &request, 1000, ret, text);
}

static void expect_port(const char *wanted, const char *port)
{
	struct login_record record;
	struct find_text text;

	if (find(wanted, &record, &text) != 1)
		fail_msg("%s: %s", wanted, text.text);
	assert_string_equal(record.usb_path, port);
	assert_true(record.usb_token);
	assert_int_equal(record.card.usb.bus, 1);
	assert_int_equal(record.card.usb.device, strtoul(port + 2, NULL, 10) + 4);
	assert_string_equal(record.card.name, "Acme Key 5");
}

static void expect_none(const char *wanted, const char *why)
{
	struct login_record record;
	struct find_text text;

	assert_int_equal(find(wanted, &record, &text), 0);
	assert_string_equal(text.text, why);
	assert_string_equal(record.usb_path, "");
}

static void test_fido(void **state _unused_)
{
	expect_none("fido", "there is no security key");
	plug("1-1", "1050", "0407", "");
	hidraw("1-1", KEYBOARD);
	hidraw("1-1", TRAP);
	expect_none("fido", "there is no security key");
	hidraw("1-1", FIDO);
	expect_port("fido", "1-1");
	/* A second interface of the same key. */
	hidraw("1-1", LONG);
	expect_port("fido", "1-1");
	plug("1-2", "1050", "0407", "");
	hidraw("1-2", FIDO);
	expect_none("fido", "there are 2 security keys: which one was used is not known");
}

/* One that no USB device is above, such as a program's, is nothing that can be unplugged. */
static void test_not_usb(void **state _unused_)
{
	shell("d='%s/sys/devices/virtual/misc/uhid/0003:1' && mkdir -p \"$d\" && printf '" FIDO
	      "' > \"$d/report_descriptor\" && mkdir '%s/sys/class/hidraw/hidraw9' && "
	      "ln -s \"$d\" '%s/sys/class/hidraw/hidraw9/device' && ln -s /nowhere '%s/sys/class/hidraw/hidraw8'",
	      root, root, root, root);
	expect_none("fido", "there is no security key");
}

static void test_usb(void **state _unused_)
{
	expect_none("usb:0951:1666", "there is no USB device 0951:1666");
	plug("1-3", "0951", "1666", "A1");
	plug("1-4", "0951", "1667", "");
	expect_port("usb:0951:1666", "1-3");
	expect_port("usb:0951:1666:A1", "1-3");
	expect_none("usb:0951:1666:A2", "there is no USB device 0951:1666:A2");
	expect_none("usb:0951:1667:A1", "there is no USB device 0951:1667:A1");
	plug("1-5", "0951", "1666", "A1");
	expect_none("usb:0951:1666:A1",
		    "there are 2 USB devices 0951:1666:A1, and the one used is not known");
	plug("1-6", "0abc", "0def", "");
	expect_port("usb:0ABC:0DEF", "1-6");
}

static void test_no_sysfs(void **state _unused_)
{
	shell("rm -r '%s/sys'", root);
	expect_none("fido", "there is no security key");
}

static void test_written(void **state _unused_)
{
	char note[NOTE_SIZE];
	struct login_record record, read = {0};
	struct record_error error;
	struct find_text text;

	plug("1-1", "1050", "0407", "7");
	hidraw("1-1", FIDO);
	assert_int_equal(find("fido", &record, &text), 1);
	record.seen = 5;
	assert_true(pam_note_format(&record, note, sizeof(note), &error) > 0);
	assert_string_equal(
		note,
		"READER=Acme Key 5\tSLOT=0\tUSB=1:5\tCOUNTER=0\tUSB_PATH=1-1\tUSB_ID=1050:0407\tUSB_SERIAL=7\tSEEN=5\t"
		"KIND=usb\t");
	assert_int_equal(pam_note_parse(note, &read, &error), 0);
	assert_true(read.usb_token);
	assert_int_equal(read.seen, 5);
}

static struct u2f_handles handles;

static void test_u2f_keys(void **state _unused_)
{
	static const char text[] =
		"# anna:AAAA,\nann:AAAA,k,es256,+presence\nanna:SGVsbG8=,k,es256,+presence:_-8,k,es256,:,k:!!,k:"
		"AAAA\nannabel:AAAA,k\nanna:V29ybGQ,\n";

	u2f_keys_parse(text, "anna", &handles);
	assert_int_equal(handles.count, 3);
	assert_int_equal(handles.handles[0].size, 5);
	assert_memory_equal(handles.handles[0].bytes, "Hello", 5);
	assert_int_equal(handles.handles[1].size, 2);
	assert_memory_equal(handles.handles[1].bytes, "\xff\xef", 2);
	assert_memory_equal(handles.handles[2].bytes, "World", 5);
	u2f_keys_parse(text, "bert", &handles);
	assert_int_equal(handles.count, 0);
}

static void expect_refused(const char *path, const char *why)
{
	char full[128], expected[256];
	struct find_text found;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	snprintf(expected, sizeof(expected), "%s: %s", full, why);
	assert_true(u2f_keys_read(full, "anna", &handles, &found) < 0);
	assert_string_equal(found.text, expected);
}

static void test_bad_u2f_keys(void **state _unused_)
{
	expect_refused("none", "No such file or directory");
	shell("mkfifo '%s/pipe' && truncate -s 10M '%s/huge' && echo 'bert:AAAA,k' > '%s/other'", root, root,
	      root);
	expect_refused("pipe", "not a regular file");
	expect_refused("huge", "larger than any such file is");
	expect_refused("other", "no credential of the user's is in it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_fido, fresh_root),
		cmocka_unit_test_setup(test_not_usb, fresh_root),
		cmocka_unit_test_setup(test_usb, fresh_root),
		cmocka_unit_test_setup(test_no_sysfs, fresh_root),
		cmocka_unit_test_setup(test_written, fresh_root),
		cmocka_unit_test(test_u2f_keys),
		cmocka_unit_test_setup(test_bad_u2f_keys, fresh_root),
	};
	int failed;

	if (!mkdtemp(root))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	shell("rm -rf '%s'", root);
	return failed;
}
