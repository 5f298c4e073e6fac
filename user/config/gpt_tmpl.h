/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What a Windows security template, GptTmpl.inf, says about the removal of a smart card. A group policy has one in its
 * directory, where "Interactive logon: Smart card removal behavior" is a line of [Registry Values]:
 *
 *   MACHINE\Software\Microsoft\Windows NT\CurrentVersion\Winlogon\ScRemoveOption=1,"1"
 *
 * The first 1 is the value's type, REG_SZ. [MS-GPSB] 2.2.5: the name may stand in quotes, and so may the value; other types
 * are REG_EXPAND_SZ (2), REG_DWORD (4) and REG_MULTI_SZ (7). Sections and names are compared without regard to case, blanks
 * round "=" and "," mean nothing, ';' begins a comment at a line's start or behind a blank. Of several lines the last is in
 * force, as on Windows, which sets one after the other ([MS-GPSB] 3.2.5.7).
 */
#include <stddef.h>

/* No template that anybody writes is nearly as long. */
#define GPT_TMPL_MAX (1024 * 1024)

/* The value's digit is the number here. */
enum sc_remove_option {
	SC_REMOVE_NONE,
	SC_REMOVE_LOCK,
	SC_REMOVE_LOGOFF,
	SC_REMOVE_DISCONNECT, /* of a remote session; a local one is locked */
	SC_REMOVE_COUNT,
	SC_REMOVE_NOT_SET = SC_REMOVE_COUNT,
};

struct gpt_tmpl {
	enum sc_remove_option option;
	unsigned line; /* where it is set; of an error: where it is */
	char error[96];
};

/*
 * Reads the `size` bytes of a file: UTF-16 of either byte order, with its mark or without, or UTF-8. Whatever stands in
 * other lines, it costs nothing. 0, with the option, SC_REMOVE_NOT_SET if there is none; or -EBADMSG, with line and error,
 * one sentence of printable ASCII.
 */
int gpt_tmpl_parse(const char *bytes, size_t size, struct gpt_tmpl *ret);
