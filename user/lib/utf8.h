/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
#include <stddef.h>

/* Bytes of the UTF-8 sequence that `text` begins with (RFC 3629); 0: there is none. A NUL is one of 1 byte. */
size_t utf8_length(const char *text);
