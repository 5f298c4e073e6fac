/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdicts as XCCDF 1.2 (NISTIR 7275 revision 4): a benchmark with its rules, and one TestResult. */
#include <string.h>
#include <time.h>

#include "ctl/compliance.h"

#define NAME "xccdf_org.scpolicyd_"

/* XML 1.0 has no control characters but tab and the ends of lines, however they are written. */
static void write_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", file);
			break;
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		default:
			fputc((unsigned char)*text < ' ' ? ' ' : *text, file);
			break;
		}
	}
}

static void write_element(FILE *file, const char *start, const char *text, const char *end)
{
	fputs(start, file);
	write_text(file, text);
	fputs(end, file);
}

/* "RHEL-08-020050" is DISA's, "CCI-000056" the catalogue's, "AC-11" NIST SP 800-53's. */
static const char *system_of(const char *item)
{
	if (strncmp(item, "CCI-", 4) == 0)
		return "http://cyber.mil/cci";
	return strncmp(item, "AC-", 3) == 0 ? "http://nvd.nist.gov/800-53"
					    : "https://public.cyber.mil/stigs/";
}

static void write_rule(FILE *file, struct json_object *row)
{
	struct json_object *answers = tree_get(row, "answers");

	fprintf(file, "  <Rule id=\"" NAME "rule_%s\" selected=\"true\" severity=\"medium\">\n",
		tree_string(row, "id"));
	write_element(file, "    <title>", tree_string(row, "title"), "</title>\n");
	for (size_t i = 0; i < tree_count(answers); i++) {
		const char *item = json_object_get_string(json_object_array_get_idx(answers, i));

		if (strncmp(item, "CCI-", 4) != 0)
			fprintf(file, "    <reference href=\"%s\">%s</reference>\n", system_of(item), item);
	}
	for (size_t i = 0; i < tree_count(answers); i++) {
		const char *item = json_object_get_string(json_object_array_get_idx(answers, i));

		if (strncmp(item, "CCI-", 4) == 0)
			fprintf(file, "    <ident system=\"%s\">%s</ident>\n", system_of(item), item);
	}
	fputs("  </Rule>\n", file);
}

static void write_result(FILE *file, struct json_object *row, const char *time)
{
	struct json_object *answers = tree_get(row, "answers");

	fprintf(file,
		"    <rule-result idref=\"" NAME
		"rule_%s\" time=\"%s\" severity=\"medium\" weight=\"1.0\">\n",
		tree_string(row, "id"), time);
	fprintf(file, "      <result>%s</result>\n", tree_string(row, "result"));
	for (size_t i = 0; i < tree_count(answers); i++) {
		const char *item = json_object_get_string(json_object_array_get_idx(answers, i));

		if (strncmp(item, "CCI-", 4) == 0)
			fprintf(file, "      <ident system=\"%s\">%s</ident>\n", system_of(item), item);
	}
	write_element(file, "      <message severity=\"info\">", tree_string(row, "evidence"),
		      "</message>\n");
	fputs("    </rule-result>\n", file);
}

/* Of those rules that passed or failed, as XCCDF's default scoring has it. */
static double score_of(struct json_object *rows)
{
	unsigned passed = 0, all = 0;

	for (size_t i = 0; i < tree_count(rows); i++) {
		const char *result = tree_string(json_object_array_get_idx(rows, i), "result");

		passed += strcmp(result, "pass") == 0;
		all += strcmp(result, "pass") == 0 || strcmp(result, "fail") == 0 ||
		       strcmp(result, "unknown") == 0;
	}
	return all ? 100.0 * passed / all : 0;
}

static void write_test_result(FILE *file, struct json_object *rows)
{
	char host[256] = "localhost", stamp[32];
	time_t now = time(NULL);
	struct tm broken;

	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &broken));
	if (gethostname(host, sizeof(host) - 1) < 0 || !*host)
		strcpy(host, "localhost");
	fprintf(file,
		"  <TestResult id=\"" NAME
		"testresult_%lld\" start-time=\"%s\" end-time=\"%s\" version=\"" VERSION
		"\" test-system=\"cpe:/a:scpolicyd:scpolicyd:" VERSION "\">\n",
		(long long)now, stamp, stamp);
	fputs("    <title>scpolicyctl compliance</title>\n", file);
	write_element(file, "    <target>", host, "</target>\n");
	for (size_t i = 0; i < tree_count(rows); i++)
		write_result(file, json_object_array_get_idx(rows, i), stamp);
	fprintf(file, "    <score system=\"urn:xccdf:scoring:default\" maximum=\"100\">%.2f</score>\n",
		score_of(rows));
	fputs("  </TestResult>\n", file);
}

int compliance_write_xccdf(const char *path, struct json_object *rows)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");
	time_t now = time(NULL);
	struct tm broken;
	char day[16];

	if (!file)
		return -errno;
	strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&now, &broken));
	fprintf(file,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<Benchmark xmlns=\"http://checklists.nist.gov/xccdf/1.2\" id=\"" NAME
		"benchmark_smart-card-removal\" resolved=\"1\">\n"
		"  <status date=\"%s\">draft</status>\n"
		"  <title>Smart card removal policy</title>\n"
		"  <version>" VERSION "</version>\n",
		day);
	for (size_t i = 0; i < tree_count(rows); i++)
		write_rule(file, json_object_array_get_idx(rows, i));
	write_test_result(file, rows);
	fputs("</Benchmark>\n", file);
	return fflush(file) != 0 || ferror(file) ? -(errno ? errno : EIO) : 0;
}
