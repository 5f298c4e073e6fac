/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of several cards signed in: asked of a PKCS#11 module that says, and does, what the case wants.
 * Whatever that is, no card is named that another might be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "pam/certificate.h"
#include "pam/find_token.h"
#include "pam/token.h"

#define A "Reader A 00 00"
#define B "Reader B 01 00"
/* Two of one model: 64 bytes are the same. */
#define LONG   "Reader with a name that is longer than a slot description has bytes "
#define TWIN_A LONG "00 00"
#define TWIN_B LONG "01 00"
#define DOTS   "Reader with a name that is longer than a slot description has..."

static char folder[] = "/tmp/test_token.XXXXXX";
static char module[64];

/* Where it was built others may be allowed to write. */
static int copy_module(_unused_ void **state)
{
	char self[PATH_MAX] = "", command[PATH_MAX + 128];

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || !mkdtemp(folder))
		return -1;
	snprintf(module, sizeof(module), "%s/module.so", folder);
	snprintf(command, sizeof(command), "install -m 0644 %.4000s/pkcs11-module.so %s", dirname(self),
		 module);
	return system(command);
}

static int remove_module(_unused_ void **state)
{
	unlink(module);
	return rmdir(folder);
}

/* ---- asking and choosing ----------------------------------------------------------------------------------
 */

