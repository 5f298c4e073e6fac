/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The login record: what is written is read back, and everything else is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/record.h"

#define BOOT	  "0123456789abcdef0123456789abcdef"
#define YESTERDAY "fedcba9876543210fedcba9876543210"

/* A good record, in pieces: a case puts something else in the place of one. */
#define HEAD	      "SESSION=3\nBOOT_ID=" BOOT "\nUID=1000\nUSER=card\nSERVICE=login\nLEADER=812\n"
#define READER_FIELDS "READER=QEMU CCID 00 00\nSLOT=0\nUSB=1:4\nATR=3BD51891\nCOUNTER=1\n"
#define TAIL                                                                                                 \
	"USB_PATH=1-1.2\nUSB_ID=08e6:4433\nUSB_SERIAL=1\nSEEN=4611686018427387903\nTOKEN=Jane\nPCSC_SOCKET=/run/pcscd/pcscd.comm\n"
#define GOOD HEAD READER_FIELDS TAIL
#define X32  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X128 X32 X32 X32 X32

static const struct {
	const char *name, *text;
	size_t size; /* 0: the text's own length */
	const char *expected;
} bad[] = {
	{"empty", "", 0, "field SESSION= is missing"},
	{"no final newline", "SESSION=3", 0, "line 1: does not end with a newline"},
	{"no final newline, later", HEAD "SLOT=0", 0, "line 7: does not end with a newline"},
	{"missing session", "BOOT_ID=" BOOT "\n", 0, "field SESSION= is missing"},
	{"missing reader", HEAD "SLOT=0\nCOUNTER=1\n" TAIL, 0, "field READER= is missing"},
	{"missing socket", HEAD READER_FIELDS, 0, "field PCSC_SOCKET= is missing"},
	{"repeated", GOOD "ATR=3B\n", 0, "line 18: field ATR= given twice"},
	{"repeated, the same", "UID=0\nUID=0\n", 0, "line 2: field UID= given twice"},
	{"repeated, first one empty", "ATR=\nATR=3B\n", 0, "line 2: field ATR= given twice"},
	{"unknown", GOOD "COLOUR=red\n", 0, "line 18: unknown field COLOUR="},
	{"unknown, lower case", "session=3\n", 0, "line 1: unknown field session="},
	{"unknown, a blank before", " SESSION=3\n", 0, "line 1: unknown field  SESSION="},
	{"unknown, a prefix", "USB_=3\n", 0, "line 1: unknown field USB_="},
	{"unknown, unprintable", "\x1b[2J=3\n", 0, "line 1: unknown field ?[2J="},
	{"unknown, long", X128 X128 "=3\n", 0, "line 1: unknown field " X32 "="},
	{"no equals sign", HEAD "READER\n", 0, "line 7: is not FIELD=value"},
	{"no name", "=3\n", 0, "line 1: is not FIELD=value"},
	{"empty line", HEAD "\n", 0, "line 7: is not FIELD=value"},
	{"comment", "# a record\n", 0, "line 1: is not FIELD=value"},
	{"NUL in a value", "USER=ca\0rd\n", 11, "line 1: holds a NUL byte"},
	{"NUL in a name", "US\0ER=card\n", 11, "line 1: holds a NUL byte"},
	{"NUL at the end", GOOD "\0", sizeof(GOOD), "line 18: does not end with a newline"},
	{"empty value", "USER=\n", 0, "line 1: field USER= is empty"},
	{"carriage return", "USER=card\r\n", 0, "line 1: field USER= holds a control character"},
	{"tab", "READER=QEMU\tCCID\n", 0, "line 1: field READER= holds a control character"},
	{"escape", "TOKEN=\x1b[2J\n", 0, "line 1: field TOKEN= holds a control character"},
	{"delete", "TOKEN=\x7f\n", 0, "line 1: field TOKEN= holds a control character"},
	{"long session", "SESSION=" X32 X32 "\n", 0, "line 1: field SESSION= is longer than 63 bytes"},
	{"long user", "USER=" X128 X128 "x\n", 0, "line 1: field USER= is longer than 256 bytes"},
	{"long service", "SERVICE=" X32 X32 "\n", 0, "line 1: field SERVICE= is longer than 63 bytes"},
	{"long reader", "READER=" X128 "\n", 0, "line 1: field READER= is longer than 127 bytes"},
	{"long path", "USB_PATH=1-" X32 "\n", 0, "line 1: field USB_PATH= is longer than 31 bytes"},
	{"long serial", "USB_SERIAL=" X128 X128 X128 "\n", 0, "field USB_SERIAL= is longer than 378 bytes"},
	{"long token", "TOKEN=" X32 "x\n", 0, "line 1: field TOKEN= is longer than 32 bytes"},
	{"long socket", "PCSC_SOCKET=/" X128 "\n", 0, "field PCSC_SOCKET= is longer than 107 bytes"},
	{"long number", "COUNTER=00000000001\n", 0, "line 1: field COUNTER= is longer than 10 bytes"},
	{"long ATR", "ATR=" X32 X32 "xxx\n", 0, "line 1: field ATR= is longer than 66 bytes"},
	{"session with a slash", "SESSION=../3\n", 0, "line 1: field SESSION= is not a session id"},
	{"session with a dot", "SESSION=.3\n", 0, "line 1: field SESSION= is not a session id"},
	{"short boot id", "BOOT_ID=abc\n", 0, "field BOOT_ID= is not 32 hexadecimal digits in lower case"},
	{"upper-case boot id", "BOOT_ID=0123456789ABCDEF0123456789ABCDEF\n", 0, "field BOOT_ID= is not 32"},
	{"boot id with dash", "BOOT_ID=01234567-9abcdef0123456789abcdef\n", 0, "field BOOT_ID= is not 32"},
	{"uid -1", "UID=-1\n", 0, "field UID= is not a number from 0 to 4294967294"},
	{"uid of nobody at all", "UID=4294967295\n", 0, "field UID= is not a number from 0 to 4294967294"},
	{"uid too large", "UID=9999999999\n", 0, "field UID= is not a number from 0 to 4294967294"},
	{"uid in hexadecimal", "UID=0x3e8\n", 0, "field UID= is not a number from 0 to 4294967294"},
	{"uid with a blank", "UID= 1000\n", 0, "field UID= is not a number from 0 to 4294967294"},
	{"uid with a plus", "UID=+1000\n", 0, "field UID= is not a number from 0 to 4294967294"},
	{"uid with leading zeros", "UID=01000\n", 0, "field UID= is not a number from 0 to 4294967294"},
	{"leader 0", "LEADER=0\n", 0, "field LEADER= is not a number from 1 to 4194304"},
	{"leader too large", "LEADER=4194305\n", 0, "field LEADER= is not a number from 1 to 4194304"},
	{"slot too large", "SLOT=256\n", 0, "field SLOT= is not a number from 0 to 255"},
	{"stamp out of reach", "SEEN=4611686018427387904\n", 0, "field SEEN= is not nanoseconds"},
	{"stamp in milliseconds", "SEEN=1000ms\n", 0, "field SEEN= is not nanoseconds"},
	{"counter too large", "COUNTER=65536\n", 0, "field COUNTER= is not a number from 0 to 65535"},
	{"ATR of half a byte", "ATR=3BD\n", 0, "field ATR= is not an ATR in hexadecimal"},
	{"ATR of other letters", "ATR=3G\n", 0, "field ATR= is not an ATR in hexadecimal"},
	{"USB without colon", "USB=14\n", 0, "field USB= is not a USB bus from 1 to 999, a colon and"},
	{"USB bus 0", "USB=0:4\n", 0, "field USB= is not a USB bus"},
	{"USB device 128", "USB=1:128\n", 0, "field USB= is not a USB bus"},
	{"USB bus 1000", "USB=1000:1\n", 0, "field USB= is not a USB bus"},
	{"USB, three numbers", "USB=1:2:3\n", 0, "field USB= is not a USB bus"},
	{"USB, nothing", "USB=:\n", 0, "field USB= is not a USB bus"},
	{"USB path of a root hub", "USB_PATH=usb1\n", 0, "field USB_PATH= is not a USB port path"},
	{"USB path of an interface", "USB_PATH=1-1:1.0\n", 0, "field USB_PATH= is not a USB port path"},
	{"USB path, dots first", "USB_PATH=1.1-2\n", 0, "field USB_PATH= is not a USB port path"},
	{"USB path, two dashes", "USB_PATH=1-1-1\n", 0, "field USB_PATH= is not a USB port path"},
	{"USB path, bus alone", "USB_PATH=1\n", 0, "field USB_PATH= is not a USB port path"},
	{"USB path, ends in a dot", "USB_PATH=1-1.\n", 0, "field USB_PATH= is not a USB port path"},
	{"USB path, dots together", "USB_PATH=1-1..1\n", 0, "field USB_PATH= is not a USB port path"},
	{"USB path, upwards", "USB_PATH=../1-1\n", 0, "field USB_PATH= is not a USB port path"},
	{"USB id, short", "USB_ID=8e6:4433\n", 0, "field USB_ID= is not a USB id"},
	{"USB id, upper case", "USB_ID=08E6:4433\n", 0, "field USB_ID= is not a USB id"},
	{"USB id, no colon", "USB_ID=08e6-4433\n", 0, "field USB_ID= is not a USB id"},
	{"relative socket", "PCSC_SOCKET=pcscd.comm\n", 0, "field PCSC_SOCKET= is not an absolute path"},
};

