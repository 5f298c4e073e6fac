/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pcsc=: the places that it lists, and the path that each stands for in one session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/macro.h"
#include "lib/places.h"

#define TEN   "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

static const struct place_owner anna = {.home = "/home/anna", .name = "anna", .uid = 4001, .display = 12};
static const struct place_owner nowhere = {.home = "/" FIFTY FIFTY, .name = "", .uid = 0, .display = -1};

static const struct row {
	const char *place;
	const struct place_owner *owner;
	int result;
	const char *path;
} rows[] = {
	{"xrdp", &anna, 0, "/home/anna/.pcsc12/pcscd.comm"},
	{"/run/user/%i/pcscd.comm", &anna, 0, "/run/user/4001/pcscd.comm"},
	{"%h/%u-%d%%.%i", &anna, 0, "/home/anna/anna-12%.4001"},
	{"/run/d/u/i/h", &anna, 0, "/run/d/u/i/h"},
	{"/run/%%d", &nowhere, 0, "/run/%d"},
	/* Without a display. */
	{"xrdp", &nowhere, -ENXIO, "before"},
	{"/run/%d", &nowhere, -ENXIO, "before"},
	/* A socket's path has 107 bytes at most. */
	{"%h/12345", &nowhere, 0, "/" FIFTY FIFTY "/12345"},
	{"%h/123456", &nowhere, -ENAMETOOLONG, "before"},
	{"/%h%h", &nowhere, -ENAMETOOLONG, "before"},
};

static void test_paths(void **state _unused_)
{
	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		char path[PLACE_SIZE] = "before";

		if (place_path(rows[i].place, rows[i].owner, path) != rows[i].result ||
		    strcmp(path, rows[i].path) != 0)
			fail_msg("%s: %s", rows[i].place, path);
	}
}

static void test_lists(void **state _unused_)
{
	const char *list = " /a\t%h/b  xrdp ", *const places[] = {"/a", "%h/b", "xrdp"};
	char place[PLACES_SIZE];

	for (size_t i = 0; i < ELEMENTS(places); i++) {
		assert_true(places_next(&list, place));
		assert_string_equal(place, places[i]);
	}
	assert_false(places_next(&list, place));
	assert_false(places_next(&list, place));
}

static void test_whose_places(void **state _unused_)
{
	assert_true(place_is_for("xrdp", true));
	assert_false(place_is_for("xrdp", false));
	assert_true(place_is_for("/a", false));
	assert_false(place_is_for("/a", true));
	assert_false(place_is_for("none", true));
	assert_false(place_is_for("none", false));
}

/* test_config.c has the values that a file may not have: these come from another process. */
static void test_wrong_lists(void **state _unused_)
{
	assert_null(places_wrong("none"));
	assert_null(places_wrong("xrdp /a/%%/%h/%u/%i/%d"));
	assert_non_null(places_wrong(""));
	assert_non_null(places_wrong("/" FIFTY " /" FIFTY " /" FIFTY " /" FIFTY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_whose_places),
		cmocka_unit_test(test_wrong_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