static const struct {
	const char *name;
	const char *readers[3];
	const char *tokens;
	const char *label, *serial, *issuer, *user;
	int chosen; /* the reader's index, or -1 */
	const char *text;
} cases[] = {
	{"the label", {A, B}, A "|Jane|0A|jane;" B "|John|0B|john", "Jane", "", "", "", 0, ""},
	{"the other label", {A, B}, A "|Jane|0A|jane;" B "|John|0B|john", "John", "", "", "", 1, ""},
	{"slots in another order", {A, B}, B "|Jane|0A|jane;" A "|John|0B|john", "Jane", "", "", "", 1, ""},
	{"a reader's second slot",
	 {A, B},
	 A "|Sign|0A|jane;" A "|Jane|0C|jane;" B "|John|0B|john",
	 "Jane",
	 "",
	 "",
	 "",
	 0,
	 ""},
	{"a label that is the start of another",
	 {A, B},
	 A "|Jane Doe|0A|jane;" B "|Jane|0B|john",
	 "Jane",
	 "",
	 "",
	 "",
	 1,
	 ""},
	{"a label of 32 bytes",
	 {A, B},
	 A "|0123456789012345678901234567890A|0A|jane;" B "|0123456789012345678901234567890B|0B|john",
	 "0123456789012345678901234567890B",
	 "",
	 "",
	 "",
	 1,
	 ""},
	{"one label, two certificates",
	 {A, B},
	 A "|PIV|0A|jane;" B "|PIV|0B|john",
	 "PIV",
	 "0B",
	 "/CN=test CA",
	 "",
	 1,
	 ""},
	{"the certificate wins over the label, which another module may have made",
	 {A, B},
	 A "|Jane|0A|jane;" B "|John|0B|john",
	 "Jane",
	 "0B",
	 "/CN=test CA",
	 "",
	 1,
	 ""},
	{"the serial number of another issuer",
	 {A, B},
	 A "|PIV|0A|jane;" B "|PIV|0B|john",
	 "PIV",
	 "0B",
	 "/CN=other CA",
	 "",
	 -1,
	 "finds the certificate that signed in on none of them"},
	{"an issuer in another form says nothing",
	 {A, B},
	 A "|PIV|0A|jane;" B "|PIV|0B|john",
	 "PIV",
	 "0B",
	 "CN=other CA",
	 "",
	 1,
	 ""},
	{"copies of a certificate, told apart by the label",
	 {A, B},
	 A "|First|0A|jane;" B "|Second|0A|jane",
	 "Second",
	 "0A",
	 "/CN=test CA",
	 "jane",
	 1,
	 ""},
	{"copies of a card",
	 {A, B},
	 A "|PIV|0A|jane;" B "|PIV|0A|jane",
	 "PIV",
	 "0A",
	 "/CN=test CA",
	 "jane",
	 -1,
	 "finds the certificate that signed in on more than one of them"},
	{"one label, two names", {A, B}, A "|PIV|0A|jane;" B "|PIV|0B|john", "PIV", "", "", "john", 1, ""},
	{"one label, no name",
	 {A, B},
	 A "|PIV|0A|jane;" B "|PIV|0B|john",
	 "PIV",
	 "",
	 "",
	 "root",
	 -1,
	 "finds the token label of the sign-in on more than one of them"},
	{"a name alone", {A, B}, A "|PIV|0A|jane;" B "|PIV|0B|john", "", "", "", "jane", 0, ""},
	{"a token of that name", {A, B}, A "|PIV|0A|x;" B "|jane|0B|y", "", "", "", "jane", 1, ""},
	{"a name on neither",
	 {A, B},
	 A "|PIV|0A|jane;" B "|PIV|0B|john",
	 "",
	 "",
	 "",
	 "jan",
	 -1,
	 "finds the user's name on none of them"},
	{"nothing is known",
	 {A, B},
	 A "|PIV|0A|jane;" B "|PIV|0B|john",
	 "",
	 "",
	 "",
	 "",
	 -1,
	 "on none of them"},
	{"no slots", {A, B}, "", "Jane", "", "", "jane", -1, "finds the token label of the sign-in on none"},
	{"slots of no reader",
	 {A, B},
	 "Soft|Jane|0A|jane;Trust|Jane|0A|jane",
	 "Jane",
	 "",
	 "",
	 "jane",
	 -1,
	 "on none"},
	{"an empty slot", {A, B}, A "|empty|0A|jane;" B "|John|0B|jane", "empty", "", "", "", -1, "on none"},
	{"twins that cannot be told apart",
	 {TWIN_A, TWIN_B},
	 TWIN_A "|Jane|0A|jane;" TWIN_B "|John|0B|john",
	 "Jane",
	 "0A",
	 "/CN=test CA",
	 "jane",
	 -1,
	 "on more than one of them"},
	{"a description that ends in dots",
	 {TWIN_A, A},
	 DOTS "|Jane|0A|jane;" A "|John|0B|john",
	 "Jane",
	 "",
	 "",
	 "",
	 0,
	 ""},
	{"twins whose descriptions end in dots",
	 {TWIN_A, TWIN_B},
	 DOTS "|Jane|0A|jane;" DOTS "|John|0B|john",
	 "Jane",
	 "",
	 "",
	 "",
	 -1,
	 "on more than one of them"},
	{"a third, beside twins",
	 {TWIN_A, TWIN_B, A},
	 TWIN_A "|Jane|0A|jane;" TWIN_B "|John|0B|john;" A "|Joe|0C|joe",
	 "Joe",
	 "",
	 "",
	 "",
	 2,
	 ""},

	{"a card that the module does not know is not the one",
	 {A, B},
	 A "|is not known|0A|jane;" B "|John|0B|john",
	 "John",
	 "",
	 "",
	 "",
	 1,
	 ""},
	{"a broken card may be the one",
	 {A, B},
	 A "|is broken|0A|jane;" B "|John|0B|john",
	 "John",
	 "",
	 "",
	 "",
	 -1,
	 "cannot read the card in " A ": error 0x30"},
	{"but not if another has the certificate",
	 {A, B},
	 A "|is broken|0A|jane;" B "|John|0B|john",
	 "John",
	 "0B",
	 "/CN=test CA",
	 "",
	 1,
	 ""},
	{"whose issuer was compared",
	 {A, B},
	 A "|is broken|0A|jane;" B "|John|0B|john",
	 "John",
	 "0B",
	 "CN=test CA",
	 "",
	 -1,
	 "cannot read the card in " A},
	{"a crash",
	 {A, B},
	 A "|crashes|0A|jane;" B "|John|0B|john",
	 "John",
	 "",
	 "",
	 "",
	 -1,
	 "card in " A ": the PKCS#11 module crashed"},
	{"a crash costs that card alone",
	 {A, B},
	 A "|crashes|0A|jane;" B "|John|0B|john",
	 "John",
	 "0B",
	 "/CN=test CA",
	 "",
	 1,
	 ""},
	{"an end", {A, B}, A "|ends|0A|jane;" B "|John|0B|john", "John", "", "", "", -1, "module crashed"},
	{"a hang",
	 {A, B},
	 A "|John|0A|john;" B "|hangs|0B|jane",
	 "John",
	 "",
	 "",
	 "",
	 -1,
	 "card in " B ": no answer in time"},
	{"a lie",
	 {A, B},
	 A "|lies|0A|jane;" B "|John|0B|john",
	 "John",
	 "",
	 "",
	 "",
	 -1,
	 "cannot read the card in " A},
	{"a module that does not end",
	 {A, B},
	 A "|stays|0A|jane;" B "|John|0B|john",
	 "John",
	 "",
	 "",
	 "",
	 1,
	 ""},
	{"a module that does not start",
	 {A, B},
	 A "|fails to start|0A|jane;" B "|John|0B|john",
	 "John",
	 "",
	 "",
	 "",
	 -1,
	 "C_Initialize: error 0x5"},
	{"more slots than there is room for",
	 {A, B},
	 A "|too many slots|0A|jane;" B "|John|0B|john",
	 "John",
	 "",
	 "",
	 "",
	 -1,
	 "error 0x150"},
	{"certificates without an end",
	 {A, B},
	 A "|never ends|0A|jane;" B "|John|0B|john",
	 "",
	 "0A",
	 "/CN=test CA",
	 "",
	 0,
	 ""},
	{"attributes that are too long",
	 {A, B},
	 A "|boasts|0A|jane;" B "|John|0B|john",
	 "",
	 "0A",
	 "/CN=test CA",
	 "",
	 -1,
	 "on none"},
	{"no attributes", {A, B}, A "|has none|0A|jane;" B "|John|0B|jane", "", "", "", "jane", 1, ""},
	{"a library that writes files and signals processes",
	 {A, B},
	 A "|tries to change|0A|jane;" B "|John|0B|john",
	 "John",
	 "",
	 "",
	 "",
	 1,
	 ""},
};