static void test_refuses(_unused_ void **state)
{
	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		size_t size = bad[i].size ? bad[i].size : strlen(bad[i].text);
		struct login_record record, before;
		struct record_error error = {""};
		int r;

		memset(&record, 0xa5, sizeof(record));
		before = record;
		r = record_parse(bad[i].text, size, &record, &error);
		if (r != -EBADMSG || !strstr(error.text, bad[i].expected))
			fail_msg("%s: %d, \"%s\"", bad[i].name, r, error.text);
		assert_memory_equal(&record, &before, sizeof(record));
	}
}

static void test_reads_every_field(_unused_ void **state)
{
	struct login_record record;
	struct record_error error = {""};

	assert_int_equal(record_parse(GOOD, strlen(GOOD), &record, &error), 0);
	assert_string_equal(record.session, "3");
	assert_string_equal(record.boot_id, BOOT);
	assert_int_equal(record.uid, 1000);
	assert_string_equal(record.user, "card");
	assert_string_equal(record.service, "login");
	assert_int_equal(record.leader, 812);
	assert_string_equal(record.card.name, "QEMU CCID 00 00");
	assert_int_equal(record.card.slot, 0);
	assert_int_equal(record.card.card, CARD_PRESENT);
	assert_true(usb_address_equal(record.card.usb, (struct usb_address){.bus = 1, .device = 4}));
	assert_int_equal(record.card.atr.size, 4);
	assert_memory_equal(record.card.atr.bytes, "\x3b\xd5\x18\x91", 4);
	assert_int_equal(record.card.event_counter, 1);
	assert_string_equal(record.usb_path, "1-1.2");
	assert_string_equal(record.usb_id, "08e6:4433");
	assert_string_equal(record.usb_serial, "1");
	assert_int_equal(record.seen, UINT64_MAX / 4);
	assert_string_equal(record.token, "Jane");
	assert_string_equal(record.pcsc_socket, "/run/pcscd/pcscd.comm");
}

