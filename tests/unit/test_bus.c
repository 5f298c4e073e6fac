/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may see what, and that nothing goes onto the bus which it would disconnect us for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>

#include "bus/bus_access.h"
#include "bus/bus_message.h"
#include "lib/cleanup.h"

#define GROUP 4100

/* A connection that is never used: messages are made for one. */
static int open_bus(void **state)
{
	sd_bus *bus = NULL;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(sd_bus_new(&bus), 0);
	assert_int_equal(sd_bus_set_fd(bus, ends[0], ends[0]), 0);
	assert_true(sd_bus_start(bus) >= 0);
	close(ends[1]);
	*state = bus;
	return 0;
}

static int close_bus(void **state)
{
	sd_bus_unref(*state);
	return 0;
}

static sd_bus_message *message_new(sd_bus *bus)
{
	sd_bus_message *message = NULL;

	assert_true(sd_bus_message_new_signal(bus, &message, "/org/scpolicyd1", "org.scpolicyd1.Test",
					      "Test") >= 0);
	return message;
}

/* ---- who ------------------------------------------------------------------------------------------------- */

#define NOBODY ((uint32_t)-1)

static const struct row {
	const char *name;
	uint32_t uid;	    /* NOBODY: the bus does not tell */
	uint32_t groups[4]; /* until the first 0 */
	gid_t group;	    /* ACCESS_GROUP's */
	bool known, privileged, sees_own, sees_others;
} rows[] = {
	{"root", 0, {0}, GROUP, true, true, true, true},
	{"root, and there is no such group", 0, {0}, (gid_t)-1, true, true, true, true},
	{"a user", 1000, {1000, 27}, GROUP, true, false, true, false},
	{"a user without groups", 1000, {0}, GROUP, true, false, true, false},
	{"a member", 1000, {1000, 27, GROUP}, GROUP, true, true, true, true},
	{"of a group of that number, where there is no such group",
	 1000,
	 {1000, (uint32_t)-1},
	 (gid_t)-1,
	 true,
	 false,
	 true,
	 false},
	{"whom the bus does not know", NOBODY, {GROUP}, GROUP, false, false, false, false},
};

static sd_bus_message *credentials_new(sd_bus *bus, const struct row *row)
{
	sd_bus_message *message = message_new(bus);
	struct put put = {.message = message};
	size_t count = 0;

	while (count < ELEMENTS(row->groups) && row->groups[count])
		count++;
	put_open(&put, 'a', "{sv}");
	put_text(&put, "LinuxSecurityLabel", "unconfined");
	if (row->uid != NOBODY)
		put_uint32(&put, "UnixUserID", row->uid);
	put_begin(&put, "UnixGroupIDs", 'a', "u");
	for (size_t i = 0; i < count; i++)
		put_plain_uint32(&put, row->groups[i]);
	put_end(&put);
	put_uint32(&put, "ProcessID", 1234);
	put_close(&put);
	assert_int_equal(put.error, 0);
	assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
	return message;
}

static void test_who(void **state)
{
	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = credentials_new(*state, &rows[i]);
		struct caller caller = {.name = ":1.5"};

		if (credentials_read(message, rows[i].group, &caller) != rows[i].known)
			fail_msg("%s: known or not", rows[i].name);
		if (!rows[i].known)
			continue;
		if (caller.uid != rows[i].uid || caller.privileged != rows[i].privileged)
			fail_msg("%s: taken for somebody else", rows[i].name);
		if (caller_may_see(&caller, caller.uid) != rows[i].sees_own ||
		    caller_may_see(&caller, 1001) != rows[i].sees_others)
			fail_msg("%s: sees too much, or too little", rows[i].name);
	}
}

static void test_who_nonsense(void **state)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = message_new(*state);
	struct caller caller = {.name = ":1.5"};

	assert_true(sd_bus_message_append(message, "s", "root") >= 0);
	assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
	assert_false(credentials_read(message, GROUP, &caller));
}

/* ---- text ------------------------------------------------------------------------------------------------ */

static void test_utf8(void **state _unused_)
{
	static const char *const texts[][2] = {
		{"", ""},
		{"Reader 00 00", "Reader 00 00"},
		{"Zugl\xc3\xa4nge \xe2\x82\xac \xf0\x9f\x94\x92",
		 "Zugl\xc3\xa4nge \xe2\x82\xac \xf0\x9f\x94\x92"},
		{"latin1 \xe4", "latin1 ?"},
		{"\x80\xbf", "??"},
		{"overlong \xc0\xaf\xe0\x80\xaf", "overlong ?????"},
		{"surrogate \xed\xa0\x80", "surrogate ???"},
		{"beyond \xf4\x90\x80\x80\xf8", "beyond ?????"},
		{"cut \xe2\x82", "cut ??"},
	};

	for (size_t i = 0; i < ELEMENTS(texts); i++) {
		char buffer[64];

		assert_string_equal(text_utf8(texts[i][0], buffer, sizeof(buffer)), texts[i][1]);
	}
}

static void test_utf8_is_not_cut_in_two(void **state _unused_)
{
	char buffer[4];

	assert_string_equal(text_utf8("ab\xc3\xa4", buffer, sizeof(buffer)), "ab");
	assert_string_equal(text_utf8("abcd", buffer, sizeof(buffer)), "abc");
}

static void test_unknown_is_left_out(void **state)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = message_new(*state);
	struct put put = {.message = message};
	const char *key, *value;

	put_open(&put, 'a', "{sv}");
	put_text(&put, "UsbPath", NULL);
	put_text(&put, "Rule", "");
	put_close(&put);
	assert_int_equal(put.error, 0);
	assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
	assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") > 0);
	assert_true(sd_bus_message_read(message, "{sv}", &key, "s", &value) > 0);
	assert_string_equal(key, "Rule");
	assert_string_equal(value, "");
	assert_int_equal(sd_bus_message_at_end(message, false), 1);
}

static void test_first_error_stays(void **state)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = message_new(*state);
	struct put put = {.message = message};

	put_close(&put);
	assert_true(put.error < 0);
	put_string(&put, "not put");
	assert_true(sd_bus_message_is_empty(message) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_who_nonsense),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_utf8_is_not_cut_in_two),
		cmocka_unit_test(test_unknown_is_left_out),
		cmocka_unit_test(test_first_error_stays),
	};

	return cmocka_run_group_tests(tests, open_bus, close_bus);
}
