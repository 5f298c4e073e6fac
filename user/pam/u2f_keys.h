/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* A user's credentials, from the file that pam_u2f has them in: "user:HANDLE,KEY,TYPE,OPTIONS:HANDLE,…" (pam_u2f(8), authfile). */
#include <stddef.h>

#include "pam/find_text.h"

/* 100 kB of a file are a thousand people with two keys each. */
#define U2F_KEYS_MAX (1024 * 1024)
/* CTAP's maxCredentialIdLength is smaller on every key that is known. */
#define U2F_HANDLE_MAX	1024
#define U2F_HANDLES_MAX 24

struct u2f_handle {
	unsigned char bytes[U2F_HANDLE_MAX];
	size_t size;
};

struct u2f_handles {
	struct u2f_handle handles[U2F_HANDLES_MAX];
	size_t count;
};

/* What stands for `user` in the text; handles that are no base64 are left out. */
void u2f_keys_parse(const char *text, const char *user, struct u2f_handles *ret);

/* Reads the file. 0, or a negative errno with ret_text. */
int u2f_keys_read(const char *path, const char *user, struct u2f_handles *ret, struct find_text *ret_text);