/* Any order; optional fields absent or empty; lower-case ATR; an equals sign in a value. */
static void test_takes_variants(_unused_ void **state)
{
	static const char text[] =
		"PCSC_SOCKET=/run/pcscd/pcscd.comm\nCOUNTER=0\nSLOT=255\nREADER=a=b\nTOKEN=\nATR=3bd5\n" HEAD;
	struct login_record record;
	struct record_error error = {""};

	assert_int_equal(record_parse(text, strlen(text), &record, &error), 0);
	assert_string_equal(record.card.name, "a=b");
	assert_string_equal(record.token, "");
	assert_false(usb_address_is_set(record.card.usb));
	assert_memory_equal(record.card.atr.bytes, "\x3b\xd5", 2);
}

static void fill(char *text, size_t size, char with)
{
	memset(text, with, size - 1);
	text[size - 1] = '\0';
}

/* Every field at its longest and largest. */
static struct login_record record_longest(void)
{
	struct login_record record = {
		.boot_id = BOOT,
		.uid = UINT32_MAX - 1,
		.leader = 4194304,
		.card.slot = UINT8_MAX,
		.card.card = CARD_PRESENT,
		.card.usb = {.bus = 999, .device = 127},
		.card.event_counter = UINT16_MAX,
		.card.atr.size = ATR_SIZE,
		.usb_id = "ffff:ffff",
		.seen = UINT64_MAX / 4,
		.pcsc_socket = "/",
	};