static size_t name_cards(const char *const readers[static 3], struct reader_state cards[static 3])
{
	size_t count = 0;

	for (; count < 3 && readers[count]; count++)
		snprintf(cards[count].name, sizeof(cards[count].name), "%s", readers[count]);
	return count;
}

static int ask_and_choose(size_t i, struct find_text *text)
{
	struct reader_state cards[3] = {0};
	struct token_answer answers[3];
	struct pam_request request = {0};
	size_t count = name_cards(cases[i].readers, cards);
	bool is_endless = strstr(cases[i].tokens, "hangs") || strstr(cases[i].tokens, "stays");
	int r;

	snprintf(request.module, sizeof(request.module), "%s", module);
	snprintf(request.record.token, sizeof(request.record.token), "%s", cases[i].label);
	snprintf(request.record.user, sizeof(request.record.user), "%s", cases[i].user);
	snprintf(request.serial, sizeof(request.serial), "%s", cases[i].serial);
	snprintf(request.issuer, sizeof(request.issuer), "%s", cases[i].issuer);
	setenv("PKCS11_TEST", cases[i].tokens, 1);
	r = tokens_ask(&request, cards, count, is_endless ? 1500 : 20000, answers, text);
	return r < 0 ? r : token_choose(&request, cards, answers, count, text);
}

static void test_cases(_unused_ void **state)
{
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct find_text text = {""};
		int r = ask_and_choose(i, &text);

		if ((r < 0 ? -1 : r) != cases[i].chosen || !strstr(text.text, cases[i].text))
			fail_msg("%s: %d, \"%s\"", cases[i].name, r, text.text);
	}
}

static void test_what_a_library_may_not(_unused_ void **state)
{
	struct reader_state cards[] = {{.name = A}};
	struct pam_request request = {.record.token = "is refused"};
	struct token_answer answer;
	struct find_text text;

	snprintf(request.module, sizeof(request.module), "%s", module);
	setenv("PKCS11_TEST", A "|tries to change|0A|jane", 1);
	assert_int_equal(tokens_ask(&request, cards, 1, 5000, &answer, &text), 0);
	if (!answer.read || !answer.label)
		fail_msg("it was not refused: %s", answer.why);
}

/* ---- the module's file ------------------------------------------------------------------------------------
 */

static void test_modules_refused(_unused_ void **state)
{
	char inner[64], file[80], link_name[80];

	snprintf(inner, sizeof(inner), "%s/folder", folder);
	assert_int_equal(mkdir(inner, 0700), 0);
	snprintf(file, sizeof(file), "%s/module.so", inner);
	snprintf(link_name, sizeof(link_name), "%s/link.so", inner);
	assert_int_equal(token_module_check(file), -ENOENT);
	assert_int_equal(token_module_check(inner), -EINVAL);
	assert_int_equal(close(creat(file, 0644)), 0);
	assert_int_equal(symlink(file, link_name), 0);
	assert_int_equal(token_module_check(file), 0);
	assert_int_equal(token_module_check(link_name), 0);
	assert_int_equal(chmod(file, 0664), 0);
	assert_int_equal(token_module_check(file), -EPERM);
	assert_int_equal(token_module_check(link_name), -EPERM);
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(chmod(inner, 0770), 0);
	assert_int_equal(token_module_check(file), -EPERM);
	assert_int_equal(chmod(inner, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(file, 65534, 0), 0);
		assert_int_equal(token_module_check(file), -EPERM);
	}
	unlink(link_name);
	unlink(file);
	rmdir(inner);
}

