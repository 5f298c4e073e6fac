/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is counted of which verdict, into which bucket, and how the whole is listed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actions/metrics.h"

/* One "name{label="value",...} value" a line. */
struct page {
	char text[16384];
	size_t used;
	unsigned samples;
};

static int write_sample(void *userdata, const struct metric_sample *sample)
{
	struct page *page = userdata;
	char labels[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < METRICS_LABELS && sample->labels[i].name; i++)
		used += (size_t)snprintf(labels + used, sizeof(labels) - used, "%s%s=%s", i ? "," : "",
					 sample->labels[i].name, sample->labels[i].value);
	page->used += (size_t)snprintf(page->text + page->used, sizeof(page->text) - page->used,
				       "%s{%s} %g\n", sample->name, labels, sample->value);
	assert_true(page->used < sizeof(page->text));
	page->samples++;
	return 0;
}

static void list_page(const struct metrics *metrics, struct page *page)
{
	const struct metrics_now now = {.sessions = 2, .readers = 3, .degraded = 1, .audit = true};

	page->used = page->samples = 0;
	assert_int_equal(metrics_list(metrics, &now, write_sample, page), 0);
}

static void assert_line(const struct page *page, const char *line)
{
	if (!strstr(page->text, line))
		fail_msg("no line \"%s\" in:\n%s", line, page->text);
}

static void count(struct metrics *metrics, struct verdict verdict, uint64_t sent)
{
	metrics_verdict(metrics, &verdict, &(struct trail_times){.sent = sent});
}

static void test_nothing_yet(void **state _unused_)
{
	struct metrics metrics = {0};
	struct page page;

	list_page(&metrics, &page);
	assert_line(&page, "scpolicyd_build_info{version=" VERSION "} 1\n");
	assert_line(&page, "scpolicyd_sessions{} 2\n");
	assert_line(&page, "scpolicyd_readers{} 3\n");
	assert_line(&page, "scpolicyd_degraded{} 1\n");
	assert_line(&page, "scpolicyd_audit{} 1\n");
	assert_line(&page, "scpolicyd_removals_total{cause=pcsc-lost,source=startup} 0\n");
	assert_line(&page, "scpolicyd_action_latency_seconds_bucket{action=lock,le=+Inf} 0\n");
	assert_null(strstr(page.text, "(null)"));
}

static void test_verdicts(void **state _unused_)
{
	static const struct {
		struct verdict verdict;
		const char *line;
	} cases[] = {
		{{.type = VERDICT_REMOVAL, .cause = CAUSE_READER, .source = SOURCE_UEVENT},
		 "\nscpolicyd_removals_total{cause=reader,source=uevent} 1\n"},
		{{.type = VERDICT_ACTION, .action = ACTION_NONE},
		 "\nscpolicyd_actions_total{action=none} 1\n"},
		{{.type = VERDICT_OUTCOME, .action = ACTION_LOGOUT, .outcome = OUTCOME_FAILED},
		 "\nscpolicyd_outcomes_total{action=logout,outcome=failed} 1\n"},
		{{.type = VERDICT_CONTRADICTED}, "\nscpolicyd_contradictions_total{} 1\n"},
		{{.type = VERDICT_COMM_ERROR}, "\nscpolicyd_communication_errors_total{} 1\n"},
		{{.type = VERDICT_SETTLED}, "\nscpolicyd_settled_total{} 1\n"},
		{{.type = VERDICT_CANCELLED}, "\nscpolicyd_cancelled_total{} 1\n"},
		{{.type = VERDICT_CANNOT_LOCK}, "\nscpolicyd_cannot_lock_total{} 1\n"},
		{{.type = VERDICT_UNGUARDED}, "\nscpolicyd_unguarded_total{} 1\n"},
		{{.type = VERDICT_RECHECKED}, "\nscpolicyd_rechecks_total{} 1\n"},
	};
	static struct page before, after;

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct metrics metrics = {0};

		list_page(&metrics, &before);
		assert_null(strstr(before.text, cases[i].line));
		count(&metrics, cases[i].verdict, 0);
		list_page(&metrics, &after);
		assert_line(&after, cases[i].line);
		assert_int_equal(before.samples, after.samples);
	}
}

static void test_latency(void **state _unused_)
{
	const struct login_record login = {.usb_id = "08e6:4433"};
	const struct verdict lock = {
		.type = VERDICT_ACTION, .action = ACTION_LOCK, .stamp = NSEC_PER_SEC, .login = &login};
	struct metrics metrics = {0};
	static struct page page;

	count(&metrics, lock, lock.stamp + 100 * NSEC_PER_USEC); /* a bound belongs to its bucket */
	count(&metrics, lock, lock.stamp + 100 * NSEC_PER_USEC + 1);
	count(&metrics, lock, lock.stamp + 2 * NSEC_PER_SEC); /* above every bound */
	count(&metrics, lock, 0);			      /* never sent: no latency */
	list_page(&metrics, &page);
	assert_line(&page, "scpolicyd_actions_total{action=lock} 4\n");
	assert_line(&page, "_bucket{action=lock,le=0.0001} 1\n");
	assert_line(&page, "_bucket{action=lock,le=0.00025} 2\n");
	assert_line(&page, "_bucket{action=lock,le=1.0} 2\n");
	assert_line(&page, "_bucket{action=lock,le=+Inf} 3\n");
	assert_line(&page, "_count{action=lock} 3\n");
	assert_line(&page, "_sum{action=lock} 2.0002\n");
	assert_line(&page, "_count{action=logout} 0\n");
	assert_line(&page, "scpolicyd_reader_latency_seconds_bucket{model=08e6:4433,le=0.00025} 2\n");
	assert_line(&page, "scpolicyd_reader_latency_seconds_count{model=08e6:4433} 3\n");
}

/* A model each; where none is known, what is. Beyond the bound they share the last. */
static void test_latency_by_model(void **state _unused_)
{
	struct login_record login = {.source = LOGIN_LOCAL};
	const struct verdict lock = {
		.type = VERDICT_ACTION, .action = ACTION_LOCK, .stamp = NSEC_PER_SEC, .login = &login};
	struct metrics metrics = {0};
	static struct page page;

	count(&metrics, lock, lock.stamp + 1);
	login.source = LOGIN_SSH;
	count(&metrics, lock, lock.stamp + 1);
	for (unsigned i = 0; i < METRICS_MODELS; i++) {
		snprintf(login.usb_id, sizeof(login.usb_id), "%04x:4433", i);
		count(&metrics, lock, lock.stamp + 1);
		count(&metrics, lock, lock.stamp + 1);
	}
	list_page(&metrics, &page);
	assert_line(&page, "_count{model=unknown} 1\n");
	assert_line(&page, "_count{model=remote} 1\n");
	assert_line(&page, "_count{model=0004:4433} 2\n");
	assert_line(&page, "_count{model=other} 6\n");
	assert_null(strstr(page.text, "0005:4433"));
}

static int refuse(void *userdata, const struct metric_sample *sample _unused_)
{
	++*(unsigned *)userdata;
	return -ENOBUFS;
}

static void test_visitor_ends_it(void **state _unused_)
{
	const struct metrics metrics = {0};
	const struct metrics_now now = {0};
	unsigned calls = 0;

	assert_int_equal(metrics_list(&metrics, &now, refuse, &calls), -ENOBUFS);
	assert_int_equal(calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_yet),	cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_latency),		cmocka_unit_test(test_latency_by_model),
		cmocka_unit_test(test_visitor_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