	fill(record.session, sizeof(record.session), 'c');
	fill(record.user, sizeof(record.user), 'u');
	fill(record.service, sizeof(record.service), 's');
	fill(record.card.name, sizeof(record.card.name), 'r');
	memset(record.card.atr.bytes, 0xfb, ATR_SIZE);
	fill(record.usb_path, sizeof(record.usb_path), '9');
	record.usb_path[1] = '-';
	fill(record.usb_serial, sizeof(record.usb_serial), '\xc3');
	fill(record.token, sizeof(record.token), '=');
	fill(record.pcsc_socket + 1, sizeof(record.pcsc_socket) - 1, 'p');
	return record;
}

static void test_round_trip_at_full_length(_unused_ void **state)
{
	struct login_record record = record_longest(), again;
	struct record_error error = {""};
	char text[RECORD_FILE_MAX], text_again[RECORD_FILE_MAX];
	ssize_t size = record_format(&record, text, sizeof(text));

	assert_in_range(size, 1, RECORD_FILE_MAX - 1);
	if (record_parse(text, (size_t)size, &again, &error) < 0)
		fail_msg("%s", error.text);
	assert_string_equal(again.user, record.user);
	assert_string_equal(again.usb_serial, record.usb_serial);
	assert_int_equal(again.uid, record.uid);
	assert_memory_equal(&again.card.atr, &record.card.atr, sizeof(record.card.atr));
	assert_int_equal(record_format(&again, text_again, sizeof(text_again)), size);
	assert_string_equal(text_again, text);
	/* Room for all but the NUL is not enough. */
	assert_int_equal(record_format(&record, text_again, (size_t)size), -ENOBUFS);
	assert_int_equal(record_format(&record, text_again, (size_t)size + 1), size);
	assert_int_equal(record_format(&record, text_again, 0), -ENOBUFS);
}

static struct login_record record_good(void)
{
	struct login_record record;
	struct record_error error;

	assert_int_equal(record_parse(GOOD, strlen(GOOD), &record, &error), 0);
	return record;
}

/* What could not be read back is not written. */
static void test_format_refuses(_unused_ void **state)
{
	static const struct {
		const char *name;
		size_t offset, size;
		const char *bytes;
	} cases[] = {
		{"no session", offsetof(struct login_record, session), 1, ""},
		{"a path as session", offsetof(struct login_record, session), 3, "..\0"},
		{"no user", offsetof(struct login_record, user), 1, ""},
		{"a line of one's own", offsetof(struct login_record, user), 11, "a\nTOKEN=you"},
		{"no reader", offsetof(struct login_record, card.name), 1, ""},
		{"no leader", offsetof(struct login_record, leader), 4, "\0\0\0\0"},
		{"a negative leader", offsetof(struct login_record, leader), 4, "\xff\xff\xff\xff"},
		{"too large an ATR", offsetof(struct login_record, card.atr), 1, "\x22"},
		{"a name without an end", offsetof(struct login_record, token), TOKEN_LABEL_SIZE, X32 "x"},
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct login_record record = record_good();
		char text[RECORD_FILE_MAX];
		ssize_t r;

		memcpy((char *)&record + cases[i].offset, cases[i].bytes, cases[i].size);
		r = record_format(&record, text, sizeof(text));
		if (r != -EINVAL)
			fail_msg("%s: %zd", cases[i].name, r);
	}
}