/* What the log says of a module that is none, or may not be one. */
static void test_modules_in_words(_unused_ void **state)
{
	static const struct {
		const char *path, *text;
	} modules[] = {
		{"/nonexistent/module.so", "pkcs11_module=/nonexistent/module.so: No such file"},
		{"/etc/passwd", "cannot read the card in " A ": /etc/passwd: "},
		{"/proc/self/exe", "cannot read the card in " A ": "},
	};
	struct reader_state cards[] = {{.name = A}, {.name = B}};

	for (size_t i = 0; i < ELEMENTS(modules); i++) {
		struct pam_request request = {.record.token = "Jane"};
		struct token_answer answers[2];
		struct find_text text;

		snprintf(request.module, sizeof(request.module), "%s", modules[i].path);
		if (tokens_ask(&request, cards, 2, 5000, answers, &text) == 0)
			assert_int_equal(token_choose(&request, cards, answers, 2, &text), -ENOENT);
		if (!strstr(text.text, modules[i].text))
			fail_msg("%s: \"%s\"", modules[i].path, text.text);
	}
}

/* ---- bytes and text ---------------------------------------------------------------------------------------
 */

static void test_serials(_unused_ void **state)
{
	static const struct {
		const char *der;
		size_t size;
		const char *text;
		bool equal;
	} serials[] = {
		{"\x02\x01\x0b", 3, "0B", true},
		{"\x02\x01\x0b", 3, "0b", false},
		{"\x02\x01\x0b", 3, "0B:00", false},
		{"\x02\x01\x0b", 3, "", false},
		{"\x02\x02\x00\xff", 4, "00:FF", true},
		{"\x02\x02\x00\xff", 4, "FF", false},
		{"\x02\x03\x12\x34\x56", 5, "12:34:56", true},
		{"\x02\x03\x12\x34\x56", 5, "12:34:57", false},
		{"\x02\x03\x12\x34\x56", 5, "12:34-56", false},
		{"\x02\x02\x0b", 3, "0B", false}, /* its length lies */
		{"\x04\x01\x0b", 3, "0B", false}, /* no INTEGER */
		{"\x0b", 1, "0B", false},	  /* the bare number */
		{"", 0, "", false},
	};

	for (size_t i = 0; i < ELEMENTS(serials); i++)
		if (serial_equal((const uint8_t *)serials[i].der, serials[i].size, serials[i].text) !=
		    serials[i].equal)
			fail_msg("serial number %zu", i);
}

/* CN=Jos\u00e9, and 247 letters in CN: pam_pkcs11 cuts what is longer. */
static void test_names(_unused_ void **state)
{
	static const uint8_t jose[] = "\x30\x10\x31\x0e\x30\x0c\x06\x03\x55\x04\x03\x0c\x05Jos\xc3\xa9";
	static const size_t size = sizeof(jose) - 1;
	uint8_t large[300] = "\x30\x82\x01\x06\x31\x82\x01\x02\x30\x81\xff\x06\x03\x55\x04\x03\x0c\x81\xf7";
	char text[256] = "/CN=";

	assert_true(issuer_equal(jose, size, "/CN=Jos\\xC3\\xA9"));
	assert_false(issuer_equal(jose, size, "/CN=Jos"));
	assert_false(issuer_equal(jose, size, "/CN=Jos\\xC3\\xA9 "));
	assert_false(issuer_equal(jose, size - 1, "/CN=Jos\\xC3\\xA9"));
	assert_true(subject_has_name(jose, size, "Jos\xc3\xa9"));
	assert_false(subject_has_name(jose, size, "Jos"));
	assert_false(subject_has_name(jose, 0, ""));

	memset(large + 19, 'x', 247);
	memset(text + 4, 'x', 225);
	assert_true(issuer_equal(large, 266, text));
	text[228] = 'y';
	assert_false(issuer_equal(large, 266, text));
}

/* ---- OpenSC -----------------------------------------------------------------------------------------------
 */

static void test_opensc_ignores_twins(_unused_ void **state)
{
	struct reader_state cards[] = {
		{.name = TWIN_A}, {.name = A}, {.name = TWIN_B}, {.name = LONG "\"2 00"}};
	static const char expected[] = "app opensc-pkcs11 {\n ignored_readers = \"" TWIN_B "\";\n}\n";
	char text[sizeof(expected)] = "";
	FILE *file;

	unsetenv("OPENSC_CONF");
	opensc_hide_twins(cards, ELEMENTS(cards), 1);
	assert_null(getenv("OPENSC_CONF"));
	opensc_hide_twins(cards, ELEMENTS(cards), 0);
	assert_non_null(getenv("OPENSC_CONF"));
	file = fopen(getenv("OPENSC_CONF"), "re");
	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, file), sizeof(text) - 1);
	fclose(file);
	assert_string_equal(text, expected);
	unsetenv("OPENSC_CONF");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_what_a_library_may_not),
		cmocka_unit_test(test_modules_refused),
		cmocka_unit_test(test_modules_in_words),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_opensc_ignores_twins),
	};

	return cmocka_run_group_tests(tests, copy_module, remove_module);
}
