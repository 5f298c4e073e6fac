/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Ids of sessions and of boots, as logind and the kernel write them. */
#include <stdbool.h>

/* logind's ids are numbers with at most one letter before them; session_id_valid() takes up to 63 bytes. */
#define SESSION_ID_SIZE 64
#define BOOT_ID_SIZE	33 /* 128 bits in hexadecimal, as sd_id128_to_string() writes them */

/* Letters, digits, at least one, at most SESSION_ID_SIZE - 1: also safe as a file name. */
bool session_id_valid(const char *id);

/* Reads the running kernel's boot id. 0, or a negative errno. */
int boot_id_read(char ret_boot_id[static BOOT_ID_SIZE]);
