/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What a Windows security template, GptTmpl.inf, says about the removal of a smart card. A group policy has one in its
 * directory, where "Interactive logon: Smart card removal behavior" is a line of [Registry Values]:
 *
 *   MACHINE\Software\Microsoft\Windows NT\CurrentVersion\Winlogon\ScRemoveOption=1,"1"
 *
 * The first 1 is the value's type, REG_SZ. Sections and keys are compared without regard to case, blanks round "=" and
 * "," mean nothing, the quotes may be missing, ';' begins a comment at a line's start ([MS-GPSB] 2.2 and 2.2.3).
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
 * Reads the `size` bytes of a file: UTF-16LE with its byte order mark, as Windows writes it, or UTF-8. 0, with the
 * option, SC_REMOVE_NOT_SET if there is none; or -EBADMSG, with line and error, one sentence of printable ASCII.
 */
int gpt_tmpl_parse(const char *bytes, size_t size, struct gpt_tmpl *ret);