static void test_session_ids(_unused_ void **state)
{
	static const char *const good[] = {"1", "c12", "4294967295", X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
	static const char *const wrong[] = {"",	  ".",	 "..",	     ".1", "a/b",
					    "1 ", "1\n", "\xc3\xa4", "-1", X32 X32};

	for (size_t i = 0; i < ELEMENTS(good); i++)
		assert_true(session_id_valid(good[i]));
	for (size_t i = 0; i < ELEMENTS(wrong); i++)
		assert_false(session_id_valid(wrong[i]));
}

static void test_boot_id(_unused_ void **state)
{
	char boot_id[BOOT_ID_SIZE];

	assert_int_equal(boot_id_read(boot_id), 0);
	assert_int_equal(strspn(boot_id, "0123456789abcdef"), 32);
}

/* ---- files ------------------------------------------------------------------------------------------------
 */

struct folder {
	char path[32];
	int fd;
};

static int folder_make(void **state)
{
	static struct folder folder;

	strcpy(folder.path, "/tmp/test_record.XXXXXX");
	if (!mkdtemp(folder.path))
		return -1;
	folder.fd = open(folder.path, O_DIRECTORY | O_CLOEXEC);
	*state = &folder;
	return folder.fd < 0 ? -1 : 0;
}

static int folder_remove(void **state)
{
	struct folder *folder = *state;
	DIR *dir = fdopendir(folder->fd);

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (unlinkat(folder->fd, entry->d_name, 0) < 0)
			unlinkat(folder->fd, entry->d_name, AT_REMOVEDIR);
	closedir(dir);
	return rmdir(folder->path);
}

static void put(const struct folder *folder, const char *name, const char *text, mode_t mode)
{
	_cleanup_close_ int fd = openat(folder->fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
}

static void put_good(const struct folder *folder)
{
	put(folder, "3", GOOD, 0600);
}

static void put_mode_0640(const struct folder *folder)
{
	put(folder, "3", GOOD, 0640);
}

static void put_mode_4600(const struct folder *folder)
{
	put(folder, "3", GOOD, 04600);
}

static void put_symlink(const struct folder *folder)
{
	put(folder, "other", GOOD, 0600);
	assert_int_equal(symlinkat("other", folder->fd, "3"), 0);
}

static void put_hard_link(const struct folder *folder)
{
	put(folder, "other", GOOD, 0600);
	assert_int_equal(linkat(folder->fd, "other", folder->fd, "3", 0), 0);
}

static void put_folder(const struct folder *folder)
{
	assert_int_equal(mkdirat(folder->fd, "3", 0700), 0);
}

static void put_fifo(const struct folder *folder)
{
	assert_int_equal(mkfifoat(folder->fd, "3", 0600), 0);
}

static void put_too_large(const struct folder *folder)
{
	char text[RECORD_FILE_MAX + 2];

	fill(text, sizeof(text), '\n');
	put(folder, "3", text, 0600);
}

static void put_at_the_limit(const struct folder *folder)
{
	char text[RECORD_FILE_MAX + 1];

	fill(text, sizeof(text), '\n');
	put(folder, "3", text, 0600);
}

static void put_other_session(const struct folder *folder)
{
	static const char good[] = GOOD;
	char text[sizeof(good)];

	memcpy(text, good, sizeof(good));
	text[strlen("SESSION=")] = '4';
	put(folder, "3", text, 0600);
}

static void put_nothing(_unused_ const struct folder *folder)
{
}

static const struct {
	const char *name;
	void (*put)(const struct folder *folder);
	const char *record, *boot_id;
	uid_t owner; /* on top of our own */
	int result;
	const char *expected;
} files[] = {
	{"good", put_good, "3", BOOT, 0, 0, ""},
	{"owner", put_good, "3", BOOT, 1, -EBADMSG, "is owned by uid "},
	{"mode", put_mode_0640, "3", BOOT, 0, -EBADMSG, "has mode 0640 instead of 0600"},
	{"set-user-id", put_mode_4600, "3", BOOT, 0, -EBADMSG, "has mode 4600 instead of 0600"},
	{"symlink", put_symlink, "3", BOOT, 0, -EBADMSG, "is a symbolic link"},
	{"hard link", put_hard_link, "3", BOOT, 0, -EBADMSG, "has 2 links instead of one"},
	{"directory", put_folder, "3", BOOT, 0, -EBADMSG, "is not a regular file"},
	{"FIFO", put_fifo, "3", BOOT, 0, -EBADMSG, "is not a regular file"},
	{"too large", put_too_large, "3", BOOT, 0, -EBADMSG, "is larger than 4096 bytes"},
	{"largest", put_at_the_limit, "3", BOOT, 0, -EBADMSG, "line 1: is not FIELD=value"},
	{"of another session", put_other_session, "3", BOOT, 0, -EBADMSG,
	 "field SESSION= is 4, not the file"},
	{"of yesterday", put_good, "3", YESTERDAY, 0, -EBADMSG, "field BOOT_ID= is not of this boot: " BOOT},
	{"absent", put_nothing, "3", BOOT, 0, -ENOENT, "cannot open it: No such file or directory"},
	{"hidden", put_good, ".3", BOOT, 0, -EBADMSG, "the file's name is not a session id"},
	{"upwards", put_good, "../3", BOOT, 0, -EBADMSG, "the file's name is not a session id"},
};

static void test_files(_unused_ void **state)
{
	for (size_t i = 0; i < ELEMENTS(files); i++) {
		void *folder_state;
		const struct folder *folder;
		struct login_record record;
		struct record_error error = {""};
		int r;

		assert_int_equal(folder_make(&folder_state), 0);
		folder = folder_state;
		files[i].put(folder);
		r = record_read(folder->fd, files[i].record, geteuid() + files[i].owner, files[i].boot_id,
				&record, &error);
		if (r != files[i].result || !strstr(error.text, files[i].expected))
			fail_msg("%s: %d, \"%s\"", files[i].name, r, error.text);
		assert_int_equal(folder_remove(&folder_state), 0);
	}
}

static int count_files(const struct folder *folder)
{
	int count = 0;
	DIR *dir = opendir(folder->path);

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static void test_writes_and_replaces(void **state)
{
	const struct folder *folder = *state;
	struct login_record record = record_good(), again;
	struct record_error error = {""};
	mode_t umask_before = umask(0777);

	assert_int_equal(record_write(folder->fd, &record), 0);
	strcpy(record.token, "John");
	assert_int_equal(record_write(folder->fd, &record), 0);
	umask(umask_before);
	assert_int_equal(record_read(folder->fd, "3", geteuid(), BOOT, &again, &error), 0);
	assert_string_equal(again.token, "John");
	assert_int_equal(count_files(folder), 1);
}

static void test_failed_write_leaves_nothing(void **state)
{
	const struct folder *folder = *state;
	struct login_record record = record_good();

	/* rename() cannot replace a directory with a file. */
	put_folder(folder);
	assert_int_equal(record_write(folder->fd, &record), -EISDIR);
	assert_int_equal(count_files(folder), 1);
	record.user[0] = '\0';
	assert_int_equal(record_write(folder->fd, &record), -EINVAL);
	assert_int_equal(count_files(folder), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_reads_every_field),
		cmocka_unit_test(test_takes_variants),
		cmocka_unit_test(test_round_trip_at_full_length),
		cmocka_unit_test(test_format_refuses),
		cmocka_unit_test(test_session_ids),
		cmocka_unit_test(test_boot_id),
		cmocka_unit_test(test_files),
		cmocka_unit_test_setup_teardown(test_writes_and_replaces, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(test_failed_write_leaves_nothing, folder_make, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
