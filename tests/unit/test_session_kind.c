/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kind of session it is, by logind's properties as they are seen in Debian 12. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/macro.h"
#include "sources/session_kind.h"

static void test_kinds(void **state _unused_)
{
	static const struct {
		struct session_properties properties;
		unsigned kind;
	} cases[] = {
		/* GDM, GNOME on Wayland; its TTY is the one that it was started on. */
		{{.type = "wayland",
		  .class = "user",
		  .service = "gdm-smartcard",
		  .seat = "seat0",
		  .tty = "tty2",
		  .vtnr = 2,
		  .active = 1},
		 KIND_LOCAL | KIND_GRAPHICAL},
		{{.type = "x11",
		  .class = "user",
		  .service = "lightdm",
		  .seat = "seat0",
		  .display = ":0",
		  .vtnr = 7},
		 KIND_LOCAL | KIND_GRAPHICAL},
		/* login(1) in front, and behind. */
		{{.type = "tty",
		  .class = "user",
		  .service = "login",
		  .seat = "seat0",
		  .tty = "tty3",
		  .vtnr = 3,
		  .active = 1},
		 KIND_LOCAL | KIND_TTY | KIND_CONSOLE},
		{{.type = "tty",
		  .class = "user",
		  .service = "login",
		  .seat = "seat0",
		  .tty = "tty3",
		  .vtnr = 3},
		 KIND_LOCAL | KIND_TTY},
		{{.type = "tty", .class = "greeter", .service = "x", .seat = "seat0", .vtnr = 1, .active = 1},
		 KIND_LOCAL | KIND_TTY},
		/* A serial line has no virtual terminal. */
		{{.type = "tty", .class = "user", .service = "login", .tty = "ttyS0", .active = 1},
		 KIND_LOCAL | KIND_TTY},
		{{.type = "tty",
		  .class = "user",
		  .service = "sshd",
		  .tty = "pts/0",
		  .remote = 1,
		  .active = 1},
		 KIND_REMOTE | KIND_TTY | KIND_SSH},
		/* ssh localhost. */
		{{.type = "tty", .class = "user", .service = "sshd", .tty = "pts/0", .active = 1},
		 KIND_LOCAL | KIND_TTY},
		/* xrdp 0.9: no PAM_RHOST. 0.10: with it. Without a display nothing can disconnect it. */
		{{.type = "x11", .class = "user", .service = "xrdp-sesman", .display = ":10", .active = 1},
		 KIND_REMOTE | KIND_GRAPHICAL | KIND_XRDP},
		{{.type = "x11", .class = "user", .service = "xrdp-sesman", .display = ":10.0", .remote = 1},
		 KIND_REMOTE | KIND_GRAPHICAL | KIND_XRDP},
		{{.type = "x11", .class = "user", .service = "xrdp-sesman", .display = "far:10"},
		 KIND_REMOTE | KIND_GRAPHICAL},
		/* ThinLinc, X2Go …: remote, and nothing that is known here could disconnect them. */
		{{.type = "x11", .class = "user", .service = "thinlinc", .display = ":10", .remote = 1},
		 KIND_REMOTE | KIND_GRAPHICAL},
		{{.type = "unspecified", .class = "background", .service = "cron"}, KIND_LOCAL},
		/* systemd 257 says so itself. */
		{{.type = "wayland", .class = "user-light", .service = "x"}, KIND_LOCAL | KIND_GRAPHICAL},
		{{.type = "wayland", .class = "user", .service = "x", .refuses_lock = 1},
		 KIND_LOCAL | KIND_GRAPHICAL | KIND_NO_LOCK},
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++)
		assert_int_equal(session_kind(&cases[i].properties), cases[i].kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
