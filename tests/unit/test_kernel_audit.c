/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries go to the kernel audit log, as what, and that nothing from outside can forge a field there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libaudit.h>
#include <string.h>

#include "actions/kernel_audit.h"

static const struct login_record login = {.session = "3", .user = "anna", .card.name = "Reader 00 00"};

static bool message_of(struct verdict verdict, uint64_t sent, struct kernel_audit_message *ret)
{
	struct trail_entry entry = {0};

	if (!verdict.login)
		verdict.login = &login;
	return trail_verdict(&verdict, &(struct trail_times){.sent = sent}, &entry) &&
	       kernel_audit_message(&entry, ret);
}

static void test_types(void **state _unused_)
{
	static const struct {
		struct verdict verdict;
		uint64_t sent;
		int type, success;
		const char *text;
	} cases[] = {
		{{.type = VERDICT_REMOVAL,
		  .cause = CAUSE_READER,
		  .action = ACTION_LOCK,
		  .source = SOURCE_PROBE},
		 0,
		 AUDIT_USER_DEVICE,
		 1,
		 "op=removal acct=\"anna\" session=\"3\" reader=5265616465722030302030"
		 "30 cause=reader source=probe action=lock"},
		{{.type = VERDICT_ACTION, .action = ACTION_LOCK}, 1, AUDIT_RESP_TERM_LOCK, 1, " action=lock"},
		{{.type = VERDICT_ACTION, .action = ACTION_LOCK}, 0, AUDIT_RESP_TERM_LOCK, 0, "op=action "},
		{{.type = VERDICT_ACTION, .action = ACTION_LOGOUT},
		 1,
		 AUDIT_RESP_TERM_ACCESS,
		 1,
		 " action=logout"},
		{{.type = VERDICT_ACTION, .action = ACTION_NONE}, 0, AUDIT_RESP_ANOMALY, 1, " action=none"},
		{{.type = VERDICT_OUTCOME, .action = ACTION_LOCK, .outcome = OUTCOME_VERIFIED},
		 1,
		 AUDIT_RESP_TERM_LOCK,
		 1,
		 " outcome=verified"},
		{{.type = VERDICT_OUTCOME, .action = ACTION_LOCK, .outcome = OUTCOME_UNVERIFIED},
		 1,
		 AUDIT_RESP_TERM_LOCK,
		 0,
		 " outcome=unverified"},
		{{.type = VERDICT_OUTCOME, .action = ACTION_DISCONNECT, .outcome = OUTCOME_FAILED},
		 1,
		 AUDIT_RESP_TERM_ACCESS,
		 0,
		 " outcome=failed"},
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct kernel_audit_message message;

		assert_true(message_of(cases[i].verdict, cases[i].sent, &message));
		assert_int_equal(message.type, cases[i].type);
		assert_int_equal(message.success, cases[i].success);
		if (!strstr(message.text, cases[i].text))
			fail_msg("no \"%s\" in \"%s\"", cases[i].text, message.text);
	}
}

static void test_not_for_this_log(void **state _unused_)
{
	static const enum verdict_type types[] = {VERDICT_HEARD, VERDICT_RESTORED, VERDICT_COUNTDOWN,
						  VERDICT_RECHECKED};
	struct kernel_audit_message message;
	struct trail_entry entry = {0};

	for (size_t i = 0; i < ELEMENTS(types); i++)
		assert_false(message_of((struct verdict){.type = types[i]}, 0, &message));
	trail_sources(false, "hearing removals from: pcsc", &entry);
	assert_false(kernel_audit_message(&entry, &message));
}

/* What another source heard later: the entry has the removal's own time, and how much later. */
static void test_heard(void **state _unused_)
{
	const struct verdict verdict = {
		.type = VERDICT_HEARD, .stamp = 9 * NSEC_PER_MSEC, .later = 2 * NSEC_PER_MSEC};
	struct trail_entry entry = {0};

	assert_true(trail_verdict(&verdict, &(struct trail_times){0}, &entry));
	assert_int_equal(entry.number[TRAIL_MONOTONIC], 7000);
	assert_int_equal(entry.number[TRAIL_LATER], 2000);
}

static void test_config(void **state _unused_)
{
	struct kernel_audit_message message;
	struct trail_entry entry = {0};

	trail_config("read again", false, &entry);
	assert_true(kernel_audit_message(&entry, &message));
	assert_int_equal(message.type, AUDIT_USYS_CONFIG);
	assert_int_equal(message.success, 1);
	memset(&entry, 0, sizeof(entry));
	trail_config("/etc/scpolicyd.conf:3: no", true, &entry);
	assert_true(kernel_audit_message(&entry, &message));
	assert_int_equal(message.success, 0);
}

/* A user, reader or rule may be called anything. */
static void test_nothing_is_forged(void **state _unused_)
{
	struct settings settings = {.rule = "x' res=success op=\"none\""};
	struct kernel_audit_message message;
	struct login_record hostile = login;

	strcpy(hostile.user, "anna\" res=success acct=\"root");
	memset(hostile.card.name, '\'', sizeof(hostile.card.name) - 1);
	assert_true(message_of(
		(struct verdict){.type = VERDICT_REMOVAL, .login = &hostile, .settings = &settings}, 0,
		&message));
	assert_null(strstr(message.text, "res="));
	assert_null(strstr(message.text, "root"));
	assert_non_null(strstr(message.text, "acct=616E6E61"));
	assert_null(strchr(strstr(message.text, "rule=") + 5, ' '));
}

/* As long as every field may be, each byte to be encoded: all of it fits. */
static void test_longest(void **state _unused_)
{
	struct kernel_audit_message message;
	struct login_record longest = {0};
	struct settings settings = {0};

	memset(longest.session, '9', sizeof(longest.session) - 1);
	memset(longest.user, ' ', sizeof(longest.user) - 1);
	memset(longest.card.name, ' ', sizeof(longest.card.name) - 1);
	memset(settings.rule, ' ', sizeof(settings.rule) - 1);
	assert_true(message_of(
		(struct verdict){.type = VERDICT_OUTCOME, .login = &longest, .settings = &settings}, 0,
		&message));
	assert_non_null(strstr(message.text, " rule=2020"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_not_for_this_log),
		cmocka_unit_test(test_heard),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_nothing_is_forged),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
