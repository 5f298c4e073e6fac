/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of readers in the Info.plist of pcscd's drivers: libccid's own, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "lib/cleanup.h"
#include "lib/macro.h"
#include "reader-id/driver_list.h"

#define LIBCCID "/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist"
#define TWO                                                                                                  \
	"<key>ifdVendorID</key>\n<array>\n<string>0x08E6</string><!-- <string>0x1111</string> -->\n"         \
	"<string>0x076b</string></array><key>ifdProductID</key><array>"                                      \
	"<string>0x3437</string><string>0x5422</string></array>"

static const struct {
	const char *name, *text;
	uint16_t vendor, product;
	bool named;
} rows[] = {
	{"the first", TWO, 0x08e6, 0x3437, true},
	{"the second, in small letters; what a comment has is not counted", TWO, 0x076b, 0x5422, true},
	{"one's vendor, another's product", TWO, 0x08e6, 0x5422, false},
	{"in a comment", TWO, 0x1111, 0x5422, false},
	{"a key in a comment", "<!-- <key>ifdVendorID</key> -->" TWO, 0x08e6, 0x3437, true},
	{"the products first",
	 "<key>ifdProductID</key><array><string>2</string></array>"
	 "<key>ifdVendorID</key><array><string>1</string></array>",
	 1, 2, true},
	{"of unequal length: the shorter counts",
	 "<key>ifdVendorID</key><array><string>1</string><string>3</string></array>"
	 "<key>ifdProductID</key><array><string>2</string></array><string>4</string>",
	 3, 4, false},
	{"no number: the lists stay in step",
	 "<key>ifdVendorID</key><array><string>x</string><string>3</string></array>"
	 "<key>ifdProductID</key><array><string>2</string><string>4</string></array>",
	 3, 4, true},
	{"a key alone", "<key>ifdVendorID</key>", 0, 0, false},
	{"no array", "<key>ifdVendorID</key><string>1</string><key>ifdProductID</key><string>2</string>", 1,
	 2, false},
	{"cut off in a comment", "<key>ifdVendorID</key><array><!-- ", 1, 2, false},
	{"cut off in a list",
	 "<key>ifdProductID</key><array><string>2</string></array><key>ifdVendorID</key><array><string>1", 1,
	 2, true},
	{"nothing", "", 0, 0, false},
	{"binary", "\1\2<\3<<", 0, 0, false},
};

static void test_rows(void **state _unused_)
{
	for (size_t i = 0; i < ELEMENTS(rows); i++)
		if (driver_list_names(rows[i].text, rows[i].vendor, rows[i].product) != rows[i].named)
			fail_msg("%s: %s", rows[i].name, rows[i].named ? "not named" : "named");
}

static void test_libccid(void **state _unused_)
{
	_cleanup_fclose_ FILE *file = fopen(LIBCCID, "re");
	_cleanup_free_ char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 10000);
	/* Its interface is of class ff (readers/Gemplus_GemPC_Twin.txt of CCID). */
	assert_true(driver_list_names(text, 0x08e6, 0x3437));
	assert_true(driver_list_names(text, 0x1050, 0x0407));  /* YubiKey 4/5 */
	assert_false(driver_list_names(text, 0x1d6b, 0x0002)); /* a root hub */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_libccid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
